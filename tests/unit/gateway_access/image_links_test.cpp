// Signed links: what is signed, what is refused, whose key it is.
#include "gateway/access/image_links.hpp"

#include <gtest/gtest.h>

namespace photogate::gateway::access {
namespace {

using Scope = ImageLink::Scope;
using std::chrono::seconds;

const Timestamp kExpires{seconds{1'795'689'600}};
const Timestamp kNow = kExpires - seconds{60};
const AppName kShop = AppName::trusted("shop"), kOther = AppName::trusted("other");
constexpr std::string_view kImage = "7h2k4m6n8p0q1r3s5t7v9w0x2y";
constexpr std::string_view kVersion = "width=800&format=webp";
constexpr std::string_view kSignature = "M4kYx026-VlYgTbDhlCcT7-BPATxaG5CyblDyMBsEg855UaN";

signer::LinkSigner with(const char* secret) {
    return signer::LinkSigner{{Secret{secret}}};
}

const LinkKeys& keys() {
    static const LinkKeys both = [] {
        std::map<AppName, signer::LinkSigner> signers;
        signers.emplace(kShop, with("an app's secret of 32 characters"));
        signers.emplace(kOther, with("another app's secret, 32 or more"));
        return LinkKeys{std::move(signers)};
    }();
    return both;
}

ImageLink example(Scope scope = Scope::version) {
    return {scope, PublicId::trusted(std::string{kImage}), std::string{kVersion}, kExpires};
}

ErrorCode refusal(const PresentedLink& link, std::string_view image = kImage,
                  std::string_view version = kVersion, Timestamp now = kNow) {
    const auto verified = verify_link(keys(), link, image, version, now);
    return verified ? ErrorCode::internal : verified.error().code;
}

TEST(ImageLink, is_what_an_app_makes_of_the_documented_lines) {
    EXPECT_EQ(sign_link(*keys().of(kShop), example()),
              "expires=1795689600&sig=M4kYx026-VlYgTbDhlCcT7-BPATxaG5CyblDyMBsEg855UaN");
    EXPECT_EQ(sign_link(*keys().of(kShop), example(Scope::image)),
              "expires=1795689600&scope=image&sig=M4kYx4bQcsGub7P7ltPUzDdMObW89Y7q8c-TqVJf3bhGb5d5");
    auto plain = example();
    plain.version.clear();
    EXPECT_EQ(sign_link(*keys().of(kShop), plain),
              "expires=1795689600&sig=M4kYx9BRItLD2LjuGZWOWdINXIcpoiaC-RAGzguRT4XWCUtr");
}

TEST(ImageLink, names_the_app_whose_key_signed) {
    const auto link = verify_link(keys(), {"1795689600", std::nullopt, kSignature}, kImage, kVersion, kNow);
    ASSERT_TRUE(link) << link.error().detail;
    EXPECT_EQ(link->app, kShop);
    EXPECT_EQ(link->scope, Scope::version);
    EXPECT_EQ(link->expires_at, kExpires);
    EXPECT_TRUE(verify_link(keys(), {"1795689600", "version", kSignature}, kImage, kVersion, kNow));
    const auto others = sign_link(*keys().of(kOther), example());
    const auto signature = others.substr(others.find("sig=") + 4);
    EXPECT_EQ(verify_link(keys(), {"1795689600", std::nullopt, signature}, kImage, kVersion, kNow)->app,
              kOther);
}

TEST(ImageLink, is_verified_by_every_key_of_every_app_of_which_two_may_be_the_same) {
    std::map<AppName, signer::LinkSigner> signers;
    const Secret former{"the former secret of 32 characters"}, shared{"a secret that two apps were given"};
    signers.emplace(kShop, signer::LinkSigner{{shared, former}});
    signers.emplace(kOther, signer::LinkSigner{{shared}});
    const LinkKeys all{std::move(signers)};
    for (const auto& secret : {shared, former}) {
        const auto link = sign_link(signer::LinkSigner{{secret}}, example());
        const auto verified = verify_link(
            all, {"1795689600", std::nullopt, link.substr(link.find("sig=") + 4)}, kImage, kVersion, kNow);
        ASSERT_TRUE(verified);
        EXPECT_EQ(verified->app, kOther < kShop && secret.reveal() == shared.reveal() ? kOther : kShop);
    }
}

TEST(ImageLink, of_scope_image_is_for_every_version_of_that_image_alone) {
    const PresentedLink link{"1795689600", "image", "M4kYx4bQcsGub7P7ltPUzDdMObW89Y7q8c-TqVJf3bhGb5d5"};
    for (const char* version : {"", "width=800", "width=2560&format=auto"})
        EXPECT_TRUE(verify_link(keys(), link, kImage, version, kNow)) << version;
    EXPECT_EQ(refusal(link, "7h2k4m6n8p0q1r3s5t7v9w0x2z"), ErrorCode::signature_invalid);
}

TEST(ImageLink, is_for_nothing_but_what_was_signed) {
    const PresentedLink good{"1795689600", std::nullopt, kSignature};
    EXPECT_EQ(refusal(good, kImage, "width=801&format=webp"), ErrorCode::signature_invalid);
    EXPECT_EQ(refusal(good, kImage, ""), ErrorCode::signature_invalid);
    EXPECT_EQ(refusal(good, kImage, "width=800&format=webp\n"), ErrorCode::signature_invalid);
    EXPECT_EQ(refusal(good, "7h2k4m6n8p0q1r3s5t7v9w0x2z"), ErrorCode::signature_invalid);
    EXPECT_EQ(refusal(good, ""), ErrorCode::signature_invalid);
    EXPECT_EQ(refusal({"1795689601", std::nullopt, kSignature}), ErrorCode::signature_invalid);
    EXPECT_EQ(refusal({"1795689600", "image", kSignature}), ErrorCode::signature_invalid);
    // A signature for the image says nothing of a version that is called so.
    EXPECT_EQ(
        refusal({"1795689600", std::nullopt, "M4kYx4bQcsGub7P7ltPUzDdMObW89Y7q8c-TqVJf3bhGb5d5"}, kImage, ""),
        ErrorCode::signature_invalid);
}

TEST(ImageLink, that_is_incomplete_or_malformed_has_one_answer) {
    const PresentedLink rows[] = {{std::nullopt, std::nullopt, kSignature},
                                  {"1795689600", std::nullopt, std::nullopt},
                                  {std::nullopt, "image", std::nullopt},
                                  {"", std::nullopt, kSignature},
                                  {"01795689600", std::nullopt, kSignature},
                                  {"+1795689600", std::nullopt, kSignature},
                                  {"1795689600.0", std::nullopt, kSignature},
                                  {"-1", std::nullopt, kSignature},
                                  {"99999999999999999999", std::nullopt, kSignature},
                                  {"9999999999999", std::nullopt, kSignature},
                                  {"1795689600", "", kSignature},
                                  {"1795689600", "Version", kSignature},
                                  {"1795689600", std::nullopt, ""}};
    const auto detail = signature_invalid().value().detail;
    for (const auto& row : rows) {
        const auto verified = verify_link(keys(), row, kImage, kVersion, kNow);
        ASSERT_FALSE(verified);
        EXPECT_EQ(verified.error().code, ErrorCode::signature_invalid);
        EXPECT_EQ(verified.error().detail, detail);
    }
}

TEST(ImageLink, ends_at_its_second_and_only_a_genuine_one_is_called_expired) {
    const PresentedLink good{"1795689600", std::nullopt, kSignature};
    EXPECT_TRUE(verify_link(keys(), good, kImage, kVersion, kExpires - seconds{1}));
    EXPECT_EQ(refusal(good, kImage, kVersion, kExpires), ErrorCode::link_expired);
    EXPECT_EQ(refusal(good, kImage, "", kExpires), ErrorCode::signature_invalid);
}

TEST(LinkSecrets, are_derived_for_each_app_from_each_root) {
    const std::vector<Secret> roots = {Secret{"one"}, Secret{"two"}};
    const auto shop = derive_link_secrets(roots, kShop), other = derive_link_secrets(roots, kOther);
    ASSERT_EQ(shop.size(), 2U);
    EXPECT_NE(shop[0].reveal(), shop[1].reveal());
    EXPECT_NE(shop[0].reveal(), other[0].reveal());
    EXPECT_EQ(shop[0].reveal().size(), 64U);
    // As before: what gateways have agreed on stays.
    EXPECT_EQ(derive_link_secrets({Secret{"one"}}, kShop)[0].reveal(), shop[0].reveal());
}

}  // namespace
}  // namespace photogate::gateway::access
