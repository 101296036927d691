// The POST policy as JSON, written and read: the only file of this module that uses JSON.
//
//   {"expiration": "2026-11-20T12:49:56Z",
//    "conditions": [{"bucket": "incoming"},
//                   ["starts-with", "$key", "u/"],
//                   ["content-length-range", 1, 1048576]]}
//
// Written with botocore's spacing and order, and in ASCII, so that two signers' policies can be compared as
// base64. Source: AWS "sigv4-HTTPPOSTConstructPolicy". Thread safety: pure functions.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/time.hpp"
#include "signer/signer.hpp"

namespace photogate::signer {

struct PostPolicy {
    Timestamp expiration;
    std::vector<PolicyCondition> conditions;
};

std::string write_post_policy(const PostPolicy& policy);

/// `eq` in both its forms, `starts-with` and `content-length-range` (numbers or texts of digits). nullopt on
/// anything else: an unknown member, an unknown operator, a condition of another shape, deep or endless
/// nesting.
std::optional<PostPolicy> read_post_policy(std::string_view json);

}  // namespace photogate::signer
