// However the bytes are cut on their way, they mean the same: each row in two pieces, cut at every byte, and
// byte by byte.
#include <algorithm>

#include "bad_rows.hpp"
#include "serving.hpp"

namespace photogate::gateway::http::test {
namespace {

const std::string kSmuggled = get("/hello/smuggled");

/// Every place in what is short; the ends and every 97th byte of what is long.
std::vector<std::size_t> cuts(std::size_t size) {
    std::vector<std::size_t> all;
    for (std::size_t at = 1; at < size; ++at) {
        if (size < 400 || at < 64 || size - at < 64 || (size < 20'000 && at % 97 == 0)) all.push_back(at);
    }
    return all;
}

class Split : public Serving {
    ServerOptions options() const override {
        ServerOptions options{.threads = 1, .access_log = AccessLog::none};
        options.limits.requests_per_connection = 1'000'000'000;
        return options;
    }

  protected:
    void SetUp() override {
        Serving::SetUp();
        clock = std::make_unique<RawClient>(connect());
    }
    /// The one thread takes what is ready in turn: when it has answered here, it has read what was sent
    /// elsewhere before.
    void settle() { ASSERT_EQ(clock->ask(get("/large/no"))->status, 404); }
    void expect_refused(RawClient& client, const Row& row) {
        auto answer = client.receive();
        ASSERT_TRUE(answer);
        EXPECT_EQ(answer->status, row.status);
        EXPECT_NE(answer->body.find("\"code\":\"" + std::string{row.code} + "\""), std::string::npos)
            << answer->body;
        EXPECT_TRUE(client.at_end());
    }

    std::unique_ptr<RawClient> clock;
};

TEST_F(Split, rejects_identically_wherever_the_bytes_are_split) {
    for (const Row& row : closing_rows()) {
        for (std::size_t at : cuts(row.bytes.size())) {
            SCOPED_TRACE(std::string{row.name} + " cut at " + std::to_string(at));
            RawClient client = connect();
            client.send(std::string_view{row.bytes}.substr(0, at));
            settle();
            client.send(row.bytes.substr(at) + kSmuggled);
            expect_refused(client, row);
            if (HasFailure()) return;
        }
    }
    EXPECT_EQ(handled, 0);
}

TEST_F(Split, rejects_identically_byte_by_byte) {
    for (const Row& row : closing_rows()) {
        SCOPED_TRACE(row.name);
        RawClient client = connect();
        std::size_t sent = 0;
        for (std::size_t at : cuts(row.bytes.size())) {
            client.send(std::string_view{row.bytes}.substr(sent, at - sent));
            settle();
            sent = at;
        }
        client.send(row.bytes.substr(sent) + kSmuggled);
        expect_refused(client, row);
    }
    EXPECT_EQ(handled, 0);
}

TEST_F(Split, answers_identically_wherever_a_request_is_split) {
    struct Valid {
        std::string bytes;
        std::vector<std::string> bodies;
    };
    const std::vector<Valid> requests{
        {get("/hello/a%20b?x=%41&y", "X: \tv w \r\nAccept: */*\r\n"), {"hello a b"}},
        {post("/echo", "0123456789"), {"0123456789"}},
        {post("/echo", ""), {""}},
        {"POST /echo "
         "HTTP/"
         "1.1\r\nhost:h\r\ntransfer-encoding:chunked\r\n\r\n3\r\nabc\r\nA;x=\"y\"\r\n0123456789\r\n000\r\nX: "
         "y\r\n\r\n",
         {"abc0123456789"}},
        {"\r\n" + get("/hello/after"), {"hello after"}},
        {post("/echo", "\r\n\r\nGET") + get("/hello/2") + post("/echo", "3"),
         {"\r\n\r\nGET", "hello 2", "3"}},
        {"OPTIONS * HTTP/1.1\r\nHost: [::1]:80\r\n\r\n" + get("/hello/x"), {"", "hello x"}},
    };
    for (const Valid& request : requests) {
        for (std::size_t at : cuts(request.bytes.size())) {
            SCOPED_TRACE(request.bytes + " cut at " + std::to_string(at));
            RawClient client = connect();
            client.send(std::string_view{request.bytes}.substr(0, at));
            settle();
            client.send(std::string_view{request.bytes}.substr(at));
            for (const std::string& body : request.bodies)
                ASSERT_EQ(client.receive()->body, body);
        }
    }
}

}  // namespace
}  // namespace photogate::gateway::http::test
