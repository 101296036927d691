// Signatures of links: the vectors of another implementation, every changed character, rotation.
#include "signer/link_signature.hpp"

#include <gtest/gtest.h>

namespace photogate::signer {
namespace {

constexpr std::string_view kAlphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

LinkSigner with(std::initializer_list<const char*> texts) {
    std::vector<Secret> secrets;
    for (const auto* text : texts)
        secrets.emplace_back(std::string{text});
    return LinkSigner{secrets};
}

const LinkSigner& ours() {
    static const auto signer = with({"an app's secret of 32 characters"});
    return signer;
}

TEST(LinkSignature, is_what_pythons_hmac_makes_of_it) {
    EXPECT_EQ(ours().sign("text"), "M4kYxzm8r58m3cIDjwhxVwHf1Wiwly73y1KoItD7ziZ1y4Ax");
    EXPECT_EQ(ours().sign(""), "M4kYx7637X42hqLz1Niluw1nEaxJnf0zKz2jikY6oVeYwjWY");
    EXPECT_TRUE(ours().verify("text", ours().sign("text")));
    EXPECT_FALSE(ours().verify("text", ours().sign("")));
}

TEST(LinkSignature, rejects_every_other_character_at_every_place) {
    const auto signature = ours().sign("text");
    ASSERT_EQ(signature.size(), LinkSigner::kLength);
    for (std::size_t at = 0; at < signature.size(); ++at) {
        for (const char other : kAlphabet) {
            if (signature[at] == other) continue;
            auto tampered = signature;
            tampered[at] = other;
            EXPECT_FALSE(ours().verify("text", tampered)) << tampered;
        }
    }
}

TEST(LinkSignature, rejects_another_length_and_alphabet) {
    const auto signature = ours().sign("text");
    for (std::size_t size = 0; size < signature.size(); ++size)
        EXPECT_FALSE(ours().verify("text", signature.substr(0, size))) << size;
    EXPECT_FALSE(ours().verify("text", signature + "A"));
    EXPECT_FALSE(ours().verify("text", signature + "="));
    for (const char other : {'=', '+', '/', '%', ' ', '\0', '.', '\xC3'}) {
        auto tampered = signature;
        tampered.back() = other;
        EXPECT_FALSE(ours().verify("text", tampered)) << other;
    }
}

TEST(LinkSignature, says_which_of_the_keys_it_is_of) {
    const auto both = with({"an app's secret of 32 characters", "the second secret, which is long enough"});
    ASSERT_EQ(both.key_ids().size(), 2U);
    EXPECT_EQ(LinkSigner::key_of(ours().sign("text")), both.key_ids().front());
    EXPECT_NE(both.key_ids()[0], both.key_ids()[1]);
    for (const auto* none : {"", "M4kY", "M4kYxzm8r58m3cIDjwhxVwHf1Wiwly73y1KoItD7ziZ1y4A="})
        EXPECT_FALSE(LinkSigner::key_of(none)) << none;
}

TEST(LinkSignature, of_an_old_key_is_good_until_the_key_is_removed) {
    const char* old_key = "the first secret, which was long enough";
    const char* new_key = "the second secret, which is long enough";
    const auto before = with({old_key}), during = with({new_key, old_key}), after = with({new_key});
    const auto old_signature = before.sign("text");
    EXPECT_TRUE(during.verify("text", old_signature));
    EXPECT_FALSE(after.verify("text", old_signature));
    EXPECT_EQ(during.sign("text"), after.sign("text"));
    EXPECT_FALSE(before.verify("text", during.sign("text")));
}

TEST(LinkSignature, is_not_good_with_another_keys_id) {
    const auto other = with({"quite another secret of an app, long enough"});
    const auto both =
        with({"an app's secret of 32 characters", "quite another secret of an app, long enough"});
    // 4 bytes are 5 characters and a third; the sixth belongs to both parts.
    auto mixed = other.sign("text");
    mixed.replace(0, 5, ours().sign("text").substr(0, 5));
    EXPECT_FALSE(both.verify("text", mixed));
    EXPECT_TRUE(both.verify("text", other.sign("text")));
}

}  // namespace
}  // namespace photogate::signer
