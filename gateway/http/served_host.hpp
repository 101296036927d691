// Which Host header a listener serves.
//
// Thread safety: a pure function.
#pragma once

#include <string_view>

#include "gateway/http/server.hpp"

namespace photogate::gateway::http {

/// `host` is a valid Host header, with or without a port. Names are compared ignoring case.
bool serves_host(const Listener& listener, std::string_view host);

}  // namespace photogate::gateway::http
