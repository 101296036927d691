#include "gateway/system/start_check.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/loopback_listener.hpp"

namespace photogate::gateway::system {
namespace {

using ::testing::HasSubstr;

config::Config anywhere() {
    config::Config config;
    config.server.listen = {{"127.0.0.1", 0}};
    config.server.metrics_listen = {"127.0.0.1", 0};
    config.store.folder = "/nowhere";
    config.store.listen = {"127.0.0.1", 0};
    return config;
}

TEST(StartCheck, names_the_taken_port_with_its_option_and_what_to_do) {
    photogate::test::LoopbackListener taken;
    auto server = anywhere();
    server.server.listen.push_back({"127.0.0.1", taken.port()});
    auto metrics = anywhere();
    metrics.server.metrics_listen.port = taken.port();
    auto store = anywhere();
    store.store.listen.port = taken.port();
    const std::pair<config::Config*, const char*> cases[] = {
        {&server, "--server-listen"}, {&metrics, "--server-metrics-listen"}, {&store, "--store-listen"}};
    for (const auto& [config, option] : cases) {
        const auto checked = check_start(*config, ProcessRole::all);
        ASSERT_FALSE(checked) << option;
        EXPECT_EQ(checked.error().code, ErrorCode::cannot_bind);
        EXPECT_THAT(checked.error().detail, HasSubstr(option));
        EXPECT_THAT(checked.error().detail, HasSubstr("127.0.0.1:" + std::to_string(taken.port())));
        EXPECT_THAT(checked.error().detail, HasSubstr("ss -ltnp"));
    }
    EXPECT_TRUE(check_start(server, ProcessRole::work)) << "a worker listens for metrics alone";
    EXPECT_FALSE(check_start(metrics, ProcessRole::work));
    taken.close();
    for (const auto& [config, option] : cases)
        EXPECT_TRUE(check_start(*config, ProcessRole::all)) << option;
}

TEST(StartCheck, finds_two_of_our_own_that_collide) {
    photogate::test::LoopbackListener taken;
    const auto port = taken.port();
    taken.close();
    auto config = anywhere();
    config.server.listen = {{"127.0.0.1", port}};
    config.store.listen = {"0.0.0.0", port};
    const auto checked = check_start(config, ProcessRole::all);
    ASSERT_FALSE(checked);
    EXPECT_THAT(checked.error().detail, HasSubstr("store.listen"));
    config.store.listen.port = 0;
    config.server.listen = {{"0.0.0.0", port}, {"::", port}};
    EXPECT_TRUE(check_start(config, ProcessRole::all)) << "every IPv4 and every IPv6 address";
}

}  // namespace
}  // namespace photogate::gateway::system
