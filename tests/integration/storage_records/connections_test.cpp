// Connections that a burst has opened.
#include <set>
#include <thread>

#include "records_database.hpp"
#include "storage/database/connection_pool.hpp"

namespace photogate::storage::records::test {
namespace {

using namespace std::chrono_literals;

class ConnectionsTest : public testing::Test {
  protected:
    ConnectionsTest() { options.database_url = database.url(); }

    int sessions() const {
        return std::stoi(
            database.value("select count(*) from pg_stat_activity where datname = current_database() "
                           "and pid <> pg_backend_pid()"));
    }
    static int backend(database::Pool::Lease& lease) {
        pqxx::nontransaction work{lease.connection().raw()};
        return work.exec("select pg_backend_pid()")[0][0].as<int>();
    }

    Database database;
    database::ConnectionOptions options;
};

TEST_F(ConnectionsTest, are_closed_when_they_have_been_idle_for_long) {
    options.idle_timeout = 200ms;
    database::Pool pool{options, 4};
    {
        auto one = pool.acquire();
        auto two = pool.acquire();
        auto three = pool.acquire();
        ASSERT_TRUE(one && two && three);
        EXPECT_EQ(sessions(), 3);
    }
    for (const auto end = std::chrono::steady_clock::now() + 20s; sessions() > 0;) {
        ASSERT_LT(std::chrono::steady_clock::now(), end) << "still open";
        std::this_thread::sleep_for(20ms);
    }
    EXPECT_TRUE(pool.acquire()) << "and a new one is opened when one is needed";
}

TEST_F(ConnectionsTest, that_are_in_use_now_and_then_stay) {
    options.idle_timeout = 10s;
    database::Pool pool{options, 4};
    std::set<int> backends;
    for (int i = 0; i < 10; ++i) {
        auto lease = pool.acquire();
        ASSERT_TRUE(lease);
        backends.insert(backend(*lease));
    }
    EXPECT_EQ(backends.size(), 1U) << "what was lent last is lent first";
    std::this_thread::sleep_for(300ms);  // three rounds of the watchdog
    auto lease = pool.acquire();
    ASSERT_TRUE(lease);
    EXPECT_TRUE(backends.contains(backend(*lease)));
}

}  // namespace
}  // namespace photogate::storage::records::test
