#include "storage/packages/package_preparations.hpp"

#include <utility>

#include "base/failpoint.hpp"
#include "storage/packages/embedded_sql.hpp"
#include "storage/packages/package_outcome.hpp"
#include "storage/packages/package_rows.hpp"
#include "storage/packages/planning.hpp"
#include "storage/records/database_state.hpp"
#include "storage/records/finish.hpp"

namespace photogate::storage::packages {

using database::Columns;
using database::Earlier;
using database::params;
using database::SqlArray;
using database::Transaction;
using records::Database;
using records::hold;

namespace {

/// Of those that were given up.
constexpr std::size_t kMostNamed = 1'000;

PackageRecipe to_recipe(const Columns& columns, const pqxx::row& row) {
    return {columns.text(row, "content"), columns.text(row, "detail"), columns.text(row, "watermark"),
            columns.maybe_text(row, "path"), columns.maybe_text(row, "manifest")};
}

/// What the job has no more use for, and the job.
void forget(Transaction& transaction, const model::Lease& lease, const PackageId& id) {
    transaction.run(statements(), "forget_package_preparation", params(id.str()));
    transaction.run("delete_job", params(lease.job, lease.token));
}

/// Everything that was asked for, planned and written. False: versions lack.
Result<bool> plan_asked(Transaction& transaction, const Preparation& preparation, PackagePlanner& planner) {
    const auto& package = preparation.package;
    std::int64_t behind = -1;
    for (;;) {
        const auto rows =
            transaction.run(statements(), "asked_page", params(package.id.str(), behind, kBite));
        if (rows.empty()) return true;
        const Columns columns{rows};
        std::vector<FoundItem> items;
        items.reserve(static_cast<std::size_t>(rows.size()));
        for (const auto& row : rows) {
            behind = columns.number(row, "place");
            items.push_back({{columns.text(row, "upload"), columns.maybe_text(row, "name")},
                             std::nullopt,
                             columns.text(row, "code")});
        }
        // The path may ask for metadata.
        const Looked at{preparation.recipe.path ? NewPackage::Need::yes : NewPackage::Need::no,
                        NewPackage::Need::no};
        auto found = look_up(transaction, package.app, at, std::move(items));
        if (auto planned = plan_items(transaction, package.id, planner, found); !planned)
            return photogate::fail(std::move(planned.error()));
        if (planner.unmade() > 0) return false;
    }
}

}  // namespace

PostgresPackagePreparations::PostgresPackagePreparations(Database& database) : state_(database.state()) {}

Result<std::optional<Preparation>> PostgresPackagePreparations::find(const PackageId& id) {
    return read(state_.pool, [&](Transaction& transaction) -> Result<std::optional<Preparation>> {
        const auto rows =
            transaction.run(statements(), "find_package_preparation", params(id.str(), state_.clock.now()));
        if (rows.empty()) return std::optional<Preparation>{};
        const Columns columns{rows};
        return Preparation{to_package(columns, rows[0]), to_recipe(columns, rows[0])};
    });
}

Result<std::vector<UnpreparedItem>> PostgresPackagePreparations::unprepared(const model::Package& package,
                                                                            std::int64_t behind,
                                                                            std::size_t limit) {
    return read(state_.pool, [&](Transaction& transaction) -> Result<std::vector<UnpreparedItem>> {
        const auto rows =
            transaction.run(statements(), "unprepared_items", params(package.id.str(), behind, limit));
        const Columns columns{rows};
        std::vector<FoundItem> asked;
        for (const auto& row : rows)
            asked.push_back({{columns.text(row, "upload"), std::nullopt}, std::nullopt});
        auto found = look_up(transaction, package.app, {}, std::move(asked));
        std::vector<UnpreparedItem> items;
        for (const auto& row : rows) {
            auto& upload = found.at(items.size()).upload;
            items.push_back({columns.number(row, "place"),
                             static_cast<std::uint32_t>(columns.number(row, "attempts")), std::move(upload)});
        }
        return items;
    });
}

Result<bool> PostgresPackagePreparations::record(const model::Lease& lease, const PackageId& id,
                                                 std::span<const PreparedItem> items) {
    SqlArray places, codes, done;
    for (const auto& item : items) {
        places.add(item.place);
        codes.add(item.code);
        done.add(item.is == PreparedItem::Is::attempted ? "f" : "t");
    }
    return transact(state_.pool, [&](Transaction& transaction, Earlier) -> Result<bool> {
        if (auto held = hold(transaction, lease); !held) return photogate::fail(held.error());
        return !transaction
                    .run(statements(), "items_prepared",
                         params(id.str(), places, codes, done, state_.clock.now()))
                    .empty();
    });
}

Result<std::optional<model::Package>> PostgresPackagePreparations::plan(const model::Lease& lease,
                                                                        const Preparation& preparation,
                                                                        PackagePlanner& planner) {
    using Planned = std::optional<model::Package>;
    const auto& package = preparation.package;
    const bool stored = package.mode == model::PackageMode::store;
    bool unmade = false;
    auto planned = transact(state_.pool, [&](Transaction& transaction, Earlier earlier) -> Result<Planned> {
        auto held = hold(transaction, lease);
        // A job's number is never given again: gone after our own COMMIT means done.
        if (!held && earlier == Earlier::in_doubt)
            return first_package(
                transaction.run(statements(), "find_package", params(package.id.str(), package.app.str())));
        if (!held) return photogate::fail(held.error());
        planner.begin();
        const auto whole = plan_asked(transaction, preparation, planner);
        if (!whole) return photogate::fail(whole.error());
        unmade = !*whole;
        if (unmade) return photogate::fail(ErrorCode::state_conflict, "versions have gone since");
        const auto rest = planner.finish();
        if (!rest) return photogate::fail(rest.error());
        write_items(transaction, package.id, *rest);
        const auto totals = planner.totals();
        const auto next = stored ? model::PackageState::queued : model::PackageState::ready;
        auto ended = first_package(transaction.run(
            statements(), "prepared_package_planned",
            params(package.id.str(), totals.items, totals.missing, totals.size, totals.directory_offset,
                   totals.directory_size, totals.etag, state_.clock.now(), to_string(next))));
        if (!ended) return photogate::fail(ErrorCode::gone, "the package is not wanted any more");
        if (stored)
            transaction.run(statements(), "queue_package_build", params(package.id.str(), package.app.str()));
        else
            tell_outcome(state_, transaction, package.id);
        forget(transaction, lease, package.id);
        return ended;
    });
    if (planned) state_.wakeups.signal(stored ? records::Work::jobs : records::Work::callbacks);
    if (planned || !unmade) return planned;
    return transact(state_.pool, [&](Transaction& transaction, Earlier) -> Result<Planned> {
        if (auto held = hold(transaction, lease); !held) return photogate::fail(held.error());
        transaction.run(statements(), "prepare_package_again", params(package.id.str()));
        return Planned{};
    });
}

namespace {

/// Whatever the statements leave of the package, its app is told of it.
template <class Statements>
Result<> end_and_tell(records::DatabaseState& state, const model::Lease& lease, const PackageId& id,
                      const Statements& statements_of_end) {
    auto ended = transact(state.pool, [&](Transaction& transaction, Earlier earlier) -> Result<> {
        auto held = hold(transaction, lease);
        if (!held && earlier == Earlier::in_doubt) return {};
        if (!held) return photogate::fail(held.error());
        statements_of_end(transaction);
        tell_outcome(state, transaction, id);
        forget(transaction, lease, id);
        failpoint::pass(failpoint::Point::before_package_commit);
        return {};
    });
    if (ended) state.wakeups.signal(records::Work::callbacks);
    return ended;
}

}  // namespace

Result<> PostgresPackagePreparations::fail(const model::Lease& lease, const PackageId& id,
                                           std::string_view why) {
    return end_and_tell(state_, lease, id, [&](Transaction& transaction) {
        transaction.run(statements(), "fail_package_preparation",
                        params(id.str(), state_.clock.now(), why, kMostNamed));
    });
}

Result<> PostgresPackagePreparations::end(const model::Lease& lease, const PackageId& id) {
    return end_and_tell(state_, lease, id, [&](Transaction& transaction) {
        transaction.run(statements(), "fail_overdue_preparation",
                        params(id.str(), state_.clock.now(), to_string(ErrorCode::unavailable)));
    });
}

}  // namespace photogate::storage::packages
