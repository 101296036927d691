#include "client/files.hpp"

#include <gtest/gtest.h>

namespace photogate::client {
namespace {

std::string all_of(const storage::http::BodySource& source, std::size_t at_once) {
    std::string text;
    std::vector<std::uint8_t> buffer(at_once);
    while (true) {
        const auto count = source.read(text.size(), buffer);
        if (!count || *count == 0) return text;
        text.append(as_text(BytesView{buffer}.first(*count)));
    }
}

TEST(Files, form_has_fields_and_the_file_whatever_the_reads_are) {
    const storage::http::MemorySource file{std::string_view{"PICTURE"}};
    const FormSource form{{{"key", "u/1"}, {"policy", "e30="}}, file, "B"};
    const std::string expected =
        "--B\r\nContent-Disposition: form-data; name=\"key\"\r\n\r\nu/1\r\n"
        "--B\r\nContent-Disposition: form-data; name=\"policy\"\r\n\r\ne30=\r\n"
        "--B\r\nContent-Disposition: form-data; name=\"file\"; filename=\"file\"\r\n\r\nPICTURE\r\n--B--\r\n";
    for (const std::size_t at_once : {1U, 7U, 1'000U})
        EXPECT_EQ(all_of(form, at_once), expected) << at_once;
    EXPECT_EQ(form.size(), expected.size());
}

TEST(Files, counts_how_far_in_the_file_the_reader_has_come) {
    const storage::http::MemorySource file{std::string_view{"0123456789"}};
    std::atomic<std::uint64_t> sent{0};
    const CountedSource part{file, 4, 3, sent};
    EXPECT_EQ(all_of(part, 2), "456");
    EXPECT_EQ(sent, 7U);
    EXPECT_EQ(part.size(), 3U);
}

TEST(Files, digest_and_type) {
    const storage::http::MemorySource file{std::string_view{"abc"}};
    EXPECT_EQ(sha256_of(file).value(), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    EXPECT_EQ(media_type_of("a/B.JPG"), "image/jpeg");
    EXPECT_EQ(media_type_of("x.heic"), "image/heic");
    EXPECT_EQ(media_type_of("x.txt"), "");
    EXPECT_EQ(media_type_of("jpg"), "");
}

}  // namespace
}  // namespace photogate::client
