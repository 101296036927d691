// Uploads that are sent in parts: what is signed, what is joined, what is refused.
#include "fixture.hpp"

namespace photogate::pipeline::uploads::test {
namespace {

using model::UploadState;

constexpr ByteSize kPart = model::kLeastPartSize;

class UploadPartsTest : public UploadServiceTest {
  protected:
    UploadPartsTest() {
        for (auto& [name, app] : apps)
            for (auto& [profile_name, profile] : app.profiles)
                profile.limits.max_bytes = ByteSize{1} << 40;
    }
    /// Of two parts, and so small that a test may hold them.
    model::Upload in_parts(const Caller& caller, ByteSize size = 24, ByteSize part_size = 20) {
        auto wanted = request();
        wanted.grant.method = "multipart";
        wanted.grant.size = size;
        auto planned = service.plan(caller, wanted).value();
        const auto id = planned.granted.upload.id;
        EXPECT_TRUE(store_planned(std::move(planned)));
        records.change(id, [&](model::Upload& stored) { stored.part_size = part_size; });
        return records.find(std::nullopt, id).value();
    }
    std::string store_id(const model::Upload& upload) { return records.parts_of(upload.id).value().value(); }
    NamedPart sent(const model::Upload& upload, std::uint32_t number, std::size_t bytes) {
        const auto part = store->send_part(store_id(upload), number, std::string(bytes, 'x')).value();
        return {number, part.etag};
    }
    ErrorCode refused(const model::Upload& upload, std::optional<std::vector<NamedPart>> named = {}) {
        return code_of(service.complete(app(), upload.id, named));
    }
};

TEST_F(UploadPartsTest, creation_neither_asks_the_store_nor_signs) {
    auto wanted = request();
    wanted.grant.method = "multipart";
    wanted.grant.size = 2 * kPart + 1;
    const auto planned = service.plan(app(), wanted).value();
    ASSERT_TRUE(planned.granted.grant.parts);
    EXPECT_EQ(planned.granted.grant.parts->plan.count(), 3U);
    EXPECT_EQ(planned.granted.grant.url, "");
    EXPECT_EQ(store->calls("create_multipart"), 0U);
    wanted.grant.size.reset();
    EXPECT_EQ(code_of(service.plan(app(), wanted)), ErrorCode::invalid_size);
}

TEST_F(UploadPartsTest, first_parts_are_signed_with_their_sizes_and_the_same_again) {
    auto wanted = request();
    wanted.grant.method = "multipart";
    wanted.grant.size = 40 * kPart + 7;
    auto planned = service.plan(app(), wanted).value();
    const auto granted = planned.granted;
    ASSERT_TRUE(store_planned(std::move(planned)));
    const auto ready = service.with_first_parts(granted, granted.upload.created_at);
    ASSERT_EQ(ready.grant.parts->first.size(), kFirstParts);
    const auto& part = ready.grant.parts->first.at(1);
    EXPECT_EQ(part.number, 2U);
    EXPECT_EQ(part.size, kPart);
    EXPECT_NE(part.url.find("partNumber=2&uploadId="), std::string::npos) << part.url;
    EXPECT_NE(part.url.find("content-length%3Bhost"), std::string::npos) << part.url;
    clock.advance(std::chrono::seconds{60});
    EXPECT_EQ(service.with_first_parts(granted, granted.upload.created_at).grant.parts->first.at(1).url,
              part.url);
    EXPECT_EQ(store->calls("create_multipart"), 1U);
}

TEST_F(UploadPartsTest, grant_stays_without_urls_while_the_store_is_away) {
    const auto upload = in_parts(app());
    store->before = [](const auto&) {
        return std::optional{Error{ErrorCode::store_unavailable, "", {}, {}}};
    };
    const auto granted = service.sign_again(app(), upload.id, std::nullopt).value();
    EXPECT_TRUE(service.with_first_parts(granted, clock.now()).grant.parts->first.empty());
    EXPECT_EQ(code_of(service.sign_parts(app(), upload.id, {{1, {}}}, std::nullopt)),
              ErrorCode::store_unavailable);
    store->before = {};
    EXPECT_TRUE(service.sign_parts(app(), upload.id, {{1, {}}}, std::nullopt));
}

TEST_F(UploadPartsTest, gateways_that_begin_at_once_use_one_multipart_upload) {
    const auto upload = in_parts(app());
    bool raced = false;
    store->before = [&](const photogate::test::FakeStore::Call& call) -> std::optional<Error> {
        if (call.name == "create_multipart" && !std::exchange(raced, true)) {
            EXPECT_TRUE(service.sign_parts(app(), upload.id, {{1, {}}}, std::nullopt));
        }
        return std::nullopt;
    };
    ASSERT_TRUE(service.sign_parts(app(), upload.id, {{2, {}}}, std::nullopt));
    EXPECT_EQ(store->calls("create_multipart"), 2U);
    EXPECT_EQ(store->multiparts(), 1U) << "the second one is aborted";
}

TEST_F(UploadPartsTest, signs_only_the_numbers_of_its_parts_each_once) {
    const auto upload = in_parts(app());
    for (const auto& wrong : std::vector<std::vector<WantedPart>>{{{0, {}}}, {{3, {}}}, {{1, {}}, {1, {}}}})
        EXPECT_EQ(code_of(service.sign_parts(app(), upload.id, wrong, std::nullopt)),
                  ErrorCode::invalid_part_number);
    EXPECT_EQ(code_of(service.sign_parts(app(), created(app()).id, {{1, {}}}, std::nullopt)),
              ErrorCode::state_conflict);
    EXPECT_EQ(code_of(service.sign_parts(app("other"), upload.id, {{1, {}}}, std::nullopt)),
              ErrorCode::upload_not_found);
    EXPECT_EQ(code_of(service.sign_parts(bearer(), upload.id, {{1, {}}}, std::nullopt)),
              ErrorCode::upload_not_found);
    EXPECT_EQ(store->calls("create_multipart"), 0U);
}

TEST_F(UploadPartsTest, expired_upload_goes_on_where_it_was) {
    const auto upload = in_parts(app());
    ASSERT_TRUE(service.sign_parts(app(), upload.id, {{1, {}}}, std::nullopt));
    sent(upload, 1, 20);
    clock.advance(std::chrono::hours{24});
    records.change(upload.id, [](model::Upload& stored) { stored.state = UploadState::expired; });
    EXPECT_EQ(service.list_parts(app(), upload.id)->there.size(), 1U);
    ASSERT_TRUE(service.sign_parts(app(), upload.id, {{2, {}}}, std::nullopt));
    EXPECT_EQ(records.find(std::nullopt, upload.id)->state, UploadState::created);
    sent(upload, 2, 4);
    EXPECT_EQ(service.complete(app(), upload.id)->state, UploadState::uploaded);
    EXPECT_EQ(store->bytes_of(upload.bucket, upload.key)->size(), 24U);
}

TEST_F(UploadPartsTest, joins_only_the_whole_declared_file) {
    const auto upload = in_parts(app());
    EXPECT_EQ(refused(upload), ErrorCode::invalid_parts) << "nothing was ever signed";
    ASSERT_TRUE(service.sign_parts(app(), upload.id, {{1, {}}}, std::nullopt));
    EXPECT_EQ(refused(upload), ErrorCode::invalid_parts);
    auto one = sent(upload, 1, 20);
    EXPECT_EQ(refused(upload), ErrorCode::invalid_parts);
    sent(upload, 2, 5);
    EXPECT_EQ(refused(upload), ErrorCode::invalid_parts) << "another size";
    const auto two = sent(upload, 2, 4);
    EXPECT_EQ(refused(upload, {{one}}), ErrorCode::invalid_parts);
    EXPECT_EQ(refused(upload, {{two, one}}), ErrorCode::invalid_parts);
    EXPECT_EQ(refused(upload, {{one, one}}), ErrorCode::invalid_parts);
    EXPECT_EQ(refused(upload, {{one, {2, one.etag}}}), ErrorCode::invalid_parts);
    EXPECT_EQ(store->calls("complete_multipart"), 0U);
    EXPECT_EQ(service.complete(app(), upload.id, {{one, two}})->state, UploadState::uploaded);
}

TEST_F(UploadPartsTest, completion_is_repeated_without_harm) {
    const auto upload = in_parts(app());
    ASSERT_TRUE(service.sign_parts(app(), upload.id, {{1, {}}}, std::nullopt));
    sent(upload, 1, 20);
    sent(upload, 2, 4);
    // The store joins them, and the gateway dies before it writes that.
    ASSERT_EQ(parts.join(upload, std::nullopt, Parts::Existing::refuse, 1U << 30).value(),
              Parts::Joined::now);
    EXPECT_EQ(records.find(std::nullopt, upload.id)->state, UploadState::created);
    EXPECT_EQ(service.complete(app(), upload.id)->state, UploadState::uploaded);
    EXPECT_EQ(service.complete(app(), upload.id)->state, UploadState::uploaded);
    EXPECT_EQ(store->calls("complete_multipart"), 1U);
}

TEST_F(UploadPartsTest, store_without_conditions_is_asked_without) {
    const auto upload = in_parts(app());
    ASSERT_TRUE(service.sign_parts(app(), upload.id, {{1, {}}}, std::nullopt));
    sent(upload, 1, 20);
    sent(upload, 2, 4);
    store->before = [&](const photogate::test::FakeStore::Call& call) -> std::optional<Error> {
        if (call.name == "complete_multipart" && store->calls("complete_multipart") == 1)
            return Error{ErrorCode::store_refused, "not implemented", {}, {}};
        return std::nullopt;
    };
    EXPECT_EQ(service.complete(app(), upload.id)->state, UploadState::uploaded);
    EXPECT_EQ(store->calls("complete_multipart"), 2U);
}

TEST_F(UploadPartsTest, begins_anew_where_the_store_has_given_the_parts_up) {
    const auto upload = in_parts(app());
    ASSERT_TRUE(service.sign_parts(app(), upload.id, {{1, {}}}, std::nullopt));
    const auto first = store_id(upload);
    ASSERT_TRUE(store->abort_multipart(upload.bucket, upload.key, first));
    EXPECT_EQ(refused(upload), ErrorCode::object_not_found);
    ASSERT_TRUE(service.sign_parts(app(), upload.id, {{1, {}}}, std::nullopt));
    const auto second = store_id(upload);
    EXPECT_NE(second, first);
    // Who only lists them learns that nothing is there, and signs what can be sent.
    ASSERT_TRUE(store->abort_multipart(upload.bucket, upload.key, second));
    EXPECT_TRUE(service.list_parts(app(), upload.id)->there.empty());
    ASSERT_TRUE(service.sign_parts(app(), upload.id, {{1, {}}}, std::nullopt));
    EXPECT_NE(store_id(upload), second);
}

TEST_F(UploadPartsTest, ended_upload_signs_nothing_and_leaves_nothing_at_the_store) {
    const auto upload = in_parts(app());
    ASSERT_TRUE(service.cancel_or_erase(app(), upload.id));
    EXPECT_EQ(code_of(service.sign_parts(app(), upload.id, {{1, {}}}, std::nullopt)),
              ErrorCode::state_conflict);
    // It ends while the store begins.
    const auto other = in_parts(app());
    store->before = [&](const photogate::test::FakeStore::Call& call) -> std::optional<Error> {
        if (call.name == "create_multipart") {
            EXPECT_TRUE(service.cancel_or_erase(app(), other.id));
        }
        return std::nullopt;
    };
    EXPECT_EQ(code_of(service.sign_parts(app(), other.id, {{1, {}}}, std::nullopt)),
              ErrorCode::state_conflict);
    EXPECT_EQ(store->multiparts(), 0U);
}

}  // namespace
}  // namespace photogate::pipeline::uploads::test
