// The commands that heal what the probes of a store find. For MinIO: `mc` with the alias STORE for an administrator. For AWS,
// Ceph and R2: `photogate setup`, with an administrator's key in the environment, which does what is missing; and `aws` for
// what that does not do. Each can be run as it stands, by `sh`, and again.
//
// No command holds a secret: it asks `photogate config get` for one, and `photogate policy` for a policy.
//
// Thread safety: an immutable value.
#pragma once

#include <string>

#include "base/words.hpp"

namespace photogate::storage::objects {

struct Remedies {
    enum class Store { minio, aws, ceph, r2 };

    Store store = Store::minio;  ///< also what is none of these
    std::string endpoint = {};   ///< the store's, `https://host:port`
    std::string program = "photogate";
    /// Those by which `program` reads the same configuration, quoted for a shell: `--config '/etc/…'`.
    std::string arguments = {};
    std::string region = "default";
    std::string signer_key = "SIGNER_KEY";  ///< access key ids
    std::string worker_key = "WORKER_KEY";
    std::string event_source = {};    ///< the entry of [events] that speaks for the region; empty: none
    std::string event_endpoint = {};  ///< `http://photogate.internal:8080/v1/events/minio`

    /// The signer's user anew, with the one policy that it needs.
    std::string signer() const;
    /// The buckets, and the worker's user with its policy.
    std::string worker(const Bucket& incoming, const Bucket& published, const Bucket& originals) const;
    /// The two targets of the store and the bucket's rules for them.
    std::string events(const Bucket& incoming, const std::string& prefix) const;
    /// A bucket that nobody reads, lists or writes without a key.
    std::string closed(const Bucket& bucket) const;
    /// The objects below a prefix, gone.
    std::string removal(const Bucket& bucket, const std::string& prefix) const;

  private:
    std::string setup() const;
    std::string aws(const std::string& command) const;
    std::string call(const std::string& command) const;
    std::string user(const std::string& role, const std::string& key) const;
};

}  // namespace photogate::storage::objects
