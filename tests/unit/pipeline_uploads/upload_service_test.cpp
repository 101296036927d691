// What each use case does where it is permitted.
#include "fixture.hpp"

namespace photogate::pipeline::uploads::test {
namespace {

using model::UploadState;

TEST_F(UploadServiceTest, plans_without_touching_records_or_store) {
    const auto planned = service.plan(app(), request());
    ASSERT_TRUE(planned) << planned.error().detail;
    EXPECT_EQ(planned->granted.upload.app.str(), "shop");
    EXPECT_EQ(planned->granted.grant.method, "PUT");
    EXPECT_NE(planned->granted.grant.url.find("https://store.example/incoming/u/"), std::string::npos);
    EXPECT_EQ(records.calls("create"), 0U);
    EXPECT_EQ(store->calls("head"), 0U);
}

TEST_F(UploadServiceTest, stores_what_was_planned) {
    const auto upload = created(app());
    EXPECT_EQ(upload.state, UploadState::created);
    EXPECT_EQ(upload.declared_size, 24U);
    EXPECT_EQ(upload.client_token, std::nullopt);
    EXPECT_EQ(service.find(app(), upload.id)->id, upload.id);
}

TEST_F(UploadServiceTest, bearers_upload_has_the_tokens_profile_and_metadata) {
    const auto upload = created(bearer());
    EXPECT_EQ(upload.client_token, "tok_a");
    EXPECT_EQ(upload.profile.str(), "photos");
    EXPECT_EQ(upload.metadata, (model::TextMap{{"order", "A-1"}}));
}

TEST_F(UploadServiceTest, repeated_request_is_answered_as_the_first_one_was) {
    auto wanted = request();
    wanted.idempotency_key = "once";
    wanted.request_sha256 = std::string(64, 'a');
    auto planned = service.plan(app(), wanted).value();
    const auto first = planned.granted;
    EXPECT_EQ(store_planned(std::move(planned))->replayed, std::nullopt);
    records.change(first.upload.id, [](model::Upload& stored) {
        stored.state = UploadState::published;
        stored.image.emplace();
        stored.client_metadata = {{"a", "b"}};
    });
    clock.advance(std::chrono::seconds{30});
    const auto again = store_planned(service.plan(app(), wanted).value());
    ASSERT_TRUE(again && again->replayed);
    EXPECT_EQ(again->replayed->upload.id, first.upload.id);
    EXPECT_EQ(again->replayed->upload.state, UploadState::created);
    EXPECT_FALSE(again->replayed->upload.image);
    EXPECT_TRUE(again->replayed->upload.client_metadata.empty());
    EXPECT_EQ(again->replayed->grant.url, first.grant.url) << "signed as of its creation";
}

TEST_F(UploadServiceTest,
       repeated_request_gets_a_fresh_url_where_the_first_has_ended_and_the_file_is_awaited) {
    auto wanted = request();
    wanted.idempotency_key = "once";
    wanted.request_sha256 = std::string(64, 'a');
    auto planned = service.plan(app(), wanted).value();
    const auto first = planned.granted;
    ASSERT_TRUE(store_planned(std::move(planned)));
    clock.advance(std::chrono::seconds{901});
    const auto again = store_planned(service.plan(app(), wanted).value());
    ASSERT_TRUE(again && again->replayed);
    EXPECT_EQ(again->replayed->upload.id, first.upload.id);
    EXPECT_EQ(again->replayed->upload.key, first.upload.key);
    EXPECT_GT(again->replayed->grant.expires_at, clock.now());
    EXPECT_EQ(again->replayed->grant.expires_at, records.find(std::nullopt, first.upload.id)->expires_at);
}

TEST_F(UploadServiceTest,
       repeated_request_is_answered_where_its_app_has_moved_the_end_beyond_what_a_url_may_last) {
    auto wanted = request();
    wanted.idempotency_key = "once";
    wanted.request_sha256 = std::string(64, 'a');
    auto planned = service.plan(app(), wanted).value();
    const auto id = planned.granted.upload.id;
    const auto end = planned.granted.upload.created_at + std::chrono::hours{24 * 7 + 1};
    ASSERT_TRUE(store_planned(std::move(planned)));
    records.change(id, [&](model::Upload& stored) { stored.expires_at = end; });
    const auto again = store_planned(service.plan(app(), wanted).value());
    ASSERT_TRUE(again) << again.error().detail;
    EXPECT_EQ(again->replayed->upload.id, id);
}

TEST_F(UploadServiceTest, idempotency_keys_of_two_tokens_and_their_app_are_three) {
    std::vector<UploadId> ids;
    for (const auto& caller : {app(), bearer("tok_a"), bearer("tok_b")}) {
        auto wanted = request();
        wanted.idempotency_key = "once";
        wanted.request_sha256 = std::string(64, 'a');
        auto planned = service.plan(caller, wanted).value();
        ids.push_back(planned.granted.upload.id);
        EXPECT_EQ(store_planned(std::move(planned))->replayed, std::nullopt);
    }
    EXPECT_EQ(std::set<UploadId>(ids.begin(), ids.end()).size(), 3U);
}

TEST_F(UploadServiceTest, signs_again_for_the_profiles_default_or_the_wanted_time) {
    const auto upload = created(app());
    clock.advance(std::chrono::seconds{100});
    const auto now = std::chrono::floor<std::chrono::seconds>(clock.now());
    const auto usual = service.sign_again(app(), upload.id, std::nullopt);
    ASSERT_TRUE(usual) << usual.error().detail;
    EXPECT_EQ(usual->upload.expires_at, now + std::chrono::seconds{900});
    EXPECT_EQ(usual->upload.key, upload.key);
    EXPECT_EQ(service.sign_again(app(), upload.id, 3'600)->upload.expires_at,
              now + std::chrono::seconds{3'600});
    EXPECT_TRUE(service.sign_again(the_operator(), upload.id, 1));
}

// ---- a grant ends with its token

class EndOfToken : public UploadServiceTest {
  protected:
    const Timestamp end = *parse_rfc3339("2026-11-20T12:36:00Z");
    Caller holder() const { return bearer("tok_a", 10, end); }
};

TEST_F(EndOfToken, a_bearers_url_ends_at_the_end_of_its_token) {
    auto wanted = request();
    wanted.grant.expires_in = 3'600;
    const auto planned = service.plan(holder(), wanted).value();
    EXPECT_EQ(planned.granted.upload.expires_at, end);
    EXPECT_EQ(planned.granted.grant.expires_at, end);
    EXPECT_NE(planned.granted.grant.url.find("X-Amz-Expires=64"), std::string::npos)
        << planned.granted.grant.url;
    auto short_lived = request();
    short_lived.grant.expires_in = 10;
    EXPECT_EQ(service.plan(holder(), short_lived)->granted.upload.expires_at,
              std::chrono::floor<std::chrono::seconds>(clock.now()) + std::chrono::seconds{10});
    auto form = request();
    form.grant.method = "post";
    EXPECT_EQ(service.plan(holder(), form)->granted.grant.expires_at, end);
}

TEST_F(EndOfToken, signing_again_does_not_outlive_the_token) {
    const auto upload = created(holder());
    clock.advance(std::chrono::seconds{30});
    EXPECT_EQ(service.sign_again(holder(), upload.id, 3'600)->grant.expires_at, end);
    EXPECT_GT(service.sign_again(app(), upload.id, 3'600)->grant.expires_at, end) << "its app may";
    EXPECT_EQ(service.sign_again(holder(), upload.id, 3'600)->grant.expires_at, end)
        << "though the row's end is later by now";
}

TEST_F(EndOfToken, a_repeated_request_is_not_answered_with_a_longer_url) {
    auto wanted = request();
    wanted.idempotency_key = "k";
    wanted.request_sha256 = std::string(64, 'a');
    auto first = service.plan(holder(), wanted).value();
    const auto id = first.granted.upload.id;
    ASSERT_TRUE(store_planned(std::move(first)));
    ASSERT_TRUE(service.sign_again(app(), id, 3'600));
    const auto again = store_planned(service.plan(holder(), wanted).value());
    EXPECT_EQ(again->replayed->upload.id, id);
    EXPECT_EQ(again->replayed->grant.expires_at, end);
}

TEST_F(EndOfToken, a_token_that_expires_while_its_request_arrives_gets_nothing) {
    const auto upload = created(holder());
    clock.advance(end - clock.now());
    EXPECT_EQ(code_of(service.plan(holder(), request())), ErrorCode::token_expired);
    EXPECT_EQ(code_of(service.sign_again(holder(), upload.id, std::nullopt)), ErrorCode::token_expired);
}

TEST_F(EndOfToken, a_shorter_url_does_not_move_the_end_that_an_earlier_one_has) {
    const auto upload = created(app());
    EXPECT_LT(service.sign_again(app(), upload.id, 1)->grant.expires_at, upload.expires_at);
    EXPECT_EQ(records.find(std::nullopt, upload.id)->expires_at, upload.expires_at);
}

TEST_F(UploadServiceTest, signing_an_expired_upload_again_opens_it) {
    const auto upload = changed(app(), UploadState::expired);
    EXPECT_EQ(service.sign_again(app(), upload.id, std::nullopt)->upload.state, UploadState::created);
}

TEST_F(UploadServiceTest, completes_what_is_in_the_store) {
    for (const auto& caller : {app(), bearer()}) {
        const auto upload = created(caller);
        store->write(upload.bucket, upload.key, std::string(24, 'x'));
        EXPECT_EQ(service.complete(caller, upload.id)->state, UploadState::uploaded);
    }
}

TEST_F(UploadServiceTest, cancels_what_is_not_processed_yet) {
    for (const auto& caller : {app(), the_operator(), bearer()}) {
        const auto upload = created(caller.app ? caller : app());
        EXPECT_EQ(service.cancel_or_erase(caller, upload.id)->state, UploadState::cancelled);
    }
}

TEST_F(UploadServiceTest, app_and_operator_erase_what_is_published) {
    for (const auto& caller : {app(), the_operator()}) {
        const auto upload = changed(app(), UploadState::published);
        EXPECT_EQ(service.cancel_or_erase(caller, upload.id)->state, UploadState::deleted);
    }
}

TEST_F(UploadServiceTest, bearer_takes_back_what_was_rejected) {
    const auto upload = changed(bearer(), UploadState::rejected);
    EXPECT_EQ(service.cancel_or_erase(bearer(), upload.id)->state, UploadState::deleted);
}

TEST_F(UploadServiceTest, retries_what_failed) {
    const auto upload = changed(app(), UploadState::failed);
    EXPECT_EQ(service.retry(app(), upload.id)->state, UploadState::uploaded);
}

TEST_F(UploadServiceTest, operator_sees_uploads_of_every_app) {
    const auto upload = created(app("other"));
    EXPECT_TRUE(service.find(the_operator(), upload.id));
    EXPECT_TRUE(service.timeline(the_operator(), upload.id));
}

}  // namespace
}  // namespace photogate::pipeline::uploads::test
