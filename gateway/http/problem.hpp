// An Error as the caller sees it: RFC 9457, application/problem+json.
//
// `{"type","title","status","detail","code","request_id","errors":[{"pointer","code","detail"}]}`; `errors`
// only where fields are wrong. Whatever bytes an Error's texts hold, the document is valid JSON and UTF-8.
// Routes rarely need this page: an Error given to a Responder is rendered by the server.
//
// Thread safety: pure.
#pragma once

#include <string>
#include <string_view>

#include "base/result.hpp"

namespace photogate::gateway::http {

struct ProblemContext {
    /// `type` is this with the code behind it: a relative reference, or the operator's documentation.
    std::string_view docs_base = "/docs/errors#";
    std::string_view request_id;  ///< left out where empty, as in the items of a batch
};

std::string problem_json(const Error& error, const ProblemContext& context);

}  // namespace photogate::gateway::http
