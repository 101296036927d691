// One signed call to the store, and its retries. Private to storage/objects.
#pragma once

#include <atomic>
#include <optional>
#include <string>
#include <vector>

#include "signer/signer.hpp"
#include "storage/http/response_stream.hpp"
#include "storage/objects/s3_client.hpp"
#include "storage/objects/s3_error.hpp"

namespace photogate::storage::objects {

/// SHA-256 of the empty string, signed by requests without a body.
inline constexpr std::string_view kEmptySha256 =
    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
inline constexpr std::string_view kUnsignedPayload = "UNSIGNED-PAYLOAD";

/// The time limit until the store's first byte.
enum class Work { ordinary, server_side };

struct S3Call {
    std::string method = "GET";
    Bucket bucket;
    std::optional<ObjectKey> key;
    std::vector<signer::Parameter> query;
    std::vector<signer::HeaderField> headers;
    std::string body;                          ///< a document; signed with its hash
    const http::BodySource* source = nullptr;  ///< an object's bytes; unsigned unless payload_sha256 is given
    std::optional<std::string> payload_sha256;
    Work work = Work::ordinary;
    std::uint64_t longest_answer = 1U << 20;
};

/// A response and its number of attempts: after more than one, an earlier attempt may have succeeded unseen.
struct Answered {
    Result<http::Response> response;
    std::uint32_t attempts = 1;
};

class S3Client::Exchange {
  public:
    Exchange(S3Options options, S3Dependencies dependencies);

    /// A 2xx response that is not an `<Error>`; with retries.
    Answered send(const S3Call& call);

    /// One attempt (two if the clock skew is learnt in between): a 2xx response whose body is still to be read.
    Result<std::unique_ptr<http::ResponseStream>> open(const S3Call& call, const RetryLoop& loop);
    RetryLoop loop(Work work);

    /// Calls from now on are signed with these.
    void replace(signer::Credentials credentials) { signer_.replace(std::move(credentials)); }

    /// The store is known to be down: nothing is asked of it, and nobody waits for it.
    bool refuses_calls() const { return options_.health && options_.health->refuses_calls(); }

    std::chrono::microseconds clock_offset() const { return std::chrono::microseconds{offset_.load()}; }

  private:
    /// Makes the call by `once`, and once more where its refusal told of another time.
    template <class Once>
    auto at_the_right_time(Once once);
    Result<http::Response> attempt(const S3Call& call, const RetryLoop& loop);
    Result<http::Request> request_of(const S3Call& call, const RetryLoop& loop) const;
    /// What an answer other than 2xx says, or a 2xx with an `<Error>` in it.
    std::optional<Error> refusal(const S3Call& call, const http::Response& response);
    /// Tells the store's health what an attempt came to.
    template <class Answer>
    Result<Answer> told(Result<Answer> outcome) const;
    bool learn_skew(const http::Response& response);

    const S3Options options_;
    const RetryPolicy patient_;
    const S3Dependencies dependencies_;
    const signer::Signer signer_;
    RetryBudget budget_;
    std::atomic<std::int64_t> offset_{0};
};

}  // namespace photogate::storage::objects
