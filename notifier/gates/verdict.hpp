// What a hook answered: `{"allow": true}`, or `{"allow": false, "code": "…", "reason": "…"}`.
//
// Thread safety: values and pure functions.
#pragma once

#include <string>
#include <string_view>

#include "base/result.hpp"

namespace photogate::notifier::gates {

inline constexpr std::size_t kMostVerdictBytes = 16U << 10;
inline constexpr std::size_t kMostReasonBytes = 500;

struct Verdict {
    enum class Answer { allowed, refused } answer = Answer::refused;
    std::string code;    ///< of a refusal: lower-case letters, digits and `_`, at most 64; may be empty
    std::string reason;  ///< of a refusal: one line, at most kMostReasonBytes; may be empty

    bool allows() const { return answer == Answer::allowed; }
};

/// `code` and `reason` are optional. A code of another shape is left out; control characters of a reason become spaces,
/// and its end is cut. Members besides are ignored. Errors: hook_unavailable, for what is no verdict: it counts neither
/// as yes nor as no.
Result<Verdict> read_verdict(std::string_view body);

}  // namespace photogate::notifier::gates
