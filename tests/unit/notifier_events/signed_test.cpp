// Senders that sign: messages of SNS and tokens of OpenID Connect, made by tests/data/store_events/make.py.
#include <filesystem>
#include <fstream>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "notifier/events/oidc_token.hpp"
#include "notifier/events/sns_signature.hpp"
#include "sender_heads.hpp"

namespace photogate::notifier::events {
namespace {

using std::chrono_literals::operator""h;
using std::chrono_literals::operator""s;
using testing::head;

const nlohmann::json& fixed() {
    static const auto all = [] {
        std::ifstream in{std::filesystem::path{PHOTOGATE_SOURCE_DIR} / "tests/data/store_events/signed.json"};
        return nlohmann::json::parse(in);
    }();
    return all;
}

std::string fixed(const char* name) {
    return fixed().at(name).get<std::string>();
}

class SignedTest : public ::testing::Test {
  protected:
    Fetch fetch() {
        return [this](const std::string& url) -> Result<std::string> {
            fetched.push_back(url);
            const auto found = pages.find(url);
            if (found == pages.end()) return fail(ErrorCode::http_connect, "nobody is there");
            return found->second;
        };
    }
    ManualClock clock{*parse_rfc3339("2027-01-29T15:05:00Z")};
    std::map<std::string, std::string> pages;
    std::vector<std::string> fetched;
};

class SnsTest : public SignedTest {
  protected:
    SnsTest() { pages[fixed("certificate_url")] = fixed("certificate"); }

    SnsPolicy policy{
        .topics = {fixed("topic")}, .hosts = {}, .versions = SnsVersions::one_and_two, .tokens = {}};

