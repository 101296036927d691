// Inside the module: for each bucket of a histogram the newest value whose trace is recorded.
//
// Nothing is allocated before the first one comes.
//
// Thread safety: everything.
#pragma once

#include <chrono>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/telemetry/metrics.hpp"

namespace photogate::telemetry {

struct Exemplar {
    std::string trace_id;
    double value = 0;
    double at = 0;  ///< seconds since 1970
};

class Exemplars {
  public:
    /// `bounds`: the buckets' upper bounds, without the last, which is infinite.
    explicit Exemplars(std::vector<double> bounds) : bounds_(std::move(bounds)) {}
    void keep(double value, std::string_view trace_id);
    /// By bucket; empty where there is none at all.
    std::vector<std::optional<Exemplar>> now() const;

  private:
    const std::vector<double> bounds_;
    mutable std::mutex mutex_;
    std::vector<std::optional<Exemplar>> newest_;
};

using ExemplarsOfSeries = std::map<std::pair<std::string, Labels>, std::unique_ptr<Exemplars>>;

}  // namespace photogate::telemetry
