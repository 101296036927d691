// Connections to PostgreSQL, lent to one thread at a time.
//
// A lease is a connection and everything born of it; whoever holds it is its only user. A lease that saw its
// connection fail drops it instead of returning it. Connections are opened when needed, up to `connections`;
// while the server is away, calls fail at once and a new connection is tried only after a pause that grows
// from 50 ms to 1 s.
//
// libpq waits for ever on a server that has stopped talking, so a watchdog shuts down the socket of any
// statement that has had its time: the statement then fails as on a lost connection.
//
// Thread safety: Pool from any thread; a Lease from one. Leases do not outlive their Pool.
#pragma once

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

namespace photogate::storage::records {

struct ConnectionOptions {
    std::string database_url;
    std::chrono::milliseconds connect_timeout{5'000};
    std::chrono::milliseconds statement_timeout{5'000};
    std::chrono::milliseconds lock_timeout{1'000};
};

/// One connection, its session settings made and its statements prepared as they are first used.
class Connection {
  public:
    /// Throws what libpqxx throws.
    explicit Connection(const ConnectionOptions& options);
    ~Connection();
    Connection(const Connection&) = delete;
    Connection& operator=(const Connection&) = delete;

    pqxx::connection& raw() { return connection_; }
    /// Prepares the named query unless this connection has it.
    void prepare(const std::string& name);

    /// From now on the watchdog counts: until then the server must have answered.
    void expect_answer_within(std::chrono::milliseconds limit);
    void answer_came() { deadline_ = 0; }
    /// Any thread: breaks the connection where its answer is overdue.
    void break_if_overdue();
    /// Any thread: breaks the connection now.
    void break_now();

  private:
    pqxx::connection connection_;
    std::unique_ptr<pqxx::errorhandler> quiet_;  // born of the connection, and dies before it
    std::unordered_set<std::string> prepared_;
    int socket_ = -1;
    std::atomic<std::int64_t> deadline_{0};  // steady clock, 0: none
};

/// The URL or conninfo string with our connection parameters added, where it does not set them itself.
std::string with_defaults(const std::string& database_url, std::chrono::milliseconds connect_timeout);

class Pool {
  public:
    class Lease {
      public:
        Lease(Pool& pool, std::unique_ptr<Connection> connection);
        Lease(Lease&& other) noexcept = default;
        Lease& operator=(Lease&&) = delete;
        ~Lease();
        Connection& connection() { return *connection_; }
        /// It failed: it will not be lent again.
        void spoil() { spoilt_ = true; }

      private:
        Pool* pool_;
        std::unique_ptr<Connection> connection_;
        bool spoilt_ = false;
    };

    Pool(ConnectionOptions options, std::size_t connections);
    ~Pool();

    /// Waits for a free connection as long as a statement may take; then `overloaded`. `database_unavailable`
    /// at once while the server is away.
    Result<Lease> acquire();
    const ConnectionOptions& options() const { return options_; }

  private:
    using Steady = std::chrono::steady_clock;

    Result<std::unique_ptr<Connection>> open();
    void give_back(std::unique_ptr<Connection> connection, bool spoilt);
    void watch();

    const ConnectionOptions options_;
    const std::size_t limit_;
    std::mutex mutex_;
    std::condition_variable freed_;
    std::vector<std::unique_ptr<Connection>> idle_;
    std::unordered_set<Connection*> lent_;
    std::size_t opening_ = 0;
    Steady::time_point not_before_{};  // while the server is away
    std::chrono::milliseconds pause_{0};
    std::condition_variable stopping_changed_;
    bool stopping_ = false;
    std::thread watchdog_;  // last: it uses what is above
};

}  // namespace photogate::storage::records
