#include "gateway/s3/aws_chunked.hpp"

#include <gtest/gtest.h>

namespace photogate::gateway::s3 {
namespace {

/// In pieces of `step` bytes, so that every boundary falls everywhere.
S3Result<std::string> decode(AwsChunked& decoder, std::string_view body, std::size_t step) {
    std::string out;
    for (std::size_t at = 0; at < body.size(); at += step) {
        if (auto fed = decoder.feed(body.substr(at, step), out); !fed) return refuse(fed.error());
    }
    if (auto whole = decoder.finish(); !whole) return refuse(whole.error());
    return out;
}

std::optional<Code> fault(std::string_view body, std::uint64_t length,
                          ChunkedForm form = ChunkedForm::unsigned_with_trailer) {
    AwsChunked decoder{{form, nullptr, length}};
    const auto decoded = decode(decoder, body, 3);
    return decoded ? std::nullopt : std::optional{decoded.error().code};
}

TEST(AwsChunked, decodes_unsigned_chunks_with_trailer_split_anywhere) {
    const std::string body = "5\r\nhello\r\nA\r\n0123456789\r\n0\r\nx-amz-checksum-crc32: AAAAAA==\r\n\r\n";
    for (std::size_t step = 1; step <= body.size(); ++step) {
        AwsChunked decoder{{ChunkedForm::unsigned_with_trailer, nullptr, 15}};
        const auto decoded = decode(decoder, body, step);
        ASSERT_TRUE(decoded) << step;
        EXPECT_EQ(*decoded, "hello0123456789");
        ASSERT_EQ(decoder.trailers().size(), 1U);
        EXPECT_EQ(decoder.trailers().front().first, "x-amz-checksum-crc32");
        EXPECT_EQ(decoder.trailers().front().second, "AAAAAA==");
    }
}

TEST(AwsChunked, accepts_trailer_lines_that_end_with_lf_before_crlf) {
    for (const std::string ending : {"\n\r\n\r\n", "\n\r\n", "\n\n", "\r\n\r\n"}) {
        const std::string body = "5\r\nhello\r\n0\r\nx-amz-checksum-crc32:AAAAAA==" + ending;
        for (std::size_t step = 1; step <= body.size(); ++step) {
            AwsChunked decoder{{ChunkedForm::unsigned_with_trailer, nullptr, 5}};
            const auto decoded = decode(decoder, body, step);
            ASSERT_TRUE(decoded) << step;
            EXPECT_EQ(decoder.trailers().front().second, "AAAAAA==");
        }
    }
    EXPECT_EQ(fault("5\r\nhello\r\n0\r\nx-amz-checksum-crc32:AAAAAA==\n\r\n\r\nmore", 5),
              Code::InvalidRequest);
}

TEST(AwsChunked, rejects_incomplete_or_malformed_chunks) {
    EXPECT_EQ(fault("5\r\nhello\r\n0\r\n\r\n", 5), std::nullopt);
    EXPECT_EQ(fault("5\r\nhello\r\n0\r\n", 5), Code::IncompleteBody);
    EXPECT_EQ(fault("5\r\nhello\r\n", 5), Code::IncompleteBody);
    EXPECT_EQ(fault("5\r\nhel", 5), Code::IncompleteBody);
    EXPECT_EQ(fault("0\r\n\r\n", 5), Code::IncompleteBody);
    EXPECT_EQ(fault("6\r\nhello!\r\n0\r\n\r\n", 5), Code::IncompleteBody);
    EXPECT_EQ(fault("ffffffffffffffff\r\n", 5), Code::IncompleteBody);
    EXPECT_EQ(fault("fffffffffffffffff\r\n", 5), Code::InvalidRequest);
    EXPECT_EQ(fault("5 \r\nhello\r\n0\r\n\r\n", 5), Code::InvalidRequest);
    EXPECT_EQ(fault("5\nhello\r\n0\r\n\r\n", 5), Code::InvalidRequest);
    EXPECT_EQ(fault("\r\n", 5), Code::InvalidRequest);
    EXPECT_EQ(fault("-5\r\nhello\r\n0\r\n\r\n", 5), Code::InvalidRequest);
    EXPECT_EQ(fault("5\r\nhelloX\r\n0\r\n\r\n", 5), Code::InvalidRequest);
    EXPECT_EQ(fault("5\r\nhello\r\n0\r\n\r\nmore", 5), Code::InvalidRequest);
    EXPECT_EQ(fault("5;chunk-signature=00\r\nhello\r\n0\r\n\r\n", 5), Code::InvalidRequest);
    EXPECT_EQ(fault("5\r\nhello\r\n0\r\n" + std::string(2'000, 'x'), 5), Code::InvalidRequest);
}

TEST(AwsChunked, requires_chunk_signatures_when_signed) {
    EXPECT_EQ(fault("5\r\nhello\r\n0\r\n\r\n", 5, ChunkedForm::signed_chunks), Code::InvalidRequest);
}

}  // namespace
}  // namespace photogate::gateway::s3
