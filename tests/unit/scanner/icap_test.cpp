#include "scanner/icap.hpp"

#include <atomic>
#include <chrono>
#include <functional>
#include <mutex>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include <gtest/gtest.h>
#include <poll.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tests/support/loopback_listener.hpp"

namespace photogate::scanner {
namespace {

using namespace std::chrono_literals;

/// One connection, as a server sees it.
class Peer {
  public:
    explicit Peer(int socket) : socket_(socket) {}
    std::string read_until(const std::string& end) {
        while (held_.find(end) == std::string::npos) {
            if (!more()) return std::exchange(held_, {});
        }
        const auto size = held_.find(end) + end.size();
        auto got = held_.substr(0, size);
        held_.erase(0, size);
        return got;
    }
    std::string read_exactly(std::size_t size) {
        while (held_.size() < size && more()) {
        }
        auto got = held_.substr(0, size);
        held_.erase(0, got.size());
        return got;
    }
    /// A chunked body; `ended` says whether it ended with ieof.
    std::string read_body(bool* ieof = nullptr) {
        std::string body;
        for (;;) {
            const auto line = read_until("\r\n");
            const auto size = std::strtoul(line.c_str(), nullptr, 16);
            if (line.empty() || size == 0) {
                if (ieof != nullptr) *ieof = line.find("ieof") != std::string::npos;
                read_until("\r\n");
                return body;
            }
            body += read_exactly(size);
            read_until("\r\n");
        }
    }
    /// By value: once the client has the words, the test may change the string that they came from, while send() is still returning.
    void say(std::string words) const {  // NOLINT(performance-unnecessary-value-param)
        (void)::send(socket_, words.data(), words.size(), MSG_NOSIGNAL);
    }
    void wait_for_end() {
        while (more())
            held_.clear();
    }

  private:
    bool more() {
        char part[4'096];
        const auto got = ::recv(socket_, part, sizeof part, 0);
        if (got > 0) held_.append(part, static_cast<std::size_t>(got));
        return got > 0;
    }
    int socket_;
    std::string held_;
};

const std::string kOptions =
    "ICAP/1.0 200 OK\r\nMethods: RESPMOD\r\nPreview: 1024\r\nAllow: 204\r\nOptions-TTL: "
    "3600\r\nEncapsulated: null-body=0\r\n\r\n";
const std::string kContinue = "ICAP/1.0 100 Continue\r\n\r\n";
const std::string kUnmodified = "ICAP/1.0 204 Unmodified\r\n\r\n";

std::string changed(const std::string& http_status, const std::string& body) {
    const auto head = "HTTP/1.1 " + http_status + "\r\n\r\n";
    char size[32];
    std::snprintf(size, sizeof size, "%zx", body.size());
    return "ICAP/1.0 200 OK\r\nEncapsulated: res-hdr=0, res-body=" + std::to_string(head.size()) +
           "\r\n\r\n" + head + size + "\r\n" + body + "\r\n0\r\n\r\n";
}

/// A server that does with each connection what the test says; the connection ends when that returns.
class FakeIcap {
  public:
    explicit FakeIcap(std::function<void(Peer&)> serve) : serve_(std::move(serve)) {
        thread_ = std::thread{[this] {
            for (;;) {
                pollfd asked{listener_.socket(), POLLIN, 0};
                if (::poll(&asked, 1, 20) < 0 || stopping_) return;
                if ((asked.revents & POLLIN) == 0) continue;
                auto connection = std::make_shared<Descriptor>(
                    ::accept4(listener_.socket(), nullptr, nullptr, SOCK_CLOEXEC));
                ++connections;
                threads_.emplace_back([this, connection] {
                    Peer peer{connection->get()};
                    serve_(peer);
                });
            }
        }};
    }
    ~FakeIcap() {
        stopping_ = true;
        thread_.join();
        for (auto& each : threads_)
            each.join();
    }
    IcapOptions options(std::size_t connections_at_most = 4) const {
        return {*parse_icap_address("icap://127.0.0.1:" + std::to_string(listener_.port()) + "/avscan"),
                25U << 20, connections_at_most};
    }
    std::atomic<int> connections{0};

