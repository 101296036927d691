#include "gateway/http/chunked_decoder.hpp"

#include <gtest/gtest.h>

namespace photogate::gateway::http {
namespace {

struct Outcome {
    std::string body;
    std::size_t taken = 0;
    bool done = false;
    std::optional<ErrorCode> refused;
};

Outcome decode(std::string_view bytes, std::uint64_t limit = 1'000, std::size_t step = 1'000'000) {
    ChunkedDecoder decoder(limit);
    Outcome outcome;
    while (outcome.taken < bytes.size() && !decoder.done()) {
        auto taken = decoder.feed(bytes.substr(outcome.taken, step), outcome.body);
        if (!taken) {
            outcome.refused = taken.error().code;
            return outcome;
        }
        outcome.taken += *taken;
    }
    outcome.done = decoder.done();
    return outcome;
}

TEST(ChunkedDecoder, decodes_chunks_split_anywhere) {
    const std::string bytes = "5\r\nhello\r\nA;x=\"y\"\r\n, chunked \r\n0\r\nX-T: 1\r\n\r\nGET /";
    for (std::size_t step = 1; step < bytes.size(); ++step) {
        Outcome outcome = decode(bytes, 1'000, step);
        EXPECT_FALSE(outcome.refused);
        EXPECT_TRUE(outcome.done);
        EXPECT_EQ(outcome.body, "hello, chunked ");
        EXPECT_EQ(bytes.substr(outcome.taken), "GET /");
    }
}

TEST(ChunkedDecoder, rejects_loose_framing) {
    for (std::string_view bytes :
         {"\r\n", "x\r\n", "-1\r\n", "+1\r\n", "0x1\r\n", " 1\r\n", "1 \r\n", "1\n", "1\rx", "1\r\nab",
          "1\r\na\n", "1\r\na\rx", ";x\r\n", "1234567890123456\r\n", "1;a\nb\r\n", "1;\x01\r\n"}) {
        EXPECT_EQ(decode(bytes, ~std::uint64_t{0}).refused, ErrorCode::bad_framing) << bytes;
    }
    EXPECT_EQ(decode("0\r\nX\r\n\r\n").refused, ErrorCode::bad_header);
    EXPECT_EQ(decode("0\r\nX : 1\r\n\r\n").refused, ErrorCode::bad_header);
    EXPECT_EQ(decode("0\r\n folded\r\n\r\n").refused, ErrorCode::bad_header);
    EXPECT_EQ(decode("0\r\nX: 1\n\r\n").refused, ErrorCode::bad_header);
    EXPECT_EQ(decode("0\r\nX: " + std::string(5'000, 'a')).refused, ErrorCode::headers_too_large);
    EXPECT_EQ(decode("1;" + std::string(2'000, 'a')).refused, ErrorCode::bad_framing);
}

TEST(ChunkedDecoder, rejects_malformed_extensions) {
    for (std::string_view bytes : {"1;\r\n", "1;a=\r\n", "1;a b\r\n", "1;a=\"b\r\n", "1;a=\"\x01\"\r\n",
                                   "1;a=\"\x7f\"\r\n", "1 ;a\r\n",
                                   // The quotes close on a later line, which would be data to other readers.
                                   "8;a=\"\r\n\";b=\"c\"\r\n0\r\n\r\n", "0;a=\"\r\nX: \"\r\n\r\n"}) {
        EXPECT_EQ(decode(bytes).refused, ErrorCode::bad_framing) << bytes;
        EXPECT_EQ(decode(bytes, 1'000, 1).refused, ErrorCode::bad_framing) << bytes;
    }
    EXPECT_TRUE(decode("1;a;b=c;d=\"e\\\"; f\"\r\nx\r\n0;z\r\n\r\n").done);
}

TEST(ChunkedDecoder, bounds_extensions_and_trailers_of_whole_body) {
    const auto body = [](int chunks) {
        std::string bytes;
        for (int i = 0; i < chunks; ++i)
            bytes += "1;" + std::string(128, 'a') + "\r\nx\r\n";
        return bytes + "0\r\n\r\n";
    };
    EXPECT_TRUE(decode(body(8)).done);
    EXPECT_EQ(decode(body(9)).refused, ErrorCode::bad_framing);
    std::string trailers = "0\r\n";
    for (int i = 0; i < 64; ++i)
        trailers += "X: " + std::string(61, 'a') + "\r\n";
    EXPECT_TRUE(decode(trailers + "\r\n").done);
    EXPECT_EQ(decode(trailers + "Y").refused, ErrorCode::headers_too_large);
    EXPECT_EQ(decode("0000000000000001\r\n").refused, ErrorCode::bad_framing);
}

TEST(ChunkedDecoder, rejects_trailers_that_change_framing_or_are_folded) {
    for (std::string_view trailer : {"Content-Length: 5", "Transfer-Encoding: chunked", "A: b\r\n c",
                                     "A: b\r\n\tc", "A: \x01", "A\x01: b"}) {
        const std::string bytes = "0\r\n" + std::string{trailer} + "\r\n\r\n";
        EXPECT_EQ(decode(bytes).refused, ErrorCode::bad_header) << trailer;
        EXPECT_EQ(decode(bytes, 1'000, 1).refused, ErrorCode::bad_header) << trailer;
    }
}

TEST(ChunkedDecoder, enforces_limit_before_the_bytes_arrive) {
    EXPECT_EQ(decode("B\r\n", 10).refused, ErrorCode::body_too_large);
    EXPECT_EQ(decode("A\r\n0123456789\r\n1\r\n", 10).refused, ErrorCode::body_too_large);
    EXPECT_EQ(decode("fffffffffffffff\r\n", 10).refused, ErrorCode::body_too_large);
    EXPECT_TRUE(decode("A\r\n0123456789\r\n0\r\n\r\n", 10).done);
    EXPECT_EQ(decode("1\r\n", 0).refused, ErrorCode::body_too_large);
}

}  // namespace
}  // namespace photogate::gateway::http
