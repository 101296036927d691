#include "storage/records/wakeups.hpp"

#include <algorithm>
#include <functional>
#include <memory>

#include "base/log.hpp"
#include "storage/records/database_error.hpp"
#include "storage/records/transaction.hpp"

namespace photogate::storage::records {
namespace {

using namespace std::chrono_literals;

constexpr auto kDebounce = 20ms;
constexpr auto kFirstPause = 100ms;
constexpr auto kLongestPause = 2'000ms;
constexpr auto kProbeEvery = 5s;
constexpr const char* kChannels[] = {"photogate_jobs", "photogate_callbacks"};
constexpr Work kKinds[] = {Work::jobs, Work::callbacks};

class Receiver final : public pqxx::notification_receiver {
  public:
    Receiver(pqxx::connection& connection, const char* channel, std::function<void(const std::string&)> heard)
        : notification_receiver(connection, channel), heard_(std::move(heard)) {}
    void operator()(const std::string& payload, int) override { heard_(payload); }

  private:
    std::function<void(const std::string&)> heard_;
};

}  // namespace

Wakeups::Wakeups(ConnectionOptions options, std::string origin, std::function<void()> leave_server)
    : options_(std::move(options)),
      origin_(std::move(origin)),
      leave_server_(std::move(leave_server)),
      teller_([this] { tell_others(); }),
      listener_([this] {
          if (options_.pooler == Pooler::none) listen();
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

bool Wakeups::pause(std::chrono::milliseconds time) {
    std::unique_lock lock{mutex_};
    return !changed_.wait_for(lock, time, [this] { return stopping_; });
}

void Wakeups::tell_others() {
    Pool pool{options_, 1};
    for (;;) {
        std::array<bool, 2> tell{};
        {
            std::unique_lock lock{mutex_};
            changed_.wait(lock, [this] { return stopping_ || waiting_[0].to_tell || waiting_[1].to_tell; });
            if (stopping_) return;
            for (std::size_t i = 0; i < 2; ++i)
                tell[i] = std::exchange(waiting_[i].to_tell, false);
        }
        // A notification that can't be sent is not kept: the others poll.
        const auto told = read(pool, [&](Transaction& transaction) -> Result<> {
            for (std::size_t i = 0; i < 2; ++i) {
                if (tell[i]) require_writable(transaction.run("notify", params(kChannels[i], origin_)));
            }
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
            const auto failure = translate(std::current_exception());
            if (failure.remedy == Remedy::leave_server) leave_server_();
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

    std::vector<std::unique_ptr<Receiver>> receivers;  // they die before their connection
    for (std::size_t i = 0; i < 2; ++i) {
        receivers.push_back(
            std::make_unique<Receiver>(connection.raw(), kChannels[i], [this, i](const std::string& payload) {
                if (payload != origin_) signal_here(kKinds[i]);
            }));
    }
    connection.raw().get_notifs();
    // A notification that came while no session listened is not repeated.
    for (const auto kind : kKinds)
        signal_here(kind);
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
        require_writable(connection.run(work, "ping"));
        probed = now;
    }
}

}  // namespace photogate::storage::records
