#include "fixture.hpp"

namespace photogate::pipeline::test {
namespace {

using model::CallbackType;
using model::JobKind;
using model::UploadState;

class HandlersTest : public PipelineTest {
  protected:
    /// Fails the first `times` calls of this name.
    void fail_store(std::string_view name, ErrorCode code, int times = 1) {
        store->before = [name, code, left = times](
                            const photogate::test::FakeStore::Call& call) mutable -> std::optional<Error> {
            if (call.name != name || left-- <= 0) return std::nullopt;
            return Error{code, "a fault of this test", {}, std::nullopt};
        };
    }
    void expect_rejected(const UploadId& id, std::string_view code) {
        const auto upload = now(id);
        EXPECT_EQ(upload.state, UploadState::rejected);
        ASSERT_TRUE(upload.rejection);
        EXPECT_EQ(upload.rejection->code, code);
        EXPECT_EQ(store->size(published), 0U);
        EXPECT_EQ(job_of(id), JobKind::dispose_original);
        EXPECT_EQ(records.jobs_of(id).at(0).detail, "quarantine");
        EXPECT_EQ(finished, std::vector{UploadState::rejected});
    }
    void expect_put_off(const UploadId& id, std::uint32_t attempts_spent) {
        EXPECT_EQ(state_of(id), UploadState::uploaded);
        const auto jobs = records.jobs_of(id);
        ASSERT_EQ(jobs.size(), 1U);
        EXPECT_EQ(jobs[0].kind, JobKind::process);
        EXPECT_TRUE(jobs[0].lease_token.empty());
        EXPECT_EQ(jobs[0].attempt, attempts_spent);
        EXPECT_GT(jobs[0].run_at, clock.now());
        EXPECT_TRUE(finished.empty());
    }
};

TEST_F(HandlersTest, publishes_what_the_decoder_made_under_a_name_of_its_bytes) {
    const auto id = received().id;
    run_one();
    const auto upload = now(id);
    ASSERT_EQ(upload.state, UploadState::published);
    ASSERT_TRUE(upload.image);
    EXPECT_EQ(upload.image->key, image_key(upload));
    EXPECT_EQ(store->bytes_of(published, upload.image->key), kClean);
    EXPECT_EQ(upload.image->sha256, hex_lower(signer::sha256(kClean)));
    EXPECT_EQ(upload.image->size, kClean.size());
    EXPECT_EQ(upload.image->width, 20U);
    EXPECT_EQ(upload.facts->sha256, hex_lower(signer::sha256(kOriginal)));
    EXPECT_EQ(upload.facts->size, kOriginal.size());
    EXPECT_EQ(upload.facts->width, 40U);
    EXPECT_EQ(records.callbacks_of(id),
              (std::vector{CallbackType::upload_received, CallbackType::upload_published}));
    EXPECT_EQ(finished, std::vector{UploadState::published});
    EXPECT_TRUE(store->has(incoming, upload.key)) << "removed by a job of its own, after the commit";
}

TEST_F(HandlersTest, records_where_the_image_is_and_its_crc32) {
    const auto id = received().id;
    run_one();
    const auto publication = records.published_as(id);
    ASSERT_TRUE(publication);
    EXPECT_EQ(publication->bucket, published);
    EXPECT_EQ(publication->crc32, 0xA0D3060EU);
}

TEST_F(HandlersTest, hands_the_decoder_the_profiles_limits_and_the_declared_type_where_it_is_enforced) {
    auto& profile = apps.begin()->second.profiles.begin()->second;
    profile.limits.max_pixels = 123;
    profile.declared_type = model::Profile::DeclaredType::enforced;
    received([](model::Upload& upload) { upload.declared_type = "image/png"; });
    std::optional<imaging::Task> seen;
    process_image = [&](const imaging::Task& task) {
        seen = task;
        return imaging::Outcome{clean_picture()};
    };
    run_one();
    ASSERT_TRUE(seen);
    EXPECT_EQ(seen->limits.max_pixels, 123U);
    EXPECT_EQ(seen->declared_type, "image/png");
    EXPECT_EQ(seen->size, kOriginal.size());
}

TEST_F(HandlersTest, lets_the_bytes_decide_where_the_declared_type_is_advisory) {
    received([](model::Upload& upload) { upload.declared_type = "image/png"; });
    std::optional<imaging::Task> seen;
    process_image = [&](const imaging::Task& task) {
        seen = task;
        return imaging::Outcome{clean_picture()};
    };
    run_one();
    ASSERT_TRUE(seen);
    EXPECT_EQ(seen->declared_type, std::nullopt);
}

TEST_F(HandlersTest, rejects_what_the_decoder_rejects) {
    const auto id = received().id;
    process_image = [](const imaging::Task&) {
        return imaging::Outcome{imaging::Rejection{imaging::RejectionCode::corrupt, "broken"}};
    };
    run_one();
    expect_rejected(id, "corrupt");
    EXPECT_EQ(now(id).facts->sha256, hex_lower(signer::sha256(kOriginal)));
}

TEST_F(HandlersTest, rejects_a_file_that_the_event_says_is_too_large_without_a_download) {
    const auto id = received({}, std::string(10'001, 'x')).id;
    run_one();
    expect_rejected(id, "too_large");
    EXPECT_EQ(store->calls("get"), 0U);
}

TEST_F(HandlersTest, rejects_a_file_of_unknown_size_that_turns_out_too_large) {
    const auto id = received({}, std::string(10'001, 'x')).id;
    records.change(id, [](model::Upload& upload) { upload.pinned->size.reset(); });
    run_one();
    expect_rejected(id, "too_large");
    EXPECT_EQ(store->calls("get"), 1U);
}

TEST_F(HandlersTest, accepts_a_file_of_exactly_the_largest_size) {
    const auto id = received({}, std::string(10'000, 'x')).id;
    run_one();
    EXPECT_EQ(state_of(id), UploadState::published);
}

TEST_F(HandlersTest, rejects_another_size_than_declared) {
    const auto id = received([](model::Upload& upload) { upload.declared_size = 5; }).id;
    run_one();
    expect_rejected(id, "size_mismatch");
}

TEST_F(HandlersTest, rejects_another_checksum_than_declared) {
    const auto id =
        received([](model::Upload& upload) { upload.declared_sha256 = base64(signer::sha256("other")); }).id;
    run_one();
    expect_rejected(id, "checksum_mismatch");
}

TEST_F(HandlersTest, accepts_the_declared_checksum_and_size) {
    const auto id = received([](model::Upload& upload) {
                        upload.declared_sha256 = base64(signer::sha256(kOriginal));
                        upload.declared_size = kOriginal.size();
                    }).id;
    run_one();
    EXPECT_EQ(state_of(id), UploadState::published);
}

TEST_F(HandlersTest, takes_the_stores_word_where_the_event_told_a_wrong_size) {
    const auto id = received().id;
    records.change(id, [](model::Upload& upload) { upload.pinned->size = 7; });
    run_one();
    EXPECT_EQ(state_of(id), UploadState::published);
    EXPECT_EQ(now(id).facts->size, kOriginal.size());
}

TEST_F(HandlersTest, spends_an_attempt_where_an_answer_has_another_size_than_the_store_says) {
    const auto id = received().id;
    store->announced_size = 7;
    run_one();
    expect_put_off(id, 1);
}

TEST_F(HandlersTest, an_absent_store_costs_no_attempt) {
    for (const auto code : {ErrorCode::store_unavailable, ErrorCode::store_slow_down, ErrorCode::store_denied,
                            ErrorCode::http_broken, ErrorCode::store_checksum_mismatch}) {
        const auto id = received().id;
        fail_store("get", code);
        run_one();
        expect_put_off(id, 0);
        store->before = {};
        run_one();
        EXPECT_EQ(state_of(id), UploadState::published) << to_string(code);
        finished.clear();
        EXPECT_TRUE(records.cancel_or_delete(std::nullopt, id));
        while (job_of(id))
            run_one();
    }
}

TEST_F(HandlersTest, a_failed_put_publishes_nothing_and_costs_no_attempt) {
    const auto id = received().id;
    fail_store("put", ErrorCode::store_unavailable);
    run_one();
    expect_put_off(id, 0);
    EXPECT_EQ(store->size(published), 0U);
}

TEST_F(HandlersTest, waits_at_least_as_long_as_the_store_asks) {
    const auto id = received().id;
    store->before = [](const photogate::test::FakeStore::Call&) {
        return Error{ErrorCode::store_slow_down, "", {}, std::chrono::seconds{30}};
    };
    run_one();
    EXPECT_GE(records.jobs_of(id).at(0).run_at, clock.now() + std::chrono::seconds{30});
}

TEST_F(HandlersTest, waits_a_minute_at_most_however_long_the_store_asks) {
    const auto id = received().id;
    store->before = [](const photogate::test::FakeStore::Call&) {
        return Error{ErrorCode::store_slow_down, "", {}, std::chrono::hours{30}};
    };
    run_one();
    EXPECT_LE(records.jobs_of(id).at(0).run_at, clock.now() + std::chrono::seconds{60});
}

TEST_F(HandlersTest, rejects_as_gone_an_object_that_is_missing_three_times) {
    const auto upload = received();
    ASSERT_TRUE(store->remove(incoming, upload.key, std::nullopt));
    run_one();
    expect_put_off(upload.id, 1);
    run_one();
    expect_put_off(upload.id, 2);
    run_one();
    expect_rejected(upload.id, "gone");
}

TEST_F(HandlersTest, pins_an_object_that_was_overwritten_and_publishes_it_next) {
    const auto upload = received();
    const auto etag = store->write(incoming, upload.key, "a second content");
    run_one();
    EXPECT_EQ(state_of(upload.id), UploadState::uploaded);
    EXPECT_EQ(now(upload.id).pinned->etag, etag);
    EXPECT_EQ(now(upload.id).generation, upload.generation + 1);
    run_one();
    EXPECT_EQ(state_of(upload.id), UploadState::published);
    EXPECT_EQ(now(upload.id).facts->sha256, hex_lower(signer::sha256("a second content")));
}

TEST_F(HandlersTest, an_object_that_only_an_answer_says_is_another_was_not_overwritten) {
    const auto upload = received();
    fail_store("get", ErrorCode::store_precondition_failed, 3);
    for (std::uint32_t attempt = 1; attempt <= 3; ++attempt) {
        run_one();
        expect_put_off(upload.id, attempt);
        EXPECT_EQ(now(upload.id).generation, upload.generation);
    }
    run_one();
    EXPECT_EQ(state_of(upload.id), UploadState::published);
}

TEST_F(HandlersTest, an_upload_fails_where_every_answer_is_of_another_object) {
    const auto upload = received();
    fail_store("get", ErrorCode::store_precondition_failed, 100);
    for (int attempt = 0; attempt < 5; ++attempt)
        run_one();
    EXPECT_EQ(state_of(upload.id), UploadState::failed);
    EXPECT_EQ(now(upload.id).rejection->code, "store_protocol");
    EXPECT_TRUE(store->has(incoming, upload.key)) << "kept for a retry";
}

TEST_F(HandlersTest, pins_a_version_that_was_put_over_the_same_bytes) {
    const auto upload = received();
    records.change(upload.id, [](model::Upload& row) { row.pinned->version = VersionId::trusted("gone"); });
    fail_store("get", ErrorCode::store_precondition_failed);
    run_one();
    EXPECT_EQ(now(upload.id).generation, upload.generation + 1);
    run_one();
    EXPECT_EQ(state_of(upload.id), UploadState::published);
}

TEST_F(HandlersTest, rejects_as_overwritten_at_the_third_content) {
    const auto upload = received();
    for (int again = 0; again < 2; ++again) {
        store->write(incoming, upload.key, "content " + std::to_string(again));
        run_one();
        EXPECT_EQ(state_of(upload.id), UploadState::uploaded) << again;
    }
    store->write(incoming, upload.key, "the last straw");
    run_one();
    EXPECT_EQ(state_of(upload.id), UploadState::rejected);
    EXPECT_EQ(now(upload.id).rejection->code, "overwritten");
    EXPECT_EQ(store->size(published), 0U);
}

TEST_F(HandlersTest, an_object_that_goes_between_the_refusal_and_the_look_costs_an_attempt) {
    const auto upload = received();
    store->write(incoming, upload.key, "another");
    store->before = [&](const photogate::test::FakeStore::Call& call) -> std::optional<Error> {
        if (call.name == "head") return Error{ErrorCode::store_no_such_key, "", {}, std::nullopt};
        return std::nullopt;
    };
    run_one();
    expect_put_off(upload.id, 1);
}

TEST_F(HandlersTest, a_decoder_that_crashes_three_times_fails_the_upload) {
    const auto id = received().id;
    process_image = [](const imaging::Task&) -> Result<imaging::Outcome> {
        return fail(ErrorCode::imager_crashed, "it died");
    };
    run_one();
    expect_put_off(id, 1);
    run_one();
    expect_put_off(id, 2);
    run_one();
    EXPECT_EQ(state_of(id), UploadState::failed);
    EXPECT_EQ(now(id).rejection->code, "imager_crashed");
    EXPECT_EQ(finished, std::vector{UploadState::failed});
    EXPECT_EQ(records.callbacks_of(id).back(), CallbackType::upload_failed);
    EXPECT_TRUE(store->has(incoming, now(id).key)) << "kept for a retry";
}

TEST_F(HandlersTest, a_picture_that_takes_too_long_is_tried_once_more_and_then_rejected) {
    const auto id = received().id;
    process_image = [](const imaging::Task&) -> Result<imaging::Outcome> {
        return fail(ErrorCode::imager_timeout, "killed");
    };
    run_one();
    EXPECT_EQ(records.jobs_of(id).at(0).crashes, 0U);
    expect_put_off(id, 1);
    run_one();
    EXPECT_EQ(state_of(id), UploadState::rejected);
    EXPECT_EQ(now(id).rejection->code, "timeout");
}

TEST_F(HandlersTest, an_exception_costs_an_attempt_and_the_last_one_fails_the_upload) {
    const auto id = received().id;
    process_image = [](const imaging::Task&) -> Result<imaging::Outcome> { throw std::bad_alloc{}; };
    for (std::uint32_t attempt = 1; attempt < 5; ++attempt) {
        run_one();
        expect_put_off(id, attempt);
    }
    run_one();
    EXPECT_EQ(state_of(id), UploadState::failed);
    EXPECT_EQ(now(id).rejection->code, "internal");
}

TEST_F(HandlersTest, waits_for_a_region_an_app_or_a_profile_that_is_not_configured) {
    const std::vector<std::function<void(model::Upload&)>> absent = {
        [](model::Upload& upload) { upload.region = "elsewhere"; },
        [](model::Upload& upload) { upload.app = AppName::trusted("nobody"); },
        [](model::Upload& upload) { upload.profile = ProfileName::trusted("none"); },
    };
    for (const auto& how : absent) {
        const auto id = received(how).id;
        run_one();
        expect_put_off(id, 0);
        EXPECT_TRUE(records.cancel_or_delete(std::nullopt, id));
        records.change(id, [](model::Upload& upload) { upload.region = "default"; });
        run_one();
    }
    EXPECT_EQ(store->calls("get"), 0U);
}

TEST_F(HandlersTest, a_lease_lost_before_the_commit_changes_nothing) {
    const auto id = received().id;
    process_image = [&](const imaging::Task&) {
        lose_lease();
        return imaging::Outcome{clean_picture()};
    };
    run_one();
    EXPECT_EQ(state_of(id), UploadState::processing) << "the other worker's";
    EXPECT_EQ(records.callbacks_of(id), std::vector{CallbackType::upload_received});
    EXPECT_TRUE(finished.empty());
}

TEST_F(HandlersTest, a_lease_lost_before_a_rejection_changes_nothing) {
    const auto id = received().id;
    process_image = [&](const imaging::Task&) {
        lose_lease();
        return imaging::Outcome{imaging::Rejection{imaging::RejectionCode::corrupt, ""}};
    };
    run_one();
    EXPECT_EQ(state_of(id), UploadState::processing);
    EXPECT_TRUE(finished.empty());
}

TEST_F(HandlersTest, a_lease_lost_before_a_postponement_changes_nothing) {
    const auto id = received().id;
    process_image = [&](const imaging::Task&) -> Result<imaging::Outcome> {
        lose_lease();
        return fail(ErrorCode::imager_crashed, "it died");
    };
    run_one();
    EXPECT_EQ(state_of(id), UploadState::processing);
    EXPECT_EQ(records.jobs_of(id).at(0).crashes, 0U);
    EXPECT_TRUE(finished.empty());
}

TEST_F(HandlersTest, two_workers_with_the_same_bytes_publish_once) {
    const auto id = received().id;
    process_image = [&](const imaging::Task&) {
        process_image = [](const imaging::Task&) { return imaging::Outcome{clean_picture()}; };
        records.expire_leases();
        EXPECT_TRUE(records.reap());
        run_one();  // the other worker is done before this one
        return imaging::Outcome{clean_picture()};
    };
    run_one();
    EXPECT_EQ(state_of(id), UploadState::published);
    EXPECT_EQ(records.callbacks_of(id),
              (std::vector{CallbackType::upload_received, CallbackType::upload_published}));
    EXPECT_EQ(finished.size(), 1U);
}

TEST_F(HandlersTest, puts_the_object_again_where_the_orphan_collector_had_its_key) {
    const auto upload = received();
    records.mark_deleting(image_key(upload));
    run_one();
    expect_put_off(upload.id, 0);
    ASSERT_TRUE(store->remove(published, image_key(upload), std::nullopt));
    run_one();
    EXPECT_EQ(state_of(upload.id), UploadState::published);
    EXPECT_TRUE(store->has(published, image_key(upload)));
    EXPECT_EQ(store->calls("put"), 2U);
}

TEST_F(HandlersTest, waits_for_a_database_that_is_away_at_the_verdict) {
    const auto id = received().id;
    int failures = 1;
    records.before = [&](std::string_view call) -> std::optional<Error> {
        if (call != "publish" || failures-- <= 0) return std::nullopt;
        return Error{ErrorCode::database_unavailable, "", {}, std::nullopt};
    };
    run_one();
    EXPECT_EQ(state_of(id), UploadState::published);
    EXPECT_EQ(records.calls("publish"), 2U);
    EXPECT_EQ(store->calls("put"), 1U) << "the picture is not made anew";
}

TEST_F(HandlersTest, gives_up_at_once_on_a_verdict_that_no_repetition_helps) {
    const auto id = received().id;
    records.before = [&](std::string_view call) -> std::optional<Error> {
        if (call != "publish") return std::nullopt;
        return Error{ErrorCode::database_constraint, "", {}, std::nullopt};
    };
    run_one();
    EXPECT_EQ(state_of(id), UploadState::processing) << "the reaper will take it back";
    EXPECT_EQ(records.calls("publish"), 1U);
}

// ---- what becomes of the original

TEST_F(HandlersTest, moves_the_original_where_the_profile_keeps_it) {
    const auto upload = received();
    run_one();
    run_one();
    EXPECT_FALSE(store->has(incoming, upload.key));
    EXPECT_EQ(store->bytes_of(originals, model::original_key(upload.id)), kOriginal);
    EXPECT_EQ(job_of(upload.id), std::nullopt);
    EXPECT_EQ(settled, 1);
}

TEST_F(HandlersTest, records_the_etag_of_a_kept_original_that_has_another_one) {
    const auto upload = received();
    run_one();
    records.before = [](std::string_view call) -> std::optional<Error> {
        if (call != "record_kept_etag") return std::nullopt;
        return Error{ErrorCode::database_unavailable, "", {}, std::nullopt};
    };
    run_one();
    EXPECT_TRUE(store->has(incoming, upload.key)) << "what is not recorded is done again";
    records.before = {};
    records.all_due();
    run_one();
    EXPECT_FALSE(store->has(incoming, upload.key));
    const auto kept = store->head(originals, model::original_key(upload.id), {}).value();
    ASSERT_NE(kept.etag, upload.pinned->etag);
    EXPECT_EQ(records.kept_etag_of(upload.id), kept.etag);
}

TEST_F(HandlersTest, removes_the_original_where_the_profile_says_so) {
    apps.begin()->second.profiles.begin()->second.original = model::OriginalAction::remove;
    const auto upload = received();
    run_one();
    run_one();
    EXPECT_FALSE(store->has(incoming, upload.key));
    EXPECT_EQ(store->size(originals), 0U);
}

TEST_F(HandlersTest, quarantines_a_rejected_original) {
    const auto upload = received();
    process_image = [](const imaging::Task&) {
        return imaging::Outcome{imaging::Rejection{imaging::RejectionCode::corrupt, ""}};
    };
    run_one();
    run_one();
    EXPECT_FALSE(store->has(incoming, upload.key));
    EXPECT_TRUE(store->has(originals, model::quarantine_key(upload.id)));
}

TEST_F(HandlersTest, a_move_that_was_half_done_is_done_again) {
    const auto upload = received();
    run_one();
    fail_store("remove", ErrorCode::store_unavailable);
    run_one();
    EXPECT_TRUE(store->has(incoming, upload.key));
    EXPECT_EQ(job_of(upload.id), JobKind::dispose_original);
    run_one();
    EXPECT_FALSE(store->has(incoming, upload.key));
    EXPECT_TRUE(store->has(originals, model::original_key(upload.id)));
    EXPECT_EQ(job_of(upload.id), std::nullopt);
}

TEST_F(HandlersTest, a_move_whose_source_is_gone_is_done) {
    const auto upload = received();
    run_one();
    ASSERT_TRUE(store->remove(incoming, upload.key, std::nullopt));
    run_one();
    EXPECT_EQ(job_of(upload.id), std::nullopt);
}

TEST_F(HandlersTest, an_original_that_was_overwritten_after_its_verdict_is_removed_and_not_kept) {
    const auto upload = received();
    run_one();
    store->write(incoming, upload.key, "nobody judged this");
    run_one();
    EXPECT_FALSE(store->has(incoming, upload.key));
    EXPECT_FALSE(store->has(originals, model::original_key(upload.id)));
}

TEST_F(HandlersTest, cleaning_up_is_tried_for_ever) {
    const auto upload = received();
    run_one();
    fail_store("copy", ErrorCode::store_unavailable, 20);
    for (int attempt = 0; attempt < 20; ++attempt)
        run_one();
    EXPECT_EQ(state_of(upload.id), UploadState::published);
    EXPECT_EQ(job_of(upload.id), JobKind::dispose_original);
    run_one();
    EXPECT_EQ(job_of(upload.id), std::nullopt);
}

TEST_F(HandlersTest, erases_every_object_of_a_deleted_upload) {
    const auto upload = received();
    run_one();
    run_one();
    ASSERT_TRUE(store->has(published, image_key(upload)));
    ASSERT_TRUE(records.cancel_or_delete(std::nullopt, upload.id));
    run_one();
    run_one();
    EXPECT_EQ(store->size(incoming) + store->size(published) + store->size(originals), 0U);
    EXPECT_EQ(job_of(upload.id), std::nullopt);
    EXPECT_EQ(settled, 3);
}

TEST_F(HandlersTest, erases_the_versions_of_a_deleted_upload) {
    const auto upload = received();
    run_one();
    run_one();
    const storage::records::VersionName name{upload.id, "k"};
    storage::records::NewVersion version;
    version.image.key =
        model::version_key(upload.public_id, std::string(16, 'a'), std::string(64, 'b'), "webp");
    store->write(published, version.image.key, "a version");
    // Put and not recorded, by a gateway that died between the two.
    store->write(published,
                 model::version_key(upload.public_id, std::string(16, 'c'), std::string(64, 'd'), "webp"),
                 "nobody's version");
    const auto another =
        model::version_key(make_public_id(random), std::string(16, 'a'), std::string(64, 'b'), "webp");
    store->write(published, another, "another image's version");
    versions.publish(upload.id);
    const auto claim = versions.claim(name, std::chrono::seconds{60}).value();
    ASSERT_TRUE(versions.finish(name, std::get<storage::records::ClaimedVersion>(claim).token, version));
    ASSERT_TRUE(records.cancel_or_delete(std::nullopt, upload.id));
    versions.erase(upload.id);
    versions.before = [](std::string_view) -> std::optional<Error> {
        return Error{ErrorCode::database_unavailable, "away", {}, {}};
    };
    run_one();
    run_one();
    EXPECT_TRUE(store->has(published, version.image.key)) << "not as long as it is not known what there is";
    versions.before = {};
    while (job_of(upload.id))
        run_one();
    EXPECT_EQ(store->size(published), 1U);
    EXPECT_TRUE(store->has(published, another));
}

TEST_F(HandlersTest, a_deletion_overrules_a_worker_that_is_moving_the_original) {
    const auto upload = received();
    run_one();
    const auto moving = claim();
    ASSERT_EQ(moving.kind, JobKind::dispose_original);
    ASSERT_TRUE(records.cancel_or_delete(std::nullopt, upload.id));
    run(moving);  // it still moves the object, but its lease is over
    EXPECT_TRUE(store->has(originals, model::original_key(upload.id)));
    while (job_of(upload.id))
        run_one();
    EXPECT_EQ(store->size(originals) + store->size(published) + store->size(incoming), 0U);
}

TEST_F(HandlersTest, cleaning_up_waits_for_a_region_that_is_not_configured) {
    const auto upload = received();
    run_one();
    records.change(upload.id, [](model::Upload& changed) { changed.region = "elsewhere"; });
    run_one();
    EXPECT_EQ(job_of(upload.id), JobKind::dispose_original);
    EXPECT_TRUE(store->has(incoming, upload.key));
}

}  // namespace
}  // namespace photogate::pipeline::test
