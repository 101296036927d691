// A callback: the notification of an app server about an upload or a package, written in the same transaction as the change.
//
// Thread safety: values; a CallbackComposer is called from several threads.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/time.hpp"
#include "base/words.hpp"
#include "model/package.hpp"
#include "model/upload.hpp"

namespace photogate::model {

enum class CallbackType {
    upload_received,
    upload_published,
    upload_rejected,
    upload_failed,
    upload_expired,
    upload_deleted,
    variant_ready,  ///< the variants that an upload's publication did not wait for, or that were made anew
    package_ready,  ///< of a stored package: its link works
    package_failed,
    image_purge,  ///< no app's: a cache is told to forget a deleted image
};
/// `upload.received`, …
std::string_view to_string(CallbackType type);

enum class CallbackState {
    waiting,
    delivered,
    dead,    ///< given up; a replay sends it again
    unsent,  ///< there was no URL to send it to; it is in the feed
};
std::string_view to_string(CallbackState state);

/// A callback as composed: its bytes are stored once and sent verbatim at each attempt.
struct ComposedCallback {
    CallbackId id;
    std::string url;  ///< empty: for the feed alone
    std::string body;
};

/// What the outbox keeps of a purge: sent by the hook of that name as it is configured then. The body is the image's
/// public id.
struct ComposedPurge {
    CallbackId id;
    std::string hook;
    std::string url;  ///< the hook's endpoint: what purges are grouped and shown by
    std::string body;
    std::chrono::seconds after{};  ///< due so long after the deletion
};

/// Makes a callback's body out of the row as the transaction leaves it. Called inside a transaction: it does
/// no I/O, is quick, and may be called from several threads at once.
class CallbackComposer {
  public:
    virtual ~CallbackComposer() = default;
    /// nullopt: no callback to this app for this event. `upload.sequence` is already the callback's own.
    virtual std::optional<ComposedCallback> compose(CallbackType type, const Upload& upload,
                                                    Timestamp now) const = 0;
    /// The same of a stored package that is ready or failed. `failed`: the first of its items that could not be read.
    virtual std::optional<ComposedCallback> compose_package(CallbackType, const Package&,
                                                            std::span<const FailedItem> /*failed*/,
                                                            Timestamp) const {
        return std::nullopt;
    }
    /// Of an upload that was published and is deleted: one for each cache that may hold its image, or two.
    virtual std::vector<ComposedPurge> purges(const Upload&, Timestamp) const { return {}; }
};

/// Where an app's callbacks go. A pause, a breaker and a share belong to the app and the URL together, so that no
/// app's URL is another app's concern.
struct EndpointKey {
    AppName app;
    std::string url;
    auto operator<=>(const EndpointKey&) const = default;
};

/// In the place of an app the outbox has the hook of a purge, so that each hook has a share, a breaker and a turn of its
/// own. No app has such a name.
AppName hook_party(std::string_view hook);
/// nullopt: an app.
std::optional<std::string_view> hook_of(const AppName& party);

struct Callback {
    CallbackId id;
    AppName app;
    UploadId upload;                   ///< empty: it is about a package
    std::optional<PackageId> package;  ///< nullopt: it is about an upload
    CallbackType type = CallbackType::upload_received;
    std::int64_t sequence = 0;
    std::string url;
    std::string body;
    CallbackState state = CallbackState::waiting;
    std::uint32_t attempts = 0;
    Timestamp created_at;
    std::optional<Timestamp> next_attempt_at;
    std::string lease_token;  ///< of a claimed one
    // Its upload's, of a claimed one.
    std::optional<std::string> traceparent;
    std::optional<std::string> tracestate;

    EndpointKey endpoint() const { return {app, url}; }
};

/// One try at delivering, and what follows from it.
struct CallbackAttempt {
    enum class Verdict { delivered, again, dead };
    CallbackId callback;
    std::string lease_token;
    EndpointKey endpoint;
    Timestamp at;
    std::optional<int> status;  ///< absent where no answer came
    std::string
        error;  ///< class: dns, connect, tls, timeout, blocked, status, no_secret, no_hook; empty on success
    std::chrono::milliseconds latency{};
    std::string answer;  ///< its first 1 KiB
    Verdict verdict = Verdict::again;
    std::optional<Timestamp> next_attempt_at;  ///< for `again`
    /// 410: nothing more goes to this URL until it is resumed; its callbacks stay waiting.
    bool pause_endpoint = false;
};

/// An endpoint that something is wrong with; one that is well has no entry.
struct CallbackEndpoint {
    enum class State {
        failing,     ///< it did not take the last ones; not yet so many that it is held back
        open,        ///< its breaker is open: nothing is sent until `probe_at`
        half_open,   ///< one at a time, to see whether it is back
        recovering,  ///< it is back; its share grows
        paused,      ///< by its 410 or an operator: nothing is sent until it is resumed
    };
    EndpointKey key;
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

}  // namespace photogate::model
