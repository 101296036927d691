// Backfills: orders to make the variants of a profile's published uploads that lack them, after the profile has changed.
//
// A backfill is a row with a cursor. feed() looks at the next of its uploads, the newest first, and queues a job
// `make_variants` for each that lacks a version, so that a bounded number of them waits; what it read, what it queued and the
// cursor are one transaction, so any gateway may feed any backfill, and one that is killed loses nothing. The jobs are claimed
// where no fresh upload waits. What the profile's variants were is known by a recipe: a gateway whose configuration has
// another feeds nothing, and a backfill whose recipe no gateway has had for ten minutes is outdated.
//
// Errors: not_found; those of storage/records/database.hpp. Thread safety: every call from any number of threads.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "base/result.hpp"
#include "base/time.hpp"
#include "base/words.hpp"
#include "model/upload.hpp"
#include "storage/records/database.hpp"

namespace photogate::storage::variants {

/// `bkf_` + as UploadId.
using BackfillId = Word<struct BackfillIdTag>;
/// nullopt if photogate could not have created this id.
std::optional<BackfillId> parse_backfill_id(std::string_view text);

struct BackfillOrder {
    AppName app;
    ProfileName profile;
    std::optional<std::string> variant;  ///< nullopt: all of the profile's
    std::string recipe;                  ///< of the profile's variants, without a space
    std::optional<Timestamp> created_after;
    std::optional<Timestamp> created_before;
};

enum class BackfillState { running, finished, cancelled, outdated };
std::string_view to_string(BackfillState state);

struct Backfill {
    BackfillId id;
    BackfillOrder order;
    BackfillState state = BackfillState::running;
    bool is_counted = false;      ///< `total` is final
    std::uint64_t total = 0;      ///< published uploads that it is about
    std::uint64_t looked_at = 0;  ///< of those
    std::uint64_t found = 0;      ///< of those: a version lacked
    std::uint64_t made = 0;
    std::uint64_t failed = 0;   ///< a version could not be made
    std::uint64_t waiting = 0;  ///< found, and neither made nor failed yet
    Timestamp started_at;
    std::optional<Timestamp> finished_at;
};

class VariantBackfills {
  public:
    explicit VariantBackfills(records::Database& database);

    /// Of one app, that run at once.
    static constexpr std::size_t kMostRunning = 4;
    struct Begun {
        enum class How { begun, running_already } how = How::begun;
        Backfill backfill;
    };
    /// The same order that runs already is that one. Errors besides: rate_limited.
    Result<Begun> begin(const BackfillOrder& order);
    Result<Backfill> find(const AppName& app, const BackfillId& id);
    /// What is under way ends, nothing else is begun. One that has ended stays as it is.
    Result<Backfill> cancel(const AppName& app, const BackfillId& id);

    /// The oldest first.
    Result<std::vector<Backfill>> running(std::size_t most);

    struct Feeding {
        /// Of the profile's variants here; nullopt: the profile, or its variant, is not configured here.
        std::optional<std::string> recipe;
        /// The versions that an upload should have.
        std::function<std::vector<std::string>(const model::Upload&)> keys_of;
        std::size_t most_waiting = 64;
        std::size_t most_read = 200;       ///< uploads of the app, in one step
        std::size_t most_counted = 5'000;  ///< likewise
    };
    struct Fed {
        std::uint64_t looked_at = 0;
        std::uint64_t queued = 0;
        bool has_more = false;  ///< another step could follow at once
    };
    /// A step; nothing where another gateway is at it.
    Result<Fed> feed(const BackfillId& id, const Feeding& feeding);

  private:
    records::DatabaseState& state_;
};

}  // namespace photogate::storage::variants
