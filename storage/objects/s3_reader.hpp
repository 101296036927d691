// One object of an S3 store as it is read: a GET that may break and be taken up again. Private to
// storage/objects.
//
// The ETag of the first answer pins all that follow; what the store announces first is what must arrive;
// bytes are hashed on their way where the store keeps a SHA-256 of the whole object and `verify_sha256` asks
// for it, and the sums are compared before the last bytes are given out.
#pragma once

#include <optional>

#include "signer/digest.hpp"
#include "storage/http/response_stream.hpp"
#include "storage/objects/s3_exchange.hpp"

namespace photogate::storage::objects {

class S3Reader final : public ObjectReader {
  public:
    /// The exchange outlives it.
    S3Reader(S3Client::Exchange& exchange, Bucket bucket, ObjectKey key, GetOptions options);

    /// Until the store has begun to answer. Once, before everything else.
    Result<> start();
    const ObjectInfo& info() const override { return *info_; }
    std::uint64_t length() const override { return announced_; }
    Result<std::size_t> read(std::span<std::uint8_t> out) override;

  private:
    S3Call call() const;
    Result<> connect();
    std::optional<Error> look_at(const http::Response& response);
    /// After a connection that broke: whether another may be tried.
    bool again(const Error& error);
    Result<> settle();

    S3Client::Exchange& exchange_;
    const Bucket bucket_;
    const ObjectKey key_;
    const GetOptions options_;
    std::optional<RetryLoop> tries_;
    std::uint32_t loops_ = 0;
    std::unique_ptr<http::ResponseStream> stream_;
    std::optional<ObjectInfo> info_;
    std::optional<signer::Sha256Stream> hash_;
    std::optional<Error> broken_;
    std::uint64_t announced_ = 0;
    std::uint64_t received_ = 0;
    std::uint64_t received_before_ = 0;  ///< when `tries_` began
    bool settled_ = false;
};

}  // namespace photogate::storage::objects