    static std::string message(const std::string& name) {
        return fixed().at("messages").at(name).get<std::string>();
    }
    static std::string type_of(const std::string& body) {
        return nlohmann::json::parse(body).at("Type").get<std::string>();
    }
    static SenderHead head_of(const std::string& body) {
        return head({{"x-amz-sns-message-type", type_of(body)}, {"x-amz-sns-topic-arn", fixed("topic")}});
    }
    BodyDecision judged(const std::string& body) {
        const SnsAuthenticator sns{policy, fetch(), clock};
        EXPECT_EQ(sns.from_head(head_of(body)), HeadVerdict::need_body);
        return sns.from_body(head_of(body), body);
    }
};

TEST_F(SnsTest, accepts_both_versions_of_signatures_and_every_type_of_message) {
    for (const auto* name :
         {"notification 1", "notification 2", "without a subject", "subscription", "end of subscription"})
        EXPECT_EQ(judged(message(name)).verdict, BodyVerdict::accept) << name;
}

TEST_F(SnsTest, refuses_what_is_not_signed_by_the_certificate_of_its_topic) {
    for (const auto* name : {"by another key", "old", "of tomorrow", "of another topic",
                             "with a certificate from elsewhere", "version 3"}) {
        const auto decision = judged(message(name));
        EXPECT_EQ(decision.verdict, BodyVerdict::refuse) << name;
        EXPECT_FALSE(decision.reason.empty()) << name;
    }
    policy.versions = SnsVersions::two;
    EXPECT_EQ(judged(message("notification 1")).verdict, BodyVerdict::refuse);
    EXPECT_EQ(judged(message("notification 2")).verdict, BodyVerdict::accept);
}

TEST_F(SnsTest, refuses_a_message_of_which_anything_signed_was_changed) {
    const auto good = message("notification 2");
    for (const auto* member : {"Message", "MessageId", "Subject", "Timestamp"}) {
        auto body = nlohmann::json::parse(good);
        body[member] = member == std::string{"Timestamp"} ? "2027-01-29T15:04:06.678Z" : "changed";
        EXPECT_EQ(judged(body.dump()).verdict, BodyVerdict::refuse) << member;
        body.erase(member);
        EXPECT_EQ(judged(body.dump()).verdict, BodyVerdict::refuse) << "without " << member;
    }
    for (const std::string& body :
         {std::string{}, std::string{"[]"}, std::string{"{"}, std::string(1U << 20, '['), good + "x"}) {
        const SnsAuthenticator sns{policy, fetch(), clock};
        EXPECT_EQ(sns.from_body(head_of(good), body).verdict, BodyVerdict::refuse);
    }
}

TEST_F(SnsTest, fetches_nothing_for_a_message_that_can_not_be_genuine) {
    for (const auto* name :
         {"old", "of tomorrow", "of another topic", "with a certificate from elsewhere", "version 3"})
        (void)judged(message(name));
    EXPECT_TRUE(fetched.empty());
}

TEST_F(SnsTest, decides_from_the_head_what_it_can) {
    const SnsAuthenticator sns{policy, fetch(), clock};
    const auto with = [&](testing::Texts changes) {
        testing::Texts fields{{"x-amz-sns-message-type", "Notification"},
                              {"x-amz-sns-topic-arn", fixed("topic")}};
        for (auto& [name, value] : changes)
            fields[name] = value;
        return sns.from_head(head(fields));
    };
    EXPECT_EQ(with({}), HeadVerdict::need_body);
    EXPECT_EQ(with({{"x-amz-sns-message-type", "Other"}}), HeadVerdict::refuse);
    EXPECT_EQ(with({{"x-amz-sns-topic-arn", fixed("topic") + "2"}}), HeadVerdict::refuse);
    EXPECT_EQ(with({{"x-amz-sns-rawdelivery", "true"}}), HeadVerdict::refuse)
        << "raw messages are not signed";
    EXPECT_EQ(sns.from_head(head({})), HeadVerdict::refuse);
    const auto body = message("notification 2");
    EXPECT_EQ(sns.from_body(head({{"x-amz-sns-message-type", "SubscriptionConfirmation"},
                                  {"x-amz-sns-topic-arn", fixed("topic")}}),
                            body)
                  .verdict,
              BodyVerdict::refuse)
        << "the type of the head is that of the body";
}

TEST_F(SnsTest, wants_the_password_too_where_one_is_configured) {
    policy.tokens = {Secret{"word"}};
    const SnsAuthenticator sns{policy, fetch(), clock};
    testing::Texts fields{{"x-amz-sns-message-type", "Notification"},
                          {"x-amz-sns-topic-arn", fixed("topic")}};
    EXPECT_EQ(sns.from_head(head(fields)), HeadVerdict::refuse);
    fields["authorization"] = "Basic " + base64(as_bytes(std::string_view{"sns:word"}));
    EXPECT_EQ(sns.from_head(head(fields)), HeadVerdict::need_body);
}

TEST_F(SnsTest, is_undecided_where_the_certificate_can_not_be_had) {
    pages.clear();
    EXPECT_EQ(judged(message("notification 2")).verdict, BodyVerdict::undecided);
    pages[fixed("certificate_url")] = "<html>";
    EXPECT_EQ(judged(message("notification 2")).verdict, BodyVerdict::undecided);
    pages[fixed("certificate_url")] = fixed("small_certificate");
    EXPECT_EQ(judged(message("notification 2")).verdict, BodyVerdict::undecided);
}

TEST_F(SnsTest, refuses_a_certificate_that_is_not_valid_today) {
    clock.advance(24h * 365 * 20);
    auto body = nlohmann::json::parse(message("notification 2"));
    body["Timestamp"] = format_rfc3339(clock.now());
    EXPECT_EQ(judged(body.dump()).reason, "the certificate is not valid today");
}

TEST_F(SnsTest, fetches_a_certificate_once_a_day) {
    const SnsAuthenticator sns{policy, fetch(), clock};
    const auto body = message("notification 1");
    for (int i = 0; i < 10; ++i)
        EXPECT_EQ(sns.from_body(head_of(body), body).verdict, BodyVerdict::accept);
    EXPECT_EQ(fetched.size(), 1U);
}

TEST_F(SnsTest, lets_strangers_cause_few_fetches) {
    const SnsAuthenticator sns{policy, fetch(), clock};
    for (int i = 0; i < 1'000; ++i) {
        auto body = nlohmann::json::parse(message("notification 2"));
        body["SigningCertURL"] = "https://sns.eu-west-1.amazonaws.com/made-up-" + std::to_string(i) + ".pem";
        EXPECT_EQ(sns.from_body(head_of(body.dump()), body.dump()).verdict, BodyVerdict::undecided);
    }
    EXPECT_EQ(fetched.size(), FetchedKeys<signer::RsaPublicKey>::kMostFetches);
    clock.advance(61s);
    const auto genuine = message("notification 2");
    EXPECT_EQ(sns.from_body(head_of(genuine), genuine).verdict, BodyVerdict::accept);
}

TEST_F(SnsTest, confirms_a_subscription_at_sns_alone) {
    const auto read = [](const std::string& name) {
        return *parse(Dialect::sns, KeyEncoding::form, message(name))->subscription;
    };
    const SnsAuthenticator sns{policy, fetch(), clock};
    auto wanted = read("subscription");
    EXPECT_FALSE(sns.confirm(wanted)) << "the visit failed";
    pages[wanted.url] = "<ConfirmSubscriptionResponse/>";
    EXPECT_TRUE(sns.confirm(wanted));
    fetched.clear();
    EXPECT_FALSE(sns.confirm(read("subscription elsewhere")));
    for (const auto* url : {"https://sns.eu-west-1.amazonaws.com/?Action=Unsubscribe&TopicArn=",
                            "https://sns.eu-west-1.amazonaws.com/?TopicArn=",
                            "http://sns.eu-west-1.amazonaws.com/?Action=ConfirmSubscription&TopicArn="})
        EXPECT_FALSE(sns.confirm({wanted.topic, url + wanted.topic})) << url;
    EXPECT_FALSE(sns.confirm({wanted.topic,
                              "https://sns.eu-west-1.amazonaws.com/"
                              "?Action=ConfirmSubscription&TopicArn=arn:aws:sns:eu-west-1:1:x"}));
    EXPECT_FALSE(sns.confirm({wanted.topic + "2", wanted.url}));
    EXPECT_TRUE(fetched.empty());
}

TEST(SnsUrls, are_those_of_the_topics_own_region_at_aws) {
    const auto topic = fixed("topic");
    EXPECT_TRUE(is_sns_url("https://sns.eu-west-1.amazonaws.com/x.pem", topic, {}));
    EXPECT_TRUE(is_sns_url("https://SNS.eu-west-1.amazonaws.com/x.pem", topic, {}));
    EXPECT_TRUE(
        is_sns_url("https://sns.cn-north-1.amazonaws.com.cn/x.pem", "arn:aws-cn:sns:cn-north-1:1:t", {}));
    for (const auto* url :
         {"http://sns.eu-west-1.amazonaws.com/x.pem", "https://sns.us-east-1.amazonaws.com/x.pem",
          "https://sns.eu-west-1.amazonaws.com:443/x.pem", "https://a@sns.eu-west-1.amazonaws.com/x.pem",
          "https://sns.eu-west-1.amazonaws.com@example.com/x.pem",
          "https://sns.eu-west-1.amazonaws.com.example.com/x.pem",
          "https://sns.eu-west-1.amazonaws.com\\@example.com/x.pem",
          "https://sns.eu-west-1.amazonaws.com#@example.com/x.pem",
          "https://example.com/sns.eu-west-1.amazonaws.com/x.pem", "https://sns.eu-west-1.amazonaws.com",
          "https://s3.eu-west-1.amazonaws.com/bucket/x.pem", "https:///x.pem", "", "x.pem"})
        EXPECT_FALSE(is_sns_url(url, topic, {})) << url;
    EXPECT_FALSE(is_sns_url("https://sns..amazonaws.com/x.pem", "arn:aws:sns::1:t", {}));
    EXPECT_TRUE(is_sns_url("https://sns.inside:4566/x.pem", topic, {"sns.inside:4566"}));
    EXPECT_FALSE(is_sns_url("https://sns.eu-west-1.amazonaws.com/x.pem", topic, {"sns.inside:4566"}));
}

class OidcTest : public SignedTest {
  protected:
    OidcTest() { pages[policy.keys_url] = fixed("keys"); }

