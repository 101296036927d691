// A second reader of the same bytes: whatever the server's parsers accept is in RFC 9112's grammar, and means
// what an independent check of that grammar reads.
#include <string>

#include <gtest/gtest.h>

#include "gateway/http/chunked_decoder.hpp"
#include "gateway/http/parse_head.hpp"
#include "tests/support/http_grammar.hpp"

namespace photogate::gateway::http {
namespace {

namespace grammar = photogate::test::grammar;

class Dice {
  public:
    explicit Dice(std::uint64_t seed) : state_(seed) {}
    std::uint32_t below(std::uint32_t bound) {
        state_ = state_ * 6364136223846793005ULL + 1442695040888963407ULL;
        return static_cast<std::uint32_t>(state_ >> 33) % bound;
    }

  private:
    std::uint64_t state_;
};

std::string mutated(std::string bytes, Dice& dice) {
    using namespace std::string_view_literals;
    static constexpr std::string_view spice = "\r\n\t :;,=/?%#\\0123456789abcdefxGETchunked\x7f\xff\0"sv;
    for (std::uint32_t n = dice.below(4); n > 0; --n) {
        std::size_t at = dice.below(static_cast<std::uint32_t>(bytes.size()));
        char c = spice[dice.below(static_cast<std::uint32_t>(spice.size()))];
        switch (dice.below(3)) {
            case 0:
                bytes[at] = c;
                break;
            case 1:
                bytes.erase(at, 1);
                break;
            default:
                bytes.insert(at, 1, c);
                break;
        }
    }
    return bytes;
}

TEST(Grammar, rejects_what_the_standard_does) {
    const std::string line = "GET / HTTP/1.1\r\n";
    EXPECT_TRUE(grammar::match_head(line + "A:b\r\nC: \t\r\n\r\n"));
    for (const std::string& head :
         {line, line + "A : b\r\n\r\n", line + "A: b\r\n c\r\n\r\n", line + "A: b\n\r\n",
          line + "A: \rb\r\n\r\n", line + "A\r\n\r\n", line + "\r\nA: b\r\n\r\n",
          std::string{"GET  / HTTP/1.1\r\n\r\n"}, std::string{"GET / HTTP/1.2\r\n\r\n"},
          std::string{"GET / HTTP/1.1\n\r\n"}, std::string{"GET /\r\n\r\n"}}) {
        EXPECT_FALSE(grammar::match_head(head)) << head;
    }
    const auto end_of = [](const std::string& fields) {
        return grammar::body_end(grammar::match_head("PUT / HTTP/1.1\r\n" + fields + "\r\n").value());
    };
    EXPECT_TRUE(end_of("transfer-Encoding: chunked\r\n")->chunked);
    EXPECT_EQ(end_of("content-Length: 12\r\n")->length, 12U);
    EXPECT_FALSE(end_of("Transfer-Encoding: chunked\r\nContent-Length: 12\r\n"));
    EXPECT_FALSE(end_of("Content-Length: 12\r\nContent-Length: 12\r\n"));
    EXPECT_FALSE(end_of("Content-Length: 1,2\r\n"));

    EXPECT_EQ(grammar::match_chunked("2;a=\"\\\"\" ; b\r\nhi\r\n00\r\nT: x\r\n\r\n"), "hi");
    for (const char* body :
         {"0\r\n", "0\n\r\n", "0x0\r\n\r\n", "3\r\nhi\r\n0\r\n\r\n", "1\r\nhi\r\n0\r\n\r\n", "0 \r\n\r\n",
          "0;\r\n\r\n", "0;a=\"\r\n\r\n", "0\r\nT\r\n\r\n", "0\r\n\r\n\r\n"}) {
        EXPECT_FALSE(grammar::match_chunked(body)) << body;
    }
}

TEST(GrammarAgreement, accepts_only_heads_of_the_grammar_with_their_one_meaning) {
    const std::string seeds[] = {
        "POST /a/b?c=d HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\nX-Y: a b\r\n\r\n",
        "POST /u HTTP/1.1\r\nHost: h:80\r\nTransfer-Encoding: chunked\r\nConnection: keep-alive\r\n\r\n",
        "GET / HTTP/1.0\r\nHost: example.com\r\nConnection: close\r\nExpect: 100-continue\r\n\r\n",
    };
    Dice dice(7);
    int agreed = 0;
    for (int i = 0; i < 10'000; ++i) {
        std::string bytes = mutated(seeds[dice.below(3)], dice);
        std::size_t scanned = 0;
        auto end = find_head_end(bytes, scanned);
        if (!end || !*end || **end != bytes.size()) continue;
        auto ours = parse_head(bytes);
        if (!ours) continue;
        const auto theirs = grammar::match_head(bytes);
        ASSERT_TRUE(theirs) << bytes;
        EXPECT_EQ(theirs->target, ours->target);
        EXPECT_EQ(theirs->method, to_string(ours->method));
        EXPECT_EQ(theirs->is_http_1_1, ours->version == Version::http_1_1);
        const auto body = grammar::body_end(*theirs);
        ASSERT_TRUE(body) << bytes;
        EXPECT_EQ(body->chunked, std::holds_alternative<ChunkedBody>(ours->framing)) << bytes;
        const auto* length = std::get_if<LengthBody>(&ours->framing);
        EXPECT_EQ(body->length, length ? length->size : 0) << bytes;
        ASSERT_EQ(theirs->fields.size(), ours->headers.size());
        for (std::size_t field = 0; field < theirs->fields.size(); ++field) {
            EXPECT_EQ(theirs->fields[field].first, ours->headers.at(field).name);
            EXPECT_EQ(theirs->fields[field].second, ours->headers.at(field).value);
        }
        ++agreed;
    }
    EXPECT_GT(agreed, 800);
}

TEST(GrammarAgreement, accepts_only_chunked_bodies_of_the_grammar_with_their_one_meaning) {
    const std::string seeds[] = {"5\r\nhello\r\n0\r\n\r\n",
                                 "3;a=b\r\nabc\r\nA\r\n0123456789\r\n0\r\nX: y\r\n\r\n"};
    Dice dice(11);
    int agreed = 0;
    for (int i = 0; i < 10'000; ++i) {
        std::string bytes = mutated(seeds[dice.below(2)], dice);
        ChunkedDecoder decoder(1'000);
        std::string body;
        auto taken = decoder.feed(bytes, body);
        if (!taken || !decoder.done()) continue;
        EXPECT_EQ(grammar::match_chunked(std::string_view{bytes}.substr(0, *taken)), body) << bytes;
        ++agreed;
    }
    EXPECT_GT(agreed, 800);
}

}  // namespace
}  // namespace photogate::gateway::http
