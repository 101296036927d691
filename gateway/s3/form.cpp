#include "gateway/s3/form.hpp"

#include <algorithm>

#include "base/ascii.hpp"
#include "base/encoding.hpp"
#include "base/text.hpp"
#include "signer/message_rules.hpp"

namespace photogate::gateway::s3 {

namespace {

constexpr std::size_t kMostFieldBytes = 65'536;
constexpr std::size_t kMostFields = 100;

auto malformed(std::string why) {
    return refuse(
        Code::MalformedPOSTRequest,
        "The body of your POST request is not well-formed multipart/form-data: " + std::move(why) + ".");
}

auto fields_too_long() {
    return refuse(Code::MaxMessageLengthExceeded, "The form's fields before the file are too long.");
}

/// `; name="value"` or `; name=value` of a header; browsers escape `"` as %22, curl as \".
std::optional<std::string> parameter(std::string_view header, std::string_view name) {
    auto at = header.find(';');
    while (at != std::string_view::npos) {
        auto rest = trim(header.substr(at + 1));
        const auto equals = rest.find('=');
        if (equals == std::string_view::npos) return std::nullopt;
        const bool wanted = ascii::equals_ignoring_case(trim(rest.substr(0, equals)), name);
        rest.remove_prefix(equals + 1);
        std::string value;
        std::size_t end = 0;
        if (rest.starts_with('"')) {
            for (end = 1; end < rest.size() && rest[end] != '"'; ++end) {
                if (rest[end] == '\\' && end + 1 < rest.size() &&
                    (rest[end + 1] == '"' || rest[end + 1] == '\\'))
                    ++end;
                value += rest[end];
            }
            if (end == rest.size()) return std::nullopt;
        } else {
            end = std::min(rest.find(';'), rest.size());
            value = trim(rest.substr(0, end));
        }
        if (wanted) return value;
        const auto next = rest.find(';', end);
        at = next == std::string_view::npos ? next
                                            : static_cast<std::size_t>(rest.data() - header.data()) + next;
    }
    return std::nullopt;
}

enum class LineEnd { unfinished, line, close, other };
struct BoundaryLine {
    LineEnd kind = LineEnd::unfinished;
    std::size_t length = 0;
};
/// What follows a boundary: white space and the end of the line, or `--` (RFC 2046, 5.1.1).
BoundaryLine read_line_end(std::string_view rest) {
    if (rest.size() < 2) return {};
    if (rest.starts_with("--")) return {LineEnd::close, 2};
    const auto end = rest.find_first_not_of(" \t");
    if (end == std::string_view::npos || rest.substr(end) == "\r") return {};
    if (rest.substr(end, 2) == "\r\n") return {LineEnd::line, end + 2};
    return {LineEnd::other, 0};
}

}  // namespace

std::optional<std::string> form_boundary(std::string_view content_type) {
    const auto type = trim(content_type.substr(0, content_type.find(';')));
    if (!ascii::equals_ignoring_case(type, "multipart/form-data")) return std::nullopt;
    auto boundary = parameter(content_type, "boundary");
    if (!boundary || boundary->empty() || boundary->size() > 70) return std::nullopt;
    return boundary;
}

Form::Form(const std::string& boundary) : delimiter_("\r\n--" + boundary), buffer_("\r\n") {}

S3Result<> Form::feed(std::string_view arrived, std::string& file) {
    if (state_ == State::after) return {};
    buffer_.append(arrived);
    for (bool more = true; more;) {
        if (auto read = step(file, more); !read) return read;
    }
    if (!file_begun()) passed_ += at_;
    buffer_.erase(0, at_);
    at_ = 0;
    if (!file_begun() && passed_ + buffer_.size() > kMostFieldBytes) return fields_too_long();
    return {};
}

S3Result<> Form::step(std::string& file, bool& more) {
    const auto here = left();
    more = false;
    switch (state_) {
        case State::start: {
            // RFC 2046, 5.1.1: what precedes the first boundary is ignored.
            const auto begin = here.find(delimiter_);
            if (begin == std::string_view::npos) {
                if (here.size() > kMostFieldBytes) return malformed("it does not begin with its boundary");
                return {};
            }
            const auto line = read_line_end(here.substr(begin + delimiter_.size()));
            if (line.kind == LineEnd::unfinished) return {};
            if (line.kind == LineEnd::close) return malformed("it has no file");
            if (line.kind == LineEnd::other) return malformed("a boundary is not followed by an end of line");
            at_ += begin + delimiter_.size() + line.length;
            state_ = State::head;
            more = true;
            return {};
        }
        case State::head: {
            const auto end = here.find("\r\n\r\n");
            if (end == std::string_view::npos) return {};
            at_ += end + 4;
            if (passed_ + at_ > kMostFieldBytes) return fields_too_long();
            if (auto read = read_head(here.substr(0, end)); !read) return read;
            more = true;
            return {};
        }
        case State::value: {
            const auto end = here.find(delimiter_);
            if (end == std::string_view::npos) return {};
            const auto line = read_line_end(here.substr(end + delimiter_.size()));
            if (line.kind == LineEnd::unfinished) return {};
            const auto value = here.substr(0, end);
            if (!is_utf8(value) || value.find('\0') != std::string_view::npos)
                return malformed("a field is not UTF-8");
            fields_.push_back({name_, std::string{value}});
            if (line.kind == LineEnd::close) return malformed("it has no file");
            if (line.kind == LineEnd::other) return malformed("a boundary is not followed by an end of line");
            at_ += end + delimiter_.size() + line.length;
            state_ = State::head;
            more = true;
            return {};
        }
        case State::file: {
            const auto end = here.find(delimiter_);
            if (end == std::string_view::npos) {
                // Everything except a possible beginning of the delimiter.
                const auto sure = here.size() - std::min(here.size(), delimiter_.size() - 1);
                file.append(here.substr(0, sure));
                at_ += sure;
                return {};
            }
            file.append(here.substr(0, end));
            at_ = buffer_.size();
            state_ = State::after;
            return {};
        }
        case State::after:
            return {};
    }
    return {};
}

S3Result<> Form::read_head(std::string_view head) {
    std::optional<std::string> name;
    std::optional<std::string> file_name;
    while (!head.empty()) {
        const auto end = std::min(head.find("\r\n"), head.size());
        const auto line = head.substr(0, end);
        head.remove_prefix(std::min(end + 2, head.size()));
        const auto colon = line.find(':');
        if (colon == std::string_view::npos) return malformed("a part's header has no colon");
        if (!ascii::equals_ignoring_case(line.substr(0, colon), "content-disposition")) continue;
        const auto value = line.substr(colon + 1);
        if (!ascii::equals_ignoring_case(trim(value.substr(0, value.find(';'))), "form-data"))
            return malformed("a part is not form-data");
        name = parameter(value, "name");
        file_name = parameter(value, "filename");
    }
    if (!name || name->empty()) return malformed("a part has no name");
    if (fields_.size() == kMostFields) return malformed("it has too many fields");
    if (ascii::equals_ignoring_case(*name, "file")) {
        std::string_view bare = file_name ? std::string_view{*file_name} : std::string_view{};
        bare = bare.substr(bare.find_last_of("/\\") == std::string_view::npos ? 0
                                                                              : bare.find_last_of("/\\") + 1);
        file_name_ = bare;
        state_ = State::file;
    } else {
        name_ = std::move(*name);
        state_ = State::value;
    }
    return {};
}

S3Result<> Form::finish() const {
    if (state_ == State::after) return {};
    return malformed(state_ == State::file ? "the file does not end with the boundary" : "it has no file");
}

}  // namespace photogate::gateway::s3
