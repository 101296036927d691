#include "signer/webhook_signature.hpp"

#include <algorithm>
#include <fstream>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "signer/message_rules.hpp"

namespace photogate::signer {
namespace {

using nlohmann::json;
using std::chrono::seconds;

constexpr const char* kSecret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";

WebhookSecret secret(const std::string& text) {
    return WebhookSecret::parse(Secret{text}).value();
}
Timestamp at(std::int64_t unix) {
    return Timestamp{seconds{unix}};
}

/// Recorded from the reference library; see the file's head.
json recorded(std::string_view kind) {
    std::ifstream file{PHOTOGATE_SOURCE_DIR "/tests/data/standard-webhooks.json"};
    const auto all = json::parse(file);
    auto vectors = json::array();
    for (const auto& vector : all.at("vectors")) {
        if (vector.at("kind").get<std::string>() == kind) vectors.push_back(vector);
    }
    return vectors;
}

TEST(WebhookSignature, matches_reference_library) {
    const auto vectors = recorded("sign");
    ASSERT_EQ(vectors.size(), 12U);
    for (const auto& vector : vectors) {
        // Some recorded secrets stand without their prefix, or as hex: their key is what counts.
        const auto key = *from_hex(vector.at("key_hex").get<std::string>());
        const WebhookSecret secrets[] = {secret("whsec_" + base64(key))};
        const auto id = vector.at("webhook-id").get<std::string>();
        const auto timestamp = vector.at("webhook-timestamp").get<std::string>();
        const auto body = vector.at("body").get<std::string>();
        EXPECT_EQ(sign_webhook(id, at(std::stoll(timestamp)), body, secrets),
                  vector.at("webhook-signature").get<std::string>())
            << vector.at("name");
    }
}

TEST(WebhookSignature, is_judged_like_reference_library) {
    const auto vectors = recorded("verify");
    ASSERT_GE(vectors.size(), 17U);
    for (const auto& vector : vectors) {
        const auto header = [&](std::string_view name) -> std::string {
            for (const auto& [sent, value] : vector.at("headers").items()) {
                if (equals_ignoring_case(sent, name)) return value.get<std::string>();
            }
            return {};
        };
        const WebhookSecret secrets[] = {secret(vector.at("secret").get<std::string>())};
        EXPECT_EQ(verify_webhook(header("webhook-id"), header("webhook-timestamp"),
                                 header("webhook-signature"), vector.at("body").get<std::string>(), secrets,
                                 at(vector.at("now").get<std::int64_t>())),
                  vector.at("expect").get<std::string>() == "accept")
            << vector.at("name");
    }
}

TEST(WebhookSignature, verifies_with_either_secret_during_rotation) {
    const auto older = secret(kSecret), newer = secret("whsec_" + base64(Bytes(32, 7)));
    const WebhookSecret both[] = {newer, older};
    const auto signature = sign_webhook("msg_1", at(1700000000), "{}", both);
    EXPECT_EQ(std::count(signature.begin(), signature.end(), ' '), 1);
    for (const auto& one : both) {
        EXPECT_TRUE(verify_webhook("msg_1", "1700000000", signature, "{}", {&one, 1}, at(1700000000)));
    }
    const auto other = secret("whsec_" + base64(Bytes(32, 8)));
    EXPECT_FALSE(verify_webhook("msg_1", "1700000000", signature, "{}", {&other, 1}, at(1700000000)));
    EXPECT_FALSE(verify_webhook("msg_1", "1700000000", signature, "{}", {}, at(1700000000)));
}

TEST(WebhookSignature, takes_timestamp_in_whole_seconds_of_the_attempt) {
    const WebhookSecret secrets[] = {secret(kSecret)};
    EXPECT_EQ(sign_webhook("msg_1", at(1700000000) + std::chrono::milliseconds{999}, "{}", secrets),
              sign_webhook("msg_1", at(1700000000), "{}", secrets));
    const auto signature = sign_webhook("msg_1", at(1700000000), "{}", secrets);
    for (const char* text : {" 1700000000", "1700000000 ", "+1700000000", "-1700000000", "1700000000.0",
                             "1.7e9", "", "99999999999999999999", "9223372036854775807"}) {
        EXPECT_FALSE(verify_webhook("msg_1", text, signature, "{}", secrets, at(1700000000))) << text;
    }
}

TEST(WebhookSignature, rejects_any_changed_character) {
    const WebhookSecret secrets[] = {secret(kSecret)};
    const auto signature = sign_webhook("msg_1", at(1700000000), "{}", secrets);
    for (std::size_t i = 0; i < signature.size(); ++i) {
        auto changed = signature;
        changed[i] = changed[i] == 'x' ? 'y' : 'x';
        EXPECT_FALSE(verify_webhook("msg_1", "1700000000", changed, "{}", secrets, at(1700000000))) << i;
    }
}

TEST(WebhookSecret, is_prefix_and_24_to_64_bytes_of_base64) {
    EXPECT_EQ(secret("whsec_" + base64(Bytes(24, 1))).key().size(), 24U);
    EXPECT_EQ(secret("whsec_" + base64(Bytes(64, 1))).key().size(), 64U);
    for (const auto& text :
         {std::string{}, std::string{"whsec_"}, "whsec_" + base64(Bytes(23, 1)),
          "whsec_" + base64(Bytes(65, 1)), base64(Bytes(32, 1)), "whsk_" + base64(Bytes(32, 1)),
          "whsec_" + base64(Bytes(32, 1)).substr(0, 43), "whsec_" + base64(Bytes(32, 1)) + "\n",
          std::string{"whsec_not base64 at all, but long enough...."}}) {
        const auto parsed = WebhookSecret::parse(Secret{text});
        ASSERT_FALSE(parsed) << text;
        EXPECT_EQ(parsed.error().code, ErrorCode::invalid_configuration);
        EXPECT_TRUE(text.size() < 12 || parsed.error().detail.find(text.substr(6)) == std::string::npos)
            << "it must not be shown";
    }
}

}  // namespace
}  // namespace photogate::signer
