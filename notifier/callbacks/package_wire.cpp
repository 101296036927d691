#include "notifier/callbacks/package_wire.hpp"

#include <algorithm>

#include "base/json/writer.hpp"

namespace photogate::notifier::callbacks {
namespace {

using model::PackageState;

std::string_view state_word(const model::Package& package, Timestamp now) {
    const bool ends = package.state == PackageState::ready || package.state == PackageState::preparing;
    if (ends && package.expires_at <= now) return "expired";
    return to_string(package.state);
}

void write_text(json::Writer& json, json::Name name, std::string_view value) {
    json.name(name);
    json.text(value);
}

void write_number(json::Writer& json, json::Name name, std::uint64_t value) {
    json.name(name);
    json.number(value);
}

/// MissingItem or FailedItem, which stands at `at`.
template <class Item>
void write_item(json::Writer& json, const Item& item, std::uint32_t at) {
    json.begin_object();
    write_number(json, "item", at);
    json.name("upload");
    item.upload ? json.text(item.upload->str()) : json.null();
    write_text(json, "name", item.name);
    write_text(json, "code", item.code);
    json.end_object();
}

void write_missing(json::Writer& json, const std::vector<model::MissingItem>& missing) {
    json.name("missing_items");
    json.begin_array();
    for (const auto& item : missing)
        write_item(json, item, item.place);
    json.end_array();
}

void write_failed(json::Writer& json, std::span<const model::FailedItem> failed) {
    json.name("failed_items");
    json.begin_array();
    for (const auto& item : failed)
        write_item(json, item, item.position);
    json.end_array();
}

void write_progress(json::Writer& json, const model::Package& package) {
    json.name("progress");
    if (package.mode != model::PackageMode::store) return json.null();
    const bool going_on = package.state == PackageState::queued || package.state == PackageState::building;
    json.begin_object();
    json.name("step");
    going_on ? json.text(to_string(package.step)) : json.null();
    write_number(json, "items", package.built_items);
    write_number(json, "bytes", package.built_bytes);
    write_number(json, "bytes_per_second", package.built_rate);
    json.name("seconds_left");
    if (going_on && package.built_rate > 0)
        json.number((package.size - std::min(package.size, package.built_bytes)) / package.built_rate);
    else
        json.null();
    json.end_object();
}

/// Without the brackets around them.
void write_members(json::Writer& json, const ShownPackage& shown, Timestamp now) {
    const auto& package = shown.package;
    write_text(json, "id", package.id.str());
    if (shown.app == ShownPackage::App::told) write_text(json, "app", package.app.str());
    write_text(json, "state", state_word(package, now));
    write_text(json, "name", package.name);
    write_text(json, "mode", to_string(package.mode));
    write_text(json, "on_missing", to_string(package.on_missing));
    write_number(json, "items", package.items);
    write_number(json, "missing", package.missing);
    if (package.state == PackageState::preparing) write_number(json, "prepared", package.prepared);
    if (shown.missing) write_missing(json, *shown.missing);
    if (shown.failed) write_failed(json, *shown.failed);
    write_number(json, "size", package.size);
    if (package.mode == model::PackageMode::store) write_number(json, "built_bytes", package.built_bytes);
    write_progress(json, package);
    json.name("etag");
    package.etag.empty() ? json.null() : json.text("\"" + package.etag + "\"");
    json.name("url");
    shown.url ? json.text(*shown.url) : json.null();
    json.name("store_url");
    shown.store ? json.text(shown.store->url) : json.null();
    json.name("store_url_expires_at");
    shown.store ? json.text(format_rfc3339(shown.store->expires_at)) : json.null();
    json.name("failure");
    package.failure.empty() ? json.null() : json.text(package.failure);
    json.name("metadata");
    json.begin_object();
    for (const auto& [name, value] : package.metadata) {
        json.any_name(name);
        json.text(value);
    }
    json.end_object();
    write_text(json, "created_at", format_rfc3339(package.created_at));
    write_text(json, "expires_at", format_rfc3339(package.expires_at));
    json.name("links");
    json.begin_object();
    write_text(json, "self", "/v1/packages/" + package.id.str());
    json.end_object();
}

}  // namespace

std::string package_json(const ShownPackage& shown, Timestamp now) {
    json::Writer json;
    json.begin_object();
    write_members(json, shown, now);
    json.end_object();
    return json.take();
}

std::string package_callback_json(model::CallbackType type, const CallbackId& id, Timestamp now,
                                  const ShownPackage& shown) {
    json::Writer json;
    json.begin_object();
    write_text(json, "type", to_string(type));
    write_text(json, "id", id.str());
    write_text(json, "timestamp", format_rfc3339(now));
    json.name("data");
    json.begin_object();
    write_members(json, shown, now);
    write_number(json, "sequence", 1);
    json.end_object();
    json.end_object();
    return json.take();
}

}  // namespace photogate::notifier::callbacks
