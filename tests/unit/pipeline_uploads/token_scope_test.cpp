#include "pipeline/uploads/token_scope.hpp"

#include <gtest/gtest.h>

#include "pipeline/uploads/caller.hpp"

namespace photogate::pipeline::uploads {
namespace {

model::ClientToken example() {
    model::ClientToken token;
    token.id = "tok_06f3y0000000000000000000aa";
    token.app = AppName::trusted("shop");
    token.profile = ProfileName::trusted("photos");
    token.max_uploads = 3;
    token.max_bytes = 1'000'000;
    token.metadata = {{"order_id", "A-1001 \"ü\""}};
    return token;
}

TEST(TokenScope, applies_its_profile_and_metadata_to_the_request) {
    GrantRequest request;
    request.size = 5;
    EXPECT_TRUE(hold_to_token(example(), request).empty());
    EXPECT_EQ(request.profile, "photos");
    EXPECT_EQ(request.metadata, example().metadata);
}

TEST(TokenScope, names_every_field_that_the_bearer_may_not_set) {
    GrantRequest request;
    request.profile = "others";
    request.metadata = {{"order_id", "mine"}};
    request.callback_url = "https://elsewhere.example/";
    const auto mistakes = hold_to_token(example(), request);
    ASSERT_EQ(mistakes.size(), 4U);
    EXPECT_EQ(mistakes[0].pointer, "/profile");
    EXPECT_EQ(mistakes[1].pointer, "/metadata");
    EXPECT_EQ(mistakes[2].pointer, "/callback_url");
    EXPECT_EQ(mistakes[3].pointer, "/size");
    EXPECT_FALSE(request.callback_url);
    EXPECT_EQ(request.profile, "photos");
}

TEST(TokenScope, matches_only_uploads_made_with_it) {
    const Caller bearer{AppName::trusted("shop"), std::make_shared<const model::ClientToken>(example())};
    model::Upload upload;
    EXPECT_FALSE(bearer.may_see(upload));
    upload.client_token = "tok_06f3y0000000000000000000bb";
    EXPECT_FALSE(bearer.may_see(upload));
    EXPECT_TRUE((Caller{bearer.app, nullptr}).may_see(upload));
    upload.client_token = example().id;
    EXPECT_TRUE(bearer.may_see(upload));
}

}  // namespace
}  // namespace photogate::pipeline::uploads
