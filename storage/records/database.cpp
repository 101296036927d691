#include "storage/records/database.hpp"

#include <array>
#include <span>

#include "base/encoding.hpp"
#include "base/log.hpp"
#include "storage/database/schema.hpp"
#include "storage/records/database_state.hpp"
#include "storage/records/embedded_sql.hpp"

namespace photogate::storage::records {
namespace {

database::ConnectionOptions connection_options(const RecordsOptions& options) {
    database::ConnectionOptions of_each;
    of_each.database_url = options.database_url;
    of_each.connect_timeout = options.connect_timeout;
    of_each.statement_timeout = options.statement_timeout;
    of_each.pooler = options.pooler;
    of_each.statements = &statements();
    return of_each;
}

template <std::size_t bytes>
std::string random_hex(Random& random) {
    std::array<std::uint8_t, bytes> raw{};
    random.fill(std::as_writable_bytes(std::span{raw}));
    return hex_lower(raw);
}

/// So that another process of this machine can see when this one is gone.
Result<> register_process(DatabaseState& state) {
    if (state.process.machine.empty()) return {};
    return transact(state.pool, [&](Transaction& transaction, Earlier) -> Result<> {
        transaction.run("add_process",
                        params(state.lease_prefix, state.process.machine,
                               static_cast<std::int64_t>(state.process.pid), state.process.started));
        return {};
    });
}

}  // namespace

DatabaseState::DatabaseState(RecordsOptions given, const model::CallbackComposer& its_composer,
                             const Clock& its_clock, Random& its_random)
    : options(std::move(given)),
      composer(its_composer),
      clock(its_clock),
      random(its_random),
      lease_prefix(random_hex<6>(its_random)),
      pool(connection_options(options), options.connections),
      wakeups(connection_options(options), random_hex<16>(its_random), [this] { pool.leave_server(); }) {}

std::string DatabaseState::token() {
    const std::lock_guard lock{random_mutex};
    return lease_prefix + random_hex<10>(random);
}

database::GroupOptions DatabaseState::group_options(std::size_t lanes) const {
    return {options.group_limit, options.queue_limit, lanes};
}

Database::Database(std::unique_ptr<DatabaseState> state) : state_(std::move(state)) {}

Database::~Database() {
    state_->wakeups.stop();
}

Result<std::unique_ptr<Database>> Database::open(RecordsOptions options,
                                                 const model::CallbackComposer& composer, const Clock& clock,
                                                 Random& random) {
    {
        database::Pool probe{connection_options(options), 1};
        const auto later = database::check_schema(probe, migrations_files());
        if (!later) return fail(later.error());
        if (!later->empty())
            log::info("database.schema_ahead",
                      {{"migrations", later->size()}, {"newest", later->back().name}, {"permitted", true}});
    }
    std::unique_ptr<Database> opened{
        new Database(std::make_unique<DatabaseState>(std::move(options), composer, clock, random))};
    const auto rebased = transact(opened->state_->pool, [](Transaction& transaction, Earlier) -> Result<> {
        if (transaction.run("rebase_feed").affected_rows() > 0) log::info("feed.cluster", {});
        return {};
    });
    // A service that hides which cluster it is costs a restore's safety, not the start.
    if (!rebased) log::warn("feed.cluster_unknown", {{"detail", rebased.error().detail}});
    if (auto registered = register_process(*opened->state_); !registered)
        log::warn("database.process_unknown", {{"detail", registered.error().detail}});
    return opened;
}

void Database::stop_waiting() {
    state_->wakeups.stop();
}

}  // namespace photogate::storage::records
