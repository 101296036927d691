#include "storage/objects/s3_reader.hpp"

#include <algorithm>

#include <fmt/format.h>

#include "base/encoding.hpp"
#include "storage/objects/s3_headers.hpp"

namespace photogate::storage::objects {

namespace {

/// A reader that lives for minutes may see its connection break more often than one call's retries are
/// meant for. After so much of progress, or where the time of the earlier retries is over, they begin anew.
constexpr std::uint64_t kProgress = 1U << 20;
constexpr std::uint32_t kMostLoops = 16;

Error make(ErrorCode code, std::string detail) {
    return Error{code, std::move(detail), {}, std::nullopt};
}

}  // namespace

S3Reader::S3Reader(S3Client::Exchange& exchange, Bucket bucket, ObjectKey key, GetOptions options)
    : exchange_(exchange), bucket_(std::move(bucket)), key_(std::move(key)), options_(std::move(options)) {}

S3Call S3Reader::call() const {
    S3Call call;
    call.bucket = bucket_;
    call.key = key_;
    if (options_.verify_sha256) call.headers.push_back({"x-amz-checksum-mode", "ENABLED"});
    if (options_.version) call.query.push_back({"versionId", options_.version->str()});
    if (info_) {
        call.headers.push_back({"if-match", quoted(info_->etag)});
    } else if (options_.if_match) {
        call.headers.push_back({"if-match", quoted(*options_.if_match)});
    }
    const std::uint64_t start = options_.range ? options_.range->first : 0;
    if (options_.range) {
        call.headers.push_back(
            {"range", fmt::format("bytes={}-{}", start + received_, options_.range->last)});
    } else if (received_ > 0) {
        call.headers.push_back({"range", fmt::format("bytes={}-{}", received_, announced_ - 1)});
    }
    return call;
}

Result<> S3Reader::start() {
    if (options_.range && options_.range->first > options_.range->last)
        return fail(ErrorCode::range_not_satisfiable, "the range ends before it begins");
    tries_.emplace(exchange_.loop(Work::ordinary));
    if (auto connected = connect(); !connected) return connected;
    return announced_ == 0 ? settle() : Result<>{};
}

Result<> S3Reader::connect() {
    while (true) {
        auto stream = exchange_.open(call(), *tries_);
        const auto error = stream ? look_at((*stream)->head()) : std::optional{stream.error()};
        if (!error) {
            stream_ = std::move(*stream);
            return {};
        }
        if (exchange_.refuses_calls() || !tries_->again(*error)) return fail(*error);
    }
}

bool S3Reader::again(const Error& error) {
    const std::uint64_t progress = received_ - received_before_;
    const bool over = tries_->remaining() <= std::chrono::milliseconds{1};
    if ((progress >= kProgress || (progress > 0 && over)) && loops_ < kMostLoops + received_ / kProgress) {
        ++loops_;
        received_before_ = received_;
        tries_.emplace(exchange_.loop(Work::ordinary));
    }
    return tries_->again(error);
}

Result<std::size_t> S3Reader::read(std::span<std::uint8_t> out) {
    if (broken_) return fail(*broken_);
    const auto give_up = [this](Error error) {
        stream_.reset();
        broken_ = std::move(error);
        return fail(*broken_);
    };
    while (received_ < announced_ && !out.empty()) {
        if (!stream_) {
            if (auto connected = connect(); !connected) return give_up(connected.error());
        }
        const auto most =
            static_cast<std::size_t>(std::min<std::uint64_t>(out.size(), announced_ - received_));
        auto got = stream_->read(out.first(most));
        if (got && *got > 0) {
            received_ += *got;
            if (hash_) hash_->update({out.data(), *got});
            if (received_ < announced_) return *got;
            if (auto settled = settle(); !settled) return give_up(settled.error());
            return *got;
        }
        stream_.reset();
        Error error = got ? make(ErrorCode::http_broken, "the object ended early") : std::move(got.error());
        if (!again(error)) return give_up(std::move(error));
    }
    return std::size_t{0};
}

Result<> S3Reader::settle() {
    if (std::exchange(settled_, true)) return {};
    // So that the connection is seen to be at its end, and kept. What breaks behind the last byte is no loss.
    std::uint8_t behind = 0;
    (void)stream_->read({&behind, 1});
    stream_.reset();
    if (hash_ && base64(hash_->finish()) != *info_->sha256) {
        return fail(ErrorCode::store_checksum_mismatch,
                    "the object's bytes are not those whose checksum the store keeps");
    }
    tries_->succeeded();
    return {};
}

std::optional<Error> S3Reader::look_at(const http::Response& response) {
    auto info = object_of(response);
    if (!info) return info.error();
    const auto length = content_length(response);
    if (!length) return make(ErrorCode::store_protocol, "the store did not announce the object's length");

    const ETag* pinned = info_ ? &info_->etag : options_.if_match ? &*options_.if_match : nullptr;
    if (pinned != nullptr && info->etag != *pinned) {
        return make(ErrorCode::store_precondition_failed,
                    "the store sent another object than the one pinned");
    }
    const bool partly = options_.range.has_value() || received_ > 0;
    if (response.status != (partly ? 206 : 200))
        return make(ErrorCode::store_protocol, "the store did not keep to the range");
    if (partly) {
        const std::string* text = response.header("content-range");
        const auto range = text != nullptr ? parse_content_range(*text) : std::nullopt;
        const std::uint64_t start = (options_.range ? options_.range->first : 0) + received_;
        if (!range || range->first != start || range->last - range->first + 1 != *length) {
            return make(ErrorCode::store_protocol, "the store did not keep to the range");
        }
    }
    if (options_.expected_size && info->size != *options_.expected_size) {
        return make(ErrorCode::size_mismatch,
                    fmt::format("the object has {} bytes, not {}", info->size, *options_.expected_size));
    }
    if (info_) {
        if (received_ + *length != announced_)
            return make(ErrorCode::store_protocol, "the object's length changed");
        return std::nullopt;
    }
    announced_ = *length;
    if (options_.verify_sha256 && !options_.range && info->sha256) hash_.emplace();
    info_ = std::move(*info);
    return std::nullopt;
}

}  // namespace photogate::storage::objects
