// A request as a span of its trace. Names and attributes: OpenTelemetry's semantic conventions for HTTP servers
// (https://opentelemetry.io/docs/specs/semconv/http/http-spans/). Not among them: who asks and with which program.
#include <charconv>

#include "base/log.hpp"
#include "base/tracing/tracing.hpp"
#include "gateway/http/connection.hpp"

namespace photogate::gateway::http {

namespace {

constexpr std::size_t kLongestPath = 256;

/// Members of several fields are one list, in their order.
std::string tracestate_of(const RequestHeaders& headers) {
    std::string joined;
    for (const auto one : headers.all("tracestate")) {
        if (joined.size() + one.size() > tracing::kLongestTracestate) return {};
        joined.append(joined.empty() ? "" : ",").append(one);
    }
    return tracing::is_tracestate(joined) ? joined : std::string{};
}

/// `host:port`, the port where there is one.
void add_server(std::string_view host, tracing::SpanRecord& span) {
    const auto colon = host.rfind(':');
    const bool has_port = colon != std::string_view::npos && host.find(']', colon) == std::string_view::npos;
    span.attributes.emplace_back("server.address",
                                 std::string{host.substr(0, has_port ? colon : host.size())});
    std::int64_t port = 0;
    if (has_port &&
        std::from_chars(host.data() + colon + 1, host.data() + host.size(), port).ec == std::errc{})
        span.attributes.emplace_back("server.port", port);
}

}  // namespace

void Connection::begin_trace(const RequestHead& head) {
    Exchange& exchange = *exchange_;
    const auto sent = head.headers.find("traceparent");
    if (!sent && !tracing::on()) return;
    if (exchange.admission.traced == Traced::no) return;
    // Two of them are none.
    const auto remote =
        sent && head.headers.count("traceparent") == 1 ? tracing::parse_traceparent(*sent) : std::nullopt;
    const auto& trusts = io_thread_.core().options.trusts_trace;
    const bool ours = trusts && trusts(exchange.admission.principal);
    exchange.trace = tracing::begin(remote, ours ? tracing::Trust::ours : tracing::Trust::stranger);
    if (remote) {
        exchange.caller_span = remote->span;
        exchange.tracestate = tracestate_of(head.headers);
    }
    if (!exchange.trace.sampled || !tracing::on()) return;
    exchange.started_at = SystemClock{}.now();
    exchange.host = head.headers.find("Host").value_or(std::string_view{});
}

void Connection::end_trace() {
    Exchange& exchange = *exchange_;
    if (exchange.started_at == Timestamp{}) return;
    tracing::SpanRecord span;
    span.context = exchange.trace;
    span.parent = exchange.caller_span;
    span.tracestate = std::move(exchange.tracestate);
    span.kind = tracing::Kind::server;
    span.start = exchange.started_at;
    span.duration = std::chrono::steady_clock::now() - exchange.started;
    const auto route = exchange.admission.route_name;
    const bool has_route = !route.empty() && route.front() == '/';
    span.name = exchange.method;
    if (has_route) span.name.append(" ").append(route);
    auto& attributes = span.attributes;
    attributes.reserve(10);
    attributes.emplace_back("http.request.method", std::string{exchange.method});
    if (has_route) attributes.emplace_back("http.route", std::string{route});
    attributes.emplace_back("url.path", log::redact(exchange.path.substr(0, kLongestPath)));
    attributes.emplace_back("url.scheme", std::string{"http"});
    if (!exchange.host.empty()) add_server(exchange.host, span);
    attributes.emplace_back("http.response.status_code", std::int64_t{exchange.status});
    attributes.emplace_back("http.response.body.size", static_cast<std::int64_t>(exchange.sent));
    attributes.emplace_back("photogate.request_id", exchange.request_id);
    if (exchange.code)
        attributes.emplace_back("photogate.error_code", std::string{to_string(*exchange.code)});
    if (exchange.status >= 500) {
        span.failed = true;
        attributes.emplace_back("error.type", std::to_string(exchange.status));
    }
    tracing::record(std::move(span));
}

}  // namespace photogate::gateway::http
