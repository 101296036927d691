#include "gateway/s3/body_checks.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <utility>

#include <fmt/format.h>

#include "base/ascii.hpp"
#include "base/encoding.hpp"

namespace photogate::gateway::s3 {

namespace {

constexpr std::array kAlgorithms = {ChecksumAlgorithm::crc32, ChecksumAlgorithm::crc32c,
                                    ChecksumAlgorithm::crc64nvme, ChecksumAlgorithm::sha1,
                                    ChecksumAlgorithm::sha256};

S3Result<std::uint64_t> size_in(std::string_view text, std::string_view header) {
    std::uint64_t size = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), size);
    if (text.empty() || text.size() > 18 || error != std::errc{} || end != text.data() + text.size())
        return refuse(Code::InvalidArgument, fmt::format("{} is not a size.", header));
    return size;
}

/// A checksum that can't be verified is refused: the sender relies on it.
S3Result<> check_known(const http::RequestHead& head) {
    constexpr std::string_view beginning = "x-amz-checksum-";
    for (std::size_t i = 0; i < head.headers.size(); ++i) {
        const auto name = head.headers.at(i).name;
        if (name.size() < beginning.size() ||
            !ascii::equals_ignoring_case(name.substr(0, beginning.size()), beginning))
            continue;
        const auto rest = name.substr(beginning.size());
        const bool known = ascii::equals_ignoring_case(rest, "algorithm") ||
                           ascii::equals_ignoring_case(rest, "type") ||
                           ascii::equals_ignoring_case(rest, "mode") ||
                           storage::builtin::parse_checksum_algorithm(rest).has_value();
        if (!known)
            return refuse(Code::InvalidRequest,
                          fmt::format("The header {} names a checksum algorithm that is "
                                      "not supported: use CRC32, CRC32C, CRC64NVME, SHA1 "
                                      "or SHA256.",
                                      name));
    }
    return {};
}

S3Result<> read_checksums(const http::RequestHead& head, BodyPromise& promise) {
    for (const ChecksumAlgorithm algorithm : kAlgorithms) {
        const std::string header = header_of(algorithm);
        const auto value = head.headers.find(header);
        if (!value) continue;
        if (promise.checksum)
            return refuse(
                Code::InvalidRequest,
                "Expecting a single x-amz-checksum- header. Multiple checksum types are not allowed.");
        if (!storage::builtin::is_checksum(algorithm, *value))
            return refuse(Code::InvalidRequest, fmt::format("Value for {} header is invalid.", header));
        promise.checksum = Checksum{algorithm, std::string{*value}};
    }
    return {};
}

/// `x-amz-sdk-checksum-algorithm` announces a checksum, which then has to be there.
S3Result<> check_announced(const http::RequestHead& head, const BodyPromise& promise) {
    const auto announced = head.headers.find("x-amz-sdk-checksum-algorithm");
    if (!announced) return {};
    const auto algorithm = storage::builtin::parse_checksum_algorithm(*announced);
    if (!algorithm)
        return refuse(Code::InvalidRequest, "Value for x-amz-sdk-checksum-algorithm header is invalid.");
    if (!promise.algorithm())
        return refuse(Code::InvalidRequest,
                      "x-amz-sdk-checksum-algorithm specified, but no corresponding x-amz-checksum-* or "
                      "x-amz-trailer headers were found.");
    if (promise.algorithm() != algorithm)
        return refuse(Code::InvalidRequest, "Value for x-amz-sdk-checksum-algorithm header is invalid.");
    return {};
}

S3Result<> read_md5(const http::RequestHead& head, BodyPromise& promise) {
    if (const auto md5 = head.headers.find("Content-MD5")) {
        const auto bytes = from_base64(*md5);
        if (!bytes || bytes->size() != 16) return refuse(Code::InvalidDigest);
        promise.md5 = *md5;
    }
    return {};
}

std::optional<ChecksumAlgorithm> algorithm_of_trailer(std::string_view name) {
    for (const ChecksumAlgorithm algorithm : kAlgorithms) {
        if (ascii::equals_ignoring_case(header_of(algorithm), name)) return algorithm;
    }
    return std::nullopt;
}

