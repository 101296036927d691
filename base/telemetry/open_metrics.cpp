#include "base/telemetry/open_metrics.hpp"

#include <array>
#include <charconv>
#include <cmath>
#include <cstdint>
#include <optional>
#include <set>
#include <string_view>
#include <utility>

#include <prometheus/client_metric.h>
#include <prometheus/metric_type.h>

namespace photogate::telemetry {
namespace {

using prometheus::ClientMetric;
using prometheus::MetricFamily;
using prometheus::MetricType;

constexpr std::string_view kTotal = "_total";

std::string_view family_name(const MetricFamily& family) {
    std::string_view name = family.name;
    if (family.type == MetricType::Counter && name.ends_with(kTotal)) name.remove_suffix(kTotal.size());
    return name;
}

void append_number(std::string& out, double value) {
    if (std::isnan(value)) {
        out += "NaN";
    } else if (std::isinf(value)) {
        out += value > 0 ? "+Inf" : "-Inf";
    } else {
        std::array<char, 32> text{};
        const auto end = std::to_chars(text.data(), text.data() + text.size(), value).ptr;
        out.append(text.data(), end);
    }
}

void append_escaped(std::string& out, std::string_view text) {
    for (const char c : text) {
        if (c == '\n')
            out += "\\n";
        else if (c == '\\' || c == '"')
            out.append(1, '\\').append(1, c);
        else
            out += c;
    }
}

/// Bounds are written so that the same one is always the same text: `10.0`, not `10`.
std::string bound_text(double bound) {
    std::string text;
    append_number(text, bound);
    if (text.find_first_of(".eIN") == std::string::npos) text += ".0";
    return text;
}

class Writer {
  public:
    explicit Writer(const ExemplarsOfSeries& exemplars) : exemplars_(exemplars) {}

    void add(const MetricFamily& family) {
        const auto name = family_name(family);
        const bool counter = family.type == MetricType::Counter;
        line("TYPE", name, type_of(family.type));
        for (const std::string_view unit : {"seconds", "bytes", "ratio"}) {
            if (name.size() > unit.size() && name.ends_with(unit) &&
                name[name.size() - unit.size() - 1] == '_')
                line("UNIT", name, unit);
        }
        out_.append("# HELP ").append(name) += ' ';
        append_escaped(out_, family.help);
        out_ += '\n';
        for (const auto& metric : family.metric) {
            if (family.type == MetricType::Histogram) {
                add_histogram(name, metric);
            } else {
                begin(name, counter ? kTotal : std::string_view{}, metric);
                append_number(out_, counter                            ? metric.counter.value
                                    : family.type == MetricType::Gauge ? metric.gauge.value
                                                                       : metric.untyped.value);
                out_ += '\n';
            }
        }
    }

    std::string finish() && {
        out_ += "# EOF\n";
        return std::move(out_);
    }

  private:
    static std::string_view type_of(MetricType type) {
        switch (type) {
            case MetricType::Counter:
                return "counter";
            case MetricType::Gauge:
                return "gauge";
            case MetricType::Histogram:
                return "histogram";
            default:
                return "unknown";
        }
    }

    void line(std::string_view what, std::string_view name, std::string_view value) {
        out_.append("# ").append(what).append(" ").append(name).append(" ").append(value) += '\n';
    }

    void begin(std::string_view name, std::string_view suffix, const ClientMetric& metric,
               std::string_view bound = {}) {
        out_.append(name).append(suffix);
        char before = '{';
        for (const auto& label : metric.label) {
            out_.append(1, before).append(label.name).append("=\"");
            append_escaped(out_, label.value);
            out_ += '"';
            before = ',';
        }
        if (!bound.empty()) {
            out_.append(1, before).append("le=\"").append(bound) += '"';
            before = ',';
        }
        out_ += before == ',' ? "} " : " ";
    }

    void add_histogram(std::string_view name, const ClientMetric& metric) {
        Labels labels;
        for (const auto& label : metric.label)
            labels.emplace(label.name, label.value);
        const auto known = exemplars_.find({std::string{name}, labels});
        const auto newest =
            known == exemplars_.end() ? std::vector<std::optional<Exemplar>>{} : known->second->now();
        const auto& histogram = metric.histogram;
        bool to_the_end = false;
        for (std::size_t i = 0; i < histogram.bucket.size(); ++i) {
            const auto& bucket = histogram.bucket[i];
            to_the_end = std::isinf(bucket.upper_bound);
            begin(name, "_bucket", metric, bound_text(bucket.upper_bound));
            out_ += std::to_string(bucket.cumulative_count);
            if (i < newest.size() && newest[i]) append_exemplar(*newest[i]);
            out_ += '\n';
        }
        if (!to_the_end) {
            begin(name, "_bucket", metric, "+Inf");
            out_ += std::to_string(histogram.sample_count);
            if (newest.size() > histogram.bucket.size() && newest.back()) append_exemplar(*newest.back());
            out_ += '\n';
        }
        begin(name, "_count", metric);
        out_ += std::to_string(histogram.sample_count);
        out_ += '\n';
        begin(name, "_sum", metric);
        append_number(out_, histogram.sample_sum);
        out_ += '\n';
    }

    void append_exemplar(const Exemplar& exemplar) {
        out_.append(" # {trace_id=\"").append(exemplar.trace_id).append("\"} ");
        append_number(out_, exemplar.value);
        // In full, not in powers of ten: milliseconds are enough.
        const auto milliseconds = static_cast<std::int64_t>(exemplar.at * 1'000);
        auto fraction = std::to_string(milliseconds % 1'000);
        fraction.insert(0, 3 - fraction.size(), '0');
        out_.append(" ").append(std::to_string(milliseconds / 1'000)).append(".").append(fraction);
    }

    const ExemplarsOfSeries& exemplars_;
    std::string out_;
};

}  // namespace

std::string open_metrics(const std::vector<MetricFamily>& families, const ExemplarsOfSeries& exemplars) {
    std::set<std::string_view> counters;
    for (const auto& family : families) {
        if (family.type == MetricType::Counter) counters.insert(family_name(family));
    }
    Writer writer{exemplars};
    for (const auto& family : families) {
        if (family.type == MetricType::Counter || !counters.contains(family.name)) writer.add(family);
    }
    return std::move(writer).finish();
}

}  // namespace photogate::telemetry
