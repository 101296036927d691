// The exporter: spans as OTLP over HTTP, by OpenTelemetry's own SDK.
//
// A shared library of its own, photogate-otlp.so, so that the SDK, protobuf and what they bring are in no process that
// sends no traces, and in no package that nobody asked for. The program loads it by name (base/tracing/otlp_library.hpp)
// and includes nothing of it; both are of one build, which `photogate_otlp_version` proves.
//
// Bounded: the queue, the time of one request, and the time that close() takes. A collector that is away costs what it
// was to be sent, which is counted, and nothing else.
#pragma once

#include "base/tracing/span_sink.hpp"

extern "C" {
/// The program's version, as the library was built with it.
const char* photogate_otlp_version();
/// The caller owns it; null where it could not be made.
photogate::tracing::SpanSink* photogate_otlp_make(const photogate::tracing::ExporterOptions* options);
}
