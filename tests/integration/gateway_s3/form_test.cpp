// A browser's form with a signed policy.
#include "base/ascii.hpp"
#include "store.hpp"

namespace photogate::gateway::s3::test {
namespace {

using signer::PolicyCondition;

class Forms : public Store {
  protected:
    std::vector<HeaderField> granted(const std::string& key = "u/f/${filename}",
                                     std::vector<HeaderField> fields = {},
                                     const std::string& who = "signer") const {
        signer::PostPolicyRequest policy;
        policy.address = address({.key = key});
        policy.conditions = {{PolicyCondition::Kind::content_length_range, "", "", 3, 1'000'000}};
        policy.fields = std::move(fields);
        policy.at = clock.now();
        return signer_of(who).sign_post_policy(policy).value().fields;
    }
    static std::string part(const std::string& name, const std::string& value) {
        return "--b0\r\nContent-Disposition: form-data; name=\"" + name + "\"\r\n\r\n" + value + "\r\n";
    }
    static std::string file_part(const std::string& content) {
        return "--b0\r\nContent-Disposition: form-data; name=\"file\"; filename=\"C:\\x\\a "
               "b.jpg\"\r\nContent-Type: "
               "image/jpeg\r\n\r\n" +
               content + "\r\n";
    }
    static std::string form(const std::vector<HeaderField>& fields, const std::string& file) {
        std::string body;
        for (const auto& [name, value] : fields)
            body += part(name, value);
        return body + file_part(file) + "--b0--\r\n";
    }
    Answer post(const std::string& body) const {
        return send(
            request("POST", "/incoming", {{"Content-Type", "multipart/form-data; boundary=b0"}}, body));
    }
};

TEST_F(Forms, accepts_presigned_form_and_notifies_the_gateway) {
    const std::string file = std::string(600'000, 'f') + "\r\n--b\r\n";
    const Answer made = post(form(granted(), file));
    EXPECT_EQ(made.status, 204) << made.body;
    EXPECT_NE(made.header("ETag"), "");
    EXPECT_NE(made.header("Location").find("/incoming/u/f/a%20b.jpg"), std::string::npos);
    EXPECT_TRUE(ask("worker", {.key = "u/f/a b.jpg"}).body == file);
    EXPECT_EQ(events(), std::vector<std::string>{"s3:ObjectCreated:Post u/f/a b.jpg"});
}

TEST_F(Forms, answers_as_the_policy_says) {
    const Answer made =
        post(form(granted("u/1", {{"success_action_status", "201"}, {"Content-Type", "image/png"}}), "abc"));
    EXPECT_EQ(made.status, 201);
    EXPECT_EQ(element(made, "Key"), "u/1");
    EXPECT_EQ(ask("worker", {.key = "u/1"}).header("Content-Type"), "image/png");
    const Answer sent_on =
        post(form(granted("u/2", {{"success_action_redirect", "https://app.example/done?a=1"}}), "abc"));
    EXPECT_EQ(sent_on.status, 303);
    EXPECT_TRUE(sent_on.header("Location")
                    .starts_with("https://app.example/done?a=1&bucket=incoming&key=u%2F2&etag="));
}

TEST_F(Forms, stores_nothing_that_the_policy_forbids) {
    EXPECT_EQ(code_of(post(form(granted(), "ab"))), "EntityTooSmall");
    EXPECT_EQ(code_of(post(form(granted(), std::string(1'000'001, 'x')))), "EntityTooLarge");
    auto fields = granted();
    fields.push_back({"x-amz-meta-a", "1"});
    EXPECT_EQ(code_of(post(form(fields, "abc"))), "AccessDenied");
    fields = granted("u/3");
    for (auto& [name, value] : fields) {
        if (name == "key") value = "u/4";
    }
    EXPECT_EQ(code_of(post(form(fields, "abc"))), "AccessDenied");
    EXPECT_EQ(code_of(post(form(granted("elsewhere/3"), "abc"))), "AccessDenied");
    fields = granted("u/3");
    for (auto& [name, value] : fields) {
        if (ascii::equals_ignoring_case(name, "x-amz-signature"))
            value.front() = value.front() == '0' ? '1' : '0';
    }
    EXPECT_EQ(code_of(post(form(fields, "abc"))), "SignatureDoesNotMatch");
    EXPECT_EQ(element(ask("worker", {.query = {{"list-type", "2"}}}), "KeyCount"), "0");
    EXPECT_TRUE(events().empty());
}

TEST_F(Forms, rejects_form_with_file_before_fields_with_clear_message) {
    std::string body = file_part("abc");
    for (const auto& [name, value] : granted("u/3"))
        body += part(name, value);
    const Answer answer = post(body + "--b0--\r\n");
    EXPECT_EQ(code_of(answer), "InvalidArgument");
    EXPECT_NE(answer.body.find("the file comes last"), std::string::npos);
}

TEST_F(Forms, rejects_fields_above_64_kib_before_the_file_however_they_arrive) {
    auto fields = granted();
    fields.push_back({"x-ignore-long", std::string(60'000, 'x')});
    EXPECT_EQ(post(form(fields, "abc")).status, 204);
    fields.push_back({"x-ignore-more", std::string(6'000, 'x')});
    EXPECT_EQ(code_of(post(form(fields, "abc"))), "MaxMessageLengthExceeded");
    const std::string long_head =
        "--b0\r\nContent-Disposition: form-data" + std::string(70'000, ';') + "\r\n\r\nx\r\n";
    EXPECT_EQ(code_of(post(long_head + form(granted(), "abc"))), "MaxMessageLengthExceeded");
}

TEST_F(Forms, rejects_malformed_form) {
    EXPECT_EQ(code_of(post("nonsense")), "MalformedPOSTRequest");
    EXPECT_EQ(code_of(post(part("key", "u/3") + "--b0--\r\n")), "MalformedPOSTRequest");
    EXPECT_EQ(code_of(post(form({{"key", "u/3"}}, "abc"))), "AccessDenied");
    const std::string whole = form(granted("u/3"), "abcdef");
    EXPECT_EQ(code_of(post(whole.substr(0, whole.size() - 12))), "MalformedPOSTRequest");
    EXPECT_EQ(code_of(send(request("POST", "/incoming", {{"Content-Type", "text/plain"}}, "x"))),
              "MalformedPOSTRequest");
    EXPECT_EQ(code_of(ask("worker", {.key = "u/3"})), "NoSuchKey");
}

}  // namespace
}  // namespace photogate::gateway::s3::test
