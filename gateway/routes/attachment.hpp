// Content-Disposition of what is to be saved under a name (RFC 6266).
//
// Thread safety: pure function.
#pragma once

#include <string>
#include <string_view>

namespace photogate::gateway::routes {

/// `attachment; filename="…"`, and where the name is not plain ASCII also `filename*` (RFC 8187), which readers prefer.
std::string attachment(std::string_view name);

}  // namespace photogate::gateway::routes
