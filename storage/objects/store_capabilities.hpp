// Detects a store's capabilities by trying them. `photogate doctor` prints them, and docs/stores.md is
// generated from them.
//
// None of them is required: photogate works without, or checks in a later step. store_probe.hpp proves the
// requirements. Objects are written under `u/probe/<random>/` of the incoming bucket and removed again.
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
    bool wanted = false;  ///< found is what photogate prefers
    std::string effect;   ///< the consequence for photogate, if it is not preferred
    std::string remedy;   ///< the command that fixes it; empty if none does
};

struct CapabilityTarget {
    ProbeTarget store;
    signer::Credentials worker;
    /// The built-in store notifies its own gateway, and has no rules.
    enum class Events { by_rule, direct } events = Events::by_rule;
    /// The origin of a page, for the CORS preflight.
    std::string page_origin = "https://photogate-probe.example";
};

/// Errors: if the store can't be reached, or the worker can't write to it.
Result<std::vector<Capability>> probe_capabilities(const CapabilityTarget& target,
                                                   S3Dependencies dependencies);

}  // namespace photogate::storage::objects
