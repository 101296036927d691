#include "gateway/s3/aws_chunked.hpp"

#include <algorithm>
#include <charconv>

#include "base/ascii.hpp"

namespace photogate::gateway::s3 {

namespace {

constexpr std::size_t kLongestLine = 1'024;
constexpr std::size_t kMostTrailers = 16;
constexpr std::string_view kSignature = ";chunk-signature=";

auto malformed() {
    return refuse(Code::InvalidRequest, "The aws-chunked body is not well formed.");
}

}  // namespace

S3Result<> AwsChunked::feed(std::string_view arrived, std::string& out) {
    while (!arrived.empty()) {
        if (state_ == State::done) return malformed();
        if (state_ == State::data) {
            const auto some =
                arrived.substr(0, static_cast<std::size_t>(std::min<std::uint64_t>(left_, arrived.size())));
            if (are_signed()) hash_.update(as_bytes(some));
            out.append(some);
            arrived.remove_prefix(some.size());
            left_ -= some.size();
            if (left_ == 0) state_ = State::data_end;
            continue;
        }
        const std::size_t end = arrived.find('\n');
        const auto part = arrived.substr(0, end);
        if (line_.size() + part.size() > kLongestLine) return malformed();
        line_.append(part);
        if (end == std::string_view::npos) return {};
        arrived.remove_prefix(end + 1);
        // AWS's own example, and minio-go, end a trailer's line with LF and write CRLF behind it.
        const bool bare = !line_.ends_with('\r');
        if (bare && state_ != State::trailer) return malformed();
        if (!bare) line_.pop_back();
        const std::string line = std::exchange(line_, {});
        S3Result<> read;
        switch (state_) {
            case State::head:
                read = read_head(line);
                break;
            case State::data_end:
                read = line.empty() ? end_chunk() : malformed();
                break;
            case State::trailer:
                if (line.empty() && !bare && separator_expected_) {
                    separator_expected_ = false;
                    break;
                }
                separator_expected_ = bare;
                read = read_trailer(line);
                break;
            case State::data:
            case State::done:
                break;
        }
        if (!read) return read;
    }
    return {};
}

S3Result<> AwsChunked::read_head(std::string_view line) {
    const auto semicolon = std::min(line.find(';'), line.size());
    const auto [end, error] = std::from_chars(line.data(), line.data() + semicolon, left_, 16);
    if (semicolon == 0 || error != std::errc{} || end != line.data() + semicolon) return malformed();
    if (left_ > options_.decoded_length - decoded_)
        return refuse(Code::IncompleteBody, "The body is longer than x-amz-decoded-content-length.");
    const auto extension = line.substr(semicolon);
    if (are_signed()) {
        if (!extension.starts_with(kSignature)) return malformed();
        signature_ = extension.substr(kSignature.size());
    } else if (!extension.empty()) {
        return malformed();
    }
    decoded_ += left_;
    last_ = left_ == 0;
    if (!last_) {
        state_ = State::data;
        return {};
    }
    return end_chunk();
}

S3Result<> AwsChunked::end_chunk() {
    if (are_signed() &&
        !options_.signatures->next_chunk(std::exchange(hash_, signer::Sha256Stream{}).finish(), signature_))
        return refuse(Code::SignatureDoesNotMatch);
    state_ = last_ ? State::trailer : State::head;
    return {};
}

S3Result<> AwsChunked::read_trailer(std::string_view line) {
    if (line.empty()) return end_trailers();
    const auto colon = line.find(':');
    if (colon == std::string_view::npos || options_.form == ChunkedForm::signed_chunks ||
        trailers_.size() == kMostTrailers)
        return malformed();
    auto value = line.substr(colon + 1);
    while (value.starts_with(' '))
        value.remove_prefix(1);
    while (value.ends_with(' '))
        value.remove_suffix(1);
    std::string name = ascii::to_lower(line.substr(0, colon));
    if (name == "x-amz-trailer-signature") {
        trailer_signature_ = value;
    } else {
        trailers_.emplace_back(std::move(name), value);
    }
    return {};
}

S3Result<> AwsChunked::end_trailers() {
    if (options_.form == ChunkedForm::signed_chunks_and_trailer) {
        std::sort(trailers_.begin(), trailers_.end());
        std::string lines;
        for (const auto& [name, value] : trailers_)
            lines.append(name).append(":").append(value).append("\n");
        if (!options_.signatures->trailer(signer::sha256(lines), trailer_signature_))
            return refuse(Code::SignatureDoesNotMatch);
    }
    state_ = State::done;
    return {};
}

S3Result<> AwsChunked::finish() const {
    // Some clients omit the last empty line; everything relevant has been read by then.
    const bool at_line_start = state_ == State::trailer && line_.empty();
    const bool whole =
        state_ == State::done || (at_line_start && options_.form == ChunkedForm::signed_chunks) ||
        (at_line_start && options_.form == ChunkedForm::unsigned_with_trailer && !trailers_.empty());
    if (!whole || decoded_ != options_.decoded_length) return refuse(Code::IncompleteBody);
    return {};
}

}  // namespace photogate::gateway::s3
