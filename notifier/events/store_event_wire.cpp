#include <algorithm>
#include <charconv>
#include <limits>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "base/encoding.hpp"
#include "base/json/guard.hpp"
#include "notifier/events/store_event.hpp"

namespace photogate::notifier::events {
namespace {

using nlohmann::json;

constexpr std::size_t kMostMetadataBytes = 8'192;
constexpr std::string_view kMetadataPrefix = "x-amz-meta-";

std::string lower(std::string_view text) {
    std::string out{text};
    for (char& c : out) {
        if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
    }
    return out;
}

const json* member(const json& object, const char* name) {
    if (!object.is_object()) return nullptr;
    const auto found = object.find(name);
    return found == object.end() ? nullptr : &*found;
}

/// The member as text; nullptr where it is absent, another type, or can't be stored as text.
const std::string* text(const json& object, const char* name, std::size_t longest) {
    const auto* value = member(object, name);
    const auto* found = value ? value->get_ptr<const std::string*>() : nullptr;
    if (!found || found->size() > longest || found->find('\0') != std::string::npos) return nullptr;
    return found;
}

std::string_view without_prefix(std::string_view name) {
    return name.starts_with("s3:") ? name.substr(3) : name;
}

StoreOperation operation_of(std::string_view name) {
    if (name == "ObjectCreated:Put") return StoreOperation::created_put;
    if (name == "ObjectCreated:Post") return StoreOperation::created_post;
    if (name == "ObjectCreated:CompleteMultipartUpload") return StoreOperation::created_multipart;
    if (name == "ObjectCreated:Copy") return StoreOperation::created_copy;
    if (name.starts_with("ObjectRemoved:") || name.starts_with("LifecycleExpiration:"))
        return StoreOperation::removed;
    return StoreOperation::other;
}

int hex_value(char c) {
    if (c >= '0' && c <= '9') return c - '0';
    if (c >= 'A' && c <= 'F') return c - 'A' + 10;
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    return -1;
}

std::optional<std::string> form_decode(std::string_view in) {
    std::string out;
    out.reserve(in.size());
    for (std::size_t i = 0; i < in.size(); ++i) {
        if (in[i] == '+') {
            out += ' ';
        } else if (in[i] != '%') {
            out += in[i];
        } else {
            if (i + 2 >= in.size()) return std::nullopt;
            const int high = hex_value(in[i + 1]), low = hex_value(in[i + 2]);
            if (high < 0 || low < 0) return std::nullopt;
            out += static_cast<char>(high * 16 + low);
            i += 2;
        }
    }
    return out;
}

/// One record's reading: `event`, or why not.
struct Reading {
    StoreEvent event;
    std::optional<std::string> refusal;
    std::vector<std::string> notes;
};

void read_size(const json& object, Reading& out) {
    const auto* value = member(object, "size");
    if (!value || value->is_null()) return;
    std::optional<ByteSize> size;
    if (const auto* number = value->get_ptr<const json::number_unsigned_t*>()) {
        size = *number;
    } else if (const auto* digits = value->get_ptr<const std::string*>()) {
        ByteSize parsed = 0;
        const auto* end = digits->data() + digits->size();
        const auto [stop, error] = std::from_chars(digits->data(), end, parsed);
        if (error == std::errc{} && stop == end) size = parsed;
    }
    if (!size || *size > static_cast<ByteSize>(std::numeric_limits<std::int64_t>::max())) {
        out.notes.emplace_back("the size is not one that an object can have");
        return;
    }
    // versitygw says 0 for every multipart upload and copy: there, 0 is "not known".
    const bool assembled = out.event.operation == StoreOperation::created_multipart ||
                           out.event.operation == StoreOperation::created_copy;
    if (*size == 0 && assembled) return;
    out.event.size = size;
}

void read_etag(const json& object, Reading& out) {
    const auto* value = member(object, "eTag");
    if (!value || value->is_null()) return;
    const auto* said = value->get_ptr<const std::string*>();
    if (said && said->empty()) return;
    const auto etag = said ? parse_etag(*said) : Result<ETag>{fail(ErrorCode::invalid_field, {})};
    if (etag) {
        out.event.etag = etag->str();
    } else {
        out.notes.emplace_back("the eTag is not an entity tag");
    }
}

void read_version(const json& object, Reading& out) {
    const auto* value = member(object, "versionId");
    if (!value || value->is_null()) return;
    const auto* said = text(object, "versionId", 1'024);
    if (!said) {
        out.refusal = "the versionId is not a text of at most 1,024 bytes";
    } else if (!said->empty() && *said != "null") {
        out.event.version = *said;
    }
}

void add_metadata(const std::string& name, const json& value, Reading& out, std::size_t& bytes) {
    const auto small = lower(name);
    if (!small.starts_with(kMetadataPrefix) || small.size() == kMetadataPrefix.size()) return;
    const auto* said = value.get_ptr<const std::string*>();
    const bool storable =
        said && said->find('\0') == std::string::npos && small.find('\0') == std::string::npos;
    if (!storable || bytes + small.size() + said->size() > kMostMetadataBytes) {
        out.notes.emplace_back("a metadata entry was left out");
        return;
    }
    bytes += small.size() + said->size();
    out.event.client_metadata.emplace(small.substr(kMetadataPrefix.size()), *said);
}

/// MinIO: an object `userMetadata`; Ceph: an array `metadata` of {key, val}.
void read_metadata(const json& object, Reading& out) {
    std::size_t bytes = 0;
    if (const auto* user = member(object, "userMetadata"); user && user->is_object()) {
        for (const auto& [name, value] : user->items())
            add_metadata(name, value, out, bytes);
    }
    if (const auto* list = member(object, "metadata"); list && list->is_array()) {
        for (const auto& entry : *list) {
            const auto* name = text(entry, "key", kMostMetadataBytes);
            const auto* value = member(entry, "val");
            if (name && value) add_metadata(*name, *value, out, bytes);
        }
    }
}

void read_key(const json& object, KeyEncoding encoding, Reading& out) {
    const auto* value = member(object, "key");
    const auto* said = value ? value->get_ptr<const std::string*>() : nullptr;
    if (!said) {
        out.refusal = "there is no key";
        return;
    }
    std::optional<std::string> key;
    switch (encoding) {
        case KeyEncoding::form:
            key = form_decode(*said);
            break;
        case KeyEncoding::raw:
            key = *said;
            break;
    }
    if (!key) {
        out.refusal = "the key has an invalid %-escape";
    } else if (key->empty()) {
        out.refusal = "the key is empty";
    } else if (key->size() > 1'024) {
        out.refusal = "the key is longer than 1,024 bytes";
    } else if (key->find('\0') != std::string::npos) {
        out.refusal = "the key holds a NUL";
    } else if (!is_utf8(*key)) {
        out.refusal = "the key is not UTF-8";
    } else {
        out.event.key = std::move(*key);
    }
}

Reading read_record(const json& record, KeyEncoding encoding) {
    Reading out;
    const auto refuse = [&](std::string why) {
        out.refusal = std::move(why);
        return out;
    };
    if (!record.is_object()) return refuse("it is not an object");
    const auto* name = text(record, "eventName", 256);
    if (!name || name->empty()) return refuse("there is no eventName");
    out.event.name = without_prefix(*name);
    out.event.operation = operation_of(out.event.name);

    const auto* s3 = member(record, "s3");
    const auto* bucket = s3 ? member(*s3, "bucket") : nullptr;
    const auto* object = s3 ? member(*s3, "object") : nullptr;
    if (!bucket || !object || !object->is_object()) return refuse("there is no s3.bucket or s3.object");
    const auto* bucket_name = text(*bucket, "name", 255);
    if (!bucket_name || bucket_name->empty()) return refuse("there is no bucket name");
    out.event.bucket = *bucket_name;
    read_key(*object, encoding, out);
    if (out.refusal) return out;
    read_version(*object, out);
    if (out.refusal) return out;
    if (const auto* sequencer = member(*object, "sequencer"); sequencer && !sequencer->is_null()) {
        const auto* said = text(*object, "sequencer", 256);
        if (!said) return refuse("the sequencer is not a text of at most 256 bytes");
        out.event.sequencer = *said;
    }
    read_size(*object, out);
    read_etag(*object, out);
    if (const auto* time = text(record, "eventTime", 64)) out.event.occurred_at = parse_rfc3339(*time);
    if (const auto* answer = member(record, "responseElements")) {
        if (const auto* id = text(*answer, "x-amz-request-id", 256)) out.event.request_id = *id;
    }
    if (const auto* type = text(*object, "contentType", 256); type && !type->empty())
        out.event.content_type = *type;
    read_metadata(*object, out);
    return out;
}

/// MinIO says bucket, key and name a second time outside its only record; the record is what counts.
void compare_with_outside(const json& body, EventBatch& batch) {
    if (batch.events.size() != 1) return;
    const auto& event = batch.events.front();
    const auto* key = member(body, "Key");
    const auto* said = key ? key->get_ptr<const std::string*>() : nullptr;
    if (said && *said != event.bucket + "/" + event.key)
        batch.notes.emplace_back("Key and its record disagree");
    const auto* name = text(body, "EventName", 256);
    if (name && without_prefix(*name) != event.name)
        batch.notes.emplace_back("EventName and its record disagree");
}

EventBatch alien(std::string why) {
    EventBatch batch;
    batch.alien = std::move(why);
    return batch;
}

EventBatch read_body(std::string_view text_of_body, KeyEncoding encoding) {
    const auto findings = photogate::json::look_over(
        text_of_body,
        {.bytes = kMostEventBytes, .depth = 16, .nodes = 200'000, .independent_elements = "Records"});
    if (findings.refusal) return alien("the body is refused: " + *findings.refusal);
    const json parsed = json::parse(text_of_body, nullptr, false);
    if (!parsed.is_object()) return alien("the body is not a JSON object");

    // The CloudEvents envelope in its structured form carries the message as `data`.
    const auto* data = member(parsed, "specversion") ? member(parsed, "data") : nullptr;
    const json& body = data && data->is_object() ? *data : parsed;

    EventBatch batch;
    if (const auto* event = text(body, "Event", 64); event && *event == "s3:TestEvent") {
        batch.test_event = true;
        return batch;
    }
    const auto* records = member(body, "Records");
    if (!records) return alien("the body has no Records");
    if (records->is_null()) {
        batch.test_event = true;
        return batch;
    }
    if (!records->is_array()) return alien("Records is not an array");
    if (records->empty()) return alien("Records is empty");
    if (records->size() > kMostEventRecords)
        return alien(fmt::format("there are more than {} records", kMostEventRecords));

    batch.events.reserve(records->size());
    for (std::size_t i = 0; i < records->size(); ++i) {
        auto reading = findings.ambiguous_elements.contains(i) ? Reading{{}, "a member appears twice", {}}
                                                               : read_record((*records)[i], encoding);
        if (reading.refusal) {
            batch.unreadable.push_back(fmt::format("record {}: {}", i, *reading.refusal));
            continue;
        }
        for (const auto& note : reading.notes)
            batch.notes.push_back(fmt::format("record {}: {}", i, note));
        batch.events.push_back(std::move(reading.event));
    }
    if (records->size() == 1) compare_with_outside(body, batch);
    return batch;
}

}  // namespace

EventBatch parse_store_events(std::string_view body, KeyEncoding encoding) {
    try {
        return read_body(body, encoding);
    } catch (const std::exception&) {
        return alien("the body could not be read");
    }
}

}  // namespace photogate::notifier::events
