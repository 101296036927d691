// What a store can do of what photogate would use, found out by trying it. `photogate doctor` prints it, and
// docs/stores.md is written from it.
//
// Nothing here is required: what is missing is done without, or falls to a later step. What must hold is
// proved by store_probe.hpp. Objects are written under `u/probe/<random>/` of the incoming bucket and taken
// away again.
//
// Thread safety: a free function; several may run at once, their objects differ.
#pragma once

#include <string>
#include <vector>

#include "storage/objects/store_probe.hpp"

namespace photogate::storage::objects {

struct Capability {
    std::string name;  ///< `put.sealed-length`
    /// `yes`, `no`, or the store's own way in a few words.
    std::string found;
    bool wanted = false;  ///< found is what photogate would like best
    std::string effect;   ///< what it means here, where it is not wanted
    std::string remedy;   ///< the command that mends it; empty where none does
};

struct CapabilityTarget {
    ProbeTarget store;
    signer::Credentials worker;
    /// The built-in store tells its own gateway, and has no rules.
    enum class Events { by_rule, direct } events = Events::by_rule;
    /// A page's origin, for the preflight of CORS.
    std::string page_origin = "https://photogate-probe.example";
};

/// Errors: where the store can't be reached, or the worker can't write to it.
Result<std::vector<Capability>> probe_capabilities(const CapabilityTarget& target, S3Parts parts);

}  // namespace photogate::storage::objects
