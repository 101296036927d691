#include "base/tracing/otlp/exporter.hpp"

#include "base/version.hpp"

#if PHOTOGATE_HAS_OTLP

#include <algorithm>
#include <atomic>
#include <exception>
#include <memory>
#include <type_traits>
#include <utility>
#include <variant>

#include <opentelemetry/exporters/otlp/otlp_http_exporter_factory.h>
#include <opentelemetry/exporters/otlp/otlp_http_exporter_options.h>
#include <opentelemetry/sdk/common/global_log_handler.h>
#include <opentelemetry/sdk/instrumentationscope/instrumentation_scope.h>
#include <opentelemetry/sdk/resource/resource.h>
#include <opentelemetry/sdk/trace/batch_span_processor_factory.h>
#include <opentelemetry/sdk/trace/batch_span_processor_options.h>
#include <opentelemetry/sdk/trace/exporter.h>
#include <opentelemetry/sdk/trace/processor.h>
#include <opentelemetry/sdk/trace/recordable.h>
#include <opentelemetry/trace/trace_state.h>

namespace photogate::tracing::otlp {
namespace {

namespace api = opentelemetry::trace;
namespace nostd = opentelemetry::nostd;
namespace sdk = opentelemetry::sdk;

/// More threads than this do not find the last place at once.
constexpr std::size_t kSlack = 1'024;

struct Counters {
    std::atomic<std::uint64_t> taken{0}, exported{0}, dropped{0}, failed{0};
};

/// The exporter answers success whatever became of a batch; that one was not taken it only logs, on the thread that
/// exports.
thread_local bool t_complained = false;

/// What the SDK has to say goes to the program's log, not to standard output.
class Words final : public sdk::common::internal_log::LogHandler {
  public:
    explicit Words(void (*warn)(const char*)) : warn_(warn) {}
    void Handle(sdk::common::internal_log::LogLevel level, const char*, int, const char* what,
                const sdk::common::AttributeMap&) noexcept override {
        if (level == sdk::common::internal_log::LogLevel::Error) t_complained = true;
        if (warn_ != nullptr && what != nullptr && level <= sdk::common::internal_log::LogLevel::Warning)
            warn_(what);
    }

  private:
    void (*warn_)(const char*);
};

/// Counts what becomes of each batch, which the SDK itself tells nobody.
class CountingExporter final : public sdk::trace::SpanExporter {
  public:
    CountingExporter(std::unique_ptr<sdk::trace::SpanExporter> inner, std::shared_ptr<Counters> counters)
        : inner_(std::move(inner)), counters_(std::move(counters)) {}

    std::unique_ptr<sdk::trace::Recordable> MakeRecordable() noexcept override {
        return inner_->MakeRecordable();
    }

    sdk::common::ExportResult Export(
        const nostd::span<std::unique_ptr<sdk::trace::Recordable>>& spans) noexcept override {
        // What is left when the time to close is over is given up at once, and not after a timeout for each batch.
        const bool over = deadline_.load() <= std::chrono::steady_clock::now().time_since_epoch().count();
        t_complained = false;
        auto result = over ? sdk::common::ExportResult::kFailure : inner_->Export(spans);
        if (t_complained) result = sdk::common::ExportResult::kFailure;
        auto& counter =
            result == sdk::common::ExportResult::kSuccess ? counters_->exported : counters_->failed;
        counter += spans.size();
        return result;
    }
    bool ForceFlush(std::chrono::microseconds timeout) noexcept override {
        return inner_->ForceFlush(timeout);
    }
    bool Shutdown(std::chrono::microseconds timeout) noexcept override { return inner_->Shutdown(timeout); }

    void close_by(std::chrono::steady_clock::time_point deadline) {
        deadline_ = deadline.time_since_epoch().count();
    }

