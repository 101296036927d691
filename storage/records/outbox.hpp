// Callbacks on their way to app servers: claimed, attempted, read, sent again; their endpoints and the feed.
//
// record_attempt() takes a completion, as UploadStore::create() does.
//
// Errors: callback_not_found, state_conflict, lease_lost (another sender has the callback), and those of
// database.hpp. Thread safety: every call from any number of threads.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/result.hpp"
#include "base/time.hpp"
#include "base/words.hpp"
#include "model/callback.hpp"
#include "storage/records/database.hpp"

namespace photogate::storage::records {

struct CallbackQuery {
    std::optional<AppName> app;  ///< nullopt: across apps, for the operator
    std::optional<model::CallbackState> state;
    std::optional<UploadId> upload;    ///< of this upload
    std::optional<PackageId> package;  ///< or of this package
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

struct EndpointQuery {
    std::optional<AppName> app;
    std::string own_url;  ///< the app's configured one, which it may pause although nothing waits
    std::optional<model::EndpointKey> after;
    std::size_t limit = 50;
};

struct EndpointCounts {
    std::size_t paused = 0;
    std::size_t open = 0;     ///< breakers open or half open
    std::size_t failing = 0;  ///< all that failed last
};

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

class Outbox {
  public:
    explicit Outbox(Database& database);
    ~Outbox();
    Outbox(const Outbox&) = delete;
    Outbox& operator=(const Outbox&) = delete;

    /// Due callbacks, dealt among the apps, oldest first, at most `per_url` for one endpoint. A paused endpoint
    /// is skipped, and one whose breaker is open; one that comes back has less than its share. A callback that
    /// this program cannot read is logged and left to its lease.
    Result<std::vector<model::Callback>> claim(std::size_t most, std::size_t per_url,
                                               std::chrono::seconds lease);
    /// In groups. Failures in a row open the endpoint's breaker, a success closes it, for all gateways.
    void record_attempt(model::CallbackAttempt attempt, std::function<void(Result<>)> done);

    Result<std::vector<CallbackDetails>> list(const CallbackQuery& query);
    /// Errors: callback_not_found. As do the next two where the app is another.
    Result<CallbackDetails> find(const std::optional<AppName>& app, const CallbackId& id);
    /// Due at once, with the same id and bytes, and its attempts begin anew; resumes its endpoint. Errors:
    /// state_conflict where its body was erased, or it never had a URL. `app` nullopt: the operator.
    Result<> replay(const std::optional<AppName>& app, const CallbackId& id);
    Result<Replayed> replay(const ReplayRange& range);

    Result<std::vector<model::CallbackEndpoint>> endpoints(const EndpointQuery& query);
    /// Of the app alone; for the operator, of every app that has something to do with `url`. Errors:
    /// callback_not_found where nothing waits for it, nothing is known of it and it is not `own_url`.
    Result<> pause_endpoint(const EndpointQuery& whose, const std::string& url);
    /// Ends a pause, and lets an open breaker try at once. What waited is due now: how many.
    Result<std::size_t> resume_endpoint(const EndpointQuery& whose, const std::string& url);

    /// An app's callbacks in the order they became true, whether and wherever they were sent. What is
    /// answered is final: nothing appears before it later. Errors: invalid_cursor where retention has removed
    /// what follows.
    Result<FeedPage> feed(const AppName& app, const std::optional<FeedCursor>& after, std::size_t limit);

    /// Blocks until there may be callbacks, or the time is over, or stop_waiting() was called, which ends
    /// every wait for good.
    void wait_for_callbacks(std::chrono::milliseconds timeout);
    void stop_waiting();

  private:
    struct Attempts;
    DatabaseState& state_;
    std::unique_ptr<Attempts> attempts_;
};

}  // namespace photogate::storage::records
