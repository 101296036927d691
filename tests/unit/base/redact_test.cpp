#include <gtest/gtest.h>

#include "base/log.hpp"

namespace photogate::log {
namespace {

TEST(Redact, removes_signature_and_credential_from_presigned_url) {
    EXPECT_EQ(redact("PUT http://127.0.0.1:9000/incoming/u/a%20b.jpg?X-Amz-Algorithm=AWS4-HMAC-SHA256"
                     "&X-Amz-Credential=AKIAIOSFODNN7EXAMPLE%2F20261120%2Feu-central-1%2Fs3%2Faws4_request&X-"
                     "Amz-Date=20261120T123456Z"
                     "&X-Amz-Expires=900&X-Amz-SignedHeaders=host&X-Amz-Security-Token=IQoJ%2F%2B%3D%3D"
                     "&X-Amz-Signature=aeeed9bbccd4d02ee5c0109b86d86835f995330da4c265957d157751f604d404 403"),
              "PUT http://127.0.0.1:9000/incoming/u/a%20b.jpg?X-Amz-Algorithm=AWS4-HMAC-SHA256"
              "&X-Amz-Credential=***&X-Amz-Date=20261120T123456Z"
              "&X-Amz-Expires=900&X-Amz-SignedHeaders=host&X-Amz-Security-Token=***&X-Amz-Signature=*** 403");
    EXPECT_EQ(redact("?x-amz-signature=abc"), "?x-amz-signature=***");
    EXPECT_EQ(redact("/login?next=http%3A%2F%2Fh%2Fk%3FX-Amz-Signature%3Dabcdef&y=1").find("abcdef"),
              std::string::npos);
    EXPECT_EQ(redact(R"({"x-amz-signature": "abc", "x-amz-security-token":"def"})"),
              R"({"x-amz-signature": "***", "x-amz-security-token":"***"})");
}

TEST(Redact, removes_authorization_header) {
    EXPECT_EQ(redact("Authorization: Bearer abc.def-ghi"), "Authorization: ***");
    EXPECT_EQ(redact("authorization: Basic dXNlcjpwYXNz\nHost: h"), "authorization: ***\nHost: h");
    EXPECT_EQ(redact("Authorization: Token abc456"), "Authorization: ***");
    EXPECT_EQ(redact("Authorization: AWS4-HMAC-SHA256 Credential=AKIA/x, SignedHeaders=host, Signature=00ff"),
              "Authorization: ***");
    EXPECT_EQ(redact("sent bearer abc123 to h"), "sent bearer *** to h");
    EXPECT_EQ(redact("Credential=AKIA/2026, Signature=00ff"), "Credential=***, Signature=***");
}

TEST(Redact, removes_own_keys_tokens_and_secrets) {
    EXPECT_EQ(redact("pg_shop_3nD8sKq0Zt4yLwPcV6bH1x"), "pg_shop_***");
    EXPECT_EQ(redact("(pg_my-app-2_3nD8sKq0Zt4yLwPcV6bH1x)"), "(pg_my-app-2_***)");
    EXPECT_EQ(redact("/u/pgt_eyJhcHAiOiJzaG9wIn0.c2lnbmF0dXJl/v1/uploads"), "/u/pgt_***/v1/uploads");
    EXPECT_EQ(redact("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"), "whsec_***");
    EXPECT_EQ(redact("v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE= "
                     "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="),
              "v1,*** v1,***");
    EXPECT_EQ(redact("/i/abc.jpg?width=300&sig=abcDEF0123&x=1"), "/i/abc.jpg?width=300&sig=***&x=1");
}

TEST(Redact, removes_database_passwords_in_every_form) {
    EXPECT_EQ(redact("postgresql://photogate:hunter2@db:5432/photogate"),
              "postgresql://photogate:***@db:5432/photogate");
    EXPECT_EQ(redact("postgres://u:p@ss/w:rd?@h/db failed"), "postgres://u:***@h/db failed");
    EXPECT_EQ(redact("host=h password=hunter2 dbname=x"), "host=h password=*** dbname=x");
    EXPECT_EQ(redact("host=h password = hunter2"), "host=h password = ***");
    EXPECT_EQ(redact("password='hunter 2\\'s' user=u"), "password='***' user=u");
    EXPECT_EQ(redact("password='never closed"), "password='***");
    EXPECT_EQ(redact("https://user:secret-word@h/p?x=1"), "https://user:***@h/p?x=1");
    EXPECT_EQ(redact("two http://a:b@h and http://c:d@h"), "two http://a:***@h and http://c:***@h");
}

TEST(Redact, keeps_text_without_secrets) {
    for (const char* text : {"",
                             "pg_stat_activity",
                             "pg_terminate_backend",
                             "pg_stat_progress_create_index",
                             "pg_notification_queue_usage",
                             "pg_ctl",
                             "mypg_app_0123456789abcdefghijkl",
                             "HTTP/1.1,v1,v2",
                             "api v1, done",
                             "http://127.0.0.1:9000/a@b",
                             "http://h:80/p?at=a@b:c",
                             "upl_06f3k2m9x0a1b2c3d4e5f6g7h8",
                             "design=new",
                             "X-Amz-Signature",
                             "whsec_",
                             "pgt_",
                             "the signature is wrong",
                             "the signature: wrong",
                             "SignedHeaders=host",
                             "etag=9bb58f26192e4ba00f01e2e7b136bbd8"}) {
        EXPECT_EQ(redact(text), text);
    }
}

TEST(Redact, is_idempotent) {
    const auto once = redact(
        "X-Amz-Signature=abc&sig=def Bearer ghi postgres://u:p@h password=x whsec_MfKQ9r8GKYqrTwjUPD8I");
    EXPECT_EQ(once, "X-Amz-Signature=***&sig=*** Bearer *** postgres://u:***@h password=*** whsec_***");
    EXPECT_EQ(redact(once), once);
}

TEST(Redact, masks_client_token_however_its_prefix_is_encoded) {
    const std::string token = "eyJhcHAiOiJzaG9wIn0.c2lnbmF0dXJl";
    for (const std::string prefix : {"pgt_", "%70gt_", "%70%67%74%5F", "p%67t%5f", "%50gt_", "PGT_"}) {
        EXPECT_EQ(redact("/u/" + prefix + token + "/v1/uploads"), "/u/" + prefix + "***/v1/uploads");
        EXPECT_EQ(redact("/u/" + prefix + "%65" + token + "/v1/uploads"), "/u/" + prefix + "***/v1/uploads");
    }
    for (const std::string separator : {"%2F", "%2f", "%26t%3D"})
        EXPECT_EQ(redact("/u" + separator + "pgt_" + token), "/u" + separator + "pgt_***");
    EXPECT_EQ(redact("/u/%70gt"), "/u/%70gt");
    EXPECT_EQ(redact("100%"), "100%");
}

}  // namespace
}  // namespace photogate::log
