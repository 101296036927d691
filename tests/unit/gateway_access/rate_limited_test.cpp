#include "gateway/access/rate_limited.hpp"

#include <gtest/gtest.h>

#include "gateway/access/principal.hpp"
#include "gateway/http/parse_head.hpp"

namespace photogate::gateway::access {
namespace {

using namespace std::chrono_literals;

/// Admits whoever it is told to.
class Inner final : public http::Service {
  public:
    http::Admission admit(const http::RequestHead&) override {
        http::Admission admission;
        if (who)
            admission.principal = std::make_shared<const Principal>(*who);
        else if (refused)
            admission.refusal = Error{*refused, "no", {}, std::nullopt};
        return admission;
    }
    std::optional<Principal> who;
    std::optional<ErrorCode> refused;
};

class RateLimitedTest : public testing::Test {
  protected:
    RateLimited make(RateLimited::Options options = {}) {
        return RateLimited{
            inner, std::move(options),
            [this](const AppName& app) { return app.str() == "other" ? RequestRates{} : rates; },
            [this] { return now; }};
    }
    static http::RequestHead head(const std::string& address = "192.0.2.7") {
        auto made = *http::parse_head("GET / HTTP/1.1\r\nHost: h\r\n\r\n");
        made.client = parse_ip_address(address);
        return made;
    }
    static std::optional<Error> refusal(const http::Admission& admission) {
        const auto* error = std::get_if<Error>(&admission.refusal);
        return error != nullptr ? std::optional{*error} : std::nullopt;
    }
    static std::string field(const http::Admission& admission, std::string_view name) {
        for (const auto& each : admission.headers)
            if (each.name == name) return each.value;
        return {};
    }
    static Principal app(const char* name = "shop") { return {AppServer{AppName::trusted(name)}}; }
    static Principal token(const char* id) {
        model::ClientToken made;
        made.id = id;
        made.app = AppName::trusted("shop");
        return {TokenBearer{made}};
    }

    Inner inner;
    RequestRates rates{10, 3, 0};
    TokenBuckets::Time now{1'000s};
};

TEST_F(RateLimitedTest, app_over_its_rate_is_told_when_to_come_again) {
    auto limited = make();
    inner.who = app();
    for (int i = 0; i < 3; ++i)
        EXPECT_FALSE(refusal(limited.admit(head())));
    const auto admission = limited.admit(head());
    ASSERT_TRUE(refusal(admission));
    EXPECT_EQ(refusal(admission)->code, ErrorCode::rate_limited);
    EXPECT_EQ(refusal(admission)->retry_after, 1s);
    EXPECT_EQ(field(admission, "RateLimit-Policy"), "\"app\";q=3;w=1");
    EXPECT_EQ(field(admission, "RateLimit"), "\"app\";r=0;t=1");
    EXPECT_EQ(limited.refused(RateLimited::Limit::app), 1U);
    now += 100ms;
    EXPECT_FALSE(refusal(limited.admit(head())));
}

TEST_F(RateLimitedTest, one_app_takes_nothing_from_another) {
    auto limited = make();
    inner.who = app();
    for (int i = 0; i < 100; ++i)
        (void)limited.admit(head());
    inner.who = app("second");
    const auto admission = limited.admit(head());
    EXPECT_FALSE(refusal(admission));
    EXPECT_EQ(field(admission, "RateLimit"), "\"app\";r=2;t=1");
}

TEST_F(RateLimitedTest, app_without_a_rate_and_operator_are_not_limited_and_get_no_fields) {
    auto limited = make();
    for (const auto& who : {app("other"), Principal{Operator{AppName::trusted("ops")}}}) {
        inner.who = who;
        for (int i = 0; i < 50; ++i) {
            const auto admission = limited.admit(head());
            EXPECT_FALSE(refusal(admission));
            EXPECT_TRUE(admission.headers.empty());
        }
    }
}

TEST_F(RateLimitedTest, token_over_its_rate_takes_nothing_of_its_app) {
    rates = {100, 100, 2};
    auto limited = make();
    inner.who = token("tok_a");
    for (int i = 0; i < 4; ++i)
        EXPECT_FALSE(refusal(limited.admit(head())));
    for (int i = 0; i < 500; ++i)
        EXPECT_TRUE(refusal(limited.admit(head())));
    EXPECT_EQ(limited.refused(RateLimited::Limit::token), 500U);
    inner.who = token("tok_b");
    const auto admission = limited.admit(head());
    EXPECT_FALSE(refusal(admission));
    EXPECT_EQ(field(admission, "RateLimit"), "\"token\";r=3;t=1, \"app\";r=95;t=1");
    inner.who = app();
    EXPECT_FALSE(refusal(limited.admit(head())));
}

TEST_F(RateLimitedTest, wrong_credentials_of_an_address_are_limited_and_right_ones_are_not) {
    auto limited = make({.failed_authentications = 5});
    inner.refused = ErrorCode::unauthenticated;
    for (int i = 0; i < 5; ++i)
        EXPECT_EQ(refusal(limited.admit(head()))->code, ErrorCode::unauthenticated);
    EXPECT_EQ(refusal(limited.admit(head()))->code, ErrorCode::rate_limited);
    EXPECT_EQ(refusal(limited.admit(head()))->retry_after, 12s);
    EXPECT_EQ(refusal(limited.admit(head("192.0.2.8")))->code, ErrorCode::unauthenticated);
    inner.who = app();
    EXPECT_FALSE(refusal(limited.admit(head())));
}

TEST_F(RateLimitedTest, ipv6_clients_are_counted_by_their_network_and_proxies_are_not) {
    auto limited = make({.failed_authentications = 1, .trusted_proxies = {*parse_ip_block("10.0.0.0/8")}});
    inner.refused = ErrorCode::unauthenticated;
    EXPECT_EQ(refusal(limited.admit(head("2001:db8::1")))->code, ErrorCode::unauthenticated);
    EXPECT_EQ(refusal(limited.admit(head("2001:db8::2")))->code, ErrorCode::rate_limited);
    for (int i = 0; i < 5; ++i)
        EXPECT_EQ(refusal(limited.admit(head("10.1.1.1")))->code, ErrorCode::unauthenticated);
}

TEST_F(RateLimitedTest, other_refusals_and_requests_of_anyone_pass) {
    auto limited = make({.failed_authentications = 1});
    inner.refused = ErrorCode::not_found;
    for (int i = 0; i < 5; ++i)
        EXPECT_EQ(refusal(limited.admit(head()))->code, ErrorCode::not_found);
    inner.refused.reset();
    for (int i = 0; i < 5; ++i)
        EXPECT_FALSE(refusal(limited.admit(head())));
}

}  // namespace
}  // namespace photogate::gateway::access
