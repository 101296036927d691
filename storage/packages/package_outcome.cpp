#include "storage/packages/package_outcome.hpp"

#include "storage/database/columns.hpp"
#include "storage/packages/embedded_sql.hpp"
#include "storage/packages/package_builds.hpp"
#include "storage/packages/package_rows.hpp"
#include "storage/records/finish.hpp"

namespace photogate::storage::packages {

using database::Columns;
using database::params;

void tell_outcome(records::DatabaseState& state, database::Transaction& transaction, const PackageId& id) {
    const auto rows = transaction.run(statements(), "tell_package_outcome", params(id.str()));
    if (rows.empty()) return;
    const auto package = to_package(Columns{rows}, rows[0]);
    const auto failed = to_failures(
        transaction.run(statements(), "package_failures", params(id.str(), PackageBuilds::kMostFailures)));
    const auto type = package.state == model::PackageState::ready ? model::CallbackType::package_ready
                                                                  : model::CallbackType::package_failed;
    const auto now = state.clock.now();
    const auto callback = state.composer.compose_package(type, package, failed, now);
    if (!callback) return;
    records::OutboxRows outbox;
    outbox.add(*callback, type, package);
    outbox.insert(transaction, now);
}

}  // namespace photogate::storage::packages
