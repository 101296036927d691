#include "base/telemetry/exemplars.hpp"

#include <algorithm>

#include "base/time.hpp"

namespace photogate::telemetry {

void Exemplars::keep(double value, std::string_view trace_id) {
    const auto bucket = std::lower_bound(bounds_.begin(), bounds_.end(), value) - bounds_.begin();
    const auto at = seconds(SystemClock{}.now().time_since_epoch());
    const std::lock_guard lock{mutex_};
    newest_.resize(bounds_.size() + 1);
    newest_[static_cast<std::size_t>(bucket)] = Exemplar{std::string{trace_id}, value, at};
}

std::vector<std::optional<Exemplar>> Exemplars::now() const {
    const std::lock_guard lock{mutex_};
    return newest_;
}

}  // namespace photogate::telemetry