S3Result<> read_chunks(const http::RequestHead& head, const signer::VerifiedRequest& verified,
                       BodyPromise& promise) {
    AwsChunked::Options options;
    const std::string_view word = verified.payload_hash;
    const bool with_trailer = word.ends_with("-TRAILER");
    options.form = word == "STREAMING-UNSIGNED-PAYLOAD-TRAILER" ? ChunkedForm::unsigned_with_trailer
                   : with_trailer                               ? ChunkedForm::signed_chunks_and_trailer
                                                                : ChunkedForm::signed_chunks;
    options.signatures = verified.chunks;
    const auto length = head.headers.find("x-amz-decoded-content-length");
    if (!length) return refuse(Code::MissingContentLength);
    const auto size = size_in(*length, "x-amz-decoded-content-length");
    if (!size) return refuse(size.error());
    options.decoded_length = *size;
    promise.length = *size;
    if (const auto trailer = head.headers.find("x-amz-trailer"); trailer && with_trailer) {
        promise.trailer = algorithm_of_trailer(*trailer);
        if (!promise.trailer)
            return refuse(Code::InvalidRequest,
                          "The value specified in the x-amz-trailer header is not supported");
        if (promise.checksum)
            return refuse(
                Code::InvalidRequest,
                "Expecting a single x-amz-checksum- header. Multiple checksum types are not allowed.");
    }
    promise.chunked = std::move(options);
    return {};
}

}  // namespace

std::string header_of(ChecksumAlgorithm algorithm) {
    return "x-amz-checksum-" + ascii::to_lower(to_string(algorithm));
}

S3Result<BodyPromise> read_promise(const http::RequestHead& head, const signer::VerifiedRequest& verified,
                                   ChecksumHeaders checksums) {
    BodyPromise promise;
    const bool of_body = checksums == ChecksumHeaders::of_body;
    if (auto known = check_known(head); !known) return refuse(known.error());
    if (of_body) {
        if (auto read = read_checksums(head, promise); !read) return refuse(read.error());
    }
    if (auto read = read_md5(head, promise); !read) return refuse(read.error());
    if (verified.payload_hash.starts_with("STREAMING-")) {
        if (auto read = read_chunks(head, verified, promise); !read) return refuse(read.error());
        if (auto there = check_announced(head, promise); of_body && !there) return refuse(there.error());
        return promise;
    }
    if (auto there = check_announced(head, promise); of_body && !there) return refuse(there.error());
    if (verified.payload_hash != "UNSIGNED-PAYLOAD") {
        const auto hash = from_hex(verified.payload_hash);
        if (!hash) return refuse(Code::InvalidArgument, "x-amz-content-sha256 is not a hash.");
        promise.sha256 = base64(*hash);
    }
    if (std::holds_alternative<http::ChunkedBody>(head.framing) || !head.headers.find("Content-Length"))
        return refuse(Code::MissingContentLength);
    const auto* length = std::get_if<http::LengthBody>(&head.framing);
    promise.length = length ? length->size : 0;
    return promise;
}

BodyChecks::BodyChecks(BodyPromise promise) : promise_(std::move(promise)) {
    if (promise_.chunked) chunked_.emplace(*promise_.chunked);
}

S3Result<std::string> BodyChecks::take(std::string arrived) {
    std::string bytes;
    if (chunked_) {
        if (auto fed = chunked_->feed(arrived, bytes); !fed) return refuse(fed.error());
    } else {
        bytes = std::move(arrived);
    }
    size_ += bytes.size();
    return bytes;
}

S3Result<std::optional<Checksum>> BodyChecks::end() const {
    std::optional<Checksum> given = promise_.checksum;
    if (chunked_) {
        if (auto whole = chunked_->finish(); !whole) return refuse(whole.error());
        if (promise_.trailer) {
            const std::string wanted = header_of(*promise_.trailer);
            for (const auto& [name, value] : chunked_->trailers()) {
                if (name == wanted) given = Checksum{*promise_.trailer, value};
            }
            if (!given || !storage::builtin::is_checksum(given->algorithm, given->value))
                return refuse(Code::InvalidRequest,
                              fmt::format("Value for {} trailing header is invalid.", wanted));
        }
    }
    if (size_ != promise_.length) return refuse(Code::IncompleteBody);
    return given;
}

S3Result<> BodyChecks::hold(const Digests& found, const std::optional<Checksum>& checksum) const {
    if (promise_.md5 && found.md5 != promise_.md5) return refuse(Code::BadDigest);
    if (promise_.sha256 && found.sha256 != promise_.sha256) return refuse(Code::XAmzContentSHA256Mismatch);
    if (checksum && found.checksum != checksum->value)
        return refuse(Code::BadDigest,
                      fmt::format("The {} you specified did not match the calculated checksum.",
                                  to_string(checksum->algorithm)));
    return {};
}

}  // namespace photogate::gateway::s3
