// Whose request it is, where proxies stand in between.
//
// Thread safety: pure.
#pragma once

#include <vector>

#include "base/ip_address.hpp"
#include "gateway/http/message.hpp"

namespace photogate::gateway::http {

/// The peer, unless it is a trusted proxy: then the last address in X-Forwarded-For that is none. Each proxy
/// appends the address it saw, so everything to the left of the first untrusted address is ignored.
/// Where an item is no address, the last proxy that was known stands for what is behind it.
IpAddress client_address(const IpAddress& peer, const RequestHeaders& headers,
                         const std::vector<IpBlock>& trusted);

bool is_any_of(const IpAddress& address, const std::vector<IpBlock>& blocks);

}  // namespace photogate::gateway::http
