// The outbox: what an app server is to be told, written in the transaction that made it true.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/time.hpp"
#include "base/words.hpp"
#include "storage/records/upload.hpp"

namespace photogate::storage::records {

enum class CallbackType {
    upload_received,
    upload_published,
    upload_rejected,
    upload_failed,
    upload_expired,
    upload_deleted
};
/// `upload.received`, …
std::string_view to_string(CallbackType type);
std::optional<CallbackType> parse_callback_type(std::string_view word);

enum class CallbackState {
    waiting,
    delivered,
    dead,    ///< given up; a replay sends it again
    unsent,  ///< there was no URL to send it to; it is in the feed
};
std::string_view to_string(CallbackState state);
std::optional<CallbackState> parse_callback_state(std::string_view word);

/// A callback as composed: its bytes are stored once and sent verbatim at each attempt.
struct ComposedCallback {
    CallbackId id;
    std::string url;  ///< empty: for the feed alone
    std::string body;
};

/// Makes a callback's body out of the row as the transaction leaves it. Called inside a transaction: it does
/// no I/O, is quick, and may be called from several threads at once.
class CallbackComposer {
  public:
    virtual ~CallbackComposer() = default;
    /// nullopt: this app is not to be told of this. `upload.sequence` is already the callback's own.
    virtual std::optional<ComposedCallback> compose(CallbackType type, const Upload& upload,
                                                    Timestamp now) const = 0;
};

struct Callback {
    CallbackId id;
    AppName app;
    UploadId upload;
    CallbackType type = CallbackType::upload_received;
    std::int64_t sequence = 0;
    std::string url;
    std::string body;
    CallbackState state = CallbackState::waiting;
    std::uint32_t attempts = 0;
    Timestamp created_at;
    std::optional<Timestamp> next_attempt_at;
    std::string lease_token;  ///< of a claimed one
};

/// One try at delivering, and what follows from it.
struct CallbackAttempt {
    enum class Verdict { delivered, again, dead };
    CallbackId callback;
    std::string lease_token;
    std::string url;
    Timestamp at;
    std::optional<int> status;  ///< absent where no answer came
    std::string error;  ///< class: dns, connect, tls, timeout, blocked, status, no_secret; empty on success
    std::chrono::milliseconds latency{};
    std::string answer;  ///< its first 1 KiB
    Verdict verdict = Verdict::again;
    std::optional<Timestamp> next_attempt_at;  ///< for `again`
    /// 410: nothing more goes to this URL until it is resumed; its callbacks stay waiting.
    bool pause_endpoint = false;
};

// ---- reading and sending again

struct CallbackQuery {
    std::optional<AppName> app;  ///< nullopt: across apps, for the operator
    std::optional<CallbackState> state;
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
    Callback callback;
    std::vector<AttemptRow> attempts;  ///< newest first; 20 at the most in a list, 100 of one callback
};

/// Which callbacks are sent again.
struct ReplayRange {
    std::optional<AppName> app;
    Timestamp since;                 ///< made then or later
    std::optional<Timestamp> until;  ///< made before
    CallbackState state = CallbackState::dead;
    std::optional<CallbackType> type;
    std::optional<std::string> url;
    std::optional<CallbackId> after;  ///< where the replay before this one ended
    std::size_t most = 10'000;
};
struct Replayed {
    std::size_t count = 0;
    std::optional<CallbackId> next;  ///< there may be more, after this one
};

// ---- endpoints

/// A URL that something is wrong with; one that is well has no entry.
struct CallbackEndpoint {
    enum class State {
        failing,     ///< it did not take the last ones; not yet so many that it is held back
        open,        ///< its breaker is open: nothing is sent until `probe_at`
        half_open,   ///< one at a time, to see whether it is back
        recovering,  ///< it is back; its share grows
        paused,      ///< by its 410, or by hand: nothing is sent until it is resumed
    };
    std::string url;
    State state = State::failing;
    std::uint32_t failures = 0;  ///< in a row
    std::optional<Timestamp> failing_since;
    std::optional<Timestamp> last_at;
    std::optional<int> last_status;
    std::string last_error;
    std::optional<Timestamp> probe_at;
    std::optional<Timestamp> paused_at;
    std::size_t waiting = 0;  ///< counted up to 10,000
};
std::string_view to_string(CallbackEndpoint::State state);

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
    std::vector<Callback> callbacks;
    FeedCursor next;    ///< to go on from, also where the page is empty
    bool more = false;  ///< there is more at once
};

}  // namespace photogate::storage::records
