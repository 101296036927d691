// One request under way, from its verified head to its one answer; and the two ways in which its body is
// taken.
//
// I/O threads hand over, or answer from what the store has open; everything else that touches the disk or
// digests runs on the pool, one step of a call after the other. Thread safety: one thread at a time has a
// call.
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
    signer::VerifiedRequest verified;          ///< not of a form
    const Permissions* permissions = nullptr;  ///< the caller's

    const Bucket& bucket() const { return *address.bucket; }
    const ObjectKey& key() const { return *address.key; }
    /// A header, or where a presigned URL carries it, the query parameter of that name.
    std::optional<std::string> given(std::string_view name) const;

    void answer(http::Response response);
    void refuse(const S3Error& error);
    void reply(S3Result<http::Response> result);
};
using CallPtr = std::shared_ptr<Call>;

/// An answer with S3's XML.
http::Response xml_response(std::string document);

/// What becomes of a body. Called on pool threads, one call after the other; destroyed on one too, so that
/// half a file may be removed there.
class BodySink {
  public:
    virtual ~BodySink() = default;
    /// Before anything is read, and before the client is told to go on.
    virtual S3Result<> begin() = 0;
    virtual S3Result<> take(std::string bytes) = 0;
    /// The body has ended; the answer.
    virtual S3Result<http::Response> finish() = 0;
};
/// Takes the call's body into the sink and answers the call.
void pump(CallPtr call, http::WorkPool& pool, std::unique_ptr<BodySink> sink);

/// A document of at most `most` bytes as the body, checked as promised; MalformedXML or
/// MaxMessageLengthExceeded otherwise.
using DocumentHandler = std::function<S3Result<http::Response>(const std::string& document)>;
std::unique_ptr<BodySink> document_sink(BodyPromise promise, std::size_t most, DocumentHandler handler);

/// Runs a call without a body on the pool.
void run(CallPtr call, http::WorkPool& pool, std::function<S3Result<http::Response>()> work);

}  // namespace photogate::gateway::s3
