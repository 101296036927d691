#include "gateway/http/io_thread.hpp"

#include <algorithm>
#include <exception>

#include <boost/asio/post.hpp>
#include <pthread.h>
#include <signal.h>

#include "base/encoding.hpp"
#include "base/log.hpp"
#include "base/time.hpp"
#include "gateway/http/connection.hpp"

namespace photogate::gateway::http {

namespace {

/// Deadlines are looked at, not armed: a quarter of the shortest is close enough, and costs nothing per
/// request.
std::chrono::milliseconds tick_interval(const ServerLimits& limits) {
    auto shortest = std::min({limits.head_deadline, limits.body_deadline, limits.body_window, limits.idle,
                              limits.write_stall, limits.linger, limits.drain_idle, limits.yields_after,
                              limits.half_closed});
    return std::clamp(shortest / 4, std::chrono::milliseconds{5}, std::chrono::milliseconds{250});
}

/// How many connections are evicted at once: accepting continues for a while before the next look.
constexpr std::size_t most_at_once = 16;

}  // namespace

void ServerCore::connection_gone(const ConnectionSlot& slot) {
    ListenerQuota& used = quota(slot);
    --used.connections;
    if (slot.counted) addresses.leave(*slot.counted);
    --connections;
    {
        // Under the mutex, so that a waiter between its check and its sleep does not miss it.
        std::lock_guard lock(mutex);
    }
    changed.notify_all();
    if (used.wanted.exchange(false)) resume_accepting();
}

IoThread::IoThread(std::shared_ptr<ServerCore> core, std::size_t number)
    : work_(boost::asio::make_work_guard(context_)),
      ticker_(context_),
      core_(std::move(core)),
      number_(number),
      tick_every_(tick_interval(core_->options.limits)),
      scratch_(std::make_unique<std::array<char, 65'536>>()),
      lines_(core_->quotas.size()) {}

IoThread::~IoThread() = default;

void IoThread::start() {
    arm_tick();
    thread_ = std::thread([this] { run(); });
    // Names are for people; a refused one changes nothing.
    (void)pthread_setname_np(thread_.native_handle(), ("http-io-" + std::to_string(number_)).c_str());
}

void IoThread::run() {
    thread_id_ = std::this_thread::get_id();
    // sendfile(2) to a peer that has gone raises it, and has no flag to prevent that.
    sigset_t broken_pipe;
    sigemptyset(&broken_pipe);
    sigaddset(&broken_pipe, SIGPIPE);
    (void)pthread_sigmask(SIG_BLOCK, &broken_pipe, nullptr);
    while (true) {
        try {
            context_.run();
            return;
        } catch (const std::exception& error) {
            log::error("http.io_exception", {{"what", error.what()}});
        }
    }
}

void IoThread::join() {
    if (thread_.joinable()) thread_.join();
}

void IoThread::arm_tick() {
    tick_due_ = std::chrono::steady_clock::now() + tick_every_;
    ticker_.expires_at(tick_due_);
    ticker_.async_wait([this](boost::system::error_code error) {
        if (!error) tick();
    });
}

void IoThread::tick() {
    {
        // It may have expired, and so escaped its cancellation, just before close().
        std::lock_guard lock(inbox_mutex_);
        if (closed_) return;
    }
    SteadyTime now = std::chrono::steady_clock::now();
    lag_ = std::chrono::duration_cast<std::chrono::microseconds>(now - tick_due_).count();
    // Backwards: a connection that ends takes the last one's place, which has been looked at already.
    for (std::size_t i = connections_.size(); i-- > 0;) {
        std::shared_ptr<Connection> connection = connections_[i];
        connection->on_tick(now);
        i = std::min(i, connections_.size());
    }
    for (std::size_t quota = 0; quota < lines_.size(); ++quota) {
        if (core_->quotas[quota].wanted) evict_some(quota, now);
    }
    arm_tick();
}

void IoThread::adopt(boost::asio::ip::tcp::socket socket, ConnectionSlot slot) {
    boost::asio::post(context_, [self = shared_from_this(), socket = std::move(socket), slot]() mutable {
        {
            std::lock_guard lock(self->inbox_mutex_);
            if (self->closed_) {
                self->core_->connection_gone(slot);
                return;
            }
        }
        auto connection = std::make_shared<Connection>(*self, std::move(socket), slot);
        connection->place = self->connections_.size();
        self->connections_.push_back(connection);
        Line& line = self->line_of(*connection);
        connection->in_line = line.insert(line.end(), connection.get());
        connection->start();
    });
}

void IoThread::remove(Connection& connection) {
    std::size_t place = connection.place;
    std::shared_ptr<Connection> gone = std::move(connections_[place]);
    if (place + 1 < connections_.size()) {
        connections_[place] = std::move(connections_.back());
        connections_[place]->place = place;
    }
    connections_.pop_back();
    line_of(connection).erase(connection.in_line);
    core_->connection_gone(connection.slot());
}

IoThread::Line& IoThread::line_of(const Connection& connection) {
    return lines_[core_->quota_of[connection.slot().listener]][static_cast<std::size_t>(connection.standing)];
}

void IoThread::stands(Connection& connection, Standing standing) {
    if (standing == Standing::busy && connection.standing == Standing::busy) return;
    Line& from = line_of(connection);
    connection.standing = standing;
    if (standing != Standing::busy) connection.stands_since = std::chrono::steady_clock::now();
    Line& to = line_of(connection);
    to.splice(to.end(), from, connection.in_line);
}

void IoThread::make_room(std::size_t quota) {
    boost::asio::post(context_, [self = shared_from_this(), quota] {
        if (self->core_->quotas[quota].wanted) self->evict_some(quota, std::chrono::steady_clock::now());
    });
}

void IoThread::evict_some(std::size_t quota, SteadyTime now) {
    std::size_t left = std::clamp<std::size_t>(core_->quotas[quota].limit / 64, 1, most_at_once);
    for (const Standing standing : {Standing::leaving, Standing::waiting, Standing::silent}) {
        Line& line = lines_[quota][static_cast<std::size_t>(standing)];
        for (auto next = line.begin(); next != line.end() && left > 0;) {
            // Kept: what its end sets free may hold the last other reference.
            const std::shared_ptr<Connection> connection = (*next++)->shared_from_this();
            if (standing == Standing::silent && now - connection->stands_since < limits().yields_after)
                return;
            if (!connection->gives_way()) continue;
            ++core_->evicted;
            --left;
            connection->evict();
        }
    }
}

void IoThread::hand_over(Delivery delivery) {
    if (std::shared_ptr<Connection> connection = delivery.to.lock()) {
        connection->take(delivery.exchange, std::move(delivery.what));
    } else if (auto* taken = std::get_if<RequestBody::Taken>(&delivery.what)) {
        (*taken)(fail(ErrorCode::http_broken, "the connection ended before the body did"));
    }
}

void IoThread::deliver(std::weak_ptr<Connection> to, std::uint64_t exchange, Delivered what) {
    if (std::this_thread::get_id() == thread_id_.load())
        return hand_over({std::move(to), exchange, std::move(what)});
    std::lock_guard lock(inbox_mutex_);
    if (closed_) return;
    inbox_.push_back({std::move(to), exchange, std::move(what)});
    // Those who come while the I/O thread is not yet awake share its waking: a group commit answers many at once.
    if (inbox_.size() == 1) boost::asio::post(context_, [this] { take_deliveries(); });
}

void IoThread::take_deliveries() {
    std::vector<Delivery> deliveries;
    {
        std::lock_guard lock(inbox_mutex_);
        deliveries.swap(inbox_);
    }
    for (Delivery& delivery : deliveries)
        hand_over(std::move(delivery));
}

void IoThread::begin_drain() {
    boost::asio::post(context_, [this] {
        SteadyTime now = std::chrono::steady_clock::now();
        for (const auto& connection : connections_)
            connection->begin_drain(now);
    });
}

void IoThread::close() {
    boost::asio::post(context_, [this] {
        {
            std::lock_guard lock(inbox_mutex_);
            closed_ = true;
            inbox_.clear();
        }
        while (!connections_.empty()) {
            std::shared_ptr<Connection> connection = connections_.back();
            connection->cut();
        }
        ticker_.cancel();
        work_.reset();
    });
}

std::string IoThread::new_request_id() {
    std::array<std::byte, 10> chance{};
    random_.fill(chance);
    return base32_crockford({reinterpret_cast<const std::uint8_t*>(chance.data()), chance.size()});
}

const std::string& IoThread::date() {
    auto now = std::chrono::system_clock::now();
    auto second = std::chrono::duration_cast<std::chrono::seconds>(now.time_since_epoch()).count();
    if (second != date_second_) {
        date_second_ = second;
        date_ = format_http_date(std::chrono::time_point_cast<std::chrono::microseconds>(now));
    }
    return date_;
}

}  // namespace photogate::gateway::http
