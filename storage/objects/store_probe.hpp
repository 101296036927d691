// The start-up proof that the signer and anonymous clients can't do what they must not. `photogate doctor`
// prints it.
//
// A presigned PUT is a read of everything the signing key may read: MinIO obeys an unsigned
// `x-amz-copy-source` header. The probe therefore does not read policies; it tries each attack, on canaries
// of its own (`<prefix>probe/<random>/…`), and removes them again.
//
// It changes no policy. Thread safety: a free function; run one at a time against one store, or several, the
// canaries differ.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "signer/credentials.hpp"
#include "storage/objects/remedies.hpp"
#include "storage/objects/s3_client.hpp"

namespace photogate::storage::objects {

/// `unproved`: refused, but the same request without its flaw is refused as well, so that this says nothing.
enum class Verdict { passed, failed, warning, unproved };
std::string_view to_string(Verdict verdict);

struct Finding {
    std::string check;  ///< `signer.copy.originals`
    Verdict verdict = Verdict::passed;
    std::string detail;
    std::string remedy;   ///< remedies.hpp; empty if nothing is wrong
    bool decided = true;  ///< false: `failed`, since the store neither permitted nor refused it
};

struct ProbeTarget {
    Endpoint internal;    ///< where the gateway reaches the store
    Endpoint public_end;  ///< the host that clients' URLs are signed for
    signer::AddressingStyle style = signer::AddressingStyle::path;
    Region region = Region::trusted("us-east-1");
    signer::Credentials signer;
    Bucket incoming;
    Bucket published;
    Bucket originals;
    /// Whether anonymous clients may read the public bucket: with what is private in it, they must not.
    enum class PublicBucket { may_be_open, closed } public_bucket = PublicBucket::may_be_open;
    Remedies remedies;
    std::string prefix;  ///< where the signer may put; canaries are below `<prefix>probe/`
};

struct ProbeReport {
    std::vector<Finding> findings;
    /// No finding failed or is unproved.
    bool safe() const;
};

/// `worker` is what the gateway reads and writes with; `dependencies` as for an S3Client. Errors: if the store can't
/// be reached at all; an undecided check counts as failed.
Result<ProbeReport> probe_store(const ProbeTarget& target, ObjectStore& worker, S3Dependencies dependencies);

}  // namespace photogate::storage::objects
