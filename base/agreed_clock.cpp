#include "base/agreed_clock.hpp"

namespace photogate {

using namespace std::chrono;

namespace {

std::int64_t steady_micros() {
    return duration_cast<microseconds>(steady_clock::now().time_since_epoch()).count();
}

}  // namespace

AgreedClock::AgreedClock()
    : ahead_of_steady_(SystemClock{}.now().time_since_epoch().count() - steady_micros()) {}

Timestamp AgreedClock::now() const {
    return Timestamp{microseconds{steady_micros() + ahead_of_steady_}};
}

void AgreedClock::correct(microseconds ahead) {
    if (abs(ahead) >= kClockNoise) ahead_of_steady_ += ahead.count();
}

}  // namespace photogate
