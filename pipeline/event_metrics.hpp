// What became of store events, counted by source: those that were posted and those that were fetched.
//
// Thread safety: any thread. The metrics outlive it.
#pragma once

#include <map>
#include <string>
#include <string_view>

#include "base/telemetry/metrics.hpp"
#include "base/time.hpp"
#include "notifier/events/source.hpp"
#include "pipeline/intake.hpp"

namespace photogate::pipeline {

class EventMetrics {
  public:
    EventMetrics(telemetry::Metrics& metrics, const notifier::events::Sources& sources);

    /// A body of this source was taken in.
    void taken_in(const notifier::events::Source& source, const IntakeSummary& summary,
                  const Intake::ParsedBody& batch, Timestamp now) const;
    /// A request was refused; nullptr: it named no source.
    void refused(const notifier::events::Source* source) const;

  private:
    struct Series {
        telemetry::Counter received, passed_over, unwanted, unproven, deferred, quarantined, attacks,
            unauthenticated;
    };
    Series series_of(const std::string& source);

    telemetry::Metrics& metrics_;
    std::map<std::string, Series, std::less<>> by_source_;  ///< "": of no source
    mutable telemetry::Histogram lag_;
};

}  // namespace photogate::pipeline