  private:
    std::unique_ptr<sdk::trace::SpanExporter> inner_;
    std::shared_ptr<Counters> counters_;
    std::atomic<std::int64_t> deadline_{INT64_MAX};  ///< of steady time, in its ticks
};

api::SpanKind kind_of(Kind kind) {
    switch (kind) {
        case Kind::internal:
            return api::SpanKind::kInternal;
        case Kind::server:
            return api::SpanKind::kServer;
        case Kind::client:
            return api::SpanKind::kClient;
        case Kind::producer:
            return api::SpanKind::kProducer;
        case Kind::consumer:
            return api::SpanKind::kConsumer;
    }
    return api::SpanKind::kInternal;
}

api::SpanId id_of(const SpanId& id) {
    return api::SpanId{nostd::span<const std::uint8_t, 8>{id.bytes.data(), 8}};
}

api::SpanContext context_of(const Context& context, const std::string& tracestate) {
    auto state = tracestate.empty() ? api::TraceState::GetDefault() : api::TraceState::FromHeader(tracestate);
    return {api::TraceId{nostd::span<const std::uint8_t, 16>{context.trace.bytes.data(), 16}},
            id_of(context.span), api::TraceFlags{api::TraceFlags::kIsSampled}, false, state};
}

class Sink final : public SpanSink {
  public:
    explicit Sink(const ExporterOptions& options)
        : most_waiting_(options.queue),
          resource_(sdk::resource::Resource::Create({{"service.name", options.service_name},
                                                     {"service.version", options.service_version},
                                                     {"service.instance.id", options.instance_id}})),
          scope_(
              sdk::instrumentationscope::InstrumentationScope::Create("photogate", options.service_version)) {
        sdk::common::internal_log::GlobalLogHandler::SetLogHandler(
            nostd::shared_ptr<sdk::common::internal_log::LogHandler>{new Words{options.warn}});
        opentelemetry::exporter::otlp::OtlpHttpExporterOptions http;  // as the environment has it
        http.url = options.endpoint;
        http.content_type = opentelemetry::exporter::otlp::HttpRequestContentType::kBinary;
        http.timeout = options.timeout;
        http.retry_policy_max_attempts = 0;
        // An SDK that was built without it, as Debian's, reports an error with each batch, though it sends it.
        http.compression = "none";
        auto counting = std::make_unique<CountingExporter>(
            opentelemetry::exporter::otlp::OtlpHttpExporterFactory::Create(http), counters_);
        exporter_ = counting.get();
        sdk::trace::BatchSpanProcessorOptions batches;
        batches.max_queue_size = options.queue + kSlack;
        batches.max_export_batch_size =
            std::max<std::size_t>(1, std::min<std::size_t>(512, options.queue / 4));
        batches.schedule_delay_millis = options.interval;
        processor_ = sdk::trace::BatchSpanProcessorFactory::Create(std::move(counting), batches);
    }

    ~Sink() override { close(std::chrono::milliseconds{0}); }

    void take(SpanRecord&& span) noexcept override {
        try {
            // The SDK, too, drops where its queue is full, and tells nobody: so this one is full first.
            if (closed_ || counts().waiting >= most_waiting_) {
                ++counters_->dropped;
                return;
            }
            auto out = processor_->MakeRecordable();
            if (!out) {
                ++counters_->dropped;
                return;
            }
            out->SetIdentity(context_of(span.context, span.tracestate), id_of(span.parent));
            out->SetTraceFlags(api::TraceFlags{api::TraceFlags::kIsSampled});
            out->SetName(span.name);
            out->SetSpanKind(kind_of(span.kind));
            out->SetResource(resource_);
            out->SetInstrumentationScope(*scope_);
            out->SetStartTime(opentelemetry::common::SystemTimestamp{span.start});
            out->SetDuration(span.duration);
            for (const auto& [name, value] : span.attributes)
                set(*out, name, value);
            if (span.failed) out->SetStatus(api::StatusCode::kError, "");
            ++counters_->taken;
            processor_->OnEnd(std::move(out));
        } catch (const std::exception&) {
            ++counters_->dropped;
        }
    }

    SpanCounts counts() const noexcept override {
        SpanCounts counts{counters_->exported, counters_->dropped, counters_->failed, 0};
        const std::uint64_t taken = counters_->taken;
        counts.waiting = taken - std::min(taken, counts.exported + counts.failed);
        return counts;
    }

    void close(std::chrono::milliseconds patience) noexcept override {
        if (closed_.exchange(true)) return;
        exporter_->close_by(std::chrono::steady_clock::now() + patience);
        processor_->Shutdown(patience);
    }

  private:
    static void set(sdk::trace::Recordable& out, std::string_view name, const AttributeValue& value) {
        const nostd::string_view key{name.data(), name.size()};
        std::visit(
            [&](const auto& is) {
                using T = std::decay_t<decltype(is)>;
                if constexpr (std::is_same_v<T, std::string>)
                    out.SetAttribute(key, nostd::string_view{is.data(), is.size()});
                else
                    out.SetAttribute(key, is);
            },
            value);
    }

    const std::uint64_t most_waiting_;
    std::shared_ptr<Counters> counters_ = std::make_shared<Counters>();
    const sdk::resource::Resource resource_;
    const nostd::unique_ptr<sdk::instrumentationscope::InstrumentationScope> scope_;
    CountingExporter* exporter_ = nullptr;  ///< the processor's
    std::atomic<bool> closed_{false};
    std::unique_ptr<sdk::trace::SpanProcessor> processor_;  ///< last: its thread uses the rest
};

}  // namespace
}  // namespace photogate::tracing::otlp

extern "C" {

const char* photogate_otlp_version() {
    return photogate::kVersion;
}

photogate::tracing::SpanSink* photogate_otlp_make(const photogate::tracing::ExporterOptions* options) {
    try {
        return new photogate::tracing::otlp::Sink{*options};
    } catch (const std::exception&) {
        return nullptr;
    }
}
}

#endif