  private:
    std::function<void(Peer&)> serve_;
    test::LoopbackListener listener_;
    std::atomic<bool> stopping_{false};
    std::vector<std::thread> threads_;
    std::thread thread_;
};

/// OPTIONS once, and then each RESPMOD: its head, HTTP's heads, and what `answer` does with the rest.
std::function<void(Peer&)> serving(std::function<void(Peer&, const std::string& head)> answer,
                                   std::string options = kOptions) {
    return [answer = std::move(answer), options = std::move(options)](Peer& peer) {
        for (;;) {
            const auto head = peer.read_until("\r\n\r\n");
            if (head.empty()) return;
            if (head.starts_with("OPTIONS ")) {
                peer.say(options);
                continue;
            }
            peer.read_until("\r\n\r\n");
            peer.read_until("\r\n\r\n");
            answer(peer, head);
        }
    };
}

class Sent {
  public:
    explicit Sent(const std::string& bytes)
        : descriptor_(::memfd_create("scanned", MFD_CLOEXEC)), size_(bytes.size()) {
        EXPECT_EQ(::write(descriptor_.get(), bytes.data(), bytes.size()), static_cast<ssize_t>(bytes.size()));
    }
    Result<Verdict> scan(Engine& engine, std::chrono::milliseconds timeout = 10s) const {
        return engine.scan(descriptor_.get(), size_, timeout);
    }

