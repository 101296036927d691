#include "tests/integration/storage_objects/real_store.hpp"

namespace photogate::storage::objects {
namespace {

struct Multipart : test::RealStore {
    const std::string first_bytes = std::string(5U << 20, 'a');
    const std::string last_bytes = "the end";

    Result<UploadedPart> part(const ObjectKey& at, const std::string& upload, std::uint32_t number,
                              std::string_view bytes) {
        const http::MemorySource body{bytes};
        return store.put_part(incoming, at, upload, number, body);
    }
};

ErrorCode code_of(const auto& result) {
    return result ? ErrorCode::internal : result.error().code;
}

TEST_F(Multipart, joins_parts_into_one_object) {
    const ObjectKey at = key("whole");
    PutOptions how;
    how.content_type = "image/png";
    const auto upload = store.create_multipart(incoming, at, how);
    ASSERT_TRUE(upload) << upload.error().detail;
    const auto last = part(at, *upload, 2, last_bytes);
    const auto first = part(at, *upload, 1, first_bytes);
    ASSERT_TRUE(first && last);
    const auto listed = store.list_parts(incoming, at, *upload);
    ASSERT_TRUE(listed) << listed.error().detail;
    ASSERT_EQ(listed->size(), 2U);
    EXPECT_EQ(listed->at(0).etag, first->etag);
    EXPECT_EQ(listed->at(0).size, first_bytes.size());
    EXPECT_EQ(listed->at(1).number, 2U);

    const auto etag = store.complete_multipart(incoming, at, *upload, *listed);
    ASSERT_TRUE(etag) << etag.error().detail;
    const auto info = store.head(incoming, at, {});
    EXPECT_EQ(info->etag, *etag);
    EXPECT_TRUE(info->etag.str().ends_with("-2"));
    EXPECT_EQ(info->size, first_bytes.size() + last_bytes.size());
    EXPECT_EQ(info->content_type, "image/png");
    EXPECT_TRUE(get(at).value_or("") == first_bytes + last_bytes);
    // Completing twice: the store has forgotten the upload, and a HEAD tells the caller what became of it.
    EXPECT_EQ(code_of(store.complete_multipart(incoming, at, *upload, *listed)),
              ErrorCode::store_no_such_upload);
}

TEST_F(Multipart, uploads_slices_of_one_source_as_parts) {
    const ObjectKey at = key("sliced");
    const std::string bytes = first_bytes + last_bytes;
    const http::MemorySource whole{std::string_view{bytes}};
    const auto upload = store.create_multipart(incoming, at, {});
    ASSERT_TRUE(upload);
    std::vector<UploadedPart> slices;
    for (std::uint32_t number = 1; number <= 2; ++number) {
        const http::SliceSource slice{whole, (number - 1) * first_bytes.size(), first_bytes.size()};
        auto stored = store.put_part(incoming, at, *upload, number, slice);
        ASSERT_TRUE(stored) << stored.error().detail;
        slices.push_back(*stored);
    }
    ASSERT_TRUE(store.complete_multipart(incoming, at, *upload, slices));
    EXPECT_TRUE(get(at).value_or("") == bytes);
}

TEST_F(Multipart, rejects_wrong_parts_and_keeps_the_upload) {
    const ObjectKey at = key("wrong");
    const auto upload = store.create_multipart(incoming, at, {});
    ASSERT_TRUE(upload);
    const auto first = part(at, *upload, 1, first_bytes);
    const auto last = part(at, *upload, 2, last_bytes);
    ASSERT_TRUE(first && last);
    EXPECT_EQ(code_of(store.complete_multipart(incoming, at, *upload, {*last, *first})),
              ErrorCode::store_invalid_part_order);
    EXPECT_EQ(code_of(store.complete_multipart(incoming, at, *upload, {{1, last->etag, 1}})),
              ErrorCode::store_invalid_part);
    EXPECT_EQ(code_of(store.complete_multipart(incoming, at, *upload, {})), ErrorCode::store_refused);
    EXPECT_EQ(code_of(store.head(incoming, at, {})), ErrorCode::store_no_such_key);
    EXPECT_TRUE(store.complete_multipart(incoming, at, *upload, {*first, *last}));
}

TEST_F(Multipart, removes_aborted_upload) {
    const ObjectKey at = key("abandoned");
    const auto upload = store.create_multipart(incoming, at, {});
    ASSERT_TRUE(upload);
    ASSERT_TRUE(part(at, *upload, 1, last_bytes));
    EXPECT_TRUE(store.abort_multipart(incoming, at, *upload));
    EXPECT_TRUE(store.abort_multipart(incoming, at, *upload));
    EXPECT_EQ(code_of(part(at, *upload, 2, last_bytes)), ErrorCode::store_no_such_upload);
    EXPECT_EQ(code_of(store.list_parts(incoming, at, *upload)), ErrorCode::store_no_such_upload);
    EXPECT_EQ(code_of(part(at, *upload, 0, last_bytes)), ErrorCode::store_refused);
    EXPECT_EQ(code_of(part(at, *upload, 10'001, last_bytes)), ErrorCode::store_refused);
}

}  // namespace
}  // namespace photogate::storage::objects
