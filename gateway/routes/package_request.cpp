#include "gateway/routes/package_request.hpp"

#include <utility>

#include <fmt/format.h>

#include "base/encoding.hpp"
#include "base/json/fields.hpp"
#include "base/json/guard.hpp"
#include "delivery/parameters.hpp"
#include "model/enum_words.hpp"
#include "signer/digest.hpp"

namespace photogate::gateway::routes {
namespace {

using json::Fields;
using json::Value;
using pipeline::packages::PackageContent;
using pipeline::packages::PackageRequest;

/// The item itself and two fields of it.
constexpr std::size_t kNodesOfItem = 3;
/// What is around the items: metadata, above all.
constexpr std::size_t kNodesBeside = 1'000;
constexpr std::size_t kLongestId = 64;
constexpr std::size_t kLongestItemName = 1'024;

void read_text_map(Fields& fields, std::string_view name, model::TextMap& into) {
    const Value* metadata = fields.object(name, {.code = ErrorCode::invalid_metadata});
    if (!metadata) return;
    Fields inner(*metadata, fields.pointer_to(name));
    for (const auto& [key, unused] : *metadata->object()) {
        auto value = inner.text(key, {.shortest = 0, .longest = 8'192, .code = ErrorCode::invalid_metadata});
        if (value) into.emplace(key, std::move(*value));
    }
    fields.take(std::move(inner));
}

/// An upload's id, or an object that has it.
std::optional<storage::packages::AskedItem> read_item(const Value& value, std::size_t index, Fields& fields) {
    storage::packages::AskedItem item;
    if (const auto* id = value.text()) {
        if (id->size() > kLongestId) {
            fields.refuse("items", ErrorCode::upload_not_found,
                          fmt::format("item {} is no upload's id", index));
            return std::nullopt;
        }
        item.upload = *id;
        return item;
    }
    const auto* object = value.object();
    if (!object) {
        fields.refuse("items", ErrorCode::invalid_field,
                      fmt::format("item {} is an upload's id, or an object with one as 'upload'", index));
        return std::nullopt;
    }
    Fields inner(value, fmt::format("/items/{}", index));
    auto upload = inner.text("upload", {.presence = json::Presence::required, .longest = kLongestId});
    item.name = inner.text("name", {.longest = kLongestItemName});
    fields.take(std::move(inner));
    if (!upload) return std::nullopt;
    item.upload = std::move(*upload);
    return item;
}

std::vector<storage::packages::AskedItem> read_items(const Value& list, Fields& fields) {
    std::vector<storage::packages::AskedItem> items;
    items.reserve(list.array()->size());
    std::size_t mistakes = 0;
    for (std::size_t i = 0; i < list.array()->size() && mistakes < 32; ++i) {
        auto item = read_item((*list.array())[i], i, fields);
        if (item)
            items.push_back(std::move(*item));
        else
            ++mistakes;
    }
    return items;
}

std::optional<Timestamp> read_time(Fields& fields, std::string_view name) {
    const auto text = fields.text(name, {.longest = 64});
    if (!text) return std::nullopt;
    const auto at = parse_rfc3339(*text);
    if (!at)
        fields.refuse(name, ErrorCode::invalid_field,
                      fmt::format("'{}' is a time as 2026-11-20T12:34:56Z", name));
    return at;
}

storage::packages::PackageSelection read_selection(const Value& value, Fields& fields) {
    storage::packages::PackageSelection selection;
    Fields inner(value, "/select");
    if (auto profile = inner.text("profile", {.longest = 64}))
        selection.profile = ProfileName::trusted(std::move(*profile));
    read_text_map(inner, "metadata", selection.metadata);
    selection.created_after = read_time(inner, "created_after");
    selection.created_before = read_time(inner, "created_before");
    fields.take(std::move(inner));
    return selection;
}

/// What is in the package: `items` or `select`.
void read_contents(Fields& fields, PackageRequest& request) {
    const Value* items = fields.array("items");
    const Value* selection = fields.object("select");
    if (items && selection)
        fields.refuse("select", ErrorCode::invalid_field, "'items' and 'select' exclude each other");
    else if (items)
        request.items = read_items(*items, fields);
    else if (selection)
        request.items = read_selection(*selection, fields);
    else if (!fields.has("items") && !fields.has("select"))
        fields.refuse("items", ErrorCode::missing_field,
                      "name the uploads in 'items', or which ones are meant in 'select'");
}

/// `true`, or a name.
void read_watermark(const Value& image, Fields& fields, PackageContent& content) {
    using Watermark = PackageContent::Watermark;
    const auto* given = image.find("watermark");
    if (given == nullptr || given->text() != nullptr) {
        auto name = fields.text("watermark", {.longest = 64});
        if (!name) return;
        content.watermark = Watermark::named;
        content.mark = std::move(*name);
        return;
    }
    const auto wanted = fields.flag("watermark");
    if (!wanted) return;
    if (*wanted)
        content.watermark = Watermark::required;
    else
        fields.refuse("watermark", ErrorCode::invalid_field,
                      "'watermark' is true or a name; without it the files have the watermark of their "
                      "profile, if any");
}

/// The parameters of a URL, as an object.
std::optional<PackageContent> read_version(const Value& value, Fields& fields) {
    PackageContent content;
    content.of = PackageContent::Of::version;
    std::vector<std::pair<std::string, std::string>> texts;
    Fields inner(value, "/image");
    for (const char* name : {"width", "height", "quality"})
        if (const auto number = inner.integer(name, {.least = 1}))
            texts.emplace_back(name, std::to_string(*number));
    for (const char* name : {"fit", "gravity", "format"})
        if (auto word = inner.text(name, {.longest = 16})) texts.emplace_back(name, std::move(*word));
    read_watermark(value, inner, content);
    std::vector<delivery::NamedValue> pairs;
    for (const auto& [name, text] : texts)
        pairs.push_back({name, text});
    const auto asked = delivery::read_parameters("", pairs);
    if (!asked)
        inner.refuse("", ErrorCode::invalid_field, asked.error().detail);
    else if (asked->format_choice == delivery::AskedImage::FormatChoice::automatic)
        inner.refuse("format", ErrorCode::invalid_field, "'format' is origin, or a format by its name");
    fields.take(std::move(inner));
    if (!asked) return std::nullopt;
    content.detail = delivery::canonical_query(*asked);
    return content;
}

std::optional<PackageContent> read_stored_content(Fields& fields) {
    const auto word = fields.text("content", {.longest = 16});
    if (!word) return std::nullopt;
    PackageContent content;
    if (*word == "original")
        content.of = PackageContent::Of::original;
    else if (*word != "image")
        fields.refuse("content", ErrorCode::invalid_field, "'content' is image or original");
    return content;
}

void read_content_choice(Fields& fields, PackageRequest& request) {
    const auto stored = read_stored_content(fields);
    auto variant = fields.text("variant", {.longest = 64});
    const Value* image = fields.object("image");
    if (int{stored.has_value()} + int{variant.has_value()} + int{image != nullptr} > 1)
        fields.refuse(image ? "image" : "variant", ErrorCode::invalid_field,
                      "'content', 'variant' and 'image' exclude each other");
    if (stored) request.content = *stored;
    if (variant) request.content = {PackageContent::Of::variant, std::move(*variant)};
    if (image)
        if (auto version = read_version(*image, fields)) request.content = std::move(*version);
    if (const auto manifest = fields.text("manifest", {.longest = 16})) {
        if (*manifest == "csv")
            request.manifest = packager::ManifestFormat::csv;
        else if (*manifest == "json")
            request.manifest = packager::ManifestFormat::json;
        else
            fields.refuse("manifest", ErrorCode::invalid_field, "'manifest' is csv or json");
    }
}

template <class Enum>
void read_word(Fields& fields, std::string_view name, std::string_view words, Enum& into) {
    const auto text = fields.text(name, {.longest = 16});
    if (!text) return;
    if (const auto word = model::parse_word<Enum>(*text))
        into = *word;
    else
        fields.refuse(name, ErrorCode::invalid_field, fmt::format("'{}' is {}", name, words));
}

}  // namespace

Result<PackageRequest> read_package_request(std::string_view body, std::optional<std::string> idempotency_key,
                                            std::uint64_t most_items) {
    // The bytes are within the route's limit. Twice the items, so that one that has too many is told so.
    const json::Bounds bounds{
        .bytes = body.size(), .depth = 8, .nodes = 2 * kNodesOfItem * most_items + kNodesBeside};
    const auto document = json::read_object(body, bounds);
    if (!document) return fail(document.error());
    Fields fields(*document);
    PackageRequest request;
    request.name = fields.text("name", {.longest = 200});
    request.path = fields.text("path", {.longest = 512});
    read_word(fields, "mode", "stream or store", request.mode);
    read_word(fields, "on_missing", "fail, skip or list", request.on_missing);
    request.expires_in = fields.integer("expires_in", {.least = 1, .code = ErrorCode::invalid_expiry});
    read_text_map(fields, "metadata", request.metadata);
    read_contents(fields, request);
    read_content_choice(fields, request);
    if (auto sane = fields.finish(); !sane) {
        if (sane.error().fields.empty()) return fail(std::move(sane.error()));
        request.unreadable = std::move(sane.error().fields);
    }
    request.idempotency_key = std::move(idempotency_key);
    if (request.idempotency_key)
        request.request_sha256 = hex_lower(signer::sha256(json::canonical(*document)));
    return request;
}

}  // namespace photogate::gateway::routes
