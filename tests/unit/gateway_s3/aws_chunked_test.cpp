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

/// AWS's example of "sigv4-streaming-trailers".
class SignedTrailer : public testing::Test {
  protected:
    std::optional<Code> fault(const std::string& body, std::size_t step) {
        const Timestamp at = *parse_rfc3339("2013-05-24T00:00:00Z");
        AwsChunked decoder{
            {ChunkedForm::signed_chunks_and_trailer,
             std::make_shared<signer::ChunkSignatures>(
                 keys_.at(at), at, "106e2a8a18243abcf37539882f36619c00e2dfc72633413f02d3b74544bfeb8e"),
             66'560}};
        const auto decoded = decode(decoder, body, step);
        if (!decoded) return decoded.error().code;
        EXPECT_TRUE(*decoded == std::string(66'560, 'a'));
        EXPECT_EQ(decoder.trailers().size(), 1U);
        EXPECT_EQ(decoder.trailers().front(),
                  (std::pair<std::string, std::string>{"x-amz-checksum-crc32c", "sOO8/Q=="}));
        return std::nullopt;
    }
    static std::string body(const std::string& trailer_signature, const std::string& ending,
                            const std::string& checksum = "sOO8/Q==") {
        return "10000;chunk-signature=b474d8862b1487a5145d686f57f013e54db672cee1c953b3010fb58501ef5aa2\r\n" +
               std::string(65'536, 'a') +
               "\r\n400;chunk-signature="
               "1c1344b170168f8e65b41376b44b20fe354e373826ccbbe2c1d40a8cae51e5c7\r\n" +
               std::string(1'024, 'a') +
               "\r\n0;chunk-signature=2ca2aba2005185cf7159c6277faf83795951dd77a3a99e6e65d5c9f85863f992\r\n" +
               "x-amz-checksum-crc32c:" + checksum + ending + "x-amz-trailer-signature:" + trailer_signature +
               "\r\n\r\n";
    }

    const std::string right_ = "d81f82fc3505edab99d459891051a732e8730629a2e4a59689829ca17fe2e435";
    signer::SigningKeyCache keys_{
        {"AKIAIOSFODNN7EXAMPLE", Secret{"wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"}, std::nullopt},
        Region::trusted("us-east-1"),
        "s3"};
};

TEST_F(SignedTrailer, accepts_the_documented_body_with_either_line_end) {
    for (const std::string ending : {"\r\n", "\n\r\n"}) {
        EXPECT_EQ(fault(body(right_, ending), 1'000), std::nullopt);
        EXPECT_EQ(fault(body(right_, ending), 7), std::nullopt);
    }
}

TEST_F(SignedTrailer, rejects_another_trailer_signature_or_checksum) {
    std::string wrong = right_;
    wrong.front() = 'e';
    EXPECT_EQ(fault(body(wrong, "\r\n"), 1'000), Code::SignatureDoesNotMatch);
    EXPECT_EQ(fault(body("", "\r\n"), 1'000), Code::SignatureDoesNotMatch);
    EXPECT_EQ(fault(body(right_, "\r\n", "sOO8/A=="), 1'000), Code::SignatureDoesNotMatch);
}

TEST_F(SignedTrailer, rejects_a_trailer_without_its_signature) {
    std::string cut = body(right_, "\r\n");
    cut.resize(cut.find("x-amz-trailer-signature"));
    EXPECT_EQ(fault(cut, 1'000), Code::IncompleteBody);
    EXPECT_EQ(fault(cut + "\r\n", 1'000), Code::SignatureDoesNotMatch);
}

}  // namespace
}  // namespace photogate::gateway::s3
