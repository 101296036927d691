// The commands that heal what the probes of a store find, for MinIO: `mc` with the alias STORE for an
// administrator. Each can be run as it stands, by `sh`, and again.
//
// No command holds a secret: it asks `photogate config get` for one, and `photogate policy` for a policy.
//
// Thread safety: an immutable value.
#pragma once

#include <string>

#include "base/words.hpp"

namespace photogate::storage::objects {

struct Remedies {
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

  private:
    std::string call(const std::string& command) const;
    std::string user(const std::string& role, const std::string& key) const;
};

}  // namespace photogate::storage::objects
