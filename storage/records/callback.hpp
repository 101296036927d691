// What is asked of the outbox: reading callbacks, sending them again, their endpoints, the feed.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/time.hpp"
#include "base/words.hpp"
#include "model/callback.hpp"

namespace photogate::storage::records {

// ---- reading and sending again

struct CallbackQuery {
    std::optional<AppName> app;  ///< nullopt: across apps, for the operator
    std::optional<model::CallbackState> state;
    std::optional<UploadId> upload;
    std::optional<CallbackId> before;
    std::size_t limit = 50;
};

struct AttemptRow {
    Timestamp at;
    std::optional<int> status;
    std::string error;
    std::chrono::milliseconds latency{};
    std::string answer;
};

struct CallbackDetails {
    model::Callback callback;
    std::vector<AttemptRow> attempts;  ///< newest first; 20 at the most in a list, 100 of one callback
};

/// Which callbacks are sent again.
struct ReplayRange {
    std::optional<AppName> app;
    Timestamp since;                 ///< made then or later
    std::optional<Timestamp> until;  ///< made before
    model::CallbackState state = model::CallbackState::dead;
    std::optional<model::CallbackType> type;
    std::optional<std::string> url;
    std::optional<CallbackId> after;  ///< where the replay before this one ended
    std::size_t most = 10'000;
};
struct Replayed {
    std::size_t count = 0;
    std::optional<CallbackId> next;  ///< there may be more, after this one
};

// ---- endpoints

struct EndpointQuery {
    std::optional<AppName> app;
    std::string own_url;  ///< the app's configured one, which it sees although nothing waits
    std::string after;
    std::size_t limit = 50;
};

struct EndpointCounts {
    std::size_t paused = 0;
    std::size_t open = 0;     ///< breakers open or half open
    std::size_t failing = 0;  ///< all that failed last
};

// ---- the feed

/// A place in the feed: everything up to it was read.
struct FeedCursor {
    std::int64_t place = -1;
    std::string id;
    bool operator==(const FeedCursor&) const = default;
};

struct FeedPage {
    std::vector<model::Callback> callbacks;
    FeedCursor next;    ///< to go on from, also where the page is empty
    bool more = false;  ///< there is more at once
};

}  // namespace photogate::storage::records
