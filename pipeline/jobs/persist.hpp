// Writes a result down although the database may be restarting: work that is done is worth some patience.
//
// Thread safety: any thread.
#pragma once

#include <chrono>

#include "base/result.hpp"
#include "pipeline/stop_signal.hpp"

namespace photogate::pipeline::jobs {

/// Calls until the answer is another than "the database is away", 40 times at most, a second apart. The lease
/// is the limit: after it another worker starts anew. A stop ends the wait at once, with the last answer.
template <class Call>
auto persist(const StopSignal& stop, const Call& call) {
    constexpr int kTries = 40;
    for (int attempt = 1;; ++attempt) {
        auto result = call();
        const bool later = !result && (result.error().code == ErrorCode::database_unavailable ||
                                       result.error().code == ErrorCode::database_conflict ||
                                       result.error().code == ErrorCode::unavailable);
        if (!later || attempt == kTries || stop.wait_for(std::chrono::seconds{1})) return result;
    }
}

}  // namespace photogate::pipeline::jobs
