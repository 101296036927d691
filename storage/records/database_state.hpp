// What the services share: connections, wake-ups, the rows that several of them write. For the sources of this module and of
// those above it under storage/.
//
// Member order is lifetime order.
#pragma once

#include <map>
#include <mutex>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "model/callback.hpp"
#include "model/upload.hpp"
#include "storage/database/connection_pool.hpp"
#include "storage/database/group_committer.hpp"
#include "storage/database/process_identity.hpp"
#include "storage/database/transaction.hpp"
#include "storage/records/database.hpp"
#include "storage/records/options.hpp"
#include "storage/records/rows.hpp"
#include "storage/records/wakeups.hpp"

namespace photogate::storage::records {

// What nearly every source of this module uses.
using database::Earlier;
using database::GroupCommitter;
using database::params;
using database::Params;
using database::Pool;
using database::SqlArray;
using database::Transaction;

inline std::optional<std::string> text_of(const std::optional<AppName>& app) {
    return app ? std::make_optional(app->str()) : std::nullopt;
}

/// Who an upload's jobs are for, within its app: its client token, or empty for the app itself.
inline std::string party_of(const model::Upload& upload) {
    return upload.client_token.value_or(std::string{});
}

struct DatabaseState {
    DatabaseState(RecordsOptions options, const model::CallbackComposer& composer, const Clock& clock,
                  Random& random);

    const RecordsOptions options;
    const model::CallbackComposer& composer;
    const Clock& clock;
    Random& random;
    std::mutex random_mutex;  // a test's source of randomness is not thread safe
    const database::ProcessIdentity process = database::this_process();
    const std::string lease_prefix;  ///< of every lease token of this process: 12 hex digits
    Pool pool;
    Wakeups wakeups;

    /// For a lease: the prefix and 20 random hex digits.
    std::string token();
    database::GroupOptions group_options(std::size_t lanes = 1) const;
};

/// The callback about `upload` as it stands, or nothing if the app gets no callback for it. Its sequence is
/// taken into `upload` only if there is one.
std::optional<model::ComposedCallback> compose(const model::CallbackComposer& composer,
                                               model::CallbackType type, model::Upload& upload,
                                               Timestamp now);

/// Rows for the outbox, inserted together.
class OutboxRows {
  public:
    void add(const model::ComposedCallback& callback, model::CallbackType type, const model::Upload& upload);
    /// The only one of a package.
    void add(const model::ComposedCallback& callback, model::CallbackType type,
             const model::Package& package);
    /// Numbered from -1 downwards, beside the sequence that the upload's app sees.
    void add(const model::ComposedPurge& purge, std::int64_t number, const model::Upload& upload);
    bool empty() const { return count_ == 0; }
    void insert(Transaction& transaction, Timestamp now) const;

  private:
    SqlArray ids_, subjects_, apps_, types_, sequences_, urls_, bodies_, delays_;
    std::size_t count_ = 0;
};

/// What a group of recorded attempts says of callback endpoints. One that is in `answered` and in `failed`
/// failed last.
struct EndpointNews {
    struct Failure {
        std::uint32_t count = 0;
        std::optional<int> status;
        std::string error;
    };
    std::set<model::EndpointKey> answered;
    std::map<model::EndpointKey, Failure> failed;
    std::set<model::EndpointKey> gone;  ///< said 410
};
void tell_endpoints(DatabaseState& state, Transaction& transaction, const EndpointNews& news);
/// In transactions of its own, however many callbacks wait; how many are due now.
Result<std::size_t> resume(DatabaseState& state, const model::EndpointKey& endpoint);
/// Erases a rejected or failed upload that ended before, as its app would: false where it is none by now.
Result<bool> erase_if_ended_before(DatabaseState& state, const UploadId& id, Timestamp before);
/// Part of Upkeep::forget_old().
Result<> tidy_endpoints(DatabaseState& state);

/// Ids sort by the time of their making: none made since `at` is less than this. A minute's slack for
/// gateways whose clocks differ; the rows are compared exactly.
std::string least_id(std::string_view prefix, const std::optional<Timestamp>& at);

/// Facts for the timeline, inserted together.
class TimelineRows {
  public:
    void add(const UploadId& upload, std::string_view event, const model::TextMap& detail = {});
    void insert(Transaction& transaction, Timestamp now) const;

  private:
    SqlArray uploads_, events_, details_;
    std::size_t count_ = 0;
};

/// The columns of OriginalFacts, in their order, or as many nulls.
void add_facts(Params& parameters, const std::optional<model::OriginalFacts>& facts);

}  // namespace photogate::storage::records
