#include "gateway/routes/upload_request.hpp"

#include <algorithm>

#include <fmt/format.h>

#include "base/ascii.hpp"
#include "base/json/fields.hpp"

namespace photogate::gateway::routes {
namespace {

using json::Fields;
using json::Value;

constexpr std::size_t kLongestKey = 128;

void read_checksum(Fields& fields, pipeline::GrantRequest& request) {
    const Value* checksum = fields.object("checksum", {.code = ErrorCode::invalid_checksum});
    if (!checksum) return;
    Fields inner(*checksum, "/checksum");
    const auto algorithm =
        inner.text("algorithm", {.presence = json::Presence::required, .code = ErrorCode::invalid_checksum});
    request.sha256 = inner.text(
        "value", {.presence = json::Presence::required, .longest = 64, .code = ErrorCode::invalid_checksum});
    if (algorithm && *algorithm != "sha256")
        inner.refuse("algorithm", ErrorCode::invalid_checksum, "the algorithm is \"sha256\"");
    fields.take(std::move(inner));
}

void read_metadata(Fields& fields, pipeline::GrantRequest& request) {
    const Value* metadata = fields.object("metadata", {.code = ErrorCode::invalid_metadata});
    if (!metadata) return;
    Fields inner(*metadata, "/metadata");
    for (const auto& [name, unused] : *metadata->object()) {
        auto value = inner.text(name, {.shortest = 0, .longest = 8'192, .code = ErrorCode::invalid_metadata});
        if (value) request.metadata.emplace(name, std::move(*value));
    }
    fields.take(std::move(inner));
}

void read_client_fields(Fields& fields, pipeline::GrantRequest& request) {
    const Value* names = fields.array("client_fields", {.code = ErrorCode::invalid_metadata});
    if (!names) return;
    for (const auto& name : *names->array()) {
        if (!name.text()) {
            return fields.refuse("client_fields", ErrorCode::invalid_metadata,
                                 "'client_fields' is a list of names");
        }
        request.client_fields.push_back(*name.text());
    }
}

}  // namespace

Result<ReadGrantRequest> read_grant_request(std::string_view body) {
    const auto document = json::read_object(body);
    if (!document) return fail(document.error());
    return read_grant_request(*document);
}

Result<ReadGrantRequest> read_grant_request(const Value& value) {
    if (!value.object()) return fail(ErrorCode::invalid_field, "an upload is described by an object");
    Fields fields(value);
    pipeline::GrantRequest request;
    request.profile = fields.text("profile", {.longest = 64, .code = ErrorCode::unknown_profile});
    request.method = fields.text("method", {.longest = 16, .code = ErrorCode::method_not_offered});
    request.filename = fields.text("filename", {.longest = 1'024, .code = ErrorCode::invalid_filename});
    request.content_type = fields.text(
        "content_type", {.shortest = 0, .longest = 128, .code = ErrorCode::content_type_not_allowed});
    if (const auto size = fields.integer("size", {.least = 1, .code = ErrorCode::invalid_size})) {
        request.size = static_cast<ByteSize>(*size);
    }
    request.expires_in = fields.integer("expires_in", {.least = 1, .code = ErrorCode::invalid_expiry});
    request.region = fields.text("region", {.longest = 64, .code = ErrorCode::unknown_region});
    if (const auto address = fields.text("client_address", {.longest = 45})) {
        request.client_address = parse_ip_address(*address);
        if (!request.client_address)
            fields.refuse("client_address", ErrorCode::invalid_field,
                          "'client_address' is an IPv4 or IPv6 address, without a port");
    }
    request.callback_url =
        fields.text("callback_url", {.longest = 2'048, .code = ErrorCode::invalid_callback_url});
    request.dedupe = fields.flag("dedupe").value_or(false);
    read_checksum(fields, request);
    read_metadata(fields, request);
    read_client_fields(fields, request);
    ReadGrantRequest read{std::move(request), {}};
    if (auto sane = fields.finish(); !sane) {
        if (sane.error().fields.empty()) return fail(std::move(sane.error()));
        read.mistakes = std::move(sane.error().fields);
    }
    return read;
}

Result<std::optional<std::string>> read_idempotency_key(const http::RequestHead& head) {
    const auto sent = head.headers.find("idempotency-key");
    if (!sent) return std::optional<std::string>{};
    const auto refuse = [] {
        return fail(ErrorCode::invalid_idempotency_key,
                    "an Idempotency-Key has 1 to 128 visible ASCII characters, bare or in quotes, once");
    };
    if (head.headers.count("idempotency-key") != 1) return refuse();
    std::string_view key = *sent;
    if (key.size() >= 2 && key.front() == '"' && key.back() == '"') key = key.substr(1, key.size() - 2);
    const bool visible = std::all_of(key.begin(), key.end(),
                                     [](char c) { return c > 0x20 && c < 0x7F && c != '"' && c != '\\'; });
    if (key.empty() || key.size() > kLongestKey || !visible) return refuse();
    return std::optional<std::string>{key};
}

Result<std::chrono::seconds> read_wait(const http::RequestHead& head) {
    const auto text = head.query_value("wait");
    if (!text) return std::chrono::seconds{0};
    const auto seconds = ascii::parse_whole<unsigned>(*text);
    if (!seconds || *seconds > 60) return fail(ErrorCode::invalid_query, "'wait' is 0 to 60 seconds");
    return std::chrono::seconds{*seconds};
}

Result<> check_query(const http::RequestHead& head, std::initializer_list<std::string_view> known) {
    for (const auto& parameter : head.query) {
        const bool named = std::any_of(known.begin(), known.end(), [&](std::string_view name) {
            return name.ends_with('.')
                       ? parameter.name.starts_with(name) && parameter.name.size() > name.size()
                       : name == parameter.name;
        });
        if (!named)
            return fail(ErrorCode::unknown_parameter,
                        fmt::format("the query parameter '{}' is unknown here", parameter.name));
        const auto times = std::count_if(head.query.begin(), head.query.end(),
                                         [&](const auto& other) { return other.name == parameter.name; });
        if (times > 1)
            return fail(ErrorCode::invalid_query,
                        fmt::format("the query parameter '{}' stands twice", parameter.name));
    }
    return {};
}

}  // namespace photogate::gateway::routes
