#include "http/semantics/byte_range.hpp"

#include <ostream>

#include <gtest/gtest.h>

namespace photogate::http::semantics {
namespace {

std::string read(std::string_view text, std::uint64_t size = 100) {
    const auto asked = read_byte_range(text, size);
    if (const auto* range = std::get_if<ByteRange>(&asked))
        return std::to_string(range->first) + "-" + std::to_string(range->last);
    return std::holds_alternative<Unsatisfiable>(asked) ? "unsatisfiable" : "whole";
}

TEST(ByteRange, is_clamped_to_the_representation) {
    EXPECT_EQ(read("bytes=0-0"), "0-0");
    EXPECT_EQ(read("BYTES=10-19"), "10-19");
    EXPECT_EQ(read(" bytes= 10-19\t"), "10-19");
    EXPECT_EQ(read("bytes=90-"), "90-99");
    EXPECT_EQ(read("bytes=90-200"), "90-99");
    EXPECT_EQ(read("bytes=-10"), "90-99");
    EXPECT_EQ(read("bytes=-1000"), "0-99");
}

TEST(ByteRange, is_unsatisfiable_behind_the_end) {
    EXPECT_EQ(read("bytes=100-"), "unsatisfiable");
    EXPECT_EQ(read("bytes=100-200"), "unsatisfiable");
    EXPECT_EQ(read("bytes=-0"), "unsatisfiable");
    EXPECT_EQ(read("bytes=-5", 0), "unsatisfiable");
    EXPECT_EQ(read("bytes=0-", 0), "unsatisfiable");
}

TEST(ByteRange, is_ignored_if_it_is_not_one_range_of_bytes) {
    for (std::string_view text :
         {"bytes=20-10", "bytes=0-1,5-6", "bytes=-5,0-1", "bytes=", "bytes=-", "bytes=--1", "bytes=a-b",
          "bytes=+1-2", "bytes=0x1-2", "bytes=0 -1", "bytes=0- 1", "bytes 0-1", "items=0-1", ""}) {
        EXPECT_EQ(read(text), "whole") << text;
    }
}

TEST(ByteRange, reads_number_that_does_not_fit_as_far_behind_the_end) {
    EXPECT_EQ(read("bytes=10-99999999999999999999"), "10-99");
    EXPECT_EQ(read("bytes=-99999999999999999999"), "0-99");
    EXPECT_EQ(read("bytes=99999999999999999999-"), "unsatisfiable");
    for (std::string_view text : {"bytes=99999999999999999999x-", "bytes=0-99999999999999999999x",
                                  "bytes=-99999999999999999999x", "bytes=5x-", "bytes=0-5x"}) {
        EXPECT_EQ(read(text), "whole") << text;
    }
}

}  // namespace
}  // namespace photogate::http::semantics
