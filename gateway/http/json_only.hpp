// A route that takes and gives JSON alone (RFC 9110, 8.3 and 12.5.1), told from the head.
//
// Thread safety: pure.
#pragma once

#include "gateway/http/router.hpp"

namespace photogate::gateway::http {

/// As `check`, and then: the body must be JSON (unsupported_media_type) and the answer may be (not_acceptable).
HeadCheck json_only(HeadCheck check);

}  // namespace photogate::gateway::http
