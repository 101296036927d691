// When a callback URL that fails is left alone, and for how long.
//
// After `after` failures in a row nothing is sent to the URL for `first`; then one callback is, to see. Where
// that fails too, the wait doubles, up to `longest`; where it is taken, the breaker is closed and the URL's
// share grows from one. What was held back meanwhile has not used up an attempt.
//
// The state is a row in the database: every gateway sees it, and a restart forgets nothing. Thread safety:
// pure functions over values.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>

#include "base/random.hpp"

namespace photogate::storage::records {

struct BreakerRule {
    std::uint32_t after = 10;  ///< failures in a row; 0: never
    std::chrono::seconds first{5};
    std::chrono::seconds longest{60};
    std::uint32_t share = 8;  ///< deliveries at once to a URL that is well
};

/// How long nothing is sent after so many failures in a row, with a jitter of 20 % either way; nullopt: the
/// breaker stays closed.
std::optional<std::chrono::microseconds> breaker_hold(std::uint32_t failures, const BreakerRule& rule,
                                                      Random& random);

}  // namespace photogate::storage::records
