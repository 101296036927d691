#include "storage/objects/s3_download.hpp"

#include <fmt/format.h>

#include "base/encoding.hpp"
#include "storage/objects/s3_headers.hpp"

namespace photogate::storage::objects {

namespace {

Error make(ErrorCode code, std::string detail) {
    return Error{code, std::move(detail), {}, std::nullopt};
}

}  // namespace

Download::Download(const Bucket& bucket, const ObjectKey& key, const GetOptions& options,
                   const http::BodySink& sink)
    : bucket_(bucket), key_(key), options_(options), sink_(sink) {}

S3Call Download::next() {
    looked_at_ = false;
    refusal_.reset();
    S3Call call;
    call.bucket = bucket_;
    call.key = key_;
    call.headers.push_back({"x-amz-checksum-mode", "ENABLED"});
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
    call.accept = [this](const http::Response& response) { return accept(response); };
    call.sink = [this](BytesView bytes) { return take(bytes); };
    return call;
}

bool Download::accept(const http::Response& response) {
    looked_at_ = true;
    refusal_ = look_at(response);
    return !refusal_;
}

std::optional<Error> Download::look_at(const http::Response& response) {
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
    if (!options_.range && info->sha256) hash_.emplace();
    info_ = std::move(*info);
    return std::nullopt;
}

bool Download::take(BytesView bytes) {
    if (bytes.size() > announced_ - received_) {
        refusal_ = make(ErrorCode::store_protocol, "the store sent more than it announced");
        return false;
    }
    received_ += bytes.size();
    if (hash_) hash_->update(bytes);
    if (sink_(bytes)) return true;
    stopped_by_sink_ = true;
    refusal_ = make(ErrorCode::http_broken, "the receiver of the object stopped it");
    return false;
}

std::optional<Error> Download::judge(const Result<http::Response>& response) {
    if (response && !looked_at_) refusal_ = look_at(*response);  // an empty object has no first byte
    if (refusal_) return *refusal_;
    if (!response && info_ && announced_ > 0 && received_ == announced_)
        return std::nullopt;  // it broke behind the last byte
    if (!response) return response.error();
    if (received_ != announced_) return make(ErrorCode::http_broken, "the object ended early");
    return std::nullopt;
}

Result<ObjectInfo> Download::finish() {
    if (hash_ && base64(hash_->finish()) != *info_->sha256) {
        return fail(ErrorCode::store_checksum_mismatch,
                    "the object's bytes are not those whose checksum the store keeps");
    }
    return std::move(*info_);
}

}  // namespace photogate::storage::objects
