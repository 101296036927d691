// Multipart uploads: create, list, complete, abort. Their parts are written in writing.cpp and copying.cpp.
#include <charconv>
#include <chrono>
#include <utility>

#include <fmt/format.h>

#include "gateway/s3/description.hpp"
#include "gateway/s3/listing.hpp"
#include "gateway/s3/operations.hpp"
#include "gateway/s3/request_documents.hpp"
#include "gateway/s3/writing.hpp"
#include "gateway/s3/xml.hpp"
#include "signer/uri_encode.hpp"

namespace photogate::gateway::s3 {

using storage::builtin::ChecksumType;
using storage::builtin::CompleteOptions;
using storage::builtin::ObjectName;
using storage::builtin::UploadOptions;

namespace {

std::string upload_of(const Call& call) {
    return *call.address.parameter("uploadId");
}

S3Result<UploadOptions> read_upload_options(const Call& call) {
    UploadOptions options;
    auto headers = read_description(call);
    if (!headers) return refuse(headers.error());
    options.headers = std::move(*headers);
    if (const auto algorithm = call.given("x-amz-checksum-algorithm")) {
        options.checksum = storage::builtin::parse_checksum_algorithm(*algorithm);
        if (!options.checksum)
            return refuse(Code::InvalidRequest, "Checksum algorithm provided is unsupported.");
    }
    if (options.checksum == ChecksumAlgorithm::crc64nvme) options.checksum_type = ChecksumType::full_object;
    if (const auto type = call.given("x-amz-checksum-type")) {
        if (*type == "FULL_OBJECT") {
            options.checksum_type = ChecksumType::full_object;
        } else if (*type == "COMPOSITE") {
            options.checksum_type = ChecksumType::composite;
        } else {
            return refuse(Code::InvalidRequest, "Value for x-amz-checksum-type header is invalid.");
        }
    }
    const bool by_parts_alone =
        options.checksum == ChecksumAlgorithm::sha1 || options.checksum == ChecksumAlgorithm::sha256;
    if (options.checksum_type == ChecksumType::full_object && (by_parts_alone || !options.checksum))
        return refuse(Code::InvalidRequest,
                      "The FULL_OBJECT checksum type cannot be used with this algorithm.");
    return options;
}

S3Result<http::Response> begun(Dependencies& dependencies, const Call& call) {
    const auto options = read_upload_options(call);
    if (!options) return refuse(options.error());
    const auto upload = dependencies.store.uploads().start(call.bucket(), call.key(), *options);
    if (!upload) return refuse(of(upload.error()));
    auto response = xml_response(Xml{"InitiateMultipartUploadResult"}
                                     .add("Bucket", call.bucket().str())
                                     .add("Key", call.key().str())
                                     .add("UploadId", *upload)
                                     .done());
    if (options->checksum) {
        response.set("x-amz-checksum-algorithm", to_string(*options->checksum));
        response.set("x-amz-checksum-type", to_string(options->checksum_type));
    }
    return response;
}

S3Result<http::Response> parts_listed(Dependencies& dependencies, const Call& call) {
    const auto most = read_count(call.address, "max-parts", 1'000);
    const auto after = read_count(call.address, "part-number-marker", 10'000, 0);
    if (!most) return refuse(most.error());
    if (!after) return refuse(after.error());
    const auto page = dependencies.store.uploads().parts({call.bucket(), call.key()}, upload_of(call),
                                                         {.after = *after, .max_parts = *most});
    if (!page) return refuse(of(page.error()));
    Xml xml{"ListPartsResult"};
    xml.add("Bucket", call.bucket().str()).add("Key", call.key().str()).add("UploadId", upload_of(call));
    add_owner(xml, "Initiator");
    add_owner(xml, "Owner");
    xml.add("StorageClass", to_string(page->upload.storage_class)).add("PartNumberMarker", *after);
    if (!page->parts.empty()) xml.add("NextPartNumberMarker", page->parts.back().number);
    xml.add("MaxParts", *most).add("IsTruncated", page->truncated ? "true" : "false");
    if (page->upload.checksum) {
        xml.add("ChecksumAlgorithm", to_string(*page->upload.checksum));
        xml.add("ChecksumType", to_string(page->upload.checksum_type));
    }
    for (const auto& part : page->parts) {
        xml.open("Part")
            .add("PartNumber", part.number)
            .add("LastModified", format_rfc3339(part.last_modified));
        xml.add("ETag", quoted(part.etag)).add("Size", part.size);
        // What an upload without a checksum keeps by itself was not asked for.
        if (part.checksum && page->upload.checksum)
            xml.add(fmt::format("Checksum{}", to_string(part.checksum->algorithm)), part.checksum->value);
        xml.close();
    }
    return xml_response(xml.done());
}

S3Result<CompleteOptions> read_complete_options(const Call& call) {
    CompleteOptions options;
    auto condition = read_write_condition(call.request);
    if (!condition) return refuse(condition.error());
    options.condition = std::move(*condition);
    for (const auto algorithm :
         {ChecksumAlgorithm::crc32, ChecksumAlgorithm::crc32c, ChecksumAlgorithm::crc64nvme,
          ChecksumAlgorithm::sha1, ChecksumAlgorithm::sha256}) {
        const auto value = call.request.headers.find(header_of(algorithm));
        if (!value) continue;
        const auto dash = value->find('-');
        const bool composite = dash != std::string_view::npos;
        if (options.expected || !storage::builtin::is_checksum(algorithm, value->substr(0, dash)))
            return refuse(Code::InvalidRequest,
                          fmt::format("Value for {} header is invalid.", header_of(algorithm)));
        options.expected = Checksum{algorithm, std::string{*value},
                                    composite ? ChecksumType::composite : ChecksumType::full_object};
    }
    if (const auto size = call.request.headers.find("x-amz-mp-object-size")) {
        std::uint64_t bytes = 0;
        const auto [end, error] = std::from_chars(size->data(), size->data() + size->size(), bytes);
        if (error != std::errc{} || end != size->data() + size->size())
            return refuse(Code::InvalidRequest, "Value for x-amz-mp-object-size header is invalid.");
        options.expected_size = bytes;
    }
    return options;
}

S3Result<http::Response> completed(Dependencies& dependencies, const Call& call,
                                   const CompleteOptions& options, const std::string& document) {
    const auto chosen = read_complete_request(document);
    if (!chosen) return refuse(Code::MalformedXML);
    const auto object =
        dependencies.store.uploads().complete({call.bucket(), call.key()}, upload_of(call), *chosen, options);
    if (!object) return refuse(of(object.error()));
    std::string location =
        fmt::format("{}://{}", dependencies.options.scheme, call.request.headers.find("Host").value_or(""));
    location += call.request.raw_path();
    Xml xml{"CompleteMultipartUploadResult"};
    xml.add("Location", location).add("Bucket", call.bucket().str()).add("Key", call.key().str());
    xml.add("ETag", quoted(object->etag));
    if (object->checksum) {
        xml.add(fmt::format("Checksum{}", to_string(object->checksum->algorithm)), object->checksum->value);
        xml.add("ChecksumType", to_string(object->checksum->type));
    }
    return xml_response(xml.done());
}

/// `x-amz-if-match-initiated-time` of an abort. An upload's beginning never changes, so that nothing can come
/// between this and the abort. Refusals: PreconditionFailed, InvalidArgument, NoSuchUpload.
S3Result<> check_initiated(Dependencies& dependencies, const Call& call) {
    const auto text = call.request.headers.find("x-amz-if-match-initiated-time");
    if (!text) return {};
    const auto at = parse_http_date(*text);
    if (!at) return refuse(Code::InvalidArgument, "x-amz-if-match-initiated-time is not an HTTP date.");
    const auto page = dependencies.store.uploads().parts({call.bucket(), call.key()}, upload_of(call),
                                                         {.after = 0, .max_parts = 0});
    if (!page) return refuse(of(page.error()));
    if (std::chrono::floor<std::chrono::seconds>(page->upload.started) != *at)
        return refuse(Code::PreconditionFailed);
    return {};
}

S3Result<http::Response> uploads_listed(Dependencies& dependencies, const Call& call) {
    const auto most = read_count(call.address, "max-uploads", 1'000);
    if (!most) return refuse(most.error());
    const KeyWriter keys{call.address};
    const auto text = [&](std::string_view name) {
        const auto* value = call.address.parameter(name);
        return value != nullptr ? *value : std::string{};
    };
    const auto page = dependencies.store.uploads().list(call.bucket(), {.prefix = text("prefix"),
                                                                        .delimiter = text("delimiter"),
                                                                        .key_marker = text("key-marker"),
                                                                        .id_marker = text("upload-id-marker"),
                                                                        .max_uploads = *most});
    if (!page) return refuse(of(page.error()));
    Xml xml{"ListMultipartUploadsResult"};
    xml.add("Bucket", call.bucket().str()).add("KeyMarker", keys(text("key-marker")));
    xml.add("UploadIdMarker", text("upload-id-marker")).add("Prefix", keys(text("prefix")));
    if (call.address.has("delimiter")) xml.add("Delimiter", keys(text("delimiter")));
    if (page->truncated)
        xml.add("NextKeyMarker", keys(page->next_key)).add("NextUploadIdMarker", page->next_id);
    xml.add("MaxUploads", *most).add("IsTruncated", page->truncated ? "true" : "false");
    keys.say_encoding(xml);
    for (const auto& upload : page->uploads) {
        xml.open("Upload").add("Key", keys(upload.key.str())).add("UploadId", upload.id);
        add_owner(xml, "Initiator");
        add_owner(xml, "Owner");
        xml.add("StorageClass", to_string(upload.storage_class));
        if (upload.checksum) {
            xml.add("ChecksumAlgorithm", to_string(*upload.checksum));
            xml.add("ChecksumType", to_string(upload.checksum_type));
        }
        xml.add("Initiated", format_rfc3339(upload.started)).close();
    }
    for (const std::string& prefix : page->common_prefixes)
        xml.open("CommonPrefixes").add("Prefix", keys(prefix)).close();
    return xml_response(xml.done());
}

}  // namespace

void create_upload(Dependencies& dependencies, CallPtr call) {
    run(call, dependencies.pool, [&dependencies, call] { return begun(dependencies, *call); });
}

void list_parts(Dependencies& dependencies, CallPtr call) {
    run(call, dependencies.pool, [&dependencies, call] { return parts_listed(dependencies, *call); });
}

void complete_upload(Dependencies& dependencies, CallPtr call) {
    auto promise = read_promise(call->request, call->verified, ChecksumHeaders::of_object);
    auto options = read_complete_options(*call);
    if (!promise) return call->refuse(promise.error());
    if (!options) return call->refuse(options.error());
    pump(call, dependencies.pool,
         document_sink(std::move(*promise), kMostRequestDocument,
                       [&dependencies, call, options = std::move(*options)](const std::string& document) {
                           return completed(dependencies, *call, options, document);
                       }));
}

void abort_upload(Dependencies& dependencies, CallPtr call) {
    run(call, dependencies.pool, [&dependencies, call]() -> S3Result<http::Response> {
        if (auto held = check_initiated(dependencies, *call); !held) return refuse(held.error());
        auto gone = dependencies.store.uploads().abort({call->bucket(), call->key()}, upload_of(*call));
        if (!gone) return refuse(of(gone.error()));
        return http::Response::empty(204);
    });
}

void list_uploads(Dependencies& dependencies, CallPtr call) {
    run(call, dependencies.pool, [&dependencies, call] { return uploads_listed(dependencies, *call); });
}

}  // namespace photogate::gateway::s3
