// Keys that are fetched from where their owner publishes them, kept for a while: certificates of SNS, keys of an OpenID
// provider.
//
// What is asked for may be chosen by a stranger, within what the caller permits. So everything is bounded: at most one
// fetch is under way, kMostFetches are made in a minute, what failed is not asked for again for kFailureKept, and of
// either kind kMostKept are kept. Keys that are there are found without waiting for a fetch.
//
// Thread safety: any thread. get() blocks while it fetches.
#pragma once

#include <algorithm>
#include <chrono>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <utility>

#include "base/result.hpp"
#include "base/time.hpp"

namespace photogate::notifier::events {

/// GETs an https URL: the body of a 200. Any other answer is an Error. Bounded in size and time by who makes it.
using Fetch = std::function<Result<std::string>(const std::string& url)>;

template <class Keys>
class FetchedKeys {
  public:
    static constexpr std::size_t kMostKept = 16;
    static constexpr std::size_t kMostFetches = 12;
    static constexpr std::chrono::seconds kFailureKept{60};

    /// Makes keys of a document. Errors: why it is none.
    using Read = std::function<Result<Keys>(const std::string& document)>;

    FetchedKeys(Fetch fetch, Read read, const Clock& clock, std::chrono::seconds kept_for)
        : fetch_(std::move(fetch)), read_(std::move(read)), clock_(clock), kept_for_(kept_for) {}

    /// Without fetching; null where they are not there.
    std::shared_ptr<const Keys> known(const std::string& url) const {
        const std::lock_guard lock(mutex_);
        const auto found = kept_.find(url);
        return found == kept_.end() || clock_.now() >= found->second.until ? nullptr : found->second.keys;
    }

    /// Fetches where they are not there, or were fetched before `newer_than`.
    /// Errors: unavailable (too many fetches, or one that failed lately), and those of Fetch and Read.
    Result<std::shared_ptr<const Keys>> get(const std::string& url, Timestamp newer_than = Timestamp::min()) {
        if (auto keys = current(url, newer_than)) return keys;
        const std::lock_guard fetching(fetching_);
        if (auto keys = current(url, newer_than)) return keys;  // fetched meanwhile
        if (auto permitted = permit(url); !permitted) return fail(permitted.error());
        auto document = fetch_(url);
        auto keys = document ? read_(*document) : Result<Keys>{fail(document.error())};
        const std::lock_guard lock(mutex_);
        const auto now = clock_.now();
        if (!keys) {
            make_room(failed_);
            failed_[url] = now + kFailureKept;
            return fail(keys.error());
        }
        auto shared = std::make_shared<const Keys>(std::move(*keys));
        if (!kept_.contains(url)) make_room(kept_);
        kept_[url] = {shared, now, now + kept_for_};
        return shared;
    }

  private:
    struct Entry {
        std::shared_ptr<const Keys> keys;
        Timestamp fetched_at;
        Timestamp until;
        friend bool operator<(const Entry& a, const Entry& b) { return a.until < b.until; }
    };

    std::shared_ptr<const Keys> current(const std::string& url, Timestamp newer_than) const {
        const std::lock_guard lock(mutex_);
        const auto found = kept_.find(url);
        if (found == kept_.end() || clock_.now() >= found->second.until) return nullptr;
        return found->second.fetched_at < newer_than ? nullptr : found->second.keys;
    }

    Result<> permit(const std::string& url) {
        const std::lock_guard lock(mutex_);
        const auto now = clock_.now();
        if (const auto found = failed_.find(url); found != failed_.end() && now < found->second)
            return fail(ErrorCode::unavailable, "the key could not be fetched a moment ago");
        while (!fetches_.empty() && fetches_.front() + std::chrono::minutes{1} <= now)
            fetches_.pop_front();
        if (fetches_.size() >= kMostFetches)
            return fail(ErrorCode::unavailable, "too many keys were fetched in the last minute");
        fetches_.push_back(now);
        return {};
    }

    /// For one more; what ends first goes.
    template <class Map>
    static void make_room(Map& map) {
        if (map.size() < kMostKept) return;
        map.erase(std::min_element(map.begin(), map.end(),
                                   [](const auto& a, const auto& b) { return a.second < b.second; }));
    }

    const Fetch fetch_;
    const Read read_;
    const Clock& clock_;
    const std::chrono::seconds kept_for_;
    std::mutex fetching_;
    mutable std::mutex mutex_;  ///< of all below
    std::map<std::string, Entry> kept_;
    std::map<std::string, Timestamp> failed_;
    std::deque<Timestamp> fetches_;
};

}  // namespace photogate::notifier::events
