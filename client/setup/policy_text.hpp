// Access policies as stores give them back: compared, and asked whom they let in.
//
// Thread safety: pure functions.
#pragma once

#include <string>
#include <string_view>

#include "base/json/value.hpp"

namespace photogate::client::setup {

/// Whether both mean the same: stores keep actions and resources as sets, in an order of their own.
bool same_policy(const json::Value& found, const json::Value& wanted);
/// False where either is not JSON.
bool same_policy(std::string_view found, std::string_view wanted);

/// Whether a statement permits something to everybody: `"Principal": "*"`.
bool lets_everybody_in(std::string_view policy);

/// `policy` with `statement` among its own: those with the same Sid go, the others stay. A policy that is not JSON counts as none.
std::string with_statement(std::string_view policy, std::string_view statement);
/// Whether it is among them.
bool has_statement(std::string_view policy, std::string_view statement);

}  // namespace photogate::client::setup
