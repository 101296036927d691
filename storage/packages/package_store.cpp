#include "storage/packages/package_store.hpp"

#include <algorithm>
#include <array>
#include <functional>
#include <utility>

#include <pqxx/pqxx>

#include "storage/database/columns.hpp"
#include "storage/database/transaction.hpp"
#include "storage/packages/embedded_sql.hpp"
#include "storage/packages/package_rows.hpp"
#include "storage/packages/planning.hpp"
#include "storage/records/database_state.hpp"
#include "storage/records/records_wire.hpp"
#include "storage/records/rows.hpp"

namespace photogate::storage::packages {

using database::Columns;
using database::CopyRows;
using database::Earlier;
using database::params;
using database::Transaction;
using records::Created;
using records::Database;
using records::read_word;
using records::UnknownWord;

namespace {

std::optional<std::string> text_of(const std::optional<AppName>& app) {
    return app ? std::make_optional(app->str()) : std::nullopt;
}

tl::unexpected<Error> no_such_package() {
    return fail(ErrorCode::package_not_found, "no package has this id");
}

/// Each bite of what is asked for, in order.
Result<> for_each_bite(Transaction& transaction, const NewPackage& wanted,
                       const std::function<Result<>(std::vector<FoundItem>&)>& call) {
    const Looked at{wanted.metadata, wanted.originals};
    const auto& app = wanted.package.app;
    if (const auto* asked = std::get_if<std::vector<AskedItem>>(&wanted.items)) {
        for (std::size_t from = 0; from < asked->size(); from += kBite) {
            std::vector<FoundItem> items;
            for (std::size_t i = from; i < std::min(from + kBite, asked->size()); ++i)
                items.push_back({(*asked)[i], std::nullopt, {}});
            auto found = look_up(transaction, app, at, std::move(items));
            if (auto done = call(found); !done) return done;
        }
        return {};
    }
    SelectionPage page{std::get<PackageSelection>(wanted.items), {}};
    for (;;) {
        auto found = select(transaction, app, at, page);
        if (found.empty()) return {};
        page.behind = found.back().upload->id.str();
        const bool last = found.size() < page.most;
        if (auto done = call(found); !done) return done;
        if (last) return {};
    }
}

constexpr std::array<const char*, 6> kAskedColumns = {"package_id", "place", "upload",
                                                      "name",       "code",  "prepared"};

/// What is asked for is fixed, and a job makes what lacks.
Result<CreatedPackage> prepare(Transaction& transaction, const NewPackage& wanted, PackagePlanner& planner) {
    const auto& id = wanted.package.id.str();
    const auto others =
        transaction.run(statements(), "preparing_packages", params(wanted.package.app.str(), id));
    if (others[0][0].as<std::uint64_t>() >= wanted.most_preparing)
        return fail(Error{ErrorCode::rate_limited,
                          "too many packages of the app are being prepared; wait until one is ready",
                          {},
                          std::chrono::seconds{30}});
    transaction.run(statements(), "drop_planned_items", params(id));
    planner.begin();
    std::uint64_t place = 0, missing = 0, prepared = 0;
    auto fixed = for_each_bite(transaction, wanted, [&](std::vector<FoundItem>& found) -> Result<> {
        add_versions(transaction, planner, found);
        CopyRows<kAskedColumns.size()> rows;
        for (const auto& item : found) {
            const auto [is, code] = planner.standing(item);
            if (is == Standing::Is::absent) ++missing;
            if (is == Standing::Is::there) ++prepared;
            const auto& upload = item.asked.upload.empty() ? item.upload->id.str() : item.asked.upload;
            rows.add(id, place++, upload, item.asked.name, code, is == Standing::Is::unmade ? 0 : 1);
        }
        transaction.copy("package_asked", kAskedColumns, rows);
        return {};
    });
    if (!fixed) return fail(std::move(fixed.error()));
    const auto& recipe = *wanted.recipe;
    transaction.run(
        statements(), "add_package_recipe",
        params(id, recipe.content, recipe.detail, recipe.watermark, recipe.path, recipe.manifest));
    auto package = first_package(transaction.run(statements(), "package_is_preparing",
                                                 params(id, place - missing, missing, prepared)));
    transaction.run(statements(), "queue_package_preparation", params(id, wanted.package.app.str()));
    return CreatedPackage{Created::How::created, std::move(*package)};
}

Result<CreatedPackage> as_replay(const model::Package& first, const std::string& first_request,
                                 const NewPackage& wanted) {
    if (first_request != wanted.idempotency->request_sha256)
        return fail(ErrorCode::idempotency_key_reused, "this idempotency key was used for another request");
    return CreatedPackage{Created::How::replayed, first};
}

bool claim(Transaction& transaction, const NewPackage& wanted, Timestamp now) {
    const auto& package = wanted.package;
    std::optional<std::string> key, request;
    if (wanted.idempotency) {
        key = wanted.idempotency->key;
        request = wanted.idempotency->request_sha256;
        transaction.run(statements(), "release_package_key", params(package.app.str(), key, now));
    }
    return !transaction
                .run(statements(), "claim_package",
                     params(package.id.str(), package.app.str(), package.name, to_string(package.mode),
                            to_string(package.state), to_string(package.on_missing),
                            records::to_json_text(package.metadata), package.request_id, key, request,
                            package.created_at, package.expires_at))
                .empty();
}

Result<CreatedPackage> create_as(Transaction& transaction, const NewPackage& wanted, PackagePlanner& planner,
                                 Timestamp now) {
    if (!claim(transaction, wanted, now)) {
        const auto rows = transaction.run(statements(), "package_of_key",
                                          params(wanted.package.app.str(), wanted.idempotency->key));
        // Its row went between the two statements: as good as never used.
        if (rows.empty())
            return fail(ErrorCode::database_conflict, "the idempotency key expired just now; try again");
        const Columns columns{rows};
        return as_replay(to_package(columns, rows[0]), columns.text(rows[0], "request_sha256"), wanted);
    }
    planner.begin();
    auto packed = for_each_bite(transaction, wanted, [&](std::vector<FoundItem>& found) {
        return plan_items(transaction, wanted.package.id, planner, found);
    });
    if (!packed) return fail(std::move(packed.error()));
    const auto rest = planner.finish();
    if (!rest) return fail(rest.error());
    if (planner.unmade() > 0 && wanted.recipe) return prepare(transaction, wanted, planner);
    write_items(transaction, wanted.package.id, *rest);
    const auto totals = planner.totals();
    std::optional<Timestamp> finished_at;
    if (wanted.package.state == model::PackageState::ready) finished_at = now;
    auto planned = first_package(
        transaction.run(statements(), "plan_package",
                        params(wanted.package.id.str(), totals.items, totals.missing, totals.size,
                               totals.directory_offset, totals.directory_size, totals.etag, finished_at)));
    if (wanted.package.mode == model::PackageMode::store)
        transaction.run(statements(), "queue_package_build",
                        params(wanted.package.id.str(), wanted.package.app.str()));
    return CreatedPackage{Created::How::created, std::move(*planned)};
}

}  // namespace

PackageStore::PackageStore(Database& database) : state_(database.state()) {}

Result<CreatedPackage> PackageStore::create(const NewPackage& wanted, PackagePlanner& planner) {
    auto created =
        transact(state_.pool, [&](Transaction& transaction, Earlier earlier) -> Result<CreatedPackage> {
            if (earlier == Earlier::in_doubt) {
                auto there = first_package(transaction.run(
                    statements(), "find_package", params(wanted.package.id.str(), wanted.package.app.str())));
                if (there) return CreatedPackage{Created::How::created, std::move(*there)};
            }
            return create_as(transaction, wanted, planner, state_.clock.now());
        });
    if (created && created->package.state != model::PackageState::ready)
        state_.wakeups.signal(records::Work::jobs);
    return created;
}

Result<model::Package> PackageStore::find(const std::optional<AppName>& app, const PackageId& id) {
    return read(state_.pool, [&](Transaction& transaction) -> Result<model::Package> {
        auto package =
            first_package(transaction.run(statements(), "find_package", params(id.str(), text_of(app))));
        if (!package) return no_such_package();
        return std::move(*package);
    });
}

Result<FoundPackage> PackageStore::find_marked(const std::optional<AppName>& app, const PackageId& id) {
    return read(state_.pool, [&](Transaction& transaction) -> Result<FoundPackage> {
        const auto rows =
            transaction.run(statements(), "find_marked_package", params(id.str(), text_of(app)));
        auto package = first_package(rows);
        if (!package) return no_such_package();
        return FoundPackage{std::move(*package), rows[0]["mark"].as<std::uint64_t>()};
    });
}

Result<std::vector<model::Package>> PackageStore::list(const PackageListQuery& query) {
    std::optional<std::string> before;
    if (query.before) before = query.before->str();
    return read(state_.pool, [&](Transaction& transaction) -> Result<std::vector<model::Package>> {
        const auto rows =
            transaction.run(statements(), query.app ? "list_packages" : "list_all_packages",
                            params(text_of(query.app), before, std::clamp<std::size_t>(query.limit, 1, 201)));
        const Columns columns{rows};
        std::vector<model::Package> packages;
        for (const auto& row : rows) {
            try {
                packages.push_back(to_package(columns, row));
            } catch (const UnknownWord& problem) {
                records::log_unreadable("packages", columns.text(row, "id"), problem);
            }
        }
        return packages;
    });
}

Result<model::Package> PackageStore::remove(const std::optional<AppName>& app, const PackageId& id) {
    return transact(state_.pool, [&](Transaction& transaction, Earlier) -> Result<model::Package> {
        auto removed = first_package(transaction.run(statements(), "delete_package",
                                                     params(id.str(), text_of(app), state_.clock.now())));
        if (removed && removed->mode == model::PackageMode::store)
            transaction.run(statements(), "queue_package_build",
                            params(removed->id.str(), removed->app.str()));
        if (removed) return std::move(*removed);
        auto before =
            first_package(transaction.run(statements(), "find_package", params(id.str(), text_of(app))));
        if (!before) return no_such_package();
        return std::move(*before);
    });
}

}  // namespace photogate::storage::packages
