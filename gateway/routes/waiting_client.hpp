// Whose wait a request is: what the limits of waiting count by.
//
// Thread safety: pure function.
#pragma once

#include "gateway/routes/api.hpp"

namespace photogate::gateway::routes {

/// A trusted proxy that names no client stands for many.
access::PlaceClient waiting_client(const Api& api, const http::Request& request);

}  // namespace photogate::gateway::routes
