// Connections to PostgreSQL, lent to one thread at a time.
//
// A lease is a connection and everything made from it, for one user at a time. A lease that saw its
// connection fail drops it instead of returning it, and one that the server has ended meanwhile is not lent:
// each is looked at before. Where what failed says that the others are as bad (the server went silent, or can
// only be read), all of them are dropped. Connections are opened when needed, up to `connections`;
// while the server is away, calls fail at once and a new connection is tried only after a pause that grows
// from 50 ms to 1 s. What was lent last is lent first, so that after a burst the others stay idle, and are closed
// when they have been so for `idle_timeout`: each is a process of the server, with megabytes of its own.
//
// libpq waits for ever on a server that has stopped talking, so a watchdog shuts down the socket of any
// statement that has had its time: the statement then fails as on a lost connection.
//
// Thread safety: Pool from any thread; a Lease from one. Leases do not outlive their Pool.
#pragma once

#include <algorithm>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <unordered_set>
#include <vector>

#include <pqxx/pqxx>

#include "base/result.hpp"
#include "storage/database/libpqxx.hpp"
#include "storage/database/pooler.hpp"
#include "storage/sql/named_queries.hpp"

namespace photogate::storage::database {

/// How much later than the server's own timeout a statement is given up here.
inline constexpr std::chrono::milliseconds kGrace{1'000};

struct ConnectionOptions {
    std::string database_url;
    std::chrono::milliseconds connect_timeout{5'000};
    std::chrono::milliseconds statement_timeout{5'000};
    std::chrono::milliseconds lock_timeout{1'000};
    std::chrono::milliseconds idle_timeout{60'000};
    Pooler pooler = Pooler::none;
    /// Of the module that the connections are for: what Transaction::run() looks names up in. They outlive the pool.
    const sql::NamedQueries* statements = nullptr;
};

/// One connection, its session settings made and, where the session is its own, its statements prepared as
/// they are first used.
class Connection {
  public:
    /// Throws what libpqxx throws.
    explicit Connection(const ConnectionOptions& options);
    ~Connection();
    Connection(const Connection&) = delete;
    Connection& operator=(const Connection&) = delete;

    pqxx::connection& raw() { return connection_; }
    /// Runs a statement of that name inside `work`. No two modules name theirs alike: they are prepared under their names.
    /// Throws what libpqxx throws.
    pqxx::result run(pqxx::transaction_base& work, const sql::NamedQueries& statements,
                     const std::string& name, const ParameterTexts& values = {});
    /// Settings of a session: sent once, or behind a pooler at the start of each transaction.
    void begin_shared(pqxx::transaction_base& work);

    /// From now on the watchdog counts: until then the server must have answered.
    void expect_answer_within(std::chrono::milliseconds limit);
    void answer_came() { deadline_ = 0; }
    /// Any thread: breaks the connection where its answer is overdue.
    void break_if_overdue();
    bool was_overdue() const { return was_overdue_; }
    /// While nothing was asked: whether the server has ended the session, or says something all the same.
    bool is_stale() const;
    /// Any thread: breaks the connection now.
    void break_now();

  private:
    void begin(pqxx::transaction_base& work, const char* in_this_transaction_alone);
    /// Unless this connection has it.
    void prepare(const std::string& name, const std::string& text);

    const ConnectionOptions options_;
    pqxx::connection connection_;
    ConnectionManners manners_;  // dies before the connection
    std::unordered_set<std::string> prepared_;
    int socket_ = -1;
    std::atomic<std::int64_t> deadline_{0};  // steady clock, 0: none
    std::atomic<bool> was_overdue_{false};
};

/// Throws 25006 where `answer`, whose column `read_only` tells, is a standby's or that of a server set aside.
void require_writable(const pqxx::result& answer);

/// The URL or conninfo string with our connection parameters added, where it does not set them itself.
std::string with_defaults(const std::string& database_url, std::chrono::milliseconds connect_timeout);

class Pool {
  public:
    enum class Spoilt { no, alone, with_all };

    class Lease {
      public:
        Lease(Pool& pool, std::unique_ptr<Connection> connection, std::uint64_t departures);
        Lease(Lease&& other) noexcept = default;
        Lease& operator=(Lease&&) = delete;
        ~Lease();
        Connection& connection() { return *connection_; }
        /// It failed: it will not be lent again.
        void spoil() { spoilt_ = std::max(spoilt_, Spoilt::alone); }
        /// It failed in a way that says the same of those that are idle.
        void spoil_all() { spoilt_ = Spoilt::with_all; }

      private:
        Pool* pool_;
        std::unique_ptr<Connection> connection_;
        Spoilt spoilt_ = Spoilt::no;
        std::uint64_t departures_;  // before it was lent
    };

    Pool(ConnectionOptions options, std::size_t connections);
    ~Pool();

    /// Waits for a free connection as long as a statement may take; then `overloaded`. `database_unavailable`
    /// at once while the server is away.
    Result<Lease> acquire();
    /// The server is not the one to be on any more: what is idle is dropped now, what is lent when it comes
    /// back.
    void leave_server();
    const ConnectionOptions& options() const { return options_; }

  private:
    using Steady = std::chrono::steady_clock;

    Result<std::unique_ptr<Connection>> open();
    std::unique_ptr<Connection> take_idle();
    void give_back(std::unique_ptr<Connection> connection, Spoilt spoilt, std::uint64_t departures);
    void drop_idle();
    std::vector<std::unique_ptr<Connection>> take_long_idle();
    void watch();

    const ConnectionOptions options_;
    const std::size_t limit_;
    std::mutex mutex_;
    std::condition_variable freed_;
    struct Idle {
        std::unique_ptr<Connection> connection;
        Steady::time_point since;
    };
    std::vector<Idle> idle_;  ///< the longest idle first
    std::unordered_set<Connection*> lent_;
    std::uint64_t departures_ = 0;
    std::size_t opening_ = 0;
    Steady::time_point not_before_{};  // while the server is away
    std::chrono::milliseconds pause_{0};
    std::condition_variable stopping_changed_;
    bool stopping_ = false;
    std::thread watchdog_;  // last: it uses what is above
};

}  // namespace photogate::storage::database
