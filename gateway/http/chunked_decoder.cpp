#include "gateway/http/chunked_decoder.hpp"

#include <algorithm>

#include <boost/asio/buffer.hpp>

namespace photogate::gateway::http {

namespace {

namespace beast_http = boost::beast::http;

constexpr std::size_t most_size_digits = 15;
constexpr std::size_t most_extension_bytes = 1'024;
constexpr std::size_t most_trailer_bytes = 4'096;

/// Beast's parser reads whole messages. The head has been read elsewhere, so this stands in for it.
constexpr std::string_view head_of_a_chunked_body = "PUT / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n";

bool is_control(char c) {
    return (static_cast<unsigned char>(c) < 0x20 && c != '\t') || c == 0x7f;
}

boost::asio::const_buffer buffer(std::string_view text) {
    return {text.data(), text.size()};
}

auto bad_framing(const char* detail) {
    return fail(ErrorCode::bad_framing, detail);
}

}  // namespace

ChunkedDecoder::ChunkedDecoder(std::uint64_t limit) : limit_(limit) {
    body_limit(limit);
    Code none;
    put(buffer(head_of_a_chunked_body), none);
}

Result<std::size_t> ChunkedDecoder::feed(std::string_view arrived, std::string& body) {
    body_ = &body;
    std::size_t taken = 0;
    while (taken < arrived.size() && !done()) {
        const std::string_view left = arrived.substr(taken);
        Result<std::size_t> some = next_ == Next::data ? take_data(left) : take_line(left);
        if (!some) return some;
        taken += *some;
    }
    return taken;
}

Result<std::size_t> ChunkedDecoder::take_data(std::string_view arrived) {
    Code error;
    const std::size_t used = put(buffer(arrived), error);
    if (error) return refusal(error);
    return used;
}

std::size_t ChunkedDecoder::on_chunk_body_impl(std::uint64_t remain, Text data, Code&) {
    body_->append(data.data(), data.size());
    if (remain == data.size()) next_ = Next::data_end;
    return data.size();
}

Result<std::size_t> ChunkedDecoder::take_line(std::string_view arrived) {
    const std::size_t lf = arrived.find('\n');
    const std::size_t size = std::min(lf, arrived.size() - 1) + 1;
    element_.append(arrived.substr(0, size));
    const std::string_view line = std::string_view{element_}.substr(line_);
    const std::string_view text = line.substr(0, line.find('\r'));
    // A bare LF or CR ends a line for some readers and is a character for others.
    if (text.ends_with('\n') || !std::string_view{"\r\n"}.starts_with(line.substr(text.size()))) {
        if (next_ == Next::trailer) return fail(ErrorCode::bad_header, "a trailer line must end in CR LF");
        return bad_framing("a line of the chunks' framing must end in CR LF");
    }
    if (Result<> checked = check_line(text); !checked) return fail(checked.error());
    if (lf == std::string_view::npos) return size;
    if (Result<> ended = end_line(text); !ended) return fail(ended.error());
    return size;
}

/// What Beast lets through, or would see only later. `text` is a line without its end, perhaps its beginning
/// only.
Result<> ChunkedDecoder::check_line(std::string_view text) {
    if (next_ == Next::data_end) {
        if (!text.empty()) return bad_framing("a chunk is longer than its size");
    } else if (next_ == Next::trailer) {
        // Beast joins a folded line to the one before (RFC 9112 5.2: a server may refuse it).
        if (text.starts_with(' ') || text.starts_with('\t'))
            return fail(ErrorCode::bad_header, "trailers folded over several lines are not accepted");
        if (trailer_bytes_ + text.size() > most_trailer_bytes)
            return fail(ErrorCode::headers_too_large, "the trailers are too large");
    } else {
        const std::size_t digits = std::min(text.find_first_not_of("0123456789abcdefABCDEF"), text.size());
        if (digits == 0) return bad_framing("a chunk size must begin with a hexadecimal digit");
        // Beast takes any number of zeros in front.
        if (digits > most_size_digits) return bad_framing("a chunk size has too many digits");
        // Beast takes white space before an extension, and reads `0x5` as a last chunk until its trailers are
        // there.
        const std::string_view extension = text.substr(digits);
        if (!extension.empty() && extension.front() != ';')
            return bad_framing("a chunk size must be hexadecimal digits alone");
        // Beast takes any character in a quoted value.
        if (extension_bytes_ + extension.size() > most_extension_bytes + 1 ||
            std::any_of(extension.begin(), extension.end(), is_control))
            return bad_framing("a chunk extension is not acceptable");
    }
    return {};
}

/// Beast takes a chunk's header together with the line end before it, and the last chunk's together with all
/// trailers. It is given them whole: it looks for the closing quote of an extension behind the line's end too, so
/// what it still waits for would not be what this decoder reads next.
Result<> ChunkedDecoder::end_line(std::string_view text) {
    line_ = element_.size();
    if (next_ == Next::data_end) {
        next_ = Next::size;
        return {};
    }
    if (next_ == Next::size) {
        const std::size_t digits = std::min(text.find(';'), text.size());
        if (digits < text.size()) extension_bytes_ += text.size() - digits - 1;
        const bool is_last = text.substr(0, digits).find_first_not_of('0') == std::string_view::npos;
        next_ = is_last ? Next::trailer : Next::data;
        if (is_last) return {};
    } else {
        trailer_bytes_ += text.size();
        if (!text.empty()) return {};
    }
    Code error;
    put(buffer(element_), error);
    if (error) return refusal(error);
    element_.clear();
    line_ = 0;
    return {};
}

tl::unexpected<Error> ChunkedDecoder::refusal(Code error) const {
    if (error == beast_http::error::body_limit)
        return fail(ErrorCode::body_too_large, "the body may have " + std::to_string(limit_) + " bytes");
    const bool in_extension =
        error == beast_http::error::bad_chunk_extension || error == beast_http::error::need_more;
    if (in_extension) return bad_framing("a chunk extension is not acceptable");
    if (next_ == Next::trailer)
        return fail(ErrorCode::bad_header, "a trailer is not an acceptable header line");
    return bad_framing("a chunk is not acceptable");
}

}  // namespace photogate::gateway::http
