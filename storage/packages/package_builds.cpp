#include "storage/packages/package_builds.hpp"

#include <utility>

#include <fmt/format.h>
#include <pqxx/pqxx>

#include "base/ascii.hpp"
#include "base/failpoint.hpp"
#include "model/object_layout.hpp"
#include "storage/database/columns.hpp"
#include "storage/database/sql_array.hpp"
#include "storage/database/transaction.hpp"
#include "storage/packages/embedded_sql.hpp"
#include "storage/packages/package_outcome.hpp"
#include "storage/packages/package_rows.hpp"
#include "storage/records/finish.hpp"

namespace photogate::storage::packages {

using database::Columns;
using database::Earlier;
using database::params;
using database::SqlArray;
using database::Transaction;
using records::Database;
using records::DatabaseState;
using records::hold;
using records::Work;

namespace {

PackageBuild to_build(const Columns& columns, const pqxx::row& row) {
    PackageBuild build;
    build.package = to_package(columns, row);
    if (row["wanted"].as<bool>()) {
        build.wanted = PackageBuild::Wanted::build;
    } else if (row["built"].as<bool>()) {
        build.wanted = PackageBuild::Wanted::keep;
    }
    build.multipart = columns.maybe_text(row, "multipart");
    return build;
}

/// `{1,2,3}`
std::string array_text(const std::vector<std::int64_t>& numbers) {
    return fmt::format("{{{}}}", fmt::join(numbers, ","));
}

/// One statement under the job's lease; whether it changed a row.
template <class Statement>
Result<bool> under_lease(DatabaseState& state, const model::Lease& lease, const Statement& statement) {
    return transact(state.pool, [&](Transaction& transaction, Earlier) -> Result<bool> {
        if (auto held = hold(transaction, lease); !held) return photogate::fail(held.error());
        return !statement(transaction).empty();
    });
}

template <class Statements>
Result<> end_as_failed(DatabaseState& state, const model::Lease& lease, const Statements& statements) {
    auto done = transact(state.pool, [&](Transaction& transaction, Earlier) -> Result<> {
        if (auto held = hold(transaction, lease); !held) return photogate::fail(held.error());
        statements(transaction);
        failpoint::pass(failpoint::Point::before_package_commit);
        return {};
    });
    if (done) state.wakeups.signal(Work::callbacks);
    return done;
}

}  // namespace

PackageBuilds::PackageBuilds(Database& database) : state_(database.state()) {}

Result<std::optional<PackageBuild>> PackageBuilds::find(const PackageId& id) {
    return read(state_.pool, [&](Transaction& transaction) -> Result<std::optional<PackageBuild>> {
        const auto rows =
            transaction.run(statements(), "find_package_build", params(id.str(), state_.clock.now()));
        if (rows.empty()) return std::optional<PackageBuild>{};
        return to_build(Columns{rows}, rows[0]);
    });
}

Result<bool> PackageBuilds::begin(const model::Lease& lease, const PackageId& id,
                                  const PackageObject& object) {
    return under_lease(state_, lease, [&](Transaction& transaction) {
        return transaction.run(
            statements(), "begin_package_build",
            params(id.str(), state_.clock.now(), object.region, object.bucket.str(), object.key.str()));
    });
}

Result<bool> PackageBuilds::multipart_begun(const model::Lease& lease, const PackageId& id,
                                            const std::string& multipart) {
    return under_lease(state_, lease, [&](Transaction& transaction) {
        return transaction.run(statements(), "package_multipart_begun", params(id.str(), multipart));
    });
}

Result<bool> PackageBuilds::progress(const model::Lease& lease, const PackageId& id,
                                     const Progress& progress) {
    SqlArray numbers, fragments;
    for (const auto& part : progress.parts) {
        numbers.add(static_cast<std::int64_t>(part.number));
        fragments.add(array_text(part.fragments));
    }
    return under_lease(state_, lease, [&](Transaction& transaction) {
        if (!progress.parts.empty())
            transaction.run(statements(), "keep_package_parts",
                            params(id.str(), progress.multipart, numbers, fragments));
        return transaction.run(statements(), "package_build_progress",
                               params(id.str(), to_string(progress.step), progress.bytes,
                                      progress.bytes_per_second, state_.clock.now()));
    });
}

Result<std::vector<PackageBuilds::Part>> PackageBuilds::parts(const PackageId& id,
                                                              const std::string& multipart) {
    return read(state_.pool, [&](Transaction& transaction) -> Result<std::vector<Part>> {
        const auto rows = transaction.run(statements(), "package_parts", params(id.str(), multipart));
        const Columns columns{rows};
        std::vector<Part> parts;
        parts.reserve(static_cast<std::size_t>(rows.size()));
        for (const auto& row : rows) {
            Part part;
            part.number = static_cast<std::uint32_t>(columns.number(row, "number"));
            for (const auto& text : database::parse_text_array(columns.text(row, "fragments")))
                part.fragments.push_back(ascii::parse_whole<std::int64_t>(text).value_or(0));
            parts.push_back(std::move(part));
        }
        return parts;
    });
}

Result<bool> PackageBuilds::finish(const model::Lease& lease, const PackageId& id) {
    auto finished = transact(state_.pool, [&](Transaction& transaction, Earlier earlier) -> Result<bool> {
        auto held = hold(transaction, lease);
        // A job's number is never given again: gone after our own COMMIT means done.
        if (!held && earlier == Earlier::in_doubt) return true;
        if (!held) return photogate::fail(held.error());
        if (transaction.run(statements(), "finish_package_build", params(id.str(), state_.clock.now()))
                .empty())
            return false;
        tell_outcome(state_, transaction, id);
        transaction.run(statements(), "forget_package_parts", params(id.str()));
        transaction.run("delete_job", params(lease.job, lease.token));
        failpoint::pass(failpoint::Point::before_package_commit);
        return true;
    });
    if (finished && *finished) state_.wakeups.signal(Work::callbacks);
    return finished;
}

Result<> PackageBuilds::fail(const model::Lease& lease, const PackageId& id, const Failure& failure) {
    SqlArray positions, codes;
    for (const auto& item : failure.items) {
        positions.add(static_cast<std::int64_t>(item.position));
        codes.add(item.code);
    }
    return end_as_failed(state_, lease, [&](Transaction& transaction) {
        const auto now = state_.clock.now();
        if (transaction.run(statements(), "fail_package_build", params(id.str(), now, to_string(failure.why)))
                .empty())
            return;
        transaction.run(statements(), "note_package_failures", params(id.str(), positions, codes));
        tell_outcome(state_, transaction, id);
    });
}

Result<> PackageBuilds::tell_failed(const model::Lease& lease, const PackageId& id) {
    return end_as_failed(state_, lease,
                         [&](Transaction& transaction) { tell_outcome(state_, transaction, id); });
}

Result<std::map<ObjectKey, std::string>> PackageBuilds::named_among(const Bucket& bucket,
                                                                    const std::vector<ObjectKey>& keys) {
    SqlArray texts, ids;
    for (const auto& key : keys) {
        const auto role = model::classify(key);
        if (!role || !role->package_id) continue;
        texts.add(key.str());
        ids.add(role->package_id->str());
    }
    return read(state_.pool, [&](Transaction& transaction) -> Result<std::map<ObjectKey, std::string>> {
        std::map<ObjectKey, std::string> named;
        for (const auto& row :
             transaction.run(statements(), "packages_named", params(bucket.str(), texts, ids)))
            named.emplace(ObjectKey::trusted(row["object_key"].c_str()), row["multipart"].c_str());
        return named;
    });
}

Result<> PackageBuilds::removed(const model::Lease& lease, const PackageId& id) {
    return transact(state_.pool, [&](Transaction& transaction, Earlier earlier) -> Result<> {
        auto held = hold(transaction, lease);
        if (!held && earlier == Earlier::in_doubt) return {};
        if (!held) return photogate::fail(held.error());
        transaction.run(statements(), "package_object_removed", params(id.str()));
        transaction.run(statements(), "forget_package_parts", params(id.str()));
        transaction.run("delete_job", params(lease.job, lease.token));
        return {};
    });
}

}  // namespace photogate::storage::packages
