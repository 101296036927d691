// `photogate callbacks …`: what was sent to app servers, and sending it again.
//
// With Format::json, the gateway's own objects are printed as it sent them, one a line.
//
// Thread safety: one thread.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "client/gateway_api.hpp"
#include "client/outcome.hpp"

namespace photogate::client {

struct CallbackFilter {
    std::string app;  ///< for an operator's key
    std::string state;
    std::string upload;
    std::string package;
    std::size_t limit = 50;  ///< of all pages; 0: all there are
};

/// A range to replay; `since` is required.
struct ReplayRange {
    std::string app;
    std::string since;  ///< RFC 3339
    std::string until;
    std::string state;  ///< empty: dead
    std::string type;
    std::string url;
};

Outcome list_callbacks(const GatewayApi& api, const CallbackFilter& filter, const Output& output);
/// With the attempts, newest first.
Outcome show_callbacks(const GatewayApi& api, const std::vector<std::string>& ids, const Output& output);
Outcome replay_callbacks(const GatewayApi& api, const std::vector<std::string>& ids, const Output& output);
/// All of the range, 10,000 a call.
Outcome replay_range(const GatewayApi& api, const ReplayRange& range, const Output& output);

}  // namespace photogate::client
