// S3 spoken to clients, from a folder: the built-in store's face. Path style and virtual-host style;
// signatures in the header, in the query or in a form. One machine only.
//
// Nobody is anonymous here: what is not signed by one of the callers is AccessDenied, and a caller may do
// what its permissions say. A presigned URL carries no `x-amz-*` header that it does not sign
// (signer/verify.hpp), so nothing can be added to a granted upload.
//
// What it does not do: versions, tags, ACLs, encryption, object lock, lifecycle. Asked for, they are said to
// be unset, or NotImplemented.
//
// Thread safety: as http::Service. The store, the pool and the clock outlive it; the Server that serves it
// goes first.
#pragma once

#include <chrono>
#include <memory>
#include <string>
#include <vector>

#include "base/time.hpp"
#include "gateway/http/service.hpp"
#include "gateway/http/work_pool.hpp"
#include "gateway/s3/access.hpp"
#include "gateway/s3/call.hpp"
#include "storage/objects/folder_store.hpp"

namespace photogate::gateway::s3 {

struct ServiceOptions {
    std::vector<Caller> callers;
    Region region = Region::trusted("us-east-1");
    /// Under which a bucket may stand as a host name, lower case, without port.
    std::vector<std::string> domains;
    /// Pages that may call: exact origins, or `*` alone.
    std::vector<std::string> cors_origins{"*"};
    /// For a body as a whole; its lowest rate is the server's affair.
    std::chrono::milliseconds body_deadline = std::chrono::hours{6};
};

struct Parts;

class Service final : public http::Service {
  public:
    Service(ServiceOptions options, storage::objects::FolderStore& store, http::WorkPool& pool,
            const Clock& clock);
    ~Service() override;

    http::HeadLimits head_limits(const http::HeadLimits& general) const override;
    void word(http::Response& response, const http::ErrorContext& context) const override;
    http::Admission admit(const http::RequestHead& head) override;
    void handle(std::size_t route, http::Request request, http::Responder responder) override;

  private:
    std::unique_ptr<Parts> parts_;
};

}  // namespace photogate::gateway::s3
