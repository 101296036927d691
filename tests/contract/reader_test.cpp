// An object that is read in pieces, at the reader's own pace.
#include <unistd.h>

#include "tests/contract/stores.hpp"

namespace photogate::test {
namespace {

class ReaderContract : public Contract {
  protected:
    Result<std::unique_ptr<ObjectReader>> open(const ObjectKey& at, const GetOptions& how = {}) {
        return store.open(incoming, at, how);
    }
    static Result<std::string> read(ObjectReader& reader, std::size_t piece) {
        std::string all;
        Bytes out(piece);
        while (true) {
            const auto got = reader.read(out);
            if (!got) return fail(got.error());
            if (*got == 0) return all;
            all += as_text(BytesView{out.data(), *got});
        }
    }
    std::string large(std::size_t size) {
        Bytes bytes(size);
        SeededRandom{9}.fill(std::as_writable_bytes(std::span{bytes}));
        return std::string{as_text(bytes)};
    }
};
PHOTOGATE_CONTRACT(ReaderContract);

TEST_P(ReaderContract, gives_the_object_in_pieces_of_any_size) {
    const auto at = key("pieces");
    const std::string body = large(700'001);
    const auto made = put(at, body, {.content_type = "image/png"});
    ASSERT_TRUE(made);
    for (const std::size_t piece : {777U, 65'536U, 2'000'000U}) {
        auto reader = open(at);
        ASSERT_TRUE(reader) << reader.error().detail;
        EXPECT_EQ((*reader)->info().etag, made->etag);
        EXPECT_EQ((*reader)->info().size, body.size());
        EXPECT_EQ((*reader)->info().content_type, "image/png");
        EXPECT_EQ((*reader)->length(), body.size());
        const auto got = read(**reader, piece);
        ASSERT_TRUE(got) << got.error().detail;
        EXPECT_TRUE(*got == body) << piece;
        Bytes out(1);
        EXPECT_EQ((*reader)->read(out), 0U);
    }
}

TEST_P(ReaderContract, gives_a_range_and_the_size_of_the_whole) {
    const auto at = key("range");
    ASSERT_TRUE(put(at, "0123456789"));
    auto reader = open(at, {.range = ByteRange{2, 5}});
    ASSERT_TRUE(reader);
    EXPECT_EQ((*reader)->length(), 4U);
    EXPECT_EQ((*reader)->info().size, 10U);
    EXPECT_EQ(read(**reader, 3), "2345");
    auto cut = open(at, {.range = ByteRange{8, 100}});
    ASSERT_TRUE(cut);
    EXPECT_EQ((*cut)->length(), 2U);
    EXPECT_EQ(read(**cut, 100), "89");
    EXPECT_EQ(code_of(open(at, {.range = ByteRange{10, 12}})), ErrorCode::range_not_satisfiable);
    EXPECT_EQ(code_of(open(at, {.range = ByteRange{5, 2}})), ErrorCode::range_not_satisfiable);
}

TEST_P(ReaderContract, gives_nothing_of_an_empty_object) {
    const auto at = key("empty");
    ASSERT_TRUE(put(at, ""));
    auto reader = open(at);
    ASSERT_TRUE(reader);
    EXPECT_EQ((*reader)->length(), 0U);
    EXPECT_EQ(read(**reader, 10), "");
}

TEST_P(ReaderContract, refuses_at_opening_what_is_missing_or_another) {
    const auto at = key("pinned");
    const auto first = put(at, "first");
    ASSERT_TRUE(first);
    EXPECT_EQ(code_of(open(key("none"))), ErrorCode::store_no_such_key);
    EXPECT_EQ(code_of(open(at, {.expected_size = 6})), ErrorCode::size_mismatch);
    ASSERT_TRUE(put(at, "other"));
    EXPECT_EQ(code_of(open(at, {.if_match = first->etag})), ErrorCode::store_precondition_failed);
}

TEST_P(ReaderContract, never_mixes_two_objects) {
    const auto at = key("overwritten");
    const std::string before = large(8'000'000);
    ASSERT_TRUE(put(at, before));
    auto reader = open(at);
    ASSERT_TRUE(reader);
    Bytes out(100'000);
    const auto got = (*reader)->read(out);
    ASSERT_TRUE(got);
    const std::string begun{as_text(BytesView{out.data(), *got})};
    ASSERT_TRUE(put(at, std::string(8'000'000, 'y')));
    const auto rest = read(**reader, 100'000);
    // What was begun goes on, or it breaks off and says so.
    if (rest) {
        EXPECT_TRUE(begun + *rest == before);
    } else {
        EXPECT_EQ(rest.error().code, ErrorCode::store_precondition_failed) << rest.error().detail;
    }
}

TEST_P(ReaderContract, may_be_left_in_the_middle) {
    const auto at = key("left");
    ASSERT_TRUE(put(at, large(5'000'000)));
    for (int i = 0; i < 20; ++i) {
        auto reader = open(at);
        ASSERT_TRUE(reader);
        Bytes out(1'000);
        EXPECT_TRUE((*reader)->read(out));
    }
    EXPECT_EQ(get(at)->size(), 5'000'000U);
}

TEST_P(ReaderContract, tells_where_the_bytes_lie_where_that_is_a_file_here) {
    const auto at = key("file");
    ASSERT_TRUE(put(at, "0123456789"));
    auto reader = open(at);
    ASSERT_TRUE(reader);
    ASSERT_EQ((*reader)->is_local(), is("folder"));
    const auto piece = (*reader)->piece_at(4);
    ASSERT_EQ(piece.has_value(), is("folder"));
    if (!piece) return;
    EXPECT_EQ(piece->length, 6U);
    std::string bytes(6, '\0');
    ASSERT_EQ(::pread(piece->descriptor, bytes.data(), 6, static_cast<off_t>(piece->offset)), 6);
    EXPECT_EQ(bytes, "456789");
    EXPECT_EQ(code_of((*reader)->piece_at(10)), ErrorCode::range_not_satisfiable);
}

}  // namespace
}  // namespace photogate::test
