// A request target in origin-form (RFC 9112 3.2.1), split and decoded.
//
// Refused as bad_target: a byte outside visible ASCII, `"`, `<`, `>`, `\` or `#`; a broken percent escape; an
// escaped NUL; text that is not UTF-8 once decoded; in the path `//`, a `.` or `..` segment and control
// characters or `\`, however they are written. One `//` is read as `/`: that of `/u/TOKEN//s3/`. An escaped `/` stays inside its segment.
//
// Thread safety: pure.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "gateway/http/message.hpp"

namespace photogate::gateway::http {

struct Target {
    std::vector<std::string> path;
    std::vector<QueryParameter> query;
};

Result<Target> parse_target(std::string_view text);

}  // namespace photogate::gateway::http
