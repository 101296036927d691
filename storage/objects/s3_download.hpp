// A GET that may break and be taken up again. Private to storage/objects.
//
// The ETag of the first answer pins all that follow; what the store announces first is what must arrive;
// bytes are hashed on their way where the store keeps a SHA-256 of the whole object, and the sums are
// compared at the end.
#pragma once

#include <optional>

#include "signer/digest.hpp"
#include "storage/objects/s3_exchange.hpp"

namespace photogate::storage::objects {

class Download {
  public:
    /// All of them outlive the download.
    Download(const Bucket& bucket, const ObjectKey& key, const GetOptions& options,
             const http::BodySink& sink);

    /// The next attempt: from the first byte, or from where the last one broke.
    S3Call next();
    /// What an attempt came to: nothing where it is complete, or the error to judge.
    std::optional<Error> judge(const Result<http::Response>& response);
    /// The receiver wants no more: no other attempt.
    bool stopped() const { return stopped_by_sink_; }
    Result<ObjectInfo> finish();

  private:
    bool accept(const http::Response& response);
    std::optional<Error> look_at(const http::Response& response);
    bool take(BytesView bytes);

    const Bucket& bucket_;
    const ObjectKey& key_;
    const GetOptions& options_;
    const http::BodySink& sink_;
    std::optional<ObjectInfo> info_;
    std::optional<Error> refusal_;
    std::optional<signer::Sha256Stream> hash_;
    std::uint64_t announced_ = 0;
    std::uint64_t received_ = 0;
    bool looked_at_ = false;
    bool stopped_by_sink_ = false;
};

}  // namespace photogate::storage::objects
