// Who is admitted by which credential, and as whom.
#include "gateway/access/head_check.hpp"

#include <string>

#include <gtest/gtest.h>

#include "base/random.hpp"
#include "gateway/access/principal.hpp"
#include "gateway/http/parse_head.hpp"
#include "tests/support/unowned.hpp"

namespace photogate::gateway::access {
namespace {

const Timestamp kNow = *parse_rfc3339("2026-11-20T12:00:00Z");

class HeadCheck : public ::testing::Test {
  protected:
    HeadCheck() {
        for (const auto& [key, name, role] : {std::tuple{&app_key_, "shop", Role::app},
                                              std::tuple{&operator_key_, "staff", Role::operator_role}}) {
            *key = make_api_key(AppName::trusted(name), random_);
            keys_.add(signer::sha256(key->reveal()), {AppName::trusted(name), role});
        }
        claims_.id = "tok_06f3y0000000000000000000aa";
        claims_.app = AppName::trusted("shop");
        claims_.profile = ProfileName::trusted("photos");
        claims_.max_uploads = 3;
        claims_.expires_at = kNow + std::chrono::seconds{60};
        token_ = tokens_.sign(claims_);
    }

    static Result<http::PrincipalPtr> ask(const http::HeadCheck& check, const std::string& fields,
                                          const http::PathParameters& parameters = {}) {
        return check(*http::parse_head("GET / HTTP/1.1\r\nHost: h\r\n" + fields + "\r\n"), parameters);
    }
    static std::string bearer(std::string_view credential) {
        return "Authorization: Bearer " + std::string{credential} + "\r\n";
    }
    static ErrorCode refusal(const http::HeadCheck& check, const std::string& fields,
                             const http::PathParameters& parameters = {}) {
        const auto found = ask(check, fields, parameters);
        EXPECT_FALSE(found) << fields;
        return found ? ErrorCode::internal : found.error().code;
    }

    SeededRandom random_{5};
    ManualClock clock_{kNow};
    Secret app_key_, operator_key_;
    KeyRing keys_;
    const LiveKeys live_keys_{photogate::test::unowned(keys_)};
    TokenSigner tokens_{{Secret{"a secret of more than thirty-two characters"}}};
    model::ClientToken claims_;
    std::string token_;
    Credentials credentials_{live_keys_, tokens_, clock_};
};

TEST_F(HeadCheck, knows_an_app_and_an_operator_by_their_keys) {
    const auto app = ask(any_key(live_keys_), bearer(app_key_.reveal()));
    ASSERT_TRUE(app) << app.error().detail;
    EXPECT_EQ(*(*app)->app(), AppName::trusted("shop"));
    EXPECT_EQ((*app)->token(), nullptr);
    EXPECT_FALSE((*app)->is_operator());

    const auto staff = ask(any_key(live_keys_), bearer(operator_key_.reveal()));
    ASSERT_TRUE(staff) << staff.error().detail;
    EXPECT_TRUE((*staff)->is_operator());
    EXPECT_EQ((*staff)->app(), nullptr) << "an operator acts for no app";
    EXPECT_EQ(std::get<Operator>((*staff)->who).name, AppName::trusted("staff"));
}

TEST_F(HeadCheck, refuses_whoever_shows_no_configured_key) {
    const auto key = std::string{app_key_.reveal()};
    for (const std::string& fields : {std::string{}, bearer(""), bearer("pg_shop_wrong"), bearer(key + "x"),
                                      bearer(token_), "Authorization: Basic " + key + "\r\n",
                                      "Authorization: " + key + "\r\n", bearer(key) + bearer(key)}) {
        for (const auto& check : {any_key(live_keys_), app_key(live_keys_), operator_key(live_keys_)})
            EXPECT_EQ(refusal(check, fields), ErrorCode::unauthenticated) << fields;
    }
    EXPECT_TRUE(ask(any_key(live_keys_), "authorization: bEARER " + key + "\r\n"))
        << "the scheme has no case";
}

TEST_F(HeadCheck, admits_each_role_only_where_its_key_permits) {
    EXPECT_TRUE(ask(app_key(live_keys_), bearer(app_key_.reveal())));
    EXPECT_TRUE(ask(operator_key(live_keys_), bearer(operator_key_.reveal())));
    EXPECT_EQ(refusal(app_key(live_keys_), bearer(operator_key_.reveal())), ErrorCode::forbidden);
    EXPECT_EQ(refusal(operator_key(live_keys_), bearer(app_key_.reveal())), ErrorCode::forbidden);
    EXPECT_TRUE(ask(key_or_token(credentials_), bearer(operator_key_.reveal())));
    EXPECT_EQ(refusal(app_or_token(credentials_), bearer(operator_key_.reveal())), ErrorCode::forbidden);
}

TEST_F(HeadCheck, knows_a_token_bearer_by_header_or_path) {
    for (const auto& check : {key_or_token(credentials_), app_or_token(credentials_)}) {
        const auto by_header = ask(check, bearer(token_));
        const auto by_path = ask(check, "", {{"token", token_}});
        for (const auto* found : {&by_header, &by_path}) {
            ASSERT_TRUE(*found) << found->error().detail;
            ASSERT_NE((**found)->token(), nullptr);
            EXPECT_EQ(*(**found)->token(), claims_);
            EXPECT_EQ(*(**found)->app(), claims_.app);
            EXPECT_FALSE((**found)->is_operator());
        }
    }
}

TEST_F(HeadCheck, believes_the_token_in_the_path_alone) {
    const auto check = key_or_token(credentials_);
    EXPECT_EQ(refusal(check, bearer(app_key_.reveal()), {{"token", "pgt_x.y"}}), ErrorCode::unauthenticated);
    EXPECT_EQ(refusal(check, "", {{"token", std::string{app_key_.reveal()}}}), ErrorCode::unauthenticated)
        << "a key does not belong in a path";
}

TEST_F(HeadCheck, refuses_an_expired_token_as_such) {
    clock_.set(claims_.expires_at);
    EXPECT_EQ(refusal(key_or_token(credentials_), bearer(token_)), ErrorCode::token_expired);
    EXPECT_EQ(refusal(key_or_token(credentials_), "", {{"token", token_}}), ErrorCode::token_expired);
}

}  // namespace
}  // namespace photogate::gateway::access
