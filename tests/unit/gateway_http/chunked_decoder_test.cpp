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

TEST(ChunkedDecoder, enforces_limit_before_the_bytes_arrive) {
    EXPECT_EQ(decode("B\r\n", 10).refused, ErrorCode::body_too_large);
    EXPECT_EQ(decode("A\r\n0123456789\r\n1\r\n", 10).refused, ErrorCode::body_too_large);
    EXPECT_EQ(decode("fffffffffffffff\r\n", 10).refused, ErrorCode::body_too_large);
    EXPECT_TRUE(decode("A\r\n0123456789\r\n0\r\n\r\n", 10).done);
    EXPECT_EQ(decode("1\r\n", 0).refused, ErrorCode::body_too_large);
}

}  // namespace
}  // namespace photogate::gateway::http
