#include "gateway/access/upload_seal.hpp"

#include <gtest/gtest.h>

namespace photogate::gateway::access {
namespace {

const SealedUpload kUpload{UploadId::trusted("upl_0123456789abcdef01234567"),
                           ObjectKey::trusted("u/2026/11/30/upl_0123456789abcdef01234567")};

class UploadSealsTest : public testing::Test {
  protected:
    static std::vector<Secret> secrets(const std::vector<std::string>& texts) {
        std::vector<Secret> all;
        for (const auto& text : texts)
            all.emplace_back(text);
        return all;
    }
    SystemRandom random;
};

TEST_F(UploadSealsTest, opens_for_the_token_that_it_was_sealed_for_alone) {
    const UploadSeals seals{secrets({"one"}), random};
    const auto sealed = seals.seal(kUpload, "tok_1");
    const auto opened = seals.open(sealed, "tok_1");
    ASSERT_TRUE(opened);
    EXPECT_EQ(opened->id, kUpload.id);
    EXPECT_EQ(opened->key, kUpload.key);
    EXPECT_EQ(seals.open(sealed, "tok_2").error().code, ErrorCode::upload_not_found);
    EXPECT_EQ(seals.open(kUpload.id.str(), "tok_1").error().code, ErrorCode::upload_not_found);
    EXPECT_EQ(sealed.find_first_not_of("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"),
              std::string::npos)
        << "it stands in paths";
}

TEST_F(UploadSealsTest, a_former_secret_opens_until_it_is_gone) {
    UploadSeals seals{secrets({"one"}), random};
    const auto sealed = seals.seal(kUpload, "tok_1");
    seals.replace(secrets({"two", "one"}));
    EXPECT_TRUE(seals.open(sealed, "tok_1"));
    seals.replace(secrets({"two"}));
    EXPECT_FALSE(seals.open(sealed, "tok_1"));
}

}  // namespace
}  // namespace photogate::gateway::access
