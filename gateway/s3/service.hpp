// The S3 interface of the built-in store. Path style and virtual-host style; signatures in the header, in the
// query or in a form. One machine only.
//
// There is no anonymous access: a request that is not signed by one of the callers is AccessDenied, and a
// caller may do what its permissions allow. Every `x-amz-*` header must be signed (signer/verify.hpp), so
// nothing can be added to a presigned upload.
//
// What it does not do: versions, ACLs, encryption, object lock, lifecycle. Requests for them are answered as
// unset, or with NotImplemented; a header that asks for something that is not done is refused by its name
// (offered.hpp).
//
// Thread safety: as http::Service. The store, the pool and the clock must outlive it; the Server that serves
// it must be destroyed first. The destructor waits for its work on the pool.
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
#include "storage/builtin/store.hpp"

namespace photogate::gateway::s3 {

struct ServiceOptions {
    std::vector<Caller> callers;
    Region region = Region::trusted("us-east-1");
    /// Of the public URL: the scheme of `Location`.
    std::string scheme = "http";
    /// The domains of virtual-host style, lower case, without port.
    std::vector<std::string> domains;
    /// Origins that may call: exact origins, or only `*`.
    std::vector<std::string> cors_origins{"*"};
    /// The operator says that the store's folder is on an encrypted disk: `x-amz-server-side-encryption:
    /// AES256` may be asked for, and is told of every object.
    bool encrypted_disk = false;
    /// For a whole body; the HTTP server enforces the minimum rate.
    std::chrono::milliseconds body_deadline = std::chrono::hours{6};
    /// For the fields of a form before its file: until they are there, no signature has been checked.
    std::chrono::milliseconds fields_deadline = std::chrono::seconds{30};
};

struct Dependencies;

class Service final : public http::Service {
  public:
    Service(ServiceOptions options, storage::builtin::FolderStore& store, http::WorkPool& pool,
            const Clock& clock);
    ~Service() override;

    http::HeadLimits head_limits(const http::HeadLimits& general) const override;
    void word(http::Response& response, const http::ErrorContext& context) const override;
    http::Admission admit(const http::RequestHead& head) override;

  private:
    std::unique_ptr<Dependencies> dependencies_;
};

}  // namespace photogate::gateway::s3
