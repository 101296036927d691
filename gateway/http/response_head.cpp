#include "gateway/http/response_head.hpp"

#include <algorithm>
#include <array>

#include "base/ascii.hpp"
#include "http/semantics/field.hpp"

namespace photogate::gateway::http {

namespace {

constexpr std::array<std::string_view, 6> own_fields{"Connection", "Content-Length", "Transfer-Encoding",
                                                     "Date",       "Server",         "X-Request-Id"};

constexpr std::array<std::pair<std::string_view, std::string_view>, 3> defaults{{
    {"X-Content-Type-Options", "nosniff"},
    {"Cache-Control", "no-store"},
    {"Content-Security-Policy", "default-src 'none'"},
}};

/// Nothing that would end the line.
std::string reason_of(const Response& response) {
    auto reason = response.reason;
    for (char& c : reason) {
        if (c < 0x20 || c > 0x7E) c = '?';
    }
    return reason;
}

void append_field(std::string& out, std::string_view name, std::string_view value) {
    if (!photogate::http::semantics::is_token(name)) return;
    out.append(name).append(": ");
    for (char c : value)
        out += (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) ? ' ' : c;
    out.append("\r\n");
}

bool is_own(std::string_view name) {
    return std::any_of(own_fields.begin(), own_fields.end(),
                       [&](std::string_view own) { return ascii::equals_ignoring_case(own, name); });
}

bool is_default(std::string_view name) {
    return std::any_of(defaults.begin(), defaults.end(),
                       [&](const auto& each) { return ascii::equals_ignoring_case(each.first, name); });
}

}  // namespace

bool may_have_body(int status) {
    return status >= 200 && status != 204 && status != 304;
}

void append_head(std::string& out, const Response& response, const BodyFraming& framing,
                 const ResponseContext& context) {
    out.append("HTTP/1.1 ")
        .append(std::to_string(response.status))
        .append(" ")
        .append(response.reason.empty() ? std::string{reason_phrase(response.status)} : reason_of(response));
    out.append("\r\nServer: photogate\r\nDate: ").append(context.date);
    out.append("\r\nX-Request-Id: ").append(context.request_id).append("\r\n");
    for (const HeaderField& field : response.headers) {
        if (is_own(field.name) || (field.value.empty() && is_default(field.name))) continue;
        append_field(out, field.name, field.value);
    }
    for (const HeaderField& field : context.extra)
        append_field(out, field.name, field.value);
    for (const auto& [name, value] : defaults) {
        if (!response.find(name)) out.append(name).append(": ").append(value).append("\r\n");
    }
    switch (framing.coding) {
        case Coding::length:
            out.append("Content-Length: ").append(std::to_string(framing.length)).append("\r\n");
            break;
        case Coding::chunked:
            out.append("Transfer-Encoding: chunked\r\n");
            break;
        case Coding::none:
        case Coding::until_close:
            break;
    }
    if (context.persistence == Persistence::close) {
        out.append("Connection: close\r\n");
    } else if (context.version == Version::http_1_0) {
        out.append("Connection: keep-alive\r\n");
    }
    out.append("\r\n");
}

void append_interim_head(std::string& out, const Response& response) {
    out.append("HTTP/1.1 ")
        .append(std::to_string(response.status))
        .append(" ")
        .append(reason_phrase(response.status))
        .append("\r\n");
    for (const HeaderField& field : response.headers) {
        if (!is_own(field.name)) append_field(out, field.name, field.value);
    }
    out.append("\r\n");
}

}  // namespace photogate::gateway::http
