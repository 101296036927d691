// Any bytes as `traceparent`, and the rest as `tracestate`: what is accepted is what was sent, and can be sent on.
#include "base/tracing/trace_context.hpp"

#include "fuzz.hpp"

namespace photogate {
namespace {

using fuzz::require;

void check_traceparent(std::string_view text) {
    const auto context = tracing::parse_traceparent(text);
    if (!context) return;
    require(context->valid() && text.size() >= 55 && !text.starts_with("ff"),
            "what is read is a traceparent");
    const auto written = tracing::format_traceparent(*context);
    require(tracing::parse_traceparent(written) == context, "a traceparent survives being written");
    require(written.substr(2, 51) == text.substr(2, 51), "the ids are those that were sent");
}

void run(BytesView bytes) {
    fuzz::Input input{bytes};
    check_traceparent(input.line());
    const auto state = input.rest();
    if (!tracing::is_tracestate(state)) return;
    require(state.size() <= tracing::kLongestTracestate, "a tracestate is bounded");
    for (const char c : state)
        require((c >= ' ' && c <= '~') || c == '\t', "a tracestate can be sent on in a header");
}

const fuzz::Target target{"trace_context", run};

}  // namespace
}  // namespace photogate
