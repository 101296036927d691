#include "fuzz.hpp"

#include <algorithm>

#include <time.h>

namespace photogate::fuzz {
namespace {

/// Function-local, because targets register themselves before main(), in any order.
std::vector<Target>& registered() {
    static std::vector<Target> targets;
    return targets;
}

/// Seconds.
double processor_time() {
    timespec now{};
    ::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return static_cast<double>(now.tv_sec) + static_cast<double>(now.tv_nsec) / 1e9;
}

}  // namespace

LinearTime::LinearTime() : start_(processor_time()) {}

void LinearTime::require_for(std::size_t bytes) const {
    require(processor_time() - start_ <= 0.3 + 1e-6 * static_cast<double>(bytes), "the time is linear");
}

Target::Target(std::string_view name_of_folder, Run function) : name(name_of_folder), run(function) {
    registered().push_back(*this);
}

const std::vector<Target>& all() {
    return registered();
}

std::uint8_t Input::byte() {
    if (left_.empty()) return 0;
    const auto value = static_cast<std::uint8_t>(left_.front());
    left_.remove_prefix(1);
    return value;
}

std::string_view Input::line() {
    const auto end = left_.find('\n');
    const auto text = left_.substr(0, end);
    left_.remove_prefix(end == std::string_view::npos ? left_.size() : end + 1);
    return text;
}

Pair split(std::string_view text, char separator) {
    const auto at = std::min(text.find(separator), text.size());
    return {text.substr(0, at), at < text.size() ? text.substr(at + 1) : std::string_view{}};
}

}  // namespace photogate::fuzz
