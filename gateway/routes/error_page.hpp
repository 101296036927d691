// The page behind the `type` of a problem: every public error code and every rejection code, each with what a program
// should do and what to tell a person.
//
// Codes, statuses and titles are those of base/error_code.hpp; the sentences are in web/words.json, from which the
// upload page speaks too.
//
// Thread safety: pure.
#pragma once

#include <string>

namespace photogate::gateway::routes {

/// HTML without scripts. Each code has an anchor of its name; a rejection code's is `rejection-CODE`.
std::string error_page();

}  // namespace photogate::gateway::routes
