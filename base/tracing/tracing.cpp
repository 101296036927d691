#include "base/tracing/tracing.hpp"

#include <array>
#include <exception>
#include <span>
#include <utility>

#include "base/log_context.hpp"
#include "base/random.hpp"
#include "base/time.hpp"

namespace photogate::tracing {

namespace detail {
std::atomic<SpanSink*> g_sink{nullptr};
}

namespace {

/// In 2^32ths, so that 1 is always and 0 never.
std::atomic<std::uint64_t> g_root_ratio{0};
constexpr double kAll = 4'294'967'296.0;

void fill(std::span<std::uint8_t> out) {
    SystemRandom{}.fill(std::as_writable_bytes(out));
}

SpanId new_span_id() {
    SpanId id;
    while (id == SpanId{})
        fill(id.bytes);
    return id;
}

bool drawn() {
    std::array<std::uint8_t, 4> bytes{};
    fill(bytes);
    std::uint64_t number = 0;
    for (const auto byte : bytes)
        number = number << 8U | byte;
    return number < g_root_ratio.load(std::memory_order_relaxed);
}

}  // namespace

struct Span::Open {
    SpanRecord record;
    std::chrono::steady_clock::time_point began;
    std::chrono::system_clock::time_point constructed;
    Open* around = nullptr;
    std::string trace_id;
};

namespace {
thread_local void* t_current = nullptr;  // a Span::Open
}

void install(SpanSink* sink, double root_ratio) {
    g_root_ratio = static_cast<std::uint64_t>(root_ratio * kAll);
    detail::g_sink.store(sink, std::memory_order_release);
}

Context begin(const std::optional<Context>& remote, Trust trust) noexcept {
    if (!on()) return remote.value_or(Context{});
    try {
        Context context;
        if (remote) {
            context.trace = remote->trace;
            context.sampled = remote->sampled && (trust == Trust::ours || drawn());
        } else {
            context.sampled = drawn();
            if (!context.sampled) return {};
            while (context.trace == TraceId{})
                fill(context.trace.bytes);
        }
        context.span = new_span_id();
        return context;
    } catch (const std::exception&) {
        return remote.value_or(Context{});
    }
}

void record(SpanRecord&& span) noexcept {
    auto* const sink = detail::g_sink.load(std::memory_order_acquire);
    if (sink != nullptr && span.context.sampled) sink->take(std::move(span));
}

void Span::open(std::string_view name, Kind kind, const Context& parent) {
    open_ = std::make_unique<Open>();
    auto& record = open_->record;
    record.context = {parent.trace, new_span_id(), true};
    record.parent = parent.span;
    record.name = name;
    record.kind = kind;
    record.start = open_->constructed = SystemClock{}.now();
    open_->began = std::chrono::steady_clock::now();
    open_->trace_id = hex(parent.trace);
    open_->around = static_cast<Open*>(t_current);
    t_current = open_.get();
    log::set_trace_id(open_->trace_id);
}

Span::Span(std::string_view name, Kind kind) {
    if (!on() || t_current == nullptr) return;
    open(name, kind, static_cast<Open*>(t_current)->record.context);
}

Span::Span(std::string_view name, Kind kind, const std::optional<std::string>& traceparent) {
    if (!on() || !traceparent) return;
    const auto parent = parse_traceparent(*traceparent);
    if (parent && parent->sampled) open(name, kind, *parent);
}

Span::~Span() {
    if (!open_) return;
    t_current = open_->around;
    log::set_trace_id(open_->around != nullptr ? open_->around->trace_id : std::string_view{});
    auto& record = open_->record;
    record.duration = (open_->constructed - record.start) + (std::chrono::steady_clock::now() - open_->began);
    tracing::record(std::move(record));
}

void Span::set(std::string_view literal, std::string_view text) {
    if (open_) open_->record.attributes.emplace_back(literal, std::string{text});
}

void Span::set(std::string_view literal, std::int64_t number) {
    if (open_) open_->record.attributes.emplace_back(literal, number);
}

void Span::fail(std::string_view type) {
    if (!open_) return;
    open_->record.failed = true;
    set("error.type", type);
}

void Span::started_at(std::chrono::system_clock::time_point at) {
    if (open_ && at < open_->record.start) open_->record.start = at;
}

std::optional<std::string> Span::traceparent() const {
    if (!open_) return std::nullopt;
    return format_traceparent(open_->record.context);
}

std::string_view current_trace_id() noexcept {
    if (t_current == nullptr) return {};
    return log::trace_id();
}

}  // namespace photogate::tracing
