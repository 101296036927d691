#include "notifier/callbacks/upload_wire.hpp"

#include "base/json/guard.hpp"
#include "base/json/writer.hpp"

namespace photogate::notifier::callbacks {
namespace {

template <class T, class Write>
void optional(json::Writer& json, json::Name name, const std::optional<T>& value, Write write) {
    json.name(name);
    if (value) {
        write(*value);
    } else {
        json.null();
    }
}

void text_or_null(json::Writer& json, json::Name name, std::string_view value) {
    json.name(name);
    if (value.empty()) {
        json.null();
    } else {
        json.text(value);
    }
}

void number_or_null(json::Writer& json, json::Name name, std::uint64_t value) {
    json.name(name);
    if (value == 0) {
        json.null();
    } else {
        json.number(value);
    }
}

void time_or_null(json::Writer& json, json::Name name, const std::optional<Timestamp>& at) {
    optional(json, name, at, [&](Timestamp value) { json.text(format_rfc3339(value)); });
}

void text_map(json::Writer& json, json::Name name, const model::TextMap& map) {
    json.name(name);
    json.begin_object();
    for (const auto& [key, value] : map) {
        json.any_name(key);
        json.text(value);
    }
    json.end_object();
}

void spliced(json::Writer& json, json::Name name, std::string_view object) {
    json.name(name);
    if (!object.empty() &&
        json::is_plain_object(object, {.bytes = 64U << 10, .depth = 16, .nodes = 20'000})) {
        json.raw(object);
    } else {
        json.null();
    }
}

void found_facts(json::Writer& json, const model::Upload& upload) {
    static const model::OriginalFacts nothing;
    const bool known = upload.facts && upload.state != model::UploadState::deleted;
    const auto& facts = known ? *upload.facts : nothing;
    json.name("size");
    if (known) {
        json.number(facts.size);
    } else if (upload.pinned && upload.pinned->size) {
        json.number(*upload.pinned->size);
    } else {
        json.null();
    }
    text_or_null(json, "etag", upload.pinned ? upload.pinned->etag.str() : std::string{});
    text_or_null(json, "content_type", facts.content_type);
    text_or_null(json, "declared_content_type", upload.declared_type.value_or(std::string{}));
    number_or_null(json, "width", facts.width);
    number_or_null(json, "height", facts.height);
    text_or_null(json, "sha256", facts.sha256);
    spliced(json, "exif", facts.exif_json);
    text_or_null(json, "placeholder", facts.placeholder);
    text_or_null(json, "perceptual_hash", facts.perceptual_hash);
    text_or_null(json, "dominant_color", facts.dominant_color);
}

/// The members of an image, without the brackets around them.
void image_members(json::Writer& json, const std::string& url, const model::PublishedImage& image) {
    json.name("url");
    json.text(url);
    json.name("width");
    json.number(image.width);
    json.name("height");
    json.number(image.height);
    json.name("format");
    json.text(image.format);
    json.name("size");
    json.number(image.size);
}

void published(json::Writer& json, const model::Upload& upload, const std::string& image_url) {
    json.name("image");
    const bool there = upload.image && upload.state == model::UploadState::published;
    if (there) {
        json.begin_object();
        image_members(json, image_url, *upload.image);
        json.end_object();
    } else {
        json.null();
    }
    json.name("variants");
    json.begin_array();
    for (const auto& variant : upload.variants) {
        if (!there) break;
        json.begin_object();
        json.name("name");
        json.text(variant.name);
        image_members(json, image_url + variant_query(variant), variant.image);
        json.end_object();
    }
    json.end_array();
    spliced(json, "privacy",
            there && upload.facts ? std::string_view{upload.facts->privacy_json} : std::string_view{});
}

/// The members of an upload, without the brackets around them.
void members(json::Writer& json, const model::Upload& upload, const std::string& base_url,
             Audience audience) {
    const auto image_url = base_url + image_path(upload.public_id);
    json.name("id");
    json.text(upload.id.str());
    json.name("state");
    json.text(model::to_string(upload.state));
    json.name("profile");
    json.text(upload.profile.str());
    json.name("method");
    json.text(model::to_string(upload.method));
    optional(json, "filename", upload.filename, [&](const std::string& value) { json.text(value); });
    text_map(json, "metadata", upload.metadata);
    text_map(json, "client_metadata", upload.client_metadata);
    found_facts(json, upload);
    published(json, upload, image_url);
    json.name("private");
    json.raw(audience == Audience::link_holders ? "true" : "false");
    optional(json, "rejection", upload.rejection, [&](const model::RejectionFacts& rejection) {
        json.begin_object();
        json.name("code");
        json.text(rejection.code);
        json.name("detail");
        json.text(rejection.detail);
        json.end_object();
    });
    json.name("created_at");
    json.text(format_rfc3339(upload.created_at));
    json.name("expires_at");
    json.text(format_rfc3339(upload.expires_at));
    time_or_null(json, "received_at", upload.received_at);
    time_or_null(json, "finished_at", upload.finished_at);
    json.name("links");
    json.begin_object();
    json.name("self");
    json.text(base_url + "/v1/uploads/" + upload.id.str());
    json.name("image");
    json.text(image_url);
    json.end_object();
}

}  // namespace

std::string image_path(const PublicId& id) {
    return "/i/" + id.str();
}

std::string variant_query(const model::Variant& variant) {
    constexpr std::size_t kDigits = 8;
    return "?variant=" + variant.name + "&v=" + variant.image.sha256.substr(0, kDigits);
}

std::string upload_json(const model::Upload& upload, const std::string& base_url, Audience audience) {
    json::Writer json;
    json.begin_object();
    members(json, upload, base_url, audience);
    json.end_object();
    return json.take();
}

std::string callback_json(model::CallbackType type, const CallbackId& id, Timestamp now,
                          const model::Upload& upload, const std::string& base_url, Audience audience) {
    json::Writer json;
    json.begin_object();
    json.name("type");
    json.text(model::to_string(type));
    json.name("id");
    json.text(id.str());
    json.name("timestamp");
    json.text(format_rfc3339(now));
    json.name("data");
    json.begin_object();
    members(json, upload, base_url, audience);
    json.name("bucket");
    json.text(upload.bucket.str());
    json.name("key");
    json.text(upload.key.str());
    json.name("sequence");
    json.number(upload.sequence < 0 ? 0 : static_cast<std::uint64_t>(upload.sequence));
    json.end_object();
    json.end_object();
    return json.take();
}

}  // namespace photogate::notifier::callbacks
