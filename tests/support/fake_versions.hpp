// Versions in memory, under the guards of the records: see tests/support/versions_contract.cpp.
//
// Thread safety: every call from any thread.
#pragma once

#include <algorithm>
#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <utility>

#include "base/time.hpp"
#include "storage/records/version_store.hpp"

namespace photogate::test {

class FakeVersions final : public storage::records::VersionStore {
  public:
    using Name = storage::records::VersionName;
    using Stored = storage::records::StoredVersion;
    using Claim = storage::records::VersionClaim;

    explicit FakeVersions(const Clock& clock) : clock_(clock) {}

    Result<std::optional<Stored>> find(const Name& name) override {
        const std::lock_guard lock{mutex_};
        if (auto error = begin("find")) return fail(std::move(*error));
        return look_up(name);
    }
    Result<std::vector<storage::records::ReadyVersion>> ready(const UploadId& upload) override {
        const std::lock_guard lock{mutex_};
        if (auto error = begin("ready")) return fail(std::move(*error));
        std::vector<storage::records::ReadyVersion> found;
        for (const auto& [name, stored] : stored_)
            if (name.upload == upload && published_.contains(upload))
                found.push_back({name.spec_key, stored});
        return found;
    }
    /// It is alone: nobody else has news.
    std::vector<std::string> wait_for_news(std::chrono::milliseconds) override { return {}; }
    using VersionStore::claim;
    Result<Claim> claim(const Name& name, std::chrono::milliseconds lease,
                        std::optional<std::uint32_t> most_of_image) override {
        const std::lock_guard lock{mutex_};
        if (auto error = begin("claim")) return fail(std::move(*error));
        if (auto stored = look_up(name)) return Claim{std::move(*stored)};
        if (!published_.contains(name.upload)) return fail(ErrorCode::gone, "deleted");
        if (most_of_image && !claims_.contains(name) && of_image(name.upload) >= *most_of_image)
            return Claim{storage::records::VersionsFull{}};
        auto& row = claims_[name];
        if (!row.token.empty() && row.lease_until >= now())
            return Claim{storage::records::VersionElsewhere{until(row.lease_until)}};
        if (row.retry_at > now())
            return Claim{storage::records::VersionFailing{row.code, until(row.retry_at)}};
        if (!row.token.empty()) ++row.failures;
        row.token = "token-" + std::to_string(++last_token_);
        row.lease_until = now() + lease;
        return Claim{storage::records::ClaimedVersion{row.token, row.failures}};
    }
    Result<Stored> finish(const Name& name, const std::string& token,
                          const storage::records::NewVersion& version) override {
        const std::lock_guard lock{mutex_};
        if (auto error = begin("finish")) return fail(std::move(*error));
        if (!published_.contains(name.upload)) return fail(ErrorCode::gone, "deleted");
        const bool held = holds(name, token);
        if (auto stored = look_up(name)) {
            if (held) claims_.erase(name);
            return std::move(*stored);
        }
        if (!held) return fail(ErrorCode::lease_lost, "another has it");
        if (deleting_.erase(version.image.key) > 0) return fail(ErrorCode::state_conflict, "swept");
        claims_.erase(name);
        stored_.emplace(name, Stored{version.image, version.bucket, clock_.now()});
        return stored_.at(name);
    }
    Result<> give_up(const Name& name, const std::string& token,
                     const storage::records::VersionFailure& failure) override {
        const std::lock_guard lock{mutex_};
        if (auto error = begin("give_up")) return fail(std::move(*error));
        if (!holds(name, token)) return fail(ErrorCode::lease_lost, "another has it");
        auto& row = claims_.at(name);
        row.token.clear();
        row.code = failure.code;
        row.retry_at = now() + failure.until;
        if (failure.cost == storage::records::VersionFailure::Cost::attempt) ++row.failures;
        return {};
    }
    Result<> used(const std::vector<Name>& names) override {
        const std::lock_guard lock{mutex_};
        used_.insert(names.begin(), names.end());
        return {};
    }
    Result<std::vector<ObjectKey>> being_removed(const UploadId& upload) override {
        const std::lock_guard lock{mutex_};
        if (auto error = begin("being_removed")) return fail(std::move(*error));
        std::vector<ObjectKey> keys;
        for (const auto& [name, stored] : stored_)
            if (name.upload == upload && !published_.contains(upload)) keys.push_back(stored.image.key);
        return keys;
    }

    // What a test arranges and looks at.

    /// Called at the beginning of each call with its name; an error is the call's answer.
    std::function<std::optional<Error>(std::string_view call)> before;
    void publish(const UploadId& upload) {
        const std::lock_guard lock{mutex_};
        published_.insert(upload);
    }
    void erase(const UploadId& upload) {
        const std::lock_guard lock{mutex_};
        published_.erase(upload);
        std::erase_if(claims_, [&](const auto& claim) { return claim.first.upload == upload; });
    }
    void mark_deleting(const ObjectKey& key) {
        const std::lock_guard lock{mutex_};
        deleting_.insert(key);
    }
    void expire_leases() {
        const std::lock_guard lock{mutex_};
        for (auto& [name, row] : claims_)
            if (!row.token.empty()) row.lease_until = now() - std::chrono::seconds{1};
    }
    void all_due() {
        const std::lock_guard lock{mutex_};
        for (auto& [name, row] : claims_)
            row.retry_at = {};
    }
    std::size_t stored() const {
        const std::lock_guard lock{mutex_};
        return stored_.size();
    }
    std::set<Name> used_names() const {
        const std::lock_guard lock{mutex_};
        return used_;
    }

  private:
    struct Row {
        std::string token;  ///< empty: nobody's
        Timestamp lease_until;
        Timestamp retry_at;
        std::string code;
        std::uint32_t failures = 0;
    };
    std::optional<Error> begin(std::string_view call) { return before ? before(call) : std::nullopt; }
    std::optional<Stored> look_up(const Name& name) const {
        const auto found = stored_.find(name);
        if (found == stored_.end() || !published_.contains(name.upload)) return std::nullopt;
        return found->second;
    }
    std::size_t of_image(const UploadId& upload) const {
        const auto is_of_it = [&](const auto& entry) { return entry.first.upload == upload; };
        return static_cast<std::size_t>(std::count_if(stored_.begin(), stored_.end(), is_of_it) +
                                        std::count_if(claims_.begin(), claims_.end(), is_of_it));
    }
    bool holds(const Name& name, const std::string& token) const {
        const auto row = claims_.find(name);
        return row != claims_.end() && row->second.token == token;
    }
    Timestamp now() const { return clock_.now(); }
    std::chrono::milliseconds until(Timestamp at) const {
        return std::chrono::ceil<std::chrono::milliseconds>(at - now());
    }

    const Clock& clock_;
    mutable std::recursive_mutex mutex_;
    std::set<UploadId> published_;
    std::map<Name, Stored> stored_;
    std::map<Name, Row> claims_;
    std::set<ObjectKey> deleting_;
    std::set<Name> used_;
    std::uint64_t last_token_ = 0;
};

}  // namespace photogate::test
