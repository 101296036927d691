// The start-up proof: what the signer must not be able to do, and what strangers must not see. `photogate
// doctor` prints it.
//
// A presigned PUT is a read of everything the signing key may read: MinIO obeys an unsigned
// `x-amz-copy-source` header. So the probe does not read policies; it tries each attack, on canaries of its
// own (`<prefix>probe/<random>/…`), and takes them away again.
//
// It changes no policy. Thread safety: a free function; run one at a time against one store, or several, the
// canaries differ.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "signer/credentials.hpp"
#include "storage/objects/s3_client.hpp"

namespace photogate::storage::objects {

enum class Verdict { passed, failed, warning };
std::string_view to_string(Verdict verdict);

struct Finding {
    std::string check;  ///< `signer.copy.originals`
    Verdict verdict = Verdict::passed;
    std::string detail;
    /// What to run, exactly but for the names in capitals; empty where all is well.
    std::string remedy;
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
    std::string prefix;  ///< where the signer may put; canaries are below `<prefix>probe/`
};

struct ProbeReport {
    std::vector<Finding> findings;
    /// No finding failed.
    bool safe() const;
};

/// `worker` is what the gateway reads and writes with; `parts` as for an S3Client. Errors: where the store
/// can't be reached at all; a check that could not be decided is a failed one.
Result<ProbeReport> probe_store(const ProbeTarget& target, ObjectStore& worker, S3Parts parts);

}  // namespace photogate::storage::objects
