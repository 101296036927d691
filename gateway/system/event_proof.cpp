#include "gateway/system/event_proof.hpp"

#include <charconv>
#include <chrono>
#include <string>

namespace photogate::gateway::system {
namespace {

constexpr std::size_t kLongestPage = 16U << 20;

/// The value of a label in `{a="b",c="d"}`.
std::string_view label(std::string_view labels, std::string_view name) {
    const auto start = labels.find(std::string{name} + "=\"");
    if (start == std::string_view::npos) return {};
    const auto value = labels.substr(start + name.size() + 2);
    return value.substr(0, value.find('"'));
}

double number(std::string_view text) {
    double value = 0;
    std::from_chars(text.data(), text.data() + text.size(), value);
    return value;
}

double probes_of(const EventCounts& counts, const std::string& region) {
    const auto found = counts.probes.find(region);
    return found == counts.probes.end() ? 0 : found->second;
}

}  // namespace

EventCounts event_counts_of(std::string_view page) {
    EventCounts counts;
    while (!page.empty()) {
        const auto end = page.find('\n');
        const auto line = page.substr(0, end);
        page = end == std::string_view::npos ? std::string_view{} : page.substr(end + 1);
        const auto brace = line.find('}');
        if (line.starts_with('#') || brace == std::string_view::npos || brace + 2 > line.size()) continue;
        const auto labels = line.substr(0, brace);
        const auto value = number(line.substr(brace + 2));
        if (labels.starts_with("photogate_event_probes_total{"))
            counts.probes[std::string{label(labels, "region")}] += value;
        if (labels.starts_with("photogate_events_received_total{") &&
            label(labels, "result") == "unauthenticated")
            counts.refused += value;
    }
    return counts;
}

std::string operations_url(const config::Server& server) {
    auto address = server.metrics_listen;
    if (address.host == "0.0.0.0" || address.host == "localhost") address.host = "127.0.0.1";
    if (address.host == "::") address.host = "::1";
    return "http://" + address.text();
}

std::optional<EventCounts> read_event_counts(const config::Server& server, storage::http::HttpClient& http) {
    storage::http::Request request;
    request.method = "GET";
    request.url = operations_url(server) + "/metrics";
    request.max_response_body = kLongestPage;
    const auto answer = http.send(request);
    if (!answer || answer->status != 200) return std::nullopt;
    return event_counts_of(answer->body);
}

EventLink judge(const std::optional<EventCounts>& before, const std::optional<EventCounts>& after,
                const std::string& region) {
    if (!before || !after) return EventLink::no_gateway;
    if (probes_of(*after, region) > probes_of(*before, region)) return EventLink::arrived;
    return after->refused > before->refused ? EventLink::refused : EventLink::lost;
}

}  // namespace photogate::gateway::system
