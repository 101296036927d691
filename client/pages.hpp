// The pages of a list of the gateway, one after the other. Private to this module.
//
// Thread safety: one thread.
#pragma once

#include <cstddef>
#include <functional>
#include <string>
#include <string_view>

#include "client/gateway_api.hpp"
#include "client/outcome.hpp"

namespace photogate::client {

/// Gives `each` up to `limit` elements (0: all), as values and as they were sent.
Result<> for_each_of(const GatewayApi& api, const std::string& path, Query query, std::size_t limit,
                     const std::function<void(const json::Value&, std::string_view)>& each);

/// Tells `err` what failed.
Outcome failed(const Output& output, const Error& error);

/// `call` for each id; those that fail are told one by one.
Outcome for_each_id(const std::vector<std::string>& ids, const Output& output,
                    const std::function<Result<>(const std::string&)>& call);

}  // namespace photogate::client
