// Keys that look like paths, escapes and each other.
#include "store.hpp"

namespace photogate::gateway::s3::test {
namespace {

class Keys : public Store {};

TEST_F(Keys, keeps_keys_distinct_and_inside_the_store) {
    const std::vector<std::string> keys{"..",
                                        "../../etc/passwd",
                                        "a//b",
                                        "/lead",
                                        "tail/",
                                        "./a",
                                        "a/../b",
                                        "%2e%2e",
                                        "a\\..\\b",
                                        "A",
                                        "a",
                                        "a/b",
                                        "caf\xc3\xa9",
                                        "cafe\xcc\x81",
                                        "CON",
                                        "a:b",
                                        "a\tb",
                                        "\xF0\x9F\x98\x80",
                                        "index.sqlite",
                                        "keys",
                                        "a?b#c&d=e",
                                        "+ +",
                                        std::string(1'024, 'k')};
    for (const std::string& key : keys)
        EXPECT_EQ(ask("worker", {.method = "PUT", .key = key, .body = "<" + key + ">"}).status, 200) << key;
    for (const std::string& key : keys)
        EXPECT_EQ(ask("worker", {.key = key}).body, "<" + key + ">") << key;
    EXPECT_EQ(element(ask("worker", {.query = {{"list-type", "2"}, {"encoding-type", "url"}}}), "KeyCount"),
              std::to_string(keys.size()));
    for (const auto& entry : std::filesystem::recursive_directory_iterator(folder.path())) {
        const std::string name = entry.path().filename().string();
        EXPECT_EQ(name.find("passwd"), std::string::npos);
        EXPECT_EQ(name.find("CON"), std::string::npos);
    }
}

TEST_F(Keys, rejects_invalid_key_with_named_error) {
    EXPECT_EQ(code_of(send(request("PUT", "/incoming/" + std::string(1'025, 'k'), {}, "x"))),
              "KeyTooLongError");
    EXPECT_EQ(code_of(send(request("PUT", "/incoming/a%00b", {}, "x"))), "InvalidURI");
    EXPECT_EQ(code_of(send(request("PUT", "/incoming/%ff", {}, "x"))), "InvalidURI");
    EXPECT_EQ(code_of(send(request("PUT", "/Incoming/a", {}, "x"))), "InvalidBucketName");
    EXPECT_EQ(code_of(send(request("PUT", "/../a", {}, "x"))), "InvalidBucketName");
    EXPECT_EQ(code_of(ask("admin", {.method = "PUT", .key = "a", .body = "x", .bucket = "missing"})),
              "NoSuchBucket");
}

}  // namespace
}  // namespace photogate::gateway::s3::test
