#include "notifier/events/record_wire.hpp"

#include <algorithm>
#include <limits>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "base/ascii.hpp"
#include "base/encoding.hpp"
#include "base/json/guard.hpp"

namespace photogate::notifier::events {
namespace {

using nlohmann::json;

constexpr std::size_t kMostMetadataBytes = 8'192;
constexpr std::string_view kMetadataPrefix = "x-amz-meta-";

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
            const int high = ascii::hex_value(in[i + 1]), low = ascii::hex_value(in[i + 2]);
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

void read_size(const json& object, ZeroSize zero, Reading& out) {
    const auto* value = member(object, "size");
    if (!value || value->is_null()) return;
    std::optional<ByteSize> size;
    if (const auto* number = value->get_ptr<const json::number_unsigned_t*>()) {
        size = *number;
    } else if (const auto* digits = value->get_ptr<const std::string*>()) {
        size = ascii::parse_whole<ByteSize>(*digits);
    }
    if (!size || *size > static_cast<ByteSize>(std::numeric_limits<std::int64_t>::max())) {
        out.notes.emplace_back("the size is not one that an object can have");
        return;
    }
    const bool assembled = out.event.operation == StoreOperation::created_multipart ||
                           out.event.operation == StoreOperation::created_copy;
    if (*size == 0 && assembled && zero == ZeroSize::unknown_if_assembled) return;
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
    const auto small = ascii::to_lower(name);
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

void read_metadata(const json& object, MetadataForm form, Reading& out) {
    std::size_t bytes = 0;
    const auto* user = member(object, "userMetadata");
    if ((form == MetadataForm::object || form == MetadataForm::any) && user && user->is_object()) {
        for (const auto& [name, value] : user->items())
            add_metadata(name, value, out, bytes);
    }
    const auto* list = member(object, "metadata");
    if ((form == MetadataForm::list || form == MetadataForm::any) && list && list->is_array()) {
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

Reading read_record(const json& record, const RecordRules& rules) {
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
    read_key(*object, rules.keys, out);
    if (out.refusal) return out;
    read_version(*object, out);
    if (out.refusal) return out;
    if (const auto* sequencer = member(*object, "sequencer"); sequencer && !sequencer->is_null()) {
        const auto* said = text(*object, "sequencer", 256);
        if (!said) return refuse("the sequencer is not a text of at most 256 bytes");
        out.event.sequencer = *said;
    }
    read_size(*object, rules.zero_size, out);
    read_etag(*object, out);
    if (const auto* time = text(record, "eventTime", 64)) out.event.occurred_at = parse_rfc3339(*time);
    if (const auto* answer = member(record, "responseElements")) {
        if (const auto* id = text(*answer, "x-amz-request-id", 256)) out.event.request_id = *id;
    }
    if (const auto* type = text(*object, "contentType", 256); type && !type->empty())
        out.event.content_type = *type;
    read_metadata(*object, rules.metadata, out);
    return out;
}

}  // namespace

Result<Document> read_document(std::string_view text) {
    auto findings = photogate::json::look_over(
        text, {.bytes = kMostEventBytes, .depth = 16, .nodes = 100'000, .independent_elements = "Records"});
    if (findings.refusal) return fail(ErrorCode::bad_request, "the body is refused: " + *findings.refusal);
    Document document{json::parse(text, nullptr, false), std::move(findings.ambiguous_elements)};
    if (!document.body.is_object()) return fail(ErrorCode::bad_request, "the body is not a JSON object");
    return document;
}

bool is_test_event(const json& body) {
    const auto* event = text(body, "Event", 64);
    return event && *event == "s3:TestEvent";
}

bool has_null_records(const json& body) {
    const auto* records = member(body, "Records");
    return records && records->is_null();
}

EventBatch test_event() {
    EventBatch batch;
    batch.test_event = true;
    return batch;
}

Result<EventBatch> read_records(const json& body, const std::set<std::size_t>& ambiguous,
                                const RecordRules& rules) {
    const auto refuse = [](std::string why) { return fail(ErrorCode::bad_request, std::move(why)); };
    const auto* records = member(body, "Records");
    if (!records) return refuse("the body has no Records");
    if (!records->is_array()) return refuse("Records is not an array");
    if (records->empty()) return refuse("Records is empty");
    if (records->size() > kMostEventRecords)
        return refuse(fmt::format("there are more than {} records", kMostEventRecords));

    EventBatch batch;
    batch.events.reserve(records->size());
    for (std::size_t i = 0; i < records->size(); ++i) {
        auto reading = ambiguous.contains(i) ? Reading{{}, "a member appears twice", {}}
                                             : read_record((*records)[i], rules);
        if (reading.refusal) {
            batch.unreadable.push_back(fmt::format("record {}: {}", i, *reading.refusal));
            continue;
        }
        for (const auto& note : reading.notes)
            batch.notes.push_back(fmt::format("record {}: {}", i, note));
        batch.events.push_back(std::move(reading.event));
    }
    return batch;
}

void compare_with_envelope(const json& body, EventBatch& batch) {
    if (batch.events.size() != 1 || !batch.unreadable.empty()) return;
    const auto& event = batch.events.front();
    const auto* key = member(body, "Key");
    const auto* said = key ? key->get_ptr<const std::string*>() : nullptr;
    if (said && *said != event.bucket + "/" + event.key)
        batch.notes.emplace_back("Key and its record disagree");
    const auto* name = text(body, "EventName", 256);
    if (name && without_prefix(*name) != event.name)
        batch.notes.emplace_back("EventName and its record disagree");
}

const json& without_cloud_event(const json& body) {
    const auto* data = member(body, "specversion") ? member(body, "data") : nullptr;
    return data && data->is_object() ? *data : body;
}

}  // namespace photogate::notifier::events
