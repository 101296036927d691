#include "storage/database/connection_pool.hpp"

#include <algorithm>
#include <cerrno>

#include <sys/socket.h>

#include "base/log.hpp"
#include "storage/database/database_error.hpp"
#include "storage/database/embedded_sql.hpp"

namespace photogate::storage::database {
namespace {

using namespace std::chrono_literals;

constexpr auto kIdleInTransactionTimeout = 5'000ms;
constexpr auto kFirstPause = 50ms;
constexpr auto kLongestPause = 1'000ms;
constexpr auto kWatchEvery = 100ms;

std::int64_t steady_ms() {
    return std::chrono::duration_cast<std::chrono::milliseconds>(
               std::chrono::steady_clock::now().time_since_epoch())
        .count();
}

}  // namespace

std::string with_defaults(const std::string& database_url, std::chrono::milliseconds connect_timeout) {
    const auto seconds =
        std::max<std::int64_t>(2, (connect_timeout.count() + 999) / 1000);  // libpq's least is 2
    const bool uri = database_url.starts_with("postgres://") || database_url.starts_with("postgresql://");
    std::string text = database_url;
    const auto add = [&](const std::string& name, const std::string& value) {
        if (database_url.find(name + "=") != std::string::npos) return;
        if (uri) {
            text += (text.find('?') == std::string::npos ? '?' : '&') + name + '=' + value;
        } else {
            text += ' ' + name + '=' + value;
        }
    };
    add("connect_timeout", std::to_string(seconds));
    add("application_name", "photogate");
    add("client_encoding", "UTF8");
    add("target_session_attrs", "read-write");  // of several hosts, the one that is no standby
    add("keepalives_idle", "10");
    add("keepalives_interval", "5");
    add("keepalives_count", "3");
    return text;
}

void require_writable(const pqxx::result& answer) {
    if (answer[0]["read_only"].as<std::string>() == "on")
        throw pqxx::sql_error("this server can only be read", "", "25006");
}

Connection::Connection(const ConnectionOptions& options)
    : options_(options),
      connection_(with_defaults(options.database_url, options.connect_timeout)),
      manners_(connection_) {
    socket_ = connection_.sock();
    pqxx::nontransaction work{connection_};
    if (options_.pooler == Pooler::none) begin(work, "false");
    const auto now = work.exec(statements().at("begin_session"));
    require_writable(now);
}

Connection::~Connection() = default;

void Connection::begin(pqxx::transaction_base& work, const char* in_this_transaction_alone) {
    const auto statement = std::to_string(options_.statement_timeout.count());
    const auto lock = std::to_string(options_.lock_timeout.count());
    const auto idle = std::to_string(kIdleInTransactionTimeout.count());
    execute(work, statements().at("bound_session"),
            {statement.c_str(), lock.c_str(), idle.c_str(), in_this_transaction_alone});
}

void Connection::begin_shared(pqxx::transaction_base& work) {
    if (options_.pooler == Pooler::transaction) begin(work, "true");
}

pqxx::result Connection::run(pqxx::transaction_base& work, const sql::NamedQueries& statements,
                             const std::string& name, const ParameterTexts& values) {
    const auto& text = statements.at(name);
    if (options_.pooler == Pooler::transaction) return execute(work, text, values);
    prepare(name, text);
    return execute_prepared(work, name, values);
}

void Connection::prepare(const std::string& name, const std::string& text) {
    if (prepared_.contains(name)) return;
    connection_.prepare(name, text);
    prepared_.insert(name);
}

void Connection::expect_answer_within(std::chrono::milliseconds limit) {
    deadline_ = steady_ms() + limit.count();
}

void Connection::break_if_overdue() {
    const auto deadline = deadline_.load();
    if (deadline == 0 || steady_ms() <= deadline) return;
    was_overdue_ = true;
    break_now();
}

bool Connection::is_stale() const {
    char byte = 0;
    const auto got = ::recv(socket_, &byte, 1, MSG_PEEK | MSG_DONTWAIT);
    return got >= 0 || (errno != EAGAIN && errno != EWOULDBLOCK && errno != EINTR);
}

void Connection::break_now() {
    ::shutdown(socket_, SHUT_RDWR);
}

Pool::Lease::Lease(Pool& pool, std::unique_ptr<Connection> connection, std::uint64_t departures)
    : pool_(&pool), connection_(std::move(connection)), departures_(departures) {
    connection_->expect_answer_within(pool.options_.statement_timeout + kGrace);
}

Pool::Lease::~Lease() {
    if (connection_) pool_->give_back(std::move(connection_), spoilt_, departures_);
}

Pool::Pool(ConnectionOptions options, std::size_t connections)
    : options_(std::move(options)),
      limit_(std::max<std::size_t>(1, connections)),
      watchdog_([this] { watch(); }) {}

Pool::~Pool() {
    {
        const std::lock_guard lock{mutex_};
        stopping_ = true;
    }
    stopping_changed_.notify_all();
    watchdog_.join();
}

Result<Pool::Lease> Pool::acquire() {
    std::unique_lock lock{mutex_};
    const auto patience = Steady::now() + options_.statement_timeout;
    while (idle_.empty() && lent_.size() + opening_ >= limit_) {
        if (freed_.wait_until(lock, patience) == std::cv_status::timeout) {
            return fail(ErrorCode::overloaded, "every database connection is in use");
        }
    }
    const auto departures = departures_;
    auto connection = take_idle();
    if (!connection) {
        if (Steady::now() < not_before_) return fail(ErrorCode::database_unavailable, "the database is away");
        ++opening_;
        lock.unlock();
        auto opened = open();
        lock.lock();
        --opening_;
        if (!opened) {
            pause_ = std::clamp<std::chrono::milliseconds>(pause_ * 2, kFirstPause, kLongestPause);
            not_before_ = Steady::now() + pause_;
            freed_.notify_one();
            return tl::unexpected<Error>(std::move(opened.error()));
        }
        pause_ = 0ms;
        not_before_ = {};
        connection = std::move(*opened);
    }
    lent_.insert(connection.get());
    return Lease{*this, std::move(connection), departures};
}

/// With the mutex held: nothing where none is left that still serves.
std::unique_ptr<Connection> Pool::take_idle() {
    while (!idle_.empty()) {
        auto connection = std::move(idle_.back().connection);
        idle_.pop_back();
        if (!connection->is_stale()) return connection;
        connection->break_now();
    }
    return nullptr;
}

Result<std::unique_ptr<Connection>> Pool::open() {
    try {
        return std::make_unique<Connection>(options_);
    } catch (...) {
        auto failure = translate(std::current_exception());
        // Whatever it was (unknown host, no such database, password), nothing can be asked of this server
        // now.
        failure.error.code = ErrorCode::database_unavailable;
        return tl::unexpected<Error>(std::move(failure.error));
    }
}

void Pool::give_back(std::unique_ptr<Connection> connection, Spoilt spoilt, std::uint64_t departures) {
    connection->answer_came();
    if (spoilt != Spoilt::no && connection->was_overdue()) spoilt = Spoilt::with_all;
    {
        const std::lock_guard lock{mutex_};
        lent_.erase(connection.get());  // the watchdog lets go of it before its socket is closed
        const bool of_today = departures == departures_;
        if (spoilt == Spoilt::no && of_today) {
            idle_.push_back({std::move(connection), Steady::now()});
        } else if (spoilt == Spoilt::with_all && of_today) {
            drop_idle();
        }
    }
    freed_.notify_one();
}

void Pool::leave_server() {
    const std::lock_guard lock{mutex_};
    drop_idle();
}

/// With the mutex held.
void Pool::drop_idle() {
    ++departures_;
    for (const Idle& each : idle_)
        each.connection->break_now();
    idle_.clear();
}

/// With the mutex held.
std::vector<std::unique_ptr<Connection>> Pool::take_long_idle() {
    const auto kept = std::ranges::find_if(idle_, [last = Steady::now() - options_.idle_timeout](
                                                      const Idle& each) { return each.since > last; });
    std::vector<std::unique_ptr<Connection>> taken;
    for (auto each = idle_.begin(); each != kept; ++each)
        taken.push_back(std::move(each->connection));
    idle_.erase(idle_.begin(), kept);
    return taken;
}

void Pool::watch() {
    std::unique_lock lock{mutex_};
    while (!stopping_changed_.wait_for(lock, kWatchEvery, [this] { return stopping_; })) {
        for (auto* connection : lent_)
            connection->break_if_overdue();
        auto closed = take_long_idle();
        if (closed.empty()) continue;
        lock.unlock();  // closing one says so to the server
        closed.clear();
        lock.lock();
    }
}

}  // namespace photogate::storage::database
