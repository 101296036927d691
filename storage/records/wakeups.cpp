#include "storage/records/wakeups.hpp"

#include <algorithm>
#include <functional>

#include "base/log.hpp"
#include "storage/database/database_error.hpp"
#include "storage/database/libpqxx.hpp"
#include "storage/database/transaction.hpp"

namespace photogate::storage::records {

using database::Connection;
using database::ConnectionOptions;
using database::params;
using database::Pool;
using database::Pooler;
using database::Transaction;

namespace {

using namespace std::chrono_literals;

constexpr auto kDebounce = 20ms;
constexpr auto kFirstPause = 100ms;
constexpr auto kLongestPause = 2'000ms;
constexpr auto kProbeEvery = 5s;
constexpr std::array kChannels{"photogate_jobs", "photogate_callbacks", "photogate_apps"};
constexpr std::array kKinds{Work::jobs, Work::callbacks, Work::apps};
constexpr const char* kVersions = "photogate_versions";
/// Tags in a payload, which has 7,999 bytes at the most, and tags that are kept for who does not come for them.
constexpr std::size_t kMostTags = 256;
constexpr const char* kAny = "*";
constexpr const char* kTransfers = "photogate_transfers";
constexpr std::size_t kMostPayload = 7'900;

void add_tag(std::vector<std::string>& tags, std::string tag) {
    if (!tags.empty() && tags.front() == kAny) return;
    if (tag == kAny || tags.size() >= kMostTags)
        tags.assign(1, kAny);
    else
        tags.push_back(std::move(tag));
}

/// What stands behind the origin, word by word. False: there is none, or it is our own.
bool each_word(std::string_view payload, std::string_view own, const std::function<void(std::string)>& take) {
    const auto space = payload.find(' ');
    if (space == std::string_view::npos || payload.substr(0, space) == own) return false;
    for (auto rest = payload.substr(space + 1); !rest.empty();) {
        const auto end = std::min(rest.find(' '), rest.size());
        take(std::string{rest.substr(0, end)});
        rest.remove_prefix(std::min(end + 1, rest.size()));
    }
    return true;
}

/// Our origin and the words, in as many payloads as that takes.
std::vector<std::string> payloads_of(const std::string& origin, const std::vector<std::string>& words) {
    std::vector<std::string> payloads;
    for (const auto& word : words) {
        if (payloads.empty() || payloads.back().size() + 1 + word.size() > kMostPayload)
            payloads.push_back(origin);
        payloads.back().append(" ").append(word);
    }
    return payloads;
}

}  // namespace

Wakeups::Wakeups(ConnectionOptions options, std::string origin, std::function<void()> leave_server)
    : options_(std::move(options)),
      origin_(std::move(origin)),
      leave_server_(std::move(leave_server)),
      teller_([this] { tell_others(); }),
      listener_([this] {
          if (hears()) listen();
      }) {}

Wakeups::~Wakeups() {
    stop();
    {
        const std::lock_guard lock{mutex_};
        stopping_ = true;
        if (listening_ != nullptr) listening_->break_now();
    }
    changed_.notify_all();
    teller_.join();
    listener_.join();
}

void Wakeups::signal(Work kind) {
    {
        const std::lock_guard lock{mutex_};
        of(kind).to_tell = true;
    }
    signal_here(kind);
}

void Wakeups::signal_here(Work kind) {
    {
        const std::lock_guard lock{mutex_};
        ++of(kind).signals;
        of(kind).remembered = true;
    }
    changed_.notify_all();
}

void Wakeups::wait(Work kind, std::chrono::milliseconds timeout) {
    std::unique_lock lock{mutex_};
    auto& mine = of(kind);
    const auto seen = mine.signals;
    changed_.wait_for(lock, timeout,
                      [&] { return waits_are_over_ || mine.remembered || mine.signals != seen; });
    mine.remembered = false;
}

void Wakeups::stop() {
    {
        const std::lock_guard lock{mutex_};
        waits_are_over_ = true;
    }
    changed_.notify_all();
}

void Wakeups::tell_version(std::string tag) {
    if (!hears()) return;  // nobody could listen
    {
        const std::lock_guard lock{mutex_};
        add_tag(versions_to_tell_, std::move(tag));
    }
    changed_.notify_all();
}

std::vector<std::string> Wakeups::wait_for_versions(std::chrono::milliseconds timeout) {
    std::unique_lock lock{mutex_};
    changed_.wait_for(lock, timeout, [&] { return waits_are_over_ || !versions_heard_.empty(); });
    return std::exchange(versions_heard_, {});
}

void Wakeups::heard_versions(std::string_view payload) {
    {
        const std::lock_guard lock{mutex_};
        if (!each_word(payload, origin_,
                       [this](std::string tag) { add_tag(versions_heard_, std::move(tag)); }))
            return;
    }
    changed_.notify_all();
}

void Wakeups::tell_transfer(std::string text) {
    if (!hears()) return;
    {
        const std::lock_guard lock{mutex_};
        if (transfers_to_tell_.size() >= kMostTexts) return;
        transfers_to_tell_.push_back(std::move(text));
    }
    changed_.notify_all();
}

void Wakeups::hear_transfers(Hear hear) {
    const std::lock_guard lock{hear_mutex_};
    hear_ = std::move(hear);
}

void Wakeups::heard_transfers(std::string_view payload) {
    const std::string origin{payload.substr(0, payload.find(' '))};
    const std::lock_guard lock{hear_mutex_};
    if (!hear_) return;
    each_word(payload, origin_, [&](std::string text) { hear_(origin, text); });
}

bool Wakeups::pause(std::chrono::milliseconds time) {
    std::unique_lock lock{mutex_};
    return !changed_.wait_for(lock, time, [this] { return stopping_; });
}

void Wakeups::tell_others() {
    Pool pool{options_, 1};
    for (;;) {
        std::array<bool, kKinds.size()> tell{};
        std::vector<std::string> versions, transfers;
        {
            std::unique_lock lock{mutex_};
            changed_.wait(lock, [this] {
                return stopping_ || !versions_to_tell_.empty() || !transfers_to_tell_.empty() ||
                       std::any_of(waiting_.begin(), waiting_.end(),
                                   [](const Waiting& each) { return each.to_tell; });
            });
            if (stopping_) return;
            versions.swap(versions_to_tell_);
            transfers.swap(transfers_to_tell_);
            for (std::size_t i = 0; i < kKinds.size(); ++i)
                tell[i] = std::exchange(waiting_[i].to_tell, false);
        }
        // A notification that can't be sent is not kept: the others poll.
        const auto told = read(pool, [&](Transaction& transaction) -> Result<> {
            for (std::size_t i = 0; i < kKinds.size(); ++i) {
                if (tell[i])
                    database::require_writable(transaction.run("notify", params(kChannels[i], origin_)));
            }
            for (const auto& payload : payloads_of(origin_, versions))
                database::require_writable(transaction.run("notify", params(kVersions, payload)));
            for (const auto& payload : payloads_of(origin_, transfers))
                database::require_writable(transaction.run("notify", params(kTransfers, payload)));
            return {};
        });
        if (!pause(told ? std::chrono::milliseconds{kDebounce} : std::chrono::milliseconds{500})) return;
    }
}

void Wakeups::listen() {
    auto wait = std::chrono::milliseconds{kFirstPause};
    for (;;) {
        const auto started = std::chrono::steady_clock::now();
        try {
            listen_until_lost();
        } catch (...) {
            if (!pause(0ms)) return;  // broken by our own end
            const auto failure = database::translate(std::current_exception());
            if (failure.remedy == database::Remedy::leave_server) leave_server_();
            log::warn("records.listen_lost", {{"error", failure.error.detail}});
        }
        if (std::chrono::steady_clock::now() - started > 10s) wait = kFirstPause;
        if (!pause(wait)) return;
        wait = std::min(wait * 2, std::chrono::milliseconds{kLongestPause});
    }
}

void Wakeups::listen_until_lost() {
    Connection connection{options_};
    struct Registration {
        Wakeups& wakeups;
        Registration(Wakeups& owner, Connection& heard) : wakeups(owner) {
            const std::lock_guard lock{wakeups.mutex_};
            wakeups.listening_ = &heard;
        }
        ~Registration() {
            const std::lock_guard lock{wakeups.mutex_};
            wakeups.listening_ = nullptr;
        }
    } registration{*this, connection};

    std::vector<database::Listening> channels;  // they die before their connection
    for (std::size_t i = 0; i < kKinds.size(); ++i) {
        channels.emplace_back(connection.raw(), kChannels[i], [this, i](const std::string& payload) {
            if (payload != origin_) signal_here(kKinds[i]);
        });
    }
    channels.emplace_back(connection.raw(), kVersions,
                          [this](const std::string& payload) { heard_versions(payload); });
    channels.emplace_back(connection.raw(), kTransfers,
                          [this](const std::string& payload) { heard_transfers(payload); });
    connection.raw().get_notifs();
    // A notification that came while no session listened is not repeated.
    for (const auto kind : kKinds)
        signal_here(kind);
    {
        const std::lock_guard lock{mutex_};
        add_tag(versions_heard_, kAny);
    }
    changed_.notify_all();
    auto probed = std::chrono::steady_clock::now();
    for (;;) {
        {
            const std::lock_guard lock{mutex_};
            if (stopping_) return;
        }
        connection.raw().await_notification(0, 500'000);
        const auto now = std::chrono::steady_clock::now();
        if (now - probed < kProbeEvery) continue;
        pqxx::nontransaction work{connection.raw()};
        database::require_writable(connection.run(work, *options_.statements, "ping"));
        probed = now;
    }
}

}  // namespace photogate::storage::records
