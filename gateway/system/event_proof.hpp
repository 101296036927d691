// Whether an event comes from the store to the gateway, and which link is broken if none does.
//
// `photogate doctor` writes objects, and the store announces them to the running gateway, which counts them in
// photogate_event_probes_total, and events that it refuses in photogate_events_received_total. Doctor reads
// both at metrics_listen, before and after.
//
// Thread safety: free functions over values.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "gateway/config/config.hpp"
#include "storage/http/http_client.hpp"

namespace photogate::gateway::system {

struct EventCounts {
    std::map<std::string, double> probes;  ///< by region
    double refused = 0;                    ///< 401
};
/// Of a Prometheus page.
EventCounts event_counts_of(std::string_view page);
/// nullopt: no gateway answers there.
std::optional<EventCounts> read_event_counts(const config::Server& server, storage::http::HttpClient& http);
/// `http://127.0.0.1:9180`, for messages.
std::string operations_url(const config::Server& server);

enum class EventLink {
    arrived,     ///< an event came through
    no_gateway,  ///< nothing counts: no gateway was running
    refused,     ///< the gateway refused events meanwhile: a wrong token
    lost,        ///< the gateway runs and saw nothing
};
/// Errors: none. `before` and `after` of read_event_counts().
EventLink judge(const std::optional<EventCounts>& before, const std::optional<EventCounts>& after,
                const std::string& region);

}  // namespace photogate::gateway::system
