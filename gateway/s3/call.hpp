// One request in progress, from its verified head to its response, and the two ways to receive its body.
//
// I/O threads hand requests to the pool, or answer from the store's open files; everything else that uses the
// disk or computes digests runs on the pool, one step of a call after the other. Thread safety: one thread at
// a time has a call.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "gateway/http/responder.hpp"
#include "gateway/http/work_pool.hpp"
#include "gateway/s3/access.hpp"
#include "gateway/s3/address.hpp"
#include "gateway/s3/body_checks.hpp"
#include "gateway/s3/operation.hpp"
#include "signer/verify.hpp"

namespace photogate::gateway::s3 {

struct Call {
    http::Request request;
    http::Responder responder;
    Address address;
    Operation operation = Operation::list_buckets;
    signer::VerifiedRequest verified;          ///< not for a form
    const Permissions* permissions = nullptr;  ///< the caller's
    bool tells_encryption = false;             ///< x-amz-server-side-encryption in the response

    const Bucket& bucket() const { return *address.bucket; }
    const ObjectKey& key() const { return *address.key; }
    /// A header, or the query parameter of that name in a presigned URL.
    std::optional<std::string> given(std::string_view name) const;

    void answer(http::Response response);
    void refuse(const S3Error& error);
    void reply(S3Result<http::Response> result);
};
using CallPtr = std::shared_ptr<Call>;

/// A response with S3's XML.
http::Response xml_response(std::string document);

/// The receiver of a body. Called on pool threads, one call after the other, and destroyed on one, since it
/// may have to remove a partial file.
class BodySink {
  public:
    virtual ~BodySink() = default;
    /// Called before anything is read, and before 100 Continue.
    virtual S3Result<> begin() = 0;
    virtual S3Result<> take(std::string bytes) = 0;
    /// Called at the end of the body; returns the response.
    virtual S3Result<http::Response> finish() = 0;
};
/// Passes the call's body to the sink and answers the call.
void pump(CallPtr call, http::WorkGroup& pool, std::unique_ptr<BodySink> sink);

/// Receives a document of at most `most` bytes and verifies it; MalformedXML or MaxMessageLengthExceeded
/// otherwise.
using DocumentHandler = std::function<S3Result<http::Response>(const std::string& document)>;
std::unique_ptr<BodySink> document_sink(BodyPromise promise, std::size_t most, DocumentHandler handler);

/// Runs a call without a body on the pool.
void run(CallPtr call, http::WorkGroup& pool, std::function<S3Result<http::Response>()> work);

}  // namespace photogate::gateway::s3
