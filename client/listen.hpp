// `photogate listen`: callbacks for an app server on a developer's machine, which nobody can call from outside.
//
// It reads the feed (`GET /v1/events`, docs/callbacks.md) and POSTs each event's own bytes with the headers of Standard Webhooks. A
// callback's signature is made at each attempt, so this one is made here, with a secret that is given, or that the first start makes
// and keeps. An app server that can't be reached is tried until it can be, in order; any answer, 2xx or not, is final here.
//
// What was forwarded is kept in a file, after each event: a start goes on behind it. A kill between the answer and the file
// repeats one event.
//
// Thread safety: one thread; `stop` may be set by another or by a signal's handler.
#pragma once

#include <atomic>
#include <chrono>
#include <filesystem>
#include <string>
#include <vector>

#include "base/random.hpp"
#include "base/secret.hpp"
#include "base/time.hpp"
#include "client/gateway_api.hpp"
#include "client/outcome.hpp"

namespace photogate::client {

enum class Begin {
    now,    ///< with what happens from now on
    oldest  ///< with the oldest event that is kept
};

struct Listening {
    std::string forward;             ///< http(s):// URL of the app server
    std::string app;                 ///< for an operator's key
    std::vector<std::string> types;  ///< forward these alone; empty: all
    Begin begin = Begin::now;        ///< where the file says nothing yet
    std::filesystem::path kept;      ///< the file
    Secret secret;                   ///< `whsec_…`; empty: the file's, or a new one
    std::chrono::milliseconds interval{1'000};
};

/// Where the state of this gateway, key, app and URL is kept, below `folder`.
std::filesystem::path listening_file(const std::filesystem::path& folder, const GatewayApi& api,
                                     const Listening& what);

struct ListenTools {
    const Clock& clock;
    Random& random;
    const std::atomic<bool>& stop;
};

/// Until `stop`: nullopt. Ends by itself where the gateway refuses the key, or the file can't be written.
Outcome listen(const GatewayApi& api, Listening what, const ListenTools& tools, const Output& output);

}  // namespace photogate::client
