#include "gateway/uppy/uppy_wire.hpp"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "base/ascii.hpp"
#include "base/json/value.hpp"
#include "base/json/writer.hpp"
#include "gateway/routes/part_request.hpp"
#include "model/parts.hpp"

namespace photogate::gateway::uppy {
namespace {

using json::Value;
using pipeline::NamedPart;
using pipeline::SignedPart;

constexpr json::Bounds kSmall{.bytes = 64U << 10, .depth = 4, .nodes = 1'000};
constexpr json::Bounds kPartList{.bytes = routes::kLongestPartList, .depth = 4, .nodes = 60'000};
constexpr std::string_view kSizeInMetadata =
    "; in Uppy: uppy.setFileMeta(file.id, { size: file.size }) when a file is added";

Result<Value> read_body(std::string_view body, const json::Bounds& bounds) {
    auto value = json::read(body, bounds);
    if (value && value->object() == nullptr)
        return fail(ErrorCode::invalid_json, "the body is a JSON object");
    return value;
}

/// A text that says something: Uppy 6 makes texts of what is null.
std::optional<std::string> said(std::string_view text) {
    if (text.empty() || text == "null" || text == "undefined") return std::nullopt;
    return std::string{text};
}

std::optional<std::string> said(const Value* value) {
    if (value == nullptr) return std::nullopt;
    if (const auto* text = value->text()) return said(*text);
    if (const auto* number = value->integer()) return std::to_string(*number);
    return std::nullopt;
}

struct Metadata {
    std::optional<std::string> name, size, sha256;
};

Result<Wanted> wanted(std::optional<std::string> filename, std::optional<std::string> type,
                      Metadata metadata) {
    if (!filename) return fail(ErrorCode::missing_field, "'filename' is required: the name of the file");
    Wanted wanted;
    // What Uppy 6 calls the file's name is a key of its own making.
    wanted.grant.filename = metadata.name ? std::move(metadata.name) : std::move(filename);
    wanted.grant.content_type = std::move(type);
    wanted.grant.sha256 = std::move(metadata.sha256);
    if (metadata.size) {
        const auto size = ascii::parse_whole<ByteSize>(*metadata.size);
        if (size) {
            wanted.grant.size = *size;
        } else {
            wanted.unreadable.push_back(
                {"/metadata/size", ErrorCode::invalid_size,
                 "'size' in the metadata is the file's size: a whole number of bytes"});
        }
    }
    return wanted;
}

std::optional<std::uint32_t> part_number(std::string_view text) {
    const auto number = ascii::parse_whole<std::uint32_t>(text);
    if (!number || *number < 1 || *number > model::kMostParts) return std::nullopt;
    return number;
}

tl::unexpected<Error> no_part_number() {
    return fail(ErrorCode::invalid_part_number, "the number of a part is a whole number from 1 to 10000");
}

std::optional<NamedPart> named_part(const std::optional<std::string>& number, std::string_view tag) {
    const auto read = number ? part_number(*number) : std::nullopt;
    auto etag = parse_etag(tag);
    if (!read || !etag) return std::nullopt;
    return NamedPart{*read, std::move(*etag)};
}

tl::unexpected<Error> no_part_list(std::size_t place) {
    return fail(ErrorCode::invalid_parts,
                fmt::format("'parts' has a PartNumber and an ETag each; the one at place {} has not", place));
}

void write_fields(json::Writer& out, const decltype(pipeline::Grant::fields)& fields) {
    out.begin_object();
    for (const auto& field : fields) {
        out.any_name(field.name);
        out.text(field.value);
    }
    out.end_object();
}

/// Uppy 6.0 to 6.2 put the key behind it.
std::string with_slash(std::string url) {
    if (!url.ends_with('/')) url += '/';
    return url;
}

std::string quoted(const ETag& etag) {
    return '"' + etag.str() + '"';
}

/// Those that arrived whole; others are sent again.
std::vector<const storage::objects::UploadedPart*> whole(const pipeline::uploads::ListedParts& parts) {
    std::vector<const storage::objects::UploadedPart*> found;
    for (const auto& part : parts.there) {
        if (parts.plan.has(part.number, part.size)) found.push_back(&part);
    }
    return found;
}

std::string escaped(std::string_view text) {
    std::string out;
    for (const char c : text) {
        if (c == '&')
            out += "&amp;";
        else if (c == '<')
            out += "&lt;";
        else if (c == '>')
            out += "&gt;";
        else if (c == '"')
            out += "&quot;";
        else
            out += static_cast<unsigned char>(c) < 0x20 ? ' ' : c;
    }
    return out;
}

constexpr std::string_view kXml = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n";
constexpr std::string_view kNamespace = "xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\"";

std::string element(std::string_view name, std::string_view text) {
    return fmt::format("<{0}>{1}</{0}>", name, escaped(text));
}

bool is_space(char c) {
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

/// The text of `<name>…</name>` at the front of `rest`, which goes on behind it.
std::optional<std::string_view> take_element(std::string_view& rest, std::string_view name) {
    const auto open = fmt::format("<{}>", name), close = fmt::format("</{}>", name);
    while (!rest.empty() && is_space(rest.front()))
        rest.remove_prefix(1);
    if (!rest.starts_with(open)) return std::nullopt;
    const auto end = rest.find(close, open.size());
    if (end == std::string_view::npos) return std::nullopt;
    const auto text = rest.substr(open.size(), end - open.size());
    rest.remove_prefix(end + close.size());
    return text;
}

std::string_view without_quotes(std::string_view tag) {
    for (const std::string_view quote : {"&quot;", "&#34;", "\""}) {
        if (tag.size() < 2 * quote.size() || !tag.starts_with(quote) || !tag.ends_with(quote)) continue;
        return tag.substr(quote.size(), tag.size() - 2 * quote.size());
    }
    return tag;
}

}  // namespace

Result<Wanted> read_params(const http::RequestHead& head) {
    const auto value = [&](std::string_view name) { return said(head.query_value(name).value_or("")); };
    return wanted(value("filename"), value("type"),
                  {value("metadata[name]"), value("metadata[size]"), value("metadata[sha256]")});
}

Result<Wanted> read_creation(std::string_view body) {
    const auto document = read_body(body, kSmall);
    if (!document) return fail(document.error());
    const auto* metadata = document->find("metadata");
    const auto of = [&](std::string_view name) { return said(metadata ? metadata->find(name) : nullptr); };
    return wanted(said(document->find("filename")), said(document->find("type")),
                  {of("name"), of("size"), of("sha256")});
}

Result<std::vector<NamedPart>> read_completion(std::string_view body) {
    const auto document = read_body(body, kPartList);
    if (!document) return fail(document.error());
    const auto* list = document->find("parts");
    if (list == nullptr || list->array() == nullptr)
        return fail(ErrorCode::invalid_parts, "'parts' is the list of the parts that were sent");
    std::vector<NamedPart> parts;
    for (const auto& each : *list->array()) {
        const auto* tag = each.find("ETag");
        auto part =
            named_part(said(each.find("PartNumber")), tag && tag->text() ? *tag->text() : std::string{});
        if (!part) return no_part_list(parts.size());
        parts.push_back(std::move(*part));
    }
    return parts;
}

Result<std::vector<NamedPart>> read_completion_xml(std::string_view body) {
    if (body.starts_with("<?xml")) body.remove_prefix(std::min(body.size(), body.find("?>") + 2));
    const auto begin = body.find("<CompleteMultipartUpload");
    const auto inside = body.find('>', begin == std::string_view::npos ? body.size() : begin);
    constexpr std::string_view kEnd = "</CompleteMultipartUpload>";
    const auto end = body.rfind(kEnd);
    if (inside == std::string_view::npos || end == std::string_view::npos || end <= inside)
        return fail(ErrorCode::invalid_parts, "the body is S3's <CompleteMultipartUpload>");
    auto rest = body.substr(inside + 1, end - inside - 1);
    std::vector<NamedPart> parts;
    while (auto each = take_element(rest, "Part")) {
        const auto number = take_element(*each, "PartNumber");
        const auto tag = take_element(*each, "ETag");
        auto part = number && tag ? named_part(std::string{*number}, without_quotes(*tag)) : std::nullopt;
        if (!part || parts.size() == model::kMostParts) return no_part_list(parts.size());
        parts.push_back(std::move(*part));
    }
    if (!std::all_of(rest.begin(), rest.end(), [](char c) { return is_space(c); }))
        return no_part_list(parts.size());
    return parts;
}

Result<std::uint32_t> read_part_number(std::string_view text) {
    const auto number = part_number(text);
    if (!number) return no_part_number();
    return *number;
}

Result<std::vector<std::uint32_t>> read_part_numbers(std::string_view text) {
    std::vector<std::uint32_t> numbers;
    while (true) {
        const auto number = part_number(text.substr(0, text.find(',')));
        if (!number || numbers.size() == pipeline::uploads::kMostPartsSigned) return no_part_number();
        numbers.push_back(*number);
        const auto comma = text.find(',');
        if (comma == std::string_view::npos) return numbers;
        text.remove_prefix(comma + 1);
    }
}

Result<SignRequest> read_sign_request(std::string_view body) {
    const auto document = read_body(body, kSmall);
    if (!document) return fail(document.error());
    const auto key = said(document->find("key"));
    if (!key) return fail(ErrorCode::missing_field, "'key' is required: the object's key, as Uppy has it");
    const auto upload_id = said(document->find("uploadId"));
    SignRequest request;
    request.key = *key;
    request.upload_id = upload_id.value_or("");
    request.content_type = said(document->find("contentType"));
    using Operation = SignRequest::Operation;
    const auto method = said(document->find("method")).value_or("");
    const auto is = [&](Operation operation) {
        request.operation = operation;
        return request;
    };
    if (method == "POST") return is(upload_id ? Operation::complete : Operation::create_multipart);
    if (method == "PUT" && !upload_id) return is(Operation::put_object);
    if (method == "DELETE" && upload_id) return is(Operation::abort);
    if (method == "GET" && upload_id) return is(Operation::list_parts);
    if (method != "PUT")
        return fail(ErrorCode::invalid_field,
                    "'method' is PUT or POST; with an 'uploadId', GET or DELETE too: nothing else is signed");
    const auto number = read_part_number(said(document->find("partNumber")).value_or(""));
    if (!number) return fail(number.error());
    request.part_number = *number;
    return is(Operation::upload_part);
}

std::string params_json(const SingleUpload& single) {
    const auto& grant = single.granted.grant;
    json::Writer out;
    out.begin_object();
    out.name("method");
    out.text(grant.method);
    out.name("url");
    out.text(grant.method == "POST" ? with_slash(grant.url) : grant.url);
    out.name("expires");
    out.number(static_cast<std::uint64_t>(single.expires));
    out.name("headers");
    write_fields(out, grant.headers);
    out.name("fields");
    auto fields = grant.fields;
    // Uppy gives them back to the page, with a PUT too.
    if (grant.method == "PUT") {
        fields.push_back({"key", single.granted.upload.key.str()});
        fields.push_back({"bucket", single.granted.upload.bucket.str()});
    }
    write_fields(out, fields);
    out.end_object();
    return out.take();
}

std::string signed_form_json(const SingleUpload& single) {
    const auto& grant = single.granted.grant;
    json::Writer out;
    out.begin_object();
    out.name("url");
    out.text(with_slash(grant.url));
    out.name("key");
    out.text(single.granted.upload.key.str());
    out.name("fields");
    write_fields(out, grant.fields);
    out.end_object();
    return out.take();
}

std::string created_json(const model::Upload& upload, const std::string& upload_id) {
    json::Writer out;
    out.begin_object();
    out.name("key");
    out.text(upload.key.str());
    out.name("uploadId");
    out.text(upload_id);
    out.name("bucket");
    out.text(upload.bucket.str());
    out.name("id");
    out.text(upload.id.str());
    out.end_object();
    return out.take();
}

std::string listed_json(const pipeline::uploads::ListedParts& parts) {
    json::Writer out;
    out.begin_array();
    for (const auto* part : whole(parts)) {
        out.begin_object();
        out.name("PartNumber");
        out.number(std::uint64_t{part->number});
        out.name("ETag");
        out.text(quoted(part->etag));
        out.name("Size");
        out.number(part->size);
        out.end_object();
    }
    out.end_array();
    return out.take();
}

std::string part_json(const SignedPart& part, std::int64_t expires) {
    json::Writer out;
    out.begin_object();
    out.name("url");
    out.text(part.url);
    out.name("expires");
    out.number(static_cast<std::uint64_t>(expires));
    out.end_object();
    return out.take();
}

std::string batch_json(const std::vector<SignedPart>& parts) {
    json::Writer out;
    out.begin_object();
    out.name("presignedUrls");
    out.begin_object();
    for (const auto& part : parts) {
        out.any_name(std::to_string(part.number));
        out.text(part.url);
    }
    out.end_object();
    out.end_object();
    return out.take();
}

std::string completed_json(const model::Upload& upload, const std::string& location) {
    json::Writer out;
    out.begin_object();
    out.name("location");
    out.text(location);
    out.name("key");
    out.text(upload.key.str());
    out.name("bucket");
    out.text(upload.bucket.str());
    out.name("id");
    out.text(upload.id.str());
    out.end_object();
    return out.take();
}

std::string signed_json(const std::string& url, const std::string& key) {
    json::Writer out;
    out.begin_object();
    out.name("url");
    out.text(url);
    if (!key.empty()) {
        out.name("key");
        out.text(key);
    }
    out.end_object();
    return out.take();
}

std::string initiated_xml(const model::Upload& upload, const std::string& upload_id) {
    return fmt::format("{}<InitiateMultipartUploadResult {}>{}{}{}</InitiateMultipartUploadResult>", kXml,
                       kNamespace, element("Bucket", upload.bucket.str()), element("Key", upload.key.str()),
                       element("UploadId", upload_id));
}

std::string listed_xml(const pipeline::uploads::ListedParts& parts) {
    std::string text =
        fmt::format("{}<ListPartsResult {}>{}", kXml, kNamespace, element("IsTruncated", "false"));
    for (const auto* part : whole(parts))
        text += fmt::format("<Part>{}{}{}</Part>", element("PartNumber", std::to_string(part->number)),
                            element("ETag", quoted(part->etag)), element("Size", std::to_string(part->size)));
    return text + "</ListPartsResult>";
}

std::string completed_xml(const model::Upload& upload, const std::string& location) {
    const std::string etag = upload.pinned ? quoted(upload.pinned->etag) : std::string{};
    return fmt::format("{}<CompleteMultipartUploadResult {}>{}{}{}{}</CompleteMultipartUploadResult>", kXml,
                       kNamespace, element("Location", location), element("Bucket", upload.bucket.str()),
                       element("Key", upload.key.str()), element("ETag", etag));
}

std::string message_of(const Error& error) {
    std::string text;
    for (const auto& field : error.fields)
        text += (text.empty() ? "" : "; ") + field.detail;
    if (text.empty()) text = error.detail;
    const auto is_size = [](const FieldError& field) {
        return field.pointer == "/size" && field.code == ErrorCode::invalid_size;
    };
    const bool lacks_size = std::any_of(error.fields.begin(), error.fields.end(), is_size) ||
                            error.code == ErrorCode::invalid_size;
    return lacks_size && text.find("required") != std::string::npos ? text.append(kSizeInMetadata) : text;
}

std::string error_json(const Error& error, std::string_view request_id) {
    json::Writer out;
    out.begin_object();
    out.name("error");
    out.text(to_string(public_code(error.code)));
    out.name("message");
    out.text(message_of(error));
    out.name("requestId");
    out.text(request_id);
    out.end_object();
    return out.take();
}

std::string error_xml(const Error& error, std::string_view request_id) {
    return fmt::format("{}<Error>{}{}{}</Error>", kXml, element("Code", to_string(public_code(error.code))),
                       element("Message", message_of(error)), element("RequestId", request_id));
}

}  // namespace photogate::gateway::uppy
