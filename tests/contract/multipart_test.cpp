#include <set>

#include "tests/contract/stores.hpp"

namespace photogate::test {
namespace {

class MultipartContract : public Contract {
  protected:
    Result<UploadedPart> part(const ObjectKey& at, const std::string& upload, std::uint32_t number,
                              std::string_view bytes) {
        const MemorySource body{bytes};
        return store.put_part(incoming, at, upload, number, body);
    }
    const std::string five = std::string(5U << 20, '5');  // S3's least part
};
PHOTOGATE_CONTRACT(MultipartContract);

TEST_P(MultipartContract, joins_parts_into_one_object) {
    const auto at = key("big");
    const auto upload =
        store.create_multipart(incoming, at, {.content_type = "image/heic", .metadata = {{"m", "1"}}});
    ASSERT_TRUE(upload) << upload.error().detail;
    const auto second = part(at, *upload, 2, "the end");
    const auto first = part(at, *upload, 1, five);
    ASSERT_TRUE(first && second);
    EXPECT_EQ(first->etag.str(), md5_hex(five));
    EXPECT_EQ(code_of(store.head(incoming, at, {})), ErrorCode::store_no_such_key);
    const auto listed = store.list_parts(incoming, at, *upload);
    ASSERT_TRUE(listed);
    ASSERT_EQ(listed->size(), 2U);
    EXPECT_EQ((*listed)[0].number, 1U);
    EXPECT_EQ((*listed)[0].size, five.size());
    EXPECT_EQ((*listed)[1].etag, second->etag);
    const auto made = store.complete_multipart(incoming, at, *upload, *listed);
    ASSERT_TRUE(made) << made.error().detail;
    const auto md5s = *from_hex(first->etag.str() + second->etag.str());
    EXPECT_EQ(made->str(), hex_lower(signer::md5(md5s)) + "-2");
    const auto found = store.head(incoming, at, {});
    ASSERT_TRUE(found);
    EXPECT_EQ(found->etag, *made);
    EXPECT_EQ(found->size, five.size() + 7);
    EXPECT_EQ(found->content_type, "image/heic");
    EXPECT_EQ(found->metadata.at("m"), "1");
    EXPECT_EQ(get(at, {.range = ByteRange{five.size() - 2, five.size() + 3}}), "55the ");
    const auto whole = get(at);
    ASSERT_TRUE(whole);
    EXPECT_TRUE(*whole == five + "the end");
}

TEST_P(MultipartContract, replaces_a_part_that_is_uploaded_again) {
    const auto at = key("again");
    const auto upload = store.create_multipart(incoming, at, {});
    ASSERT_TRUE(upload);
    ASSERT_TRUE(part(at, *upload, 1, "first attempt"));
    const auto after = part(at, *upload, 1, "second attempt");
    ASSERT_TRUE(after);
    ASSERT_TRUE(store.complete_multipart(incoming, at, *upload, {*after}));
    EXPECT_EQ(get(at), "second attempt");
}

TEST_P(MultipartContract, rejects_completion_that_lists_other_parts) {
    const auto at = key("wrong");
    const auto upload = store.create_multipart(incoming, at, {});
    ASSERT_TRUE(upload);
    const auto one = part(at, *upload, 1, "short");
    const auto two = part(at, *upload, 2, "short, too");
    ASSERT_TRUE(one && two);
    const auto refused = [&](const std::vector<UploadedPart>& parts) {
        return code_of(store.complete_multipart(incoming, at, *upload, parts));
    };
    EXPECT_EQ(refused({{1, two->etag, 5}}), ErrorCode::store_invalid_part);
    EXPECT_EQ(refused({{3, one->etag, 5}}), ErrorCode::store_invalid_part);
    // versitygw looks at sizes first.
    EXPECT_EQ(refused({*two, *one}),
              is("versitygw") ? ErrorCode::store_part_too_small : ErrorCode::store_invalid_part_order);
    EXPECT_EQ(refused({*one, *two}), ErrorCode::store_part_too_small);
    EXPECT_EQ(code_of(store.head(incoming, at, {})), ErrorCode::store_no_such_key);
    EXPECT_TRUE(store.complete_multipart(incoming, at, *upload, {*one}));
}

TEST_P(MultipartContract, lists_the_open_uploads_of_a_key) {
    const auto at = key("listed/one"), other = key("listed/two");
    const auto first = store.create_multipart(incoming, at, {}),
               second = store.create_multipart(incoming, at, {}),
               of_other = store.create_multipart(incoming, other, {});
    ASSERT_TRUE(first && second && of_other);
    const auto open = [&] {
        std::set<std::string> ids;
        const auto page = store.list_multipart(incoming, at.str(), std::nullopt);
        EXPECT_TRUE(page) << page.error().detail;
        for (const auto& each : page->uploads) {
            EXPECT_EQ(each.key, at);
            EXPECT_TRUE(each.started);
            ids.insert(each.upload);
        }
        EXPECT_FALSE(page->next);
        return ids;
    };
    EXPECT_EQ(open(), (std::set{*first, *second}));
    EXPECT_TRUE(store.abort_multipart(incoming, at, *first));
    EXPECT_EQ(open(), (std::set{*second}));
    EXPECT_TRUE(store.abort_multipart(incoming, at, *second));
    EXPECT_TRUE(open().empty());
    EXPECT_TRUE(store.abort_multipart(incoming, other, *of_other));
}

TEST_P(MultipartContract, removes_aborted_upload) {
    const auto at = key("given up");
    const auto upload = store.create_multipart(incoming, at, {});
    ASSERT_TRUE(upload);
    const auto one = part(at, *upload, 1, "x");
    ASSERT_TRUE(one);
    EXPECT_TRUE(store.abort_multipart(incoming, at, *upload));
    EXPECT_TRUE(store.abort_multipart(incoming, at, *upload));
    EXPECT_EQ(code_of(part(at, *upload, 2, "y")), ErrorCode::store_no_such_upload);
    EXPECT_EQ(code_of(store.list_parts(incoming, at, *upload)), ErrorCode::store_no_such_upload);
    EXPECT_EQ(code_of(store.complete_multipart(incoming, at, *upload, {*one})),
              ErrorCode::store_no_such_upload);
    EXPECT_EQ(code_of(get(at)), ErrorCode::store_no_such_key);
}

}  // namespace
}  // namespace photogate::test
