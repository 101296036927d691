// The IAM policies of the two credentials, for MinIO, AWS and others that take AWS's policy language.
//
// etc/minio/*.json are these for the default buckets; a test holds them equal.
//
// Thread safety: pure functions.
#pragma once

#include <string>

#include "base/words.hpp"

namespace photogate::storage::objects {

/// May put under `prefix` (`u/`) of the bucket, and nothing else.
std::string signer_policy(const Bucket& incoming, const std::string& prefix);

struct WorkerBuckets {
    const Bucket& incoming;
    const Bucket& published;
    const Bucket& originals;
};
/// May read, write, list and remove in all three, and read and set their notifications.
std::string worker_policy(const WorkerBuckets& buckets);

/// The users of a bucket on Ceph's RADOS Gateway, by the ids of their accounts.
struct CephUsers {
    const std::string& signer;
    const std::string& worker;
};
/// The policy of the incoming bucket there. An object is its sender's: the worker reads what the signer put because this policy says so,
/// and the signer, who would otherwise read and change it again, is denied all but putting.
std::string ceph_bucket_policy(const Bucket& incoming, const std::string& prefix, const CephUsers& users);

}  // namespace photogate::storage::objects
