// CopyObject and UploadPartCopy. The source is read with the caller's permissions.
#include <algorithm>
#include <charconv>
#include <optional>
#include <span>
#include <utility>

#include <fmt/format.h>

#include "gateway/s3/conditions.hpp"
#include "gateway/s3/description.hpp"
#include "gateway/s3/operations.hpp"
#include "gateway/s3/tagging.hpp"
#include "gateway/s3/writing.hpp"
#include "gateway/s3/xml.hpp"
#include "signer/uri_encode.hpp"

namespace photogate::gateway::s3 {

using storage::builtin::FolderReader;
using storage::builtin::FolderWriter;
using storage::builtin::ObjectName;
using storage::builtin::StoreCopyOptions;
using storage::builtin::StoredObject;

namespace {

/// `/bucket/key?versionId=null`, percent-encoded.
S3Result<ObjectName> read_source(const Call& call) {
    const auto text = call.request.headers.find("x-amz-copy-source").value_or("");
    const auto question = std::min(text.find('?'), text.size());
    const auto path = signer::decode_path(text.substr(0, question));
    constexpr std::string_view version = "?versionId=";
    if (text.substr(question).starts_with(version) && text.substr(question + version.size()) != "null")
        return refuse(Code::NoSuchVersion);
    if (!path) return refuse(Code::InvalidArgument, "Copy Source must be percent-encoded.");
    std::string_view rest{*path};
    if (rest.starts_with('/')) rest.remove_prefix(1);
    const auto slash = rest.find('/');
    if (slash == std::string_view::npos)
        return refuse(Code::InvalidArgument,
                      "Copy Source must mention the source bucket and key: sourcebucket/sourcekey");
    auto bucket = parse_bucket(rest.substr(0, slash));
    if (!bucket) return refuse(Code::InvalidBucketName);
    auto key = read_key(rest.substr(slash + 1));
    if (!key) return refuse(key.error());
    ObjectName source{std::move(*bucket), std::move(*key)};
    if (!permits(*call.permissions, {Action::get_object, &source.bucket, &source.key}))
        return refuse(Code::AccessDenied);
    return source;
}

S3Result<StoreCopyOptions> read_copy_options(const Call& call) {
    StoreCopyOptions options;
    const auto directive = call.request.headers.find("x-amz-metadata-directive").value_or("COPY");
    if (directive == "REPLACE") {
        auto headers = read_description(call);
        if (!headers) return refuse(headers.error());
        options.replace = std::move(*headers);
    } else if (directive != "COPY") {
        return refuse(Code::InvalidArgument, "Unknown metadata directive.");
    }
    const auto tagging = call.request.headers.find("x-amz-tagging-directive").value_or("COPY");
    if (tagging == "REPLACE") {
        auto tags = read_tagging_header(call.given("x-amz-tagging").value_or(""));
        if (!tags) return refuse(tags.error());
        options.replace_tags = std::move(*tags);
    } else if (tagging != "COPY") {
        return refuse(Code::InvalidArgument, "Unknown tagging directive.");
    }
    options.storage_class = read_storage_class(call.given("x-amz-storage-class"));
    if (const auto algorithm = call.given("x-amz-checksum-algorithm")) {
        options.checksum = storage::builtin::parse_checksum_algorithm(*algorithm);
        if (!options.checksum)
            return refuse(Code::InvalidRequest, "Checksum algorithm provided is unsupported.");
    }
    auto condition = read_write_condition(call.request);
    if (!condition) return refuse(condition.error());
    options.condition = std::move(*condition);
    return options;
}

std::string result_document(std::string_view root, const StoredObject& object) {
    Xml xml{root};
    xml.add("LastModified", format_rfc3339(object.last_modified)).add("ETag", quoted(object.etag));
    if (object.checksum)
        xml.add(fmt::format("Checksum{}", to_string(object.checksum->algorithm)), object.checksum->value)
            .add("ChecksumType", to_string(object.checksum->type));
    return xml.done();
}

S3Result<http::Response> copied(Dependencies& dependencies, const Call& call) {
    const auto source = read_source(call);
    if (!source) return refuse(source.error());
    auto options = read_copy_options(call);
    if (!options) return refuse(options.error());
    const auto there = dependencies.store.objects().stat(source->bucket, source->key);
    if (!there) return refuse(of(there.error()));
    if (auto holds = judge_source(call.request, {there->etag, there->last_modified}); !holds)
        return refuse(holds.error());
    // The checked object is the one that is copied.
    options->if_source_matches = there->etag;
    const auto object = dependencies.store.objects().copy(*source, {call.bucket(), call.key()}, *options);
    if (!object && object.error().code == ErrorCode::store_refused)
        return refuse(
            Code::InvalidRequest,
            "This copy request is illegal because it is trying to copy an object to itself without "
            "changing the object's metadata, storage class, website redirect location or encryption "
            "attributes.");
    if (!object) return refuse(of(object.error()));
    return xml_response(result_document("CopyObjectResult", *object));
}

struct FirstAndLast {
    std::uint64_t first = 0;
    std::uint64_t last = 0;
};
/// `bytes=first-last`, the only form of x-amz-copy-source-range.
std::optional<FirstAndLast> exact_range(std::string_view text) {
    constexpr std::string_view unit = "bytes=";
    if (!text.starts_with(unit)) return std::nullopt;
    text.remove_prefix(unit.size());
    FirstAndLast range;
    const char* const stop = text.data() + text.size();
    const auto first = std::from_chars(text.data(), stop, range.first);
    if (first.ec != std::errc{} || first.ptr == stop || *first.ptr != '-') return std::nullopt;
    const auto last = std::from_chars(first.ptr + 1, stop, range.last);
    if (last.ec != std::errc{} || last.ptr != stop || range.last < range.first) return std::nullopt;
    return range;
}

S3Result<Stretch> source_range(const Call& call, std::uint64_t size) {
    const auto sent = call.request.headers.find("x-amz-copy-source-range");
    if (!sent) return Stretch{0, size};
    const auto range = exact_range(*sent);
    if (!range)
        return refuse(
            Code::InvalidArgument,
            "The x-amz-copy-source-range value must be of the form bytes=first-last where first and last "
            "are the zero-based offsets of the first and last bytes to copy");
    if (range->last >= size)
        return refuse(Code::InvalidArgument,
                      fmt::format("Range specified is not valid for source object of size: {}", size));
    return Stretch{range->first, range->last - range->first + 1};
}

Result<> pour(const FolderReader& reader, Stretch stretch, FolderWriter& writer) {
    Bytes buffer(1U << 20);
    while (stretch.length > 0) {
        const auto most = static_cast<std::size_t>(std::min<std::uint64_t>(buffer.size(), stretch.length));
        const auto got = reader.read(stretch.first, std::span{buffer}.first(most));
        if (!got) return fail(got.error());
        if (*got == 0) return fail(ErrorCode::file_error, "the source ended early");
        if (auto wrote = writer.append(BytesView{buffer}.first(*got)); !wrote) return wrote;
        stretch.first += *got;
        stretch.length -= *got;
    }
    return {};
}

S3Result<http::Response> part_copied(Dependencies& dependencies, const Call& call) {
    const auto source = read_source(call);
    const auto number = part_number(call);
    if (!source) return refuse(source.error());
    if (!number) return refuse(number.error());
    auto reader = dependencies.store.objects().read(source->bucket, source->key);
    if (!reader) return refuse(of(reader.error()));
    const StoredObject& from = reader->object();
    if (auto holds = judge_source(call.request, {from.etag, from.last_modified}); !holds)
        return refuse(holds.error());
    const auto range = source_range(call, from.size);
    if (!range) return refuse(range.error());
    if (range->length > kLargestPut) return refuse(Code::EntityTooLarge);
    const std::string& upload = *call.address.parameter("uploadId");
    const ObjectName to{call.bucket(), call.key()};
    const auto page = dependencies.store.uploads().parts(to, upload, {.after = 0, .max_parts = 1});
    if (!page) return refuse(of(page.error()));
    storage::builtin::WriteOptions options;
    options.keep = page->upload.checksum;
    auto writer = dependencies.store.uploads().write_part(to, {upload, *number}, options);
    if (!writer) return refuse(of(writer.error()));
    if (auto poured = pour(*reader, *range, *writer); !poured) return refuse(of(poured.error()));
    auto part = writer->finish({.expected_size = range->length});
    if (!part) return refuse(of(part.error()));
    // What an upload without a checksum keeps by itself was not asked for.
    if (!page->upload.checksum) part->checksum.reset();
    return xml_response(result_document("CopyPartResult", *part));
}

}  // namespace

void copy_object(Dependencies& dependencies, CallPtr call) {
    run(call, dependencies.pool, [&dependencies, call] { return copied(dependencies, *call); });
}

void copy_part(Dependencies& dependencies, CallPtr call) {
    run(call, dependencies.pool, [&dependencies, call] { return part_copied(dependencies, *call); });
}

}  // namespace photogate::gateway::s3
