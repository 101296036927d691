#include "gateway/http/chunked_decoder.hpp"

#include <algorithm>

#include "gateway/http/parse_head.hpp"

namespace photogate::gateway::http {

namespace {

constexpr int most_size_digits = 15;
constexpr std::size_t most_extension_bytes = 1'024;
constexpr std::size_t most_trailer_bytes = 4'096;

int hex_value(char c) {
    if (c >= '0' && c <= '9') return c - '0';
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    if (c >= 'A' && c <= 'F') return c - 'A' + 10;
    return -1;
}

bool is_control(char c) {
    return (static_cast<unsigned char>(c) < 0x20 && c != '\t') || c == 0x7f;
}

auto bad_framing(const char* detail) {
    return fail(ErrorCode::bad_framing, detail);
}

}  // namespace

Result<std::size_t> ChunkedDecoder::feed(std::string_view arrived, std::string& body) {
    std::size_t taken = 0;
    while (taken < arrived.size() && state_ != State::done) {
        if (state_ == State::data) {
            std::size_t some =
                static_cast<std::size_t>(std::min<std::uint64_t>(chunk_left_, arrived.size() - taken));
            body.append(arrived.substr(taken, some));
            taken += some;
            chunk_left_ -= some;
            if (chunk_left_ == 0) state_ = State::data_cr;
            continue;
        }
        if (Result<> step = take(arrived[taken]); !step) return fail(step.error());
        ++taken;
    }
    return taken;
}

Result<> ChunkedDecoder::take(char c) {
    switch (state_) {
        case State::size: {
            if (int digit = hex_value(c); digit >= 0) {
                if (++size_digits_ > most_size_digits)
                    return bad_framing("A chunk size has too many digits.");
                chunk_left_ = chunk_left_ * 16 + static_cast<std::uint64_t>(digit);
                return {};
            }
            if (size_digits_ == 0) return bad_framing("A chunk size is missing.");
            if (c == ';') {
                state_ = State::extension;
            } else if (c == '\r') {
                state_ = State::size_lf;
            } else {
                return bad_framing("A chunk size must be hexadecimal digits alone.");
            }
            return {};
        }
        case State::extension:
            if (c == '\r') {
                state_ = State::size_lf;
            } else if (is_control(c) || ++extension_bytes_ > most_extension_bytes) {
                return bad_framing("A chunk extension is not acceptable.");
            }
            return {};
        case State::size_lf:
            if (c != '\n') return bad_framing("A chunk size line must end in CR LF.");
            if (chunk_left_ > limit_ - decoded_) {
                return fail(ErrorCode::body_too_large,
                            "The body may have " + std::to_string(limit_) + " bytes.");
            }
            decoded_ += chunk_left_;
            size_digits_ = 0;
            state_ = chunk_left_ == 0 ? State::trailer : State::data;
            return {};
        case State::data_cr:
            if (c != '\r') return bad_framing("A chunk is longer than its size.");
            state_ = State::data_lf;
            return {};
        case State::data_lf:
            if (c != '\n') return bad_framing("A chunk must end in CR LF.");
            state_ = State::size;
            return {};
        case State::trailer:
            if (c == '\r') {
                state_ = State::trailer_lf;
                return {};
            }
            if (++trailer_bytes_ > most_trailer_bytes) {
                return fail(ErrorCode::headers_too_large, "The trailers are too large.");
            }
            if (is_control(c)) return fail(ErrorCode::bad_header, "A trailer holds a control character.");
            trailer_line_ += c;
            return {};
        case State::trailer_lf:
            if (c != '\n') return fail(ErrorCode::bad_header, "A trailer line must end in CR LF.");
            return end_trailer_line();
        case State::data:
        case State::done:
            return {};
    }
    return {};
}

Result<> ChunkedDecoder::end_trailer_line() {
    if (trailer_line_.empty()) {
        state_ = State::done;
        return {};
    }
    if (!is_token(std::string_view{trailer_line_}.substr(0, trailer_line_.find(':'))) ||
        trailer_line_.find(':') == std::string::npos) {
        return fail(ErrorCode::bad_header, "A trailer is not a header line.");
    }
    trailer_line_.clear();
    state_ = State::trailer;
    return {};
}

}  // namespace photogate::gateway::http
