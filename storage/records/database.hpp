// The database behind all services of the records: connections, transactions, wake-ups.
//
// A service (upload_store.hpp, arrivals.hpp, job_queue.hpp, publications.hpp, outbox.hpp, upkeep.hpp,
// gauges.hpp) takes a Database at construction and must not outlive it. Every transition of docs/states.md is one
// call of a service and one transaction, with its guard inside the SQL. What a call says is committed when it
// returns (or calls back). Nothing is remembered only in memory, so any number of gateways may share one
// database. A lost COMMIT is resolved by looking again (idempotency row, lease token, event id), never by
// assuming.
//
// Errors of all services: database_unavailable (connection lost or refused; try later), database_conflict
// (40001, 40P01 after 3 tries), database_constraint, commit_in_doubt, overloaded. Thread safety: any number
// of threads. Each call holds a connection of the pool for its transaction alone.
#pragma once

#include <chrono>
#include <memory>

#include "base/random.hpp"
#include "base/result.hpp"
#include "base/time.hpp"
#include "model/callback.hpp"
#include "storage/records/options.hpp"

namespace photogate::storage::records {

/// What the services share (database_state.hpp).
struct DatabaseState;

class Database {
  public:
    /// Connects and checks the schema: refuses one that is behind, or ahead without permitting this program
    /// (storage/database/schema.hpp), and says what to do. `composer`, `clock` and `random` outlive the Database.
    static Result<std::unique_ptr<Database>> open(RecordsOptions options,
                                                  const model::CallbackComposer& composer, const Clock& clock,
                                                  Random& random);
    ~Database();
    Database(const Database&) = delete;
    Database& operator=(const Database&) = delete;

    /// Ends every wait for work, for good.
    void stop_waiting();

    DatabaseState& state() { return *state_; }

  private:
    explicit Database(std::unique_ptr<DatabaseState> state);
    std::unique_ptr<DatabaseState> state_;
};

}  // namespace photogate::storage::records
