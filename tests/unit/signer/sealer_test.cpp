#include "signer/sealer.hpp"

#include <set>

#include <gtest/gtest.h>

#include "base/base64url.hpp"

namespace photogate::signer {
namespace {

Sealer sealer(const std::vector<std::string>& secrets, std::string_view purpose = "test") {
    std::vector<Secret> all;
    for (const auto& secret : secrets)
        all.emplace_back(secret);
    return Sealer{all, purpose};
}

class SealerTest : public testing::Test {
  protected:
    SystemRandom random;
};

TEST_F(SealerTest, opens_what_it_sealed_in_the_same_context_alone) {
    const auto sealing = sealer({"first secret"});
    for (const auto& text : {std::string{}, std::string{"upl_0123\nu/2026/x"}, std::string(1'000, 'x')}) {
        const auto sealed = sealing.seal(text, "tok_1", random);
        EXPECT_EQ(sealing.open(sealed, "tok_1"), text);
        EXPECT_EQ(sealing.open(sealed, "tok_2"), std::nullopt);
        EXPECT_EQ(sealing.open(sealed, ""), std::nullopt);
    }
}

TEST_F(SealerTest, gives_the_text_away_neither_by_its_bytes_nor_by_repetition) {
    const auto sealing = sealer({"first secret"});
    std::set<std::string> seen;
    for (int i = 0; i < 100; ++i) {
        const auto sealed = sealing.seal("upl_visible", "tok_1", random);
        EXPECT_TRUE(seen.insert(sealed).second);
        EXPECT_EQ(as_text(*from_base64url(sealed)).find("visible"), std::string_view::npos);
    }
}

TEST_F(SealerTest, opens_nothing_that_was_changed_cut_or_made_up) {
    const auto sealing = sealer({"first secret"});
    const auto sealed = sealing.seal("upl_0123456789", "tok_1", random);
    const auto bytes = *from_base64url(sealed);
    for (std::size_t at = 0; at < bytes.size(); ++at) {
        for (int bit = 0; bit < 8; ++bit) {
            auto other = bytes;
            other[at] = static_cast<std::uint8_t>(other[at] ^ (1U << bit));
            EXPECT_EQ(sealing.open(base64url(other), "tok_1"), std::nullopt) << at << " " << bit;
        }
        const Bytes cut(bytes.begin(), bytes.begin() + static_cast<std::ptrdiff_t>(at));
        EXPECT_EQ(sealing.open(base64url(cut), "tok_1"), std::nullopt);
    }
    for (const auto& text :
         {std::string{}, std::string{"not base64!"}, std::string{"AAAA"}, std::string(5'000, 'A')})
        EXPECT_EQ(sealing.open(text, "tok_1"), std::nullopt);
    EXPECT_EQ(sealing.open(sealed + "A", "tok_1"), std::nullopt);
}

TEST_F(SealerTest, former_secrets_open_and_the_first_seals) {
    const auto before = sealer({"old"}), during = sealer({"new", "old"}), after = sealer({"new"});
    const auto old = before.seal("text", "tok_1", random);
    const auto fresh = during.seal("text", "tok_1", random);
    EXPECT_EQ(during.open(old, "tok_1"), "text");
    EXPECT_EQ(after.open(fresh, "tok_1"), "text");
    EXPECT_EQ(after.open(old, "tok_1"), std::nullopt);
    EXPECT_EQ(before.open(fresh, "tok_1"), std::nullopt);
}

TEST_F(SealerTest, what_is_sealed_for_one_purpose_opens_for_no_other) {
    const auto one = sealer({"secret"}, "one"), two = sealer({"secret"}, "two");
    EXPECT_EQ(two.open(one.seal("text", "tok_1", random), "tok_1"), std::nullopt);
}

}  // namespace
}  // namespace photogate::signer
