// Versions of published images: found, claimed, stored.
#include "storage/records/database_state.hpp"
#include "storage/records/postgres.hpp"

namespace photogate::storage::records {
namespace {

Params named(const VersionName& name) {
    return params(name.upload.str(), name.spec_key);
}

tl::unexpected<Error> gone() {
    return fail(ErrorCode::gone, "the image was deleted");
}

tl::unexpected<Error> claim_lost() {
    return fail(ErrorCode::lease_lost, "another gateway may be making this version");
}

StoredVersion to_version(const Columns& columns, const pqxx::row& row) {
    StoredVersion version;
    version.bucket = Bucket::trusted(columns.text(row, "bucket"));
    version.made_at = columns.time(row, "made_at");
    version.image = to_published_image(columns, row);
    return version;
}

std::optional<StoredVersion> look_up(Transaction& transaction, const VersionName& name) {
    const auto rows = transaction.run("find_version", named(name));
    if (rows.empty()) return std::nullopt;
    return to_version(Columns{rows}, rows[0]);
}

bool is_full(Transaction& transaction, const VersionName& name, std::uint32_t most) {
    const auto rows = transaction.run("versions_of_image", params(name.upload.str()));
    return !rows.empty() && rows[0][0].as<std::int64_t>() >= most;
}

struct ClaimTerms {
    std::string token;
    std::chrono::milliseconds lease{};
    std::optional<std::uint32_t> most_of_image;
};

Result<VersionClaim> claim_as(Transaction& transaction, const VersionName& name, const ClaimTerms& terms) {
    const auto& token = terms.token;
    auto parameters = named(name);
    parameters.add(token).add(terms.lease.count()).add(terms.most_of_image);
    const auto claimed = transaction.run("claim_version", parameters);
    // Only now: a version that was finished before the claim is seen by a statement that begins after it.
    if (auto stored = look_up(transaction, name)) {
        if (!claimed.empty()) transaction.run("drop_version_claim", named(name).add(token));
        return VersionClaim{std::move(*stored)};
    }
    if (!claimed.empty()) return VersionClaim{ClaimedVersion{token, claimed[0][0].as<std::uint32_t>()}};
    const auto rows = transaction.run("version_claim", named(name));
    if (rows.empty()) {
        if (transaction.run("lock_published", params(name.upload.str())).empty()) return gone();
        if (terms.most_of_image && is_full(transaction, name, *terms.most_of_image))
            return VersionClaim{VersionsFull{}};
        // Its holder has just given it up; whoever asks again gets it.
        return VersionClaim{VersionElsewhere{}};
    }
    const auto& row = rows[0];
    const std::chrono::milliseconds until{row["for_ms"].as<std::int64_t>()};
    // The answer to an earlier COMMIT was lost.
    if (row["held"].as<bool>() && row["lease_token"].c_str() == token)
        return VersionClaim{ClaimedVersion{token, row["attempts"].as<std::uint32_t>()}};
    if (row["held"].as<bool>()) return VersionClaim{VersionElsewhere{until}};
    return VersionClaim{VersionFailing{row["code"].c_str(), until}};
}

/// Why a version was not stored; or the version, where it was stored before.
Result<StoredVersion> not_stored(Transaction& transaction, const VersionName& name, bool claimed) {
    if (transaction.run("lock_published", params(name.upload.str())).empty()) return gone();
    if (auto stored = look_up(transaction, name)) return std::move(*stored);
    if (!claimed) return claim_lost();
    return fail(ErrorCode::state_conflict, "the version's object is being swept: put it again");
}

Result<StoredVersion> finish_as(Transaction& transaction, const VersionName& name, const std::string& token,
                                const NewVersion& version, Timestamp now) {
    const auto& image = version.image;
    auto parameters = named(name);
    parameters.add(token).add(version.bucket.str()).add(image.key.str());
    parameters.add(image.etag.str()).add(image.sha256).add(version.crc32).add(image.format);
    parameters.add(image.width).add(image.height).add(image.size).add(now);
    const auto done = transaction.run("finish_version", parameters);
    if (!done[0]["stored"].as<bool>()) return not_stored(transaction, name, done[0]["claimed"].as<bool>());
    return StoredVersion{image, version.bucket, now};
}

}  // namespace

PostgresVersionStore::PostgresVersionStore(Database& database) : state_(database.state()) {}

Result<std::vector<ReadyVersion>> PostgresVersionStore::ready(const UploadId& upload) {
    return read(state_.pool, [&](Transaction& transaction) -> Result<std::vector<ReadyVersion>> {
        std::vector<ReadyVersion> found;
        const auto rows = transaction.run("ready_versions", params(upload.str()));
        const Columns columns{rows};
        for (const auto& row : rows)
            found.push_back({columns.text(row, "spec_key"), to_version(columns, row)});
        return found;
    });
}

std::vector<std::string> PostgresVersionStore::wait_for_news(std::chrono::milliseconds timeout) {
    return state_.wakeups.wait_for_versions(timeout);
}

Result<std::optional<StoredVersion>> PostgresVersionStore::find(const VersionName& name) {
    return read(state_.pool, [&](Transaction& transaction) -> Result<std::optional<StoredVersion>> {
        return look_up(transaction, name);
    });
}

Result<VersionClaim> PostgresVersionStore::claim(const VersionName& name, std::chrono::milliseconds lease,
                                                 std::optional<std::uint32_t> most_of_image) {
    const ClaimTerms terms{state_.token(), lease, most_of_image};
    return transact(state_.pool, [&](Transaction& transaction, Earlier) -> Result<VersionClaim> {
        return claim_as(transaction, name, terms);
    });
}

Result<StoredVersion> PostgresVersionStore::finish(const VersionName& name, const std::string& token,
                                                   const NewVersion& version) {
    auto stored = transact(state_.pool, [&](Transaction& transaction, Earlier) -> Result<StoredVersion> {
        return finish_as(transaction, name, token, version, state_.clock.now());
    });
    if (stored) state_.wakeups.tell_version(tag_of(name));
    if (stored || stored.error().code != ErrorCode::state_conflict) return stored;
    // Only now: whoever is told so puts the object anew.
    auto forgotten = transact(state_.pool, [&](Transaction& transaction, Earlier) -> Result<> {
        transaction.run("forget_sweep", params(version.image.key.str()));
        return {};
    });
    if (!forgotten) return fail(std::move(forgotten.error()));
    return stored;
}

Result<> PostgresVersionStore::give_up(const VersionName& name, const std::string& token,
                                       const VersionFailure& failure) {
    auto given_up = transact(state_.pool, [&](Transaction& transaction, Earlier earlier) -> Result<> {
        auto parameters = named(name);
        parameters.add(token).add(failure.code).add(failure.until.count());
        parameters.add(failure.cost == VersionFailure::Cost::attempt ? 1 : 0);
        const bool held = !transaction.run("fail_version", parameters).empty();
        if (!held && earlier != Earlier::in_doubt) return claim_lost();
        return {};
    });
    if (given_up) state_.wakeups.tell_version(tag_of(name));
    return given_up;
}

Result<> PostgresVersionStore::used(const std::vector<VersionName>& names) {
    if (names.empty()) return {};
    SqlArray uploads, keys;
    for (const auto& name : names) {
        uploads.add(name.upload.str());
        keys.add(name.spec_key);
    }
    return read(state_.pool, [&](Transaction& transaction) -> Result<> {
        transaction.run("versions_used", params(uploads, keys));
        return {};
    });
}

Result<std::vector<ObjectKey>> PostgresVersionStore::being_removed(const UploadId& upload) {
    return read(state_.pool, [&](Transaction& transaction) -> Result<std::vector<ObjectKey>> {
        std::vector<ObjectKey> keys;
        for (const auto& row : transaction.run("versions_being_removed", params(upload.str())))
            keys.push_back(ObjectKey::trusted(row["key"].c_str()));
        return keys;
    });
}

}  // namespace photogate::storage::records
