// The exporter, loaded from its file when it is wanted (base/tracing/otlp).
//
// Thread safety: load() on one thread. It is never unloaded.
#pragma once

#include <memory>
#include <string>

#include "base/result.hpp"
#include "base/tracing/span_sink.hpp"

namespace photogate::tracing {

/// Errors: invalid_configuration, with what to install, where the file is not there, is of another build, or lacks a library.
Result<std::unique_ptr<SpanSink>> load_exporter(const std::string& file, const ExporterOptions& options);

}  // namespace photogate::tracing
