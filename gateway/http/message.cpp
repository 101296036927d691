#include "gateway/http/message.hpp"

#include <array>

#include "base/ascii.hpp"

namespace photogate::gateway::http {

namespace {

constexpr std::array<std::pair<Method, std::string_view>, 9> method_names{{
    {Method::get, "GET"},
    {Method::head, "HEAD"},
    {Method::post, "POST"},
    {Method::put, "PUT"},
    {Method::delete_, "DELETE"},
    {Method::patch, "PATCH"},
    {Method::options, "OPTIONS"},
    {Method::trace, "TRACE"},
    {Method::connect, "CONNECT"},
}};

}  // namespace

std::string_view to_string(Method method) {
    for (const auto& [value, name] : method_names) {
        if (value == method) return name;
    }
    return "";
}

std::optional<Method> parse_method(std::string_view text) {
    for (const auto& [value, name] : method_names) {
        if (name == text) return value;
    }
    return std::nullopt;
}

void RequestHeaders::add(std::string_view name, std::string_view value) {
    slices_.push_back({static_cast<std::uint32_t>(block_.size()), static_cast<std::uint16_t>(name.size()),
                       static_cast<std::uint32_t>(value.size())});
    block_.append(name).append(value);
}

RequestHeaders::Field RequestHeaders::at(std::size_t index) const {
    const Slice& slice = slices_[index];
    std::string_view all{block_};
    return {all.substr(slice.start, slice.name_size),
            all.substr(slice.start + slice.name_size, slice.value_size)};
}

std::optional<std::string_view> RequestHeaders::find(std::string_view name) const {
    for (std::size_t i = 0; i < slices_.size(); ++i) {
        if (slices_[i].name_size != name.size()) continue;
        Field field = at(i);
        if (ascii::equals_ignoring_case(field.name, name)) return field.value;
    }
    return std::nullopt;
}

std::vector<std::string_view> RequestHeaders::all(std::string_view name) const {
    std::vector<std::string_view> values;
    for (std::size_t i = 0; i < slices_.size(); ++i) {
        Field field = at(i);
        if (ascii::equals_ignoring_case(field.name, name)) values.push_back(field.value);
    }
    return values;
}

std::size_t RequestHeaders::count(std::string_view name) const {
    std::size_t found = 0;
    for (std::size_t i = 0; i < slices_.size(); ++i) {
        if (ascii::equals_ignoring_case(at(i).name, name)) ++found;
    }
    return found;
}

std::string_view RequestHead::raw_path() const {
    std::string_view text{target};
    return text.substr(0, text.find('?'));
}

std::optional<std::string_view> RequestHead::query_value(std::string_view name) const {
    for (const QueryParameter& parameter : query) {
        if (parameter.name == name) return parameter.value;
    }
    return std::nullopt;
}

std::string_view Request::parameter(std::string_view name) const {
    for (const PathParameter& found : parameters) {
        if (found.name == name) return found.value;
    }
    return {};
}

Response Response::json(int status, std::string text) {
    return Response{status, {{"Content-Type", "application/json; charset=utf-8"}}, std::move(text)};
}

Response Response::text(int status, std::string text) {
    return Response{status, {{"Content-Type", "text/plain; charset=utf-8"}}, std::move(text)};
}

Response Response::problem(Error error) {
    Response response;
    response.status = http_status(error.code);
    response.set("Content-Type", "application/problem+json");
    if (response.status == 401) response.set("WWW-Authenticate", "Bearer realm=\"photogate\"");
    if (error.retry_after) {
        response.set("Retry-After", std::to_string(error.retry_after->count()));
    } else if (response.status == 503 || response.status == 429) {
        response.set("Retry-After", "1");
    }
    response.body = std::move(error);
    return response;
}

Response& Response::set(std::string_view name, std::string_view value) {
    for (HeaderField& field : headers) {
        if (ascii::equals_ignoring_case(field.name, name)) {
            field.value = value;
            return *this;
        }
    }
    headers.push_back({std::string{name}, std::string{value}});
    return *this;
}

const std::string* Response::find(std::string_view name) const {
    for (const HeaderField& field : headers) {
        if (ascii::equals_ignoring_case(field.name, name)) return &field.value;
    }
    return nullptr;
}

std::string_view reason_phrase(int status) {
    switch (status) {
        case 100:
            return "Continue";
        case 104:
            return "Upload Resumption Supported";  // draft-ietf-httpbis-resumable-upload
        case 200:
            return "OK";
        case 201:
            return "Created";
        case 202:
            return "Accepted";
        case 204:
            return "No Content";
        case 206:
            return "Partial Content";
        case 301:
            return "Moved Permanently";
        case 302:
            return "Found";
        case 303:
            return "See Other";
        case 304:
            return "Not Modified";
        case 307:
            return "Temporary Redirect";
        case 308:
            return "Permanent Redirect";
        case 400:
            return "Bad Request";
        case 401:
            return "Unauthorized";
        case 403:
            return "Forbidden";
        case 404:
            return "Not Found";
        case 405:
            return "Method Not Allowed";
        case 406:
            return "Not Acceptable";
        case 408:
            return "Request Timeout";
        case 409:
            return "Conflict";
        case 410:
            return "Gone";
        case 411:
            return "Length Required";
        case 412:
            return "Precondition Failed";
        case 413:
            return "Content Too Large";
        case 414:
            return "URI Too Long";
        case 415:
            return "Unsupported Media Type";
        case 416:
            return "Range Not Satisfiable";
        case 417:
            return "Expectation Failed";
        case 421:
            return "Misdirected Request";
        case 422:
            return "Unprocessable Content";
        case 425:
            return "Too Early";
        case 429:
            return "Too Many Requests";
        case 431:
            return "Request Header Fields Too Large";
        case 460:
            return "Checksum Mismatch";  // tus 1.0.0
        case 500:
            return "Internal Server Error";
        case 501:
            return "Not Implemented";
        case 502:
            return "Bad Gateway";
        case 503:
            return "Service Unavailable";
        case 504:
            return "Gateway Timeout";
        case 507:
            return "Insufficient Storage";
        default:
            return "";
    }
}

}  // namespace photogate::gateway::http
