// Traces of this process: the exporter that the configuration asks for, from its start to its end.
//
// Without an exporter there is none of its threads and nothing of it in memory. One that can't be loaded is reported and done without:
// pictures matter more.
//
// Thread safety: made and destroyed on one thread, while no other records spans.
#pragma once

#include <memory>

#include "base/telemetry/metrics.hpp"
#include "base/tracing/span_sink.hpp"
#include "gateway/config/config.hpp"

namespace photogate::gateway::system {

class Traces {
  public:
    /// `metrics` outlives this, and is not rendered after it.
    Traces(const config::Tracing& config, telemetry::Metrics& metrics);
    /// What waits is sent, within twice the timeout.
    ~Traces();
    Traces(const Traces&) = delete;
    Traces& operator=(const Traces&) = delete;

  private:
    const config::Tracing& config_;
    std::unique_ptr<tracing::SpanSink> sink_;
};

}  // namespace photogate::gateway::system