  private:
    Descriptor descriptor_;
    std::uint64_t size_;
};

std::string bytes_of(std::size_t size) {
    std::string bytes(size, '\0');
    for (std::size_t i = 0; i < size; ++i)
        bytes[i] = static_cast<char>(i * 7 + i / 251);
    return bytes;
}

void expect_none(const Result<Verdict>& found, const std::string& why) {
    ASSERT_FALSE(found) << found->text;
    EXPECT_EQ(found.error().code, ErrorCode::scanner_unavailable);
    EXPECT_NE(found.error().detail.find(why), std::string::npos) << found.error().detail;
}

TEST(Icap, is_sent_a_preview_and_then_the_rest_over_a_connection_that_is_kept) {
    const auto bytes = bytes_of(700'000);
    std::string head, preview, rest;
    std::atomic<int> asked{0};
    {
        FakeIcap server{serving([&](Peer& peer, const std::string& its_head) {
            head = its_head;
            preview = peer.read_body();
            peer.say(kContinue);
            rest = peer.read_body();
            ++asked;
            peer.say(kUnmodified);
        })};
        Icap icap{server.options()};
        for (int i = 0; i < 3; ++i) {
            const auto found = Sent{bytes}.scan(icap);
            ASSERT_TRUE(found) << found.error().detail;
            EXPECT_EQ(*found, Verdict{});
            EXPECT_EQ(preview.size(), 1'024U);
            EXPECT_EQ(preview + rest, bytes);
        }
        EXPECT_EQ(server.connections, 1);
    }
    EXPECT_EQ(asked, 3);
    EXPECT_TRUE(head.starts_with("RESPMOD icap://127.0.0.1:")) << head;
    EXPECT_NE(head.find("/avscan ICAP/1.0\r\n"), std::string::npos) << head;
    EXPECT_NE(head.find("Allow: 204\r\nPreview: 1024\r\nEncapsulated: req-hdr=0, res-hdr=49, res-body="),
              std::string::npos)
        << head;
}

TEST(Icap, is_told_that_a_short_file_is_all_in_the_preview) {
    bool ieof = false;
    std::string body;
    FakeIcap server{serving([&](Peer& peer, const std::string&) {
        body = peer.read_body(&ieof);
        peer.say(kUnmodified);
    })};
    Icap icap{server.options()};
    for (const std::size_t size : {1U, 1'023U, 1'024U}) {
        ASSERT_TRUE(Sent{bytes_of(size)}.scan(icap));
        EXPECT_TRUE(ieof);
        EXPECT_EQ(body, bytes_of(size));
    }
}

TEST(Icap, may_answer_behind_the_preview) {
    FakeIcap server{serving([&](Peer& peer, const std::string&) {
        peer.read_body();
        peer.say(
            "ICAP/1.0 200 OK\r\nX-Infection-Found: Type=0; Resolution=2; Threat=Eicar;\r\nEncapsulated: "
            "res-body=0\r\n\r\n"
            "ffffff\r\n");
        peer.wait_for_end();
    })};
    Icap icap{server.options()};
    for (int i = 0; i < 2; ++i) {
        const auto found = Sent{bytes_of(100'000)}.scan(icap);
        ASSERT_TRUE(found) << found.error().detail;
        EXPECT_EQ(*found, (Verdict{Verdict::Kind::found, "Eicar"}));
    }
    EXPECT_EQ(server.connections, 2) << "the rest of an answer is not taken for the next one's";
}

TEST(Icap, that_gives_the_file_back_as_it_was_finds_nothing) {
    const auto bytes = bytes_of(50'000);
    std::string answer = changed("200 OK", bytes);
    FakeIcap server{serving(
        [&](Peer& peer, const std::string& head) {
            EXPECT_EQ(head.find("Allow"), std::string::npos);
            EXPECT_EQ(head.find("Preview"), std::string::npos);
            EXPECT_EQ(peer.read_body(), bytes);
            peer.say(answer);
        },
        "ICAP/1.0 200 OK\r\nMethods: RESPMOD\r\n\r\n")};
    Icap icap{server.options()};
    const auto same = Sent{bytes}.scan(icap);
    ASSERT_TRUE(same) << same.error().detail;
    EXPECT_EQ(*same, Verdict{});

    auto other = bytes;
    other.back() = static_cast<char>(other.back() + 1);
    for (const auto& body : {other, bytes + "x", bytes.substr(0, bytes.size() - 1), std::string{"<html>"}}) {
        answer = changed("200 OK", body);
        const auto found = Sent{bytes}.scan(icap);
        ASSERT_TRUE(found) << found.error().detail;
        EXPECT_EQ(*found, (Verdict{Verdict::Kind::found, "a file that the scanner changes"}));
    }
    answer = changed("403 Forbidden", bytes);
    EXPECT_EQ(Sent{bytes}.scan(icap)->text, "a file that the scanner answers with status 403");
    answer = "ICAP/1.0 200 OK\r\nEncapsulated: null-body=0\r\n\r\n";
    EXPECT_EQ(Sent{bytes}.scan(icap)->kind, Verdict::Kind::found) << "nothing is not the file";
}

TEST(Icap, whose_answer_is_none_has_no_verdict) {
    std::string answer;
    FakeIcap server{[&](Peer& peer) {
        peer.read_until("\r\n\r\n");
        peer.say(kOptions);
        if (peer.read_until("\r\n\r\n").empty()) return;
        peer.read_until("\r\n\r\n");
        peer.read_until("\r\n\r\n");
        peer.read_body();
        peer.say(answer);
    }};
    const auto expect = [&](const std::string& said, const std::string& why) {
        answer = said;
        Icap icap{server.options()};
        expect_none(Sent{"abc"}.scan(icap), why);
    };
    expect("ICAP/1.0 500 Server error\r\n\r\n", "status 500");
    expect("ICAP/1.0 206 Partial\r\n\r\n", "status 206");
    expect("HTTP/1.1 204 No Content\r\n\r\n", "no ICAP");
    expect("", "closed the connection without an answer");
    expect("ICAP/1.0 204", "cut off");
    expect("ICAP/1.0 200 OK\r\nEncapsulated: res-hdr=0, res-body=19\r\n\r\nHTTP/1.1 200 OK\r\n\r\n3\r\nab",
           "cut off");
    expect(kContinue + kUnmodified, "has everything");
}

TEST(Icap, that_closes_a_kept_connection_is_asked_on_a_new_one) {
    std::atomic<int> left{2};
    FakeIcap server{[&](Peer& peer) {
        for (;;) {
            const auto head = peer.read_until("\r\n\r\n");
            if (head.empty()) return;
            if (head.starts_with("OPTIONS ")) {
                peer.say(kOptions);
                continue;
            }
            peer.read_until("\r\n\r\n");
            peer.read_until("\r\n\r\n");
            peer.read_body();
            peer.say(kUnmodified);
            if (--left == 0) return;
        }
    }};
    Icap icap{server.options()};
    for (int i = 0; i < 4; ++i)
        ASSERT_TRUE(Sent{"abc"}.scan(icap)) << i;
    EXPECT_EQ(server.connections, 2);
}

TEST(Icap, that_closes_behind_its_options_is_asked_on_a_new_connection) {
    FakeIcap server{[&](Peer& peer) {
        const auto head = peer.read_until("\r\n\r\n");
        if (head.starts_with("OPTIONS "))
            return peer.say("ICAP/1.0 200 OK\r\nMethods: RESPMOD\r\nAllow: 204\r\nConnection: close\r\n\r\n");
        peer.read_until("\r\n\r\n");
        peer.read_until("\r\n\r\n");
        peer.read_body();
        peer.say("ICAP/1.0 204 x\r\nConnection: close\r\n\r\n");
    }};
    Icap icap{server.options()};
    for (int i = 0; i < 3; ++i)
        ASSERT_TRUE(Sent{"abc"}.scan(icap)) << i;
    EXPECT_EQ(server.connections, 4);
}

TEST(Icap, has_no_more_connections_than_the_service_takes) {
    std::atomic<int> now{0}, most{0};
    FakeIcap server{serving(
        [&](Peer& peer, const std::string&) {
            most = std::max<int>(most, ++now);
            peer.read_body();
            std::this_thread::sleep_for(30ms);
            --now;
            peer.say(kUnmodified);
        },
        "ICAP/1.0 200 OK\r\nMethods: RESPMOD\r\nAllow: 204\r\nMax-Connections: 2\r\n\r\n")};
    Icap icap{server.options(8)};
    ASSERT_TRUE(Sent{"abc"}.scan(icap));
    std::vector<std::thread> scans;
    for (int i = 0; i < 8; ++i)
        scans.emplace_back([&] { EXPECT_TRUE(Sent{"abc"}.scan(icap)); });
    for (auto& each : scans)
        each.join();
    EXPECT_LE(most, 2);
}

TEST(Icap, whose_connections_are_all_in_use_is_not_away) {
    std::atomic<bool> begun{false};
    FakeIcap server{serving([&](Peer& peer, const std::string&) {
        begun = true;
        peer.wait_for_end();
    })};
    Icap icap{server.options(1)};
    std::thread first{[&] { expect_none(Sent{"abc"}.scan(icap, 1s), "too long"); }};
    while (!begun)
        std::this_thread::sleep_for(1ms);
    const auto second = Sent{"abc"}.scan(icap, 100ms);
    ASSERT_FALSE(second);
    EXPECT_EQ(second.error().code, ErrorCode::overloaded);
    first.join();
}

TEST(Icap, that_hangs_is_waited_for_a_bounded_time) {
    FakeIcap silent{[](Peer& peer) { peer.wait_for_end(); }};
    FakeIcap slow{serving([](Peer& peer, const std::string&) {
        peer.read_body();
        for (int i = 0; i < 100; ++i) {
            peer.say("x");
            std::this_thread::sleep_for(10ms);
        }
    })};
    const auto started = std::chrono::steady_clock::now();
    for (auto* server : {&silent, &slow}) {
        Icap icap{server->options()};
        const auto found = Sent{"abc"}.scan(icap, 200ms);
        ASSERT_FALSE(found);
        EXPECT_EQ(found.error().code, ErrorCode::scanner_unavailable);
    }
    EXPECT_LT(std::chrono::steady_clock::now() - started, 5s);
}

TEST(Icap, that_is_not_there_has_no_verdict_and_too_long_a_file_is_not_sent) {
    test::LoopbackListener listener;
    const auto address =
        *parse_icap_address("icap://127.0.0.1:" + std::to_string(listener.port()) + "/avscan");
    listener.close();
    Icap icap{{address, 5, 1}};
    expect_none(Sent{"abc"}.scan(icap), "can't be connected to");
    EXPECT_EQ(Sent{"abcdef"}.scan(icap)->kind, Verdict::Kind::beyond);
}

}  // namespace
}  // namespace photogate::scanner
