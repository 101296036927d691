// Every refusal, and that it changes nothing.
#include "fixture.hpp"

namespace photogate::pipeline::uploads::test {
namespace {

using model::UploadState;

TEST_F(UploadServiceTest, operator_and_unknown_app_make_no_uploads) {
    EXPECT_EQ(code_of(service.plan(the_operator(), request())), ErrorCode::forbidden);
    EXPECT_EQ(code_of(service.plan(app("nobody"), request())), ErrorCode::forbidden);
}

TEST_F(UploadServiceTest, reports_unreadable_and_unacceptable_fields_together) {
    auto wanted = request();
    wanted.grant.size = 1'001;
    wanted.grant.content_type.reset();
    wanted.unreadable = {{"/content_type", ErrorCode::content_type_not_allowed, "it is a number"}};
    const auto refused = service.plan(app(), wanted);
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, ErrorCode::invalid_fields);
    ASSERT_EQ(refused.error().fields.size(), 2U);
    EXPECT_EQ(refused.error().fields[0].pointer, "/content_type");
    EXPECT_EQ(refused.error().fields[1].pointer, "/size");
}

TEST_F(UploadServiceTest, reports_a_field_once_where_reading_and_planning_both_miss_it) {
    auto wanted = request();
    wanted.grant.profile = "nowhere";
    wanted.unreadable = {{"/profile", ErrorCode::unknown_profile, "it is too long"}};
    const auto refused = service.plan(app(), wanted);
    EXPECT_EQ(code_of(refused), ErrorCode::unknown_profile);
    EXPECT_EQ(refused.error().detail, "it is too long");
}

TEST_F(UploadServiceTest, unreadable_field_alone_refuses) {
    auto wanted = request();
    wanted.unreadable = {{"/checksum", ErrorCode::invalid_checksum, "it is no object"}};
    EXPECT_EQ(code_of(service.plan(app(), wanted)), ErrorCode::invalid_checksum);
}

TEST_F(UploadServiceTest, bearer_may_not_choose_profile_metadata_or_callback) {
    auto wanted = request();
    wanted.grant.profile = "another";
    wanted.grant.metadata = {{"order", "mine"}};
    wanted.grant.callback_url = "https://elsewhere.example/";
    const auto refused = service.plan(bearer(), wanted);
    EXPECT_EQ(code_of(refused), ErrorCode::invalid_fields);
    EXPECT_EQ(refused.error().fields.size(), 3U);
}

TEST_F(UploadServiceTest, spent_token_makes_no_more_uploads) {
    created(bearer("tok_once", 1));
    auto planned = service.plan(bearer("tok_once", 1), request()).value();
    EXPECT_EQ(code_of(store_planned(std::move(planned))), ErrorCode::token_exhausted);
}

TEST_F(UploadServiceTest, idempotency_key_of_another_request_is_refused) {
    auto wanted = request();
    wanted.idempotency_key = "once";
    wanted.request_sha256 = std::string(64, 'a');
    ASSERT_TRUE(store_planned(service.plan(app(), wanted).value()));
    wanted.request_sha256 = std::string(64, 'b');
    EXPECT_EQ(code_of(store_planned(service.plan(app(), wanted).value())), ErrorCode::idempotency_key_reused);
}

TEST_F(UploadServiceTest, error_of_the_records_is_the_answer) {
    records.before = [](std::string_view) {
        return std::optional{Error{ErrorCode::database_unavailable, "", {}, std::nullopt}};
    };
    EXPECT_EQ(code_of(store_planned(service.plan(app(), request()).value())),
              ErrorCode::database_unavailable);
    const auto id = make_upload_id(clock.now(), random);
    EXPECT_EQ(code_of(service.find(app(), id)), ErrorCode::database_unavailable);
    EXPECT_EQ(code_of(service.sign_again(app(), id, std::nullopt)), ErrorCode::database_unavailable);
    EXPECT_EQ(code_of(service.complete(app(), id)), ErrorCode::database_unavailable);
    EXPECT_EQ(code_of(service.cancel_or_erase(bearer(), id)), ErrorCode::database_unavailable);
    EXPECT_EQ(code_of(service.timeline(bearer(), id)), ErrorCode::database_unavailable);
}

TEST_F(UploadServiceTest, what_the_caller_may_not_see_does_not_exist) {
    const auto of_app = created(app());
    const auto of_token = created(bearer("tok_b"));
    const UploadId nowhere = make_upload_id(clock.now(), random);
    struct Attempt {
        Caller caller;
        UploadId id;
    };
    for (const auto& [caller, id] :
         {Attempt{app("other"), of_app.id}, Attempt{bearer("tok_a"), of_app.id},
          Attempt{bearer("tok_a"), of_token.id}, Attempt{app(), nowhere}, Attempt{the_operator(), nowhere}}) {
        EXPECT_EQ(code_of(service.find(caller, id)), ErrorCode::upload_not_found);
        EXPECT_EQ(code_of(service.sign_again(caller, id, std::nullopt)), ErrorCode::upload_not_found);
        EXPECT_EQ(code_of(service.complete(caller, id)), ErrorCode::upload_not_found);
        EXPECT_EQ(code_of(service.cancel_or_erase(caller, id)), ErrorCode::upload_not_found);
        EXPECT_EQ(code_of(service.timeline(caller, id)), ErrorCode::upload_not_found);
    }
    EXPECT_EQ(code_of(service.retry(app("other"), of_app.id)), ErrorCode::upload_not_found);
    EXPECT_EQ(records.find(std::nullopt, of_app.id)->state, UploadState::created);
    EXPECT_EQ(records.find(std::nullopt, of_token.id)->state, UploadState::created);
    EXPECT_EQ(store->calls("head"), 0U);
}

TEST_F(UploadServiceTest, grant_lives_no_longer_than_the_profile_permits) {
    const auto upload = created(app());
    for (const std::int64_t seconds : {3'601, 0, -1})
        EXPECT_EQ(code_of(service.sign_again(app(), upload.id, seconds)), ErrorCode::invalid_expiry)
            << seconds;
    EXPECT_EQ(records.find(std::nullopt, upload.id)->expires_at, upload.expires_at);
    EXPECT_EQ(records.calls("extend_grant"), 0U);
}

TEST_F(UploadServiceTest, received_upload_gets_no_further_url) {
    const auto upload = changed(app(), UploadState::uploaded);
    EXPECT_EQ(code_of(service.sign_again(app(), upload.id, std::nullopt)), ErrorCode::state_conflict);
}

TEST_F(UploadServiceTest, upload_without_configuration_is_unavailable_and_says_what_is_gone) {
    const auto upload = created(app());
    records.change(upload.id, [](model::Upload& stored) { stored.region = "gone"; });
    auto refused = service.sign_again(app(), upload.id, std::nullopt);
    EXPECT_EQ(code_of(refused), ErrorCode::unavailable);
    EXPECT_NE(refused.error().detail.find("region"), std::string::npos);
    records.change(upload.id, [](model::Upload& stored) {
        stored.region = "default";
        stored.profile = ProfileName::trusted("gone");
    });
    refused = service.sign_again(app(), upload.id, std::nullopt);
    EXPECT_EQ(code_of(refused), ErrorCode::unavailable);
    EXPECT_NE(refused.error().detail.find("profile"), std::string::npos);
    records.change(upload.id, [](model::Upload& stored) { stored.app = AppName::trusted("gone"); });
    refused = service.sign_again(the_operator(), upload.id, std::nullopt);
    EXPECT_EQ(code_of(refused), ErrorCode::unavailable);
    EXPECT_NE(refused.error().detail.find("app"), std::string::npos);
    EXPECT_EQ(records.calls("extend_grant"), 0U);
}

TEST_F(UploadServiceTest, completing_without_object_is_object_not_found) {
    const auto upload = created(app());
    EXPECT_EQ(code_of(service.complete(app(), upload.id)), ErrorCode::object_not_found);
    store->before = [](const photogate::test::FakeStore::Call&) {
        return std::optional{Error{ErrorCode::store_unavailable, "", {}, std::nullopt}};
    };
    EXPECT_EQ(code_of(service.complete(app(), upload.id)), ErrorCode::store_unavailable);
}

TEST_F(UploadServiceTest, upload_in_processing_is_neither_cancelled_nor_erased) {
    const auto upload = changed(app(), UploadState::processing);
    EXPECT_EQ(code_of(service.cancel_or_erase(app(), upload.id)), ErrorCode::state_conflict);
    EXPECT_EQ(records.find(std::nullopt, upload.id)->state, UploadState::processing);
}

TEST_F(UploadServiceTest, bearer_does_not_erase_what_is_published) {
    const auto upload = changed(bearer(), UploadState::published);
    EXPECT_EQ(code_of(service.cancel_or_erase(bearer(), upload.id)), ErrorCode::forbidden);
    EXPECT_EQ(records.find(std::nullopt, upload.id)->state, UploadState::published);
}

/// The publication comes between the bearer's look and the records' answer.
TEST_F(UploadServiceTest, bearer_does_not_erase_what_is_published_meanwhile) {
    const auto upload = changed(bearer(), UploadState::rejected);
    records.before = [&](std::string_view call) -> std::optional<Error> {
        if (call == "cancel_or_delete") {
            records.change(upload.id, [](model::Upload& stored) {
                stored.state = UploadState::published;
                stored.image.emplace();
            });
        }
        return std::nullopt;
    };
    EXPECT_EQ(code_of(service.cancel_or_erase(bearer(), upload.id)), ErrorCode::forbidden);
    EXPECT_EQ(records.find(std::nullopt, upload.id)->state, UploadState::published);
}

TEST_F(UploadServiceTest, only_what_was_rejected_or_failed_is_retried_and_not_by_a_bearer) {
    for (const auto state : {UploadState::created, UploadState::uploaded, UploadState::published}) {
        const auto upload = changed(app(), state);
        EXPECT_EQ(code_of(service.retry(app(), upload.id)), ErrorCode::state_conflict);
    }
    const auto failed = changed(bearer(), UploadState::failed);
    EXPECT_EQ(code_of(service.retry(bearer(), failed.id)), ErrorCode::forbidden);
    EXPECT_EQ(records.find(std::nullopt, failed.id)->state, UploadState::failed);
}

}  // namespace
}  // namespace photogate::pipeline::uploads::test
