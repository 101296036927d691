#include "gateway/config/changes.hpp"

#include <gtest/gtest.h>

namespace photogate::gateway::config {
namespace {

using Names = std::vector<std::string>;

Setting plain(std::string table, std::string key, std::string literal) {
    return {std::move(table), std::move(key), std::move(literal), {}, {}, {}, {}};
}

Setting secret(std::string table, std::string key, const std::string& whole) {
    return {std::move(table), std::move(key), "\"***\"", {}, Secret{"first"}, Secret{whole}, {}};
}

TEST(Changes, of_the_same_settings_are_none) {
    const std::vector<Setting> settings{plain("server", "io_threads", "2"),
                                        secret("regions.a", "worker_secret_key", "x")};
    const auto changes = changes_between(settings, settings);
    EXPECT_TRUE(changes.at_once.empty());
    EXPECT_TRUE(changes.need_restart.empty());
}

TEST(Changes, are_told_apart_by_whether_a_running_gateway_takes_them_over) {
    const auto changes =
        changes_between({plain("server", "io_threads", "2"), plain("apps.shop", "keys", "[\"a\"]"),
                         plain("", "unsafe", "false"), plain("log", "level", "\"info\""),
                         plain("delivery", "disk_cache", "0")},
                        {plain("server", "io_threads", "4"), plain("apps.shop", "keys", "[\"b\"]"),
                         plain("", "unsafe", "true"), plain("log", "level", "\"debug\""),
                         plain("delivery", "disk_cache", "1")});
    EXPECT_EQ(changes.at_once, (Names{"apps.shop.keys", "log.level"}));
    EXPECT_EQ(changes.need_restart, (Names{"server.io_threads", "unsafe", "delivery.disk_cache"}));
}

TEST(Changes, see_a_secret_behind_the_first_and_name_no_value) {
    const auto changes = changes_between(
        {secret("events.minio", "tokens", "first\nsecond\n"), secret("server", "token_secrets", "first\n")},
        {secret("events.minio", "tokens", "first\nthird\n"),
         secret("server", "token_secrets", "first\nother\n")});
    EXPECT_EQ(changes.need_restart, Names{"events.minio.tokens"});
    EXPECT_EQ(changes.at_once, Names{"server.token_secrets"});
}

TEST(Changes, name_a_table_that_comes_or_goes_once) {
    const auto changes = changes_between({plain("apps.old", "keys", "1"), plain("apps.old", "role", "2"),
                                          plain("regions.old", "endpoint", "3")},
                                         {plain("apps.new", "keys", "1"), plain("apps.new", "role", "2"),
                                          plain("regions.new", "signer_secret_key", "3")});
    EXPECT_EQ(changes.at_once, (Names{"apps.new", "apps.old"}));
    EXPECT_EQ(changes.need_restart, (Names{"regions.new", "regions.old"}));
}

TEST(Changes, of_a_store_are_taken_over_where_they_are_its_credentials) {
    EXPECT_TRUE(holds_at_once("regions.eu", "signer_secret_key"));
    EXPECT_TRUE(holds_at_once("regions.eu", "worker_access_key"));
    EXPECT_FALSE(holds_at_once("regions.eu", "endpoint"));
    EXPECT_FALSE(holds_at_once("purges.cdn", "token"));
}

}  // namespace
}  // namespace photogate::gateway::config
