#include <cstdlib>

#include <fmt/format.h>

#include "base/endpoint.hpp"
#include "gateway/config/defaults.hpp"
#include "gateway/config/options.hpp"
#include "gateway/config/setters.hpp"

namespace photogate::gateway::config {
namespace {

using namespace std::chrono_literals;
using S = const Scope&;
using G = const RawValue&;

constexpr std::string_view kTraces = "/v1/traces";

/// As OpenTelemetry has it: the collector's URL, to which the path of traces is added.
Result<std::string> parse_collector(std::string_view text) {
    const auto scheme = text.find("://");
    const auto path = scheme == std::string_view::npos ? scheme : text.find_first_of("/?#", scheme + 3);
    const auto origin = parse_endpoint(text.substr(0, path));
    if (!origin) return fail(origin.error());
    if (text.find_first_of("?# ") != std::string_view::npos)
        return fail(ErrorCode::invalid_field, "a collector's URL has no query and no fragment");
    std::string url{text};
    while (url.ends_with('/'))
        url.pop_back();
    if (!url.ends_with(kTraces)) url += kTraces;
    return url;
}

ValidationError put_ratio(const RawValue& given, double& field) {
    const auto text = read_text(given);
    if (!text) return text.error();
    char* end = nullptr;
    const double value = std::strtod(text->c_str(), &end);
    if (text->empty() || *end != '\0' || !(value >= 0 && value <= 1))
        return "is a number from 0 to 1, in quotes";
    field = value;
    return std::nullopt;
}

}  // namespace

std::vector<Table> tracing_tables() {
    return {{
        .pattern = "tracing",
        .prefix = "tracing",
        .help = "OpenTelemetry traces, sent to a collector over OTLP/HTTP (docs/tracing.md).",
        .options = {{"endpoint",
                     Kind::text,
                     "",
                     "The collector: `http://127.0.0.1:4318`; `/v1/traces` is added where it is not there.",
                     [](S s, G g) { return put_parsed(g, parse_collector, s.config.tracing.endpoint); },
                     Secrecy::open,
                     "no traces",
                     {"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT"}},
                    {"service_name",
                     Kind::text,
                     standard().tracing.service_name,
                     "`service.name` of every span.",
                     [](S s, G g) { return put(read_text(g), s.config.tracing.service_name); },
                     Secrecy::open,
                     {},
                     {"OTEL_SERVICE_NAME"}},
                    {"sample_ratio", Kind::text, fmt::format("{:.1f}", standard().tracing.sample_ratio),
                     "How many of the traces that begin here are recorded, from `\"0\"` to `\"1\"`. A trace "
                     "that an app's "
                     "or operator's `traceparent` brings is recorded as it says.",
                     [](S s, G g) { return put_ratio(g, s.config.tracing.sample_ratio); }},
                    {"queue", Kind::integer, std::to_string(standard().tracing.queue),
                     "Spans that wait to be sent, at most; those beyond are dropped and counted.",
                     [](S s, G g) {
                         return put(read_integer(g, {64, 65'536}), s.config.tracing.queue);
                     }},
                    {"interval", Kind::duration, duration_text(standard().tracing.interval),
                     "How often what waits is sent; a quarter of a full queue is sent sooner.",
                     [](S s, G g) {
                         return put(read_duration(g, {100ms, 60s}), s.config.tracing.interval);
                     }},
                    {"timeout", Kind::duration, duration_text(standard().tracing.timeout),
                     "Maximum time for one request to the collector, and for sending what is left when "
                     "photogate stops.",
                     [](S s, G g) {
                         return put(read_duration(g, {100ms, 30s}), s.config.tracing.timeout);
                     }}},
    }};
}

}  // namespace photogate::gateway::config
