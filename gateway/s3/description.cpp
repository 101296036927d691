#include "gateway/s3/description.hpp"

#include <algorithm>
#include <array>

#include "base/ascii.hpp"
#include "base/encoding.hpp"
#include "gateway/s3/tagging.hpp"

namespace photogate::gateway::s3 {

using storage::builtin::ObjectHeaders;
using storage::builtin::StorageClass;
using storage::builtin::StoredObject;
using storage::builtin::WriteCondition;

namespace {

constexpr std::string_view kMeta = "x-amz-meta-";
constexpr std::size_t kMostMetadata = 2'048;

struct Kept {
    std::string_view header;
    std::optional<std::string> ObjectHeaders::*field;
};
constexpr std::array kKept = {Kept{"Cache-Control", &ObjectHeaders::cache_control},
                              Kept{"Content-Disposition", &ObjectHeaders::content_disposition},
                              Kept{"Content-Encoding", &ObjectHeaders::content_encoding},
                              Kept{"Content-Language", &ObjectHeaders::content_language},
                              Kept{"Expires", &ObjectHeaders::expires}};

/// `aws-chunked` describes the transfer, not the object.
std::string without_chunking(std::string_view encodings) {
    std::string kept;
    for (std::size_t at = 0; at <= encodings.size();) {
        const auto end = std::min(encodings.find(',', at), encodings.size());
        auto one = encodings.substr(at, end - at);
        at = end + 1;
        while (one.starts_with(' '))
            one.remove_prefix(1);
        while (one.ends_with(' '))
            one.remove_suffix(1);
        if (one.empty() || ascii::equals_ignoring_case(one, "aws-chunked")) continue;
        kept.append(kept.empty() ? "" : ",").append(one);
    }
    return kept;
}

class Reading {
  public:
    S3Result<> take(std::string_view sent_name, std::string_view value) {
        const std::string name = ascii::to_lower(sent_name);
        if (name.starts_with(kMeta) && name.size() > kMeta.size()) {
            const std::string key = name.substr(kMeta.size());
            metadata_bytes_ += key.size() + value.size();
            if (metadata_bytes_ > kMostMetadata) return refuse(Code::MetadataTooLarge);
            auto& stored = made_.metadata[key];
            stored.append(stored.empty() ? "" : ",").append(value);
        } else if (name == "content-type") {
            if (!value.empty()) made_.content_type = value;
        } else {
            for (const auto& [header, field] : kKept) {
                if (!ascii::equals_ignoring_case(header, name)) continue;
                const std::string kept =
                    name == "content-encoding" ? without_chunking(value) : std::string{value};
                if (!kept.empty()) made_.*field = kept;
            }
        }
        return {};
    }
    ObjectHeaders done() { return std::move(made_); }

  private:
    ObjectHeaders made_;
    std::size_t metadata_bytes_ = 0;
};

bool is_ascii(std::string_view text) {
    return std::all_of(text.begin(), text.end(), [](char c) { return static_cast<unsigned char>(c) < 0x80; });
}

}  // namespace

S3Result<ObjectHeaders> read_description(const Call& call) {
    Reading reading;
    for (std::size_t i = 0; i < call.request.headers.size(); ++i) {
        const auto field = call.request.headers.at(i);
        if (auto taken = reading.take(field.name, field.value); !taken) return refuse(taken.error());
    }
    for (const auto& [name, value] : call.address.query) {
        if (!ascii::to_lower(name).starts_with(kMeta)) continue;
        if (auto taken = reading.take(name, value); !taken) return refuse(taken.error());
    }
    auto headers = reading.done();
    auto tags = read_tagging_header(call.given("x-amz-tagging").value_or(""));
    if (!tags) return refuse(tags.error());
    headers.tags = std::move(*tags);
    headers.storage_class = read_storage_class(call.given("x-amz-storage-class"));
    return headers;
}

S3Result<ObjectHeaders> read_description(const std::vector<signer::HeaderField>& fields) {
    Reading reading;
    Tags tags;
    StorageClass storage_class = StorageClass::standard;
    for (const auto& field : fields) {
        if (auto taken = reading.take(field.name, field.value); !taken) return refuse(taken.error());
        if (ascii::equals_ignoring_case(field.name, "x-amz-storage-class"))
            storage_class = read_storage_class(field.value);
        if (!ascii::equals_ignoring_case(field.name, "tagging")) continue;
        auto read = read_tagging_document(field.value, kMostObjectTags);
        if (!read) return refuse(read.error());
        tags = std::move(*read);
    }
    auto headers = reading.done();
    headers.tags = std::move(tags);
    headers.storage_class = storage_class;
    return headers;
}

StorageClass read_storage_class(std::optional<std::string_view> text) {
    return text == "REDUCED_REDUNDANCY" ? StorageClass::reduced_redundancy : StorageClass::standard;
}

S3Result<WriteCondition> read_write_condition(const http::RequestHead& head) {
    WriteCondition condition;
    if (const auto none = head.headers.find("If-None-Match")) {
        if (*none != "*") return refuse(Code::NotImplemented, "If-None-Match of a write takes * alone.");
        condition.only_if_absent = true;
    }
    if (const auto match = head.headers.find("If-Match")) {
        auto etag = parse_etag(*match);
        if (!etag || *match == "*")
            return refuse(Code::NotImplemented, "If-Match of a write takes one ETag.");
        condition.if_match = std::move(*etag);
    }
    return condition;
}

std::string quoted(const ETag& etag) {
    return '"' + etag.str() + '"';
}

void describe(http::Response& response, const StoredObject& object) {
    response.set("ETag", quoted(object.etag));
    response.set("Last-Modified", format_http_date(object.last_modified));
    response.set("Accept-Ranges", "bytes");
    if (!object.headers.tags.empty())
        response.set("x-amz-tagging-count", std::to_string(object.headers.tags.size()));
    if (object.headers.storage_class != StorageClass::standard)
        response.set("x-amz-storage-class", to_string(object.headers.storage_class));
    response.set("Content-Type", object.headers.content_type);
    // The server's default would look like the object's own.
    response.set("Cache-Control", "");
    for (const auto& [header, field] : kKept) {
        if (const auto& value = object.headers.*field) response.set(header, *value);
    }
    for (const auto& [name, value] : object.headers.metadata) {
        // Header values are ASCII; S3 writes other text as an encoded word of RFC 2047.
        response.headers.push_back({std::string{kMeta} + name,
                                    is_ascii(value) ? value : "=?UTF-8?B?" + base64(as_bytes(value)) + "?="});
    }
}

}  // namespace photogate::gateway::s3
