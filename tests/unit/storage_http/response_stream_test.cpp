#include "storage/http/response_stream.hpp"

#include <algorithm>
#include <atomic>
#include <string>
#include <thread>
#include <vector>

#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tests/support/fault_server.hpp"

namespace photogate::storage::http {
namespace {

using test::answer;
using test::FaultServer;
using test::Script;
using Then = test::Script::Then;

Request get(const std::string& url) {
    Request request;
    request.url = url;
    return request;
}

std::string read_all(ResponseStream& stream, std::size_t piece) {
    std::string all;
    std::vector<std::uint8_t> out(piece);
    while (true) {
        const auto got = stream.read(out);
        EXPECT_TRUE(got) << got.error().detail;
        if (!got || *got == 0) return all;
        EXPECT_LE(*got, piece);
        all.append(reinterpret_cast<const char*>(out.data()), *got);
    }
}

std::string numbers(std::size_t size) {
    std::string text;
    for (int i = 0; text.size() < size; ++i)
        text += std::to_string(i) + ' ';
    text.resize(size);
    return text;
}

TEST(ResponseStream, gives_the_body_byte_for_byte_in_pieces_of_any_size) {
    const std::string body = numbers(300'000);
    FaultServer server{{answer(200, body, "X-Kind: picture\r\n")}};
    HttpClient client{{}};
    for (const std::size_t piece : {1'000U, 16'384U, 16'385U, 1'000'000U}) {
        auto stream = client.open(get(server.url() + "/k"));
        ASSERT_TRUE(stream) << stream.error().detail;
        EXPECT_EQ((*stream)->head().status, 200);
        EXPECT_EQ(*(*stream)->head().header("x-kind"), "picture");
        EXPECT_TRUE(read_all(**stream, piece) == body) << piece;
    }
    EXPECT_EQ(server.connections(), 1U);
}

TEST(ResponseStream, gives_single_bytes_and_an_empty_body) {
    FaultServer server{{answer(200, "abc"), answer(200, ""), answer(204, "")}};
    HttpClient client{{}};
    auto stream = client.open(get(server.url()));
    ASSERT_TRUE(stream);
    EXPECT_EQ((*stream)->read({}), 0U);
    EXPECT_EQ(read_all(**stream, 1), "abc");
    std::uint8_t byte = 0;
    EXPECT_EQ((*stream)->read({&byte, 1}), 0U);
    for (const int status : {200, 204}) {
        auto empty = client.open(get(server.url()));
        ASSERT_TRUE(empty);
        EXPECT_EQ((*empty)->head().status, status);
        EXPECT_EQ(read_all(**empty, 10), "");
    }
}

TEST(ResponseStream, has_the_whole_body_of_a_refusal) {
    FaultServer server{{answer(404, "<Error/>")}};
    HttpClient client{{}};
    auto stream = client.open(get(server.url()));
    ASSERT_TRUE(stream);
    EXPECT_EQ((*stream)->head().status, 404);
    EXPECT_EQ((*stream)->head().body, "<Error/>");
    EXPECT_EQ(read_all(**stream, 10), "");
}

TEST(ResponseStream, tells_a_body_that_ends_early_after_what_had_come) {
    FaultServer server{{{"HTTP/1.1 200 S\r\nContent-Length: 10\r\n\r\n0123", Then::close}}};
    HttpClient client{{}};
    auto stream = client.open(get(server.url()));
    ASSERT_TRUE(stream);
    std::vector<std::uint8_t> out(100);
    std::size_t had = 0;
    Result<std::size_t> got = (*stream)->read(out);
    for (; got && *got > 0; got = (*stream)->read(out))
        had += *got;
    EXPECT_EQ(had, 4U);
    ASSERT_FALSE(got);
    EXPECT_EQ(got.error().code, ErrorCode::http_broken);
    EXPECT_FALSE((*stream)->read(out));
}

TEST(ResponseStream, tells_what_kept_the_answer_from_coming) {
    HttpClient client{{}};
    FaultServer silent{{{"", Then::hang}}};
    Request impatient = get(silent.url());
    impatient.first_byte_timeout = std::chrono::milliseconds{200};
    EXPECT_EQ(client.open(impatient).error().code, ErrorCode::http_timeout);
    FaultServer closing{{{"", Then::close}}};
    EXPECT_EQ(client.open(get(closing.url())).error().code, ErrorCode::http_broken);
    EXPECT_EQ(client.open(get("http://127.0.0.1:1/")).error().code, ErrorCode::http_connect);
    EXPECT_EQ(client.open(get("ftp://127.0.0.1/")).error().code, ErrorCode::http_blocked);
    EXPECT_EQ(client.open(get("http://a b/")).error().code, ErrorCode::invalid_field);
}

/// Sends `size` bytes to its one client, as fast as that takes them, and knows how many it took.
class Pouring {
  public:
    explicit Pouring(std::size_t size) : thread_([this, size] { pour(size); }) {}
    ~Pouring() { thread_.join(); }
    std::uint16_t port() const { return listener_.port(); }
    /// Blocks until the client has taken nothing for a while.
    void wait_until_it_stands() const {
        for (std::size_t before = 1; before != taken || before == 0;) {
            before = taken;
            std::this_thread::sleep_for(std::chrono::milliseconds{200});
        }
    }

    std::atomic<std::size_t> taken{0};

  private:
    void pour(std::size_t size) {
        const int client = ::accept(listener_.socket(), nullptr, nullptr);
        char head[4'096];
        EXPECT_GT(::recv(client, head, sizeof head, 0), 0);
        const std::string answered = "HTTP/1.1 200 S\r\nContent-Length: " + std::to_string(size) + "\r\n\r\n";
        EXPECT_GT(::send(client, answered.data(), answered.size(), MSG_NOSIGNAL), 0);
        const std::string bytes(65'536, 'x');
        while (taken < size) {
            const auto sent =
                ::send(client, bytes.data(), std::min(bytes.size(), size - taken), MSG_NOSIGNAL);
            if (sent <= 0) break;
            taken += static_cast<std::size_t>(sent);
        }
        ::close(client);
    }
    test::LoopbackListener listener_;
    std::thread thread_;
};

TEST(ResponseStream, takes_nothing_from_the_connection_while_there_is_no_reader) {
    constexpr std::size_t kSize = 40'000'000;
    Pouring server{kSize};
    HttpClient client{{}};
    auto stream = client.open(get("http://127.0.0.1:" + std::to_string(server.port())));
    ASSERT_TRUE(stream) << stream.error().detail;
    server.wait_until_it_stands();
    // The kernel's buffers hold a few megabytes of the forty.
    EXPECT_LT(server.taken, kSize / 2);
    std::uint8_t byte = 0;
    ASSERT_EQ((*stream)->read({&byte, 1}), 1U);
    EXPECT_LT(server.taken, kSize / 2);
    EXPECT_EQ(read_all(**stream, 1'000'000).size(), kSize - 1);
}

TEST(ResponseStream, ends_the_connection_of_a_body_that_was_not_read) {
    FaultServer server{{answer(200, numbers(10'000'000)), answer(200, "next")}};
    HttpClient client{{}};
    {
        auto stream = client.open(get(server.url()));
        ASSERT_TRUE(stream);
    }
    auto next = client.open(get(server.url()));
    ASSERT_TRUE(next);
    EXPECT_EQ(read_all(**next, 100), "next");
    EXPECT_EQ(server.connections(), 2U);
}

TEST(ResponseStream, serves_many_threads_at_once) {
    const std::string body = numbers(1'000'000);
    FaultServer server{{answer(200, body)}};
    HttpClient client{{}};
    std::vector<std::thread> readers;
    std::atomic<int> whole{0};
    for (int i = 0; i < 8; ++i) {
        readers.emplace_back([&] {
            for (int round = 0; round < 5; ++round) {
                auto stream = client.open(get(server.url()));
                if (stream && read_all(**stream, 30'000) == body) ++whole;
            }
        });
    }
    for (auto& reader : readers)
        reader.join();
    EXPECT_EQ(whole, 40);
}

}  // namespace
}  // namespace photogate::storage::http
