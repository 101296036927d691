// `/u/{token}/s3/…`: `@uppy/aws-s3` with its endpoint pointed at the gateway, and nothing of the app's in between.
//
// The token in the path is the client token; the rest is what Companion answers, but bound to that token: an `uploadId` is opaque,
// opens for its token alone (access::UploadSeals), and belongs to one key. `presign` is for Uppy 6's `signRequest`; what S3 would
// let a signed URL begin, list, join and end is done by the gateway itself, under `/s3/store/`, so that an upload's limits hold and
// no client is signed more than its parts.
//
// Errors are worded for Uppy: version 5 shows `message`, version 6 nothing but the reason phrase.
//
// Thread safety: add them before the router is served; UppyErrors as any http::Service.
#pragma once

#include "gateway/access/upload_seal.hpp"
#include "gateway/routes/api.hpp"

namespace photogate::gateway::uppy {

/// Both outlive the routes.
struct UppyApi {
    const routes::Api& api;
    const access::UploadSeals& seals;
};

void add_uppy_routes(http::Router& router, const UppyApi& uppy);

/// Words the errors of those paths; leaves all others to `rest`, which outlives this.
class UppyErrors final : public http::Service {
  public:
    explicit UppyErrors(http::Service& rest) : rest_(rest) {}
    http::HeadLimits head_limits(const http::HeadLimits& general) const override {
        return rest_.head_limits(general);
    }
    void word(http::Response& response, const http::ErrorContext& context) const override;
    http::Admission admit(const http::RequestHead& head) override { return rest_.admit(head); }

  private:
    http::Service& rest_;
};

}  // namespace photogate::gateway::uppy
