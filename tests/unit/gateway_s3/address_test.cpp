#include "gateway/s3/address.hpp"

#include <gtest/gtest.h>

namespace photogate::gateway::s3 {
namespace {

const std::vector<std::string> kDomains{"s3.example.org"};

S3Result<Address> read(std::string_view target, std::string_view host = "127.0.0.1:9000") {
    return read_address(target, host, kDomains);
}
std::string key_of(std::string_view target) {
    const auto address = read(target);
    return address && address->key ? address->key->str() : "none";
}
std::optional<Code> refused(std::string_view target) {
    const auto address = read(target);
    return address ? std::nullopt : std::optional{address.error().code};
}

TEST(Address, parses_path_style) {
    const auto address = read("/incoming/u/a%20b+c?versionId=null&uploads");
    ASSERT_TRUE(address);
    EXPECT_EQ(address->bucket->str(), "incoming");
    EXPECT_EQ(address->key->str(), "u/a b+c");
    EXPECT_EQ(*address->parameter("versionId"), "null");
    EXPECT_TRUE(address->has("uploads"));
    EXPECT_FALSE(read("/")->bucket);
    EXPECT_FALSE(read("/incoming")->key);
    EXPECT_FALSE(read("/incoming/")->key);
}

TEST(Address, parses_virtual_host_style_under_known_domain_only) {
    const auto address = read("/u/a", "incoming.S3.example.org:9000");
    ASSERT_TRUE(address);
    EXPECT_EQ(address->bucket->str(), "incoming");
    EXPECT_EQ(address->key->str(), "u/a");
    EXPECT_EQ(read("/abc/u", "s3.example.org")->bucket->str(), "abc");
    EXPECT_EQ(read("/abc/u", "incoming.elsewhere.org")->bucket->str(), "abc");
    EXPECT_EQ(read("/abc/u", "xs3.example.org")->bucket->str(), "abc");
}

TEST(Address, never_normalises_keys) {
    EXPECT_EQ(key_of("/abc//"), "/");
    EXPECT_EQ(key_of("/abc/a//b"), "a//b");
    EXPECT_EQ(key_of("/abc/a/../b"), "a/../b");
    EXPECT_EQ(key_of("/abc/%2e%2e/b"), "../b");
    EXPECT_EQ(key_of("/abc/a%2Fb"), "a/b");
    EXPECT_EQ(key_of("/abc/a\\b%5Cc"), "a\\b\\c");
    EXPECT_EQ(key_of("/abc/%C3%A9"), "\xc3\xa9");
}

TEST(Address, rejects_invalid_key_with_named_error) {
    EXPECT_EQ(refused("/abc/" + std::string(1'024, 'k')), std::nullopt);
    EXPECT_EQ(refused("/abc/" + std::string(1'025, 'k')), Code::KeyTooLongError);
    EXPECT_EQ(refused("/abc/a%00b"), Code::InvalidURI);
    EXPECT_EQ(refused("/abc/%FF"), Code::InvalidURI);
    EXPECT_EQ(refused("/abc/%zz"), Code::InvalidURI);
    EXPECT_EQ(refused("/abc/a?x=%00"), Code::InvalidURI);
    for (const auto* name : {"/ab", "/Abc/k", "/-ab/k", "/a..b/k", "/a%2Fb/k", "/a_c/k"})
        EXPECT_TRUE(refused(name) == Code::InvalidBucketName) << name;
}

}  // namespace
}  // namespace photogate::gateway::s3
