#include "pipeline/uploads/client_tokens.hpp"

#include <gtest/gtest.h>

namespace photogate::pipeline::uploads {
namespace {

class ClientTokens : public ::testing::Test {
  protected:
    ClientTokens() {
        app.name = AppName::trusted("shop");
        add_profile("photos");
    }
    void add_profile(const char* name) {
        model::Profile profile;
        profile.name = ProfileName::trusted(name);
        app.profiles.emplace(profile.name, profile);
    }
    Result<model::ClientToken> make(TokenRequest request = {}) {
        return make_token(app, std::move(request), now, random);
    }
    std::vector<std::string> pointers_of(TokenRequest request) {
        const auto made = make(std::move(request));
        std::vector<std::string> pointers;
        if (made) return pointers;
        for (const auto& field : made.error().fields)
            pointers.push_back(field.pointer);
        return pointers;
    }

    const Timestamp now = *parse_rfc3339("2026-11-20T12:34:56.789Z");
    SeededRandom random{1};
    model::App app;
};

TEST_F(ClientTokens, has_defaults_for_everything) {
    const auto token = make().value();
    EXPECT_EQ(token.id.substr(0, 4), "tok_");
    EXPECT_EQ(token.app, app.name);
    EXPECT_EQ(token.profile.str(), "photos");
    EXPECT_EQ(token.max_uploads, 20U);
    EXPECT_EQ(token.max_bytes, std::nullopt);
    EXPECT_EQ(format_rfc3339(token.expires_at), "2026-11-20T13:34:56.000Z");
    EXPECT_NE(make().value().id, token.id);
}

TEST_F(ClientTokens, is_made_where_uploads_must_name_their_region) {
    EXPECT_TRUE(make()) << "a token's uploads may name it";
}

TEST_F(ClientTokens, refuses_unknown_or_unnamed_profile) {
    EXPECT_EQ(make({.profile = "nowhere"}).error().code, ErrorCode::unknown_profile);
    add_profile("others");
    EXPECT_FALSE(make());
    EXPECT_EQ(make({.profile = "others"})->profile.str(), "others");
}

TEST_F(ClientTokens, refuses_every_limit_that_is_out_of_range) {
    EXPECT_TRUE(make({.max_uploads = kMostTokenUploads, .life = kLongestTokenLife}));
    EXPECT_EQ(pointers_of({.max_uploads = 0, .max_bytes = 0, .life = std::chrono::seconds{0}}),
              (std::vector<std::string>{"/max_uploads", "/max_bytes", "/expires_in"}));
    EXPECT_FALSE(make({.max_uploads = kMostTokenUploads + 1}));
    EXPECT_EQ(make({.life = kLongestTokenLife + std::chrono::seconds{1}}).error().code,
              ErrorCode::invalid_expiry);
}

TEST_F(ClientTokens, refuses_metadata_that_its_uploads_would_be_refused_for) {
    EXPECT_EQ(make({.metadata = {{"a name", "x"}}}).error().code, ErrorCode::invalid_metadata);
    EXPECT_TRUE(make({.metadata = {{"a", std::string(kMostTokenMetadata - 1, 'x')}}}));
    EXPECT_EQ(make({.metadata = {{"a", std::string(kMostTokenMetadata, 'x')}}}).error().code,
              ErrorCode::invalid_metadata);
}

TEST_F(ClientTokens, reports_unreadable_fields_with_the_others_and_each_once) {
    const std::vector<FieldError> unreadable = {{"/profile", ErrorCode::unknown_profile, "it is a number"}};
    EXPECT_EQ(make({.unreadable = unreadable}).error().code, ErrorCode::unknown_profile);
    EXPECT_EQ(pointers_of({.profile = "nowhere", .max_uploads = 0, .unreadable = unreadable}),
              (std::vector<std::string>{"/profile", "/max_uploads"}));
}

}  // namespace
}  // namespace photogate::pipeline::uploads
