// `photogate uploads …`: what a gateway knows of uploads, and the calls on one of them.
//
// With Format::json, the gateway's own objects are printed as it sent them, one a line.
//
// Thread safety: one thread.
#pragma once

#include <cstddef>
#include <string>
#include <utility>
#include <vector>

#include "client/gateway_api.hpp"
#include "client/outcome.hpp"

namespace photogate::client {

struct UploadFilter {
    std::string app;  ///< for an operator's key
    std::string state;
    std::string profile;
    std::string created_after;  ///< RFC 3339
    std::string similar_to;
    std::vector<std::pair<std::string, std::string>> metadata;
    std::size_t limit = 50;  ///< of all pages; 0: all there are
};

Outcome list_uploads(const GatewayApi& api, const UploadFilter& filter, const Output& output);
Outcome show_uploads(const GatewayApi& api, const std::vector<std::string>& ids, const Output& output);
Outcome show_timeline(const GatewayApi& api, const std::string& id, const Output& output);
/// Processes rejected or failed uploads once more.
Outcome retry_uploads(const GatewayApi& api, const std::vector<std::string>& ids, const Output& output);
/// Cancels what is not processed, erases what is.
Outcome delete_uploads(const GatewayApi& api, const std::vector<std::string>& ids, const Output& output);

}  // namespace photogate::client