    OidcPolicy policy{.audience = "https://photos.example.com/v1/events/gcs",
                      .email = "push@shop.iam.gserviceaccount.com"};

    static SenderHead with(const std::string& token) { return head({{"authorization", "Bearer " + token}}); }
    static SenderHead with_token(const char* name) {
        return with(fixed().at("tokens").at(name).get<std::string>());
    }
};

TEST_F(OidcTest, needs_the_body_only_until_it_knows_the_key) {
    const OidcAuthenticator oidc{policy, fetch(), clock};
    EXPECT_EQ(oidc.from_head(with_token("right")), HeadVerdict::need_body);
    EXPECT_EQ(oidc.from_body(with_token("right"), "{}").verdict, BodyVerdict::accept);
    EXPECT_EQ(oidc.from_head(with_token("right")), HeadVerdict::accept);
    EXPECT_EQ(oidc.from_head(with_token("by another key")), HeadVerdict::refuse);
    EXPECT_EQ(fetched.size(), 1U);
}

TEST_F(OidcTest, refuses_from_the_head_what_is_for_others) {
    const OidcAuthenticator oidc{policy, fetch(), clock};
    for (const auto* name :
         {"of another audience", "of another account", "of an unverified account", "of another issuer",
          "expired", "of tomorrow", "without algorithm", "by a shared secret"}) {
        EXPECT_EQ(oidc.from_head(with_token(name)), HeadVerdict::refuse) << name;
        EXPECT_EQ(oidc.from_body(with_token(name), "{}").verdict, BodyVerdict::refuse) << name;
    }
    const auto right = fixed().at("tokens").at("right").get<std::string>();
    for (const std::string& token :
         {std::string{}, std::string{"."}, std::string{".."}, std::string{"a.b.c"},
          right.substr(0, right.rfind('.')), right + "=", "x" + right, std::string(100'000, 'a')})
        EXPECT_EQ(oidc.from_head(with(token)), HeadVerdict::refuse);
    EXPECT_EQ(oidc.from_head(head({})), HeadVerdict::refuse);
    EXPECT_EQ(oidc.from_head(head({{"authorization", right}})), HeadVerdict::refuse);
    EXPECT_TRUE(fetched.empty());
}

TEST_F(OidcTest, refuses_signatures_of_others_and_is_undecided_without_keys) {
    const OidcAuthenticator oidc{policy, fetch(), clock};
    EXPECT_EQ(oidc.from_body(with_token("by another key"), "{}").verdict, BodyVerdict::refuse);
    const std::string key_url = policy.keys_url;
    for (const auto* page : {"{}", R"({"keys":[]})",
                             R"({"keys":[{"kty":"RSA","kid":"key-1","n":"AQAB","e":"AQAB"}]})", "<html>"}) {
        pages[key_url] = page;
        const OidcAuthenticator other{policy, fetch(), clock};
        EXPECT_EQ(other.from_body(with_token("right"), "{}").verdict, BodyVerdict::undecided) << page;
    }
}

TEST_F(OidcTest, looks_for_a_new_key_at_most_once_a_minute) {
    const OidcAuthenticator oidc{policy, fetch(), clock};
    EXPECT_EQ(oidc.from_body(with_token("right"), "{}").verdict, BodyVerdict::accept);
    for (int i = 0; i < 100; ++i)
        EXPECT_EQ(oidc.from_body(with_token("of an unknown key"), "{}").verdict, BodyVerdict::refuse);
    EXPECT_EQ(fetched.size(), 1U);
    pages[policy.keys_url] = fixed("later_keys");
    clock.advance(61s);
    EXPECT_EQ(oidc.from_body(with_token("of an unknown key"), "{}").verdict, BodyVerdict::accept);
    EXPECT_EQ(fetched.size(), 2U);
}

}  // namespace
}  // namespace photogate::notifier::events
