#include "scanner/clamd.hpp"

#include <chrono>
#include <cstring>
#include <functional>
#include <string>
#include <thread>

#include <gtest/gtest.h>
#include <sys/mman.h>
#include <unistd.h>

#include "tests/support/loopback_listener.hpp"

namespace photogate::scanner {
namespace {

using namespace std::chrono_literals;
using namespace std::string_literals;

/// A daemon that serves one connection as the test says.
class FakeClamd {
  public:
    explicit FakeClamd(std::function<void(int)> serve) {
        thread_ = std::thread{[this, serve = std::move(serve)] {
            const Descriptor connection{::accept4(listener_.socket(), nullptr, nullptr, SOCK_CLOEXEC)};
            serve(connection.get());
        }};
    }
    ~FakeClamd() { thread_.join(); }
    std::string address() const { return "127.0.0.1:" + std::to_string(listener_.port()); }

    static std::string read_exactly(int connection, std::size_t size) {
        std::string got(size, '\0');
        std::size_t at = 0;
        while (at < size) {
            const auto part = ::recv(connection, got.data() + at, size - at, 0);
            if (part <= 0) return got.substr(0, at);
            at += static_cast<std::size_t>(part);
        }
        return got;
    }
    static void say(int connection, const std::string& words) {
        (void)::send(connection, words.data(), words.size(), MSG_NOSIGNAL);
    }

  private:
    test::LoopbackListener listener_;
    std::thread thread_;
};

class File {
  public:
    explicit File(const std::string& bytes)
        : descriptor_(::memfd_create("scanned", MFD_CLOEXEC)), size_(bytes.size()) {
        EXPECT_EQ(::write(descriptor_.get(), bytes.data(), bytes.size()), static_cast<ssize_t>(bytes.size()));
    }
    Result<Verdict> scan(const std::string& address, std::chrono::milliseconds timeout = 10s) const {
        return Clamd{{.address = address}}.scan(descriptor_.get(), size_, timeout);
    }
    int descriptor() const { return descriptor_.get(); }
    std::uint64_t size() const { return size_; }

  private:
    Descriptor descriptor_;
    std::uint64_t size_;
};

void expect_no_verdict(const Result<Verdict>& found, const std::string& why) {
    ASSERT_FALSE(found) << found->text;
    EXPECT_EQ(found.error().code, ErrorCode::scanner_unavailable);
    EXPECT_NE(found.error().detail.find(why), std::string::npos) << found.error().detail;
}

void expect_beyond_limit(const Result<Verdict>& found, const std::string& why) {
    ASSERT_TRUE(found) << found.error().detail;
    EXPECT_EQ(found->kind, Verdict::Kind::beyond);
    EXPECT_NE(found->text.find(why), std::string::npos) << found->text;
}

TEST(ClamdAnswer, is_clean_a_finding_or_neither) {
    EXPECT_EQ(*read_clamd_answer("stream: OK"), Verdict{});
    EXPECT_EQ(*read_clamd_answer("stream: Win.Test.EICAR_HDB-1 FOUND"), found("Win.Test.EICAR_HDB-1"));
    for (const auto* answer : {"", "OK", "stream: ok", "stream: OK ", "stream:  FOUND", "stream: FOUND",
                               "UNKNOWN COMMAND", "stream: Can't allocate memory ERROR", "PONG"})
        expect_no_verdict(read_clamd_answer(answer), "answered");
}

TEST(ClamdAnswer, of_a_file_that_was_not_read_whole_is_about_that_file) {
    expect_beyond_limit(read_clamd_answer("INSTREAM size limit exceeded. ERROR"), "StreamMaxLength");
    expect_beyond_limit(read_clamd_answer("stream: Heuristics.Limits.Exceeded.MaxFileSize FOUND"),
                        "MaxFileSize");
}

TEST(ClamdAnswer, shows_a_name_in_printable_characters) {
    EXPECT_EQ(*read_clamd_answer("stream: a\nb\xff FOUND"), found("a?b?"));
    EXPECT_EQ((*read_clamd_answer("stream: " + std::string(1'000, 'x') + " FOUND")).text.size(), 200U);
}

TEST(ClamdAddress, is_a_path_or_a_host_with_a_port) {
    for (const auto* good : {"/run/clamav/clamd.ctl", "127.0.0.1:3310", "clamd.example:3310", "[::1]:3310"})
        EXPECT_TRUE(parse_clamd_address(good)) << good;
    for (const auto* bad :
         {"", "clamd", "clamd:", ":3310", "clamd:0", "clamd:99999", "::1:3310", "a b:3310", "clamd:+1"})
        EXPECT_FALSE(parse_clamd_address(bad)) << bad;
    EXPECT_FALSE(parse_clamd_address("/" + std::string(107, 'x')));
}

TEST(Clamd, is_sent_the_file_in_chunks_and_then_its_end) {
    const std::string bytes(700'000, 'p');
    std::string command, arrived;
    {
        const FakeClamd daemon{[&](int connection) {
            command = FakeClamd::read_exactly(connection, 10);
            for (;;) {
                const auto length = FakeClamd::read_exactly(connection, 4);
                std::size_t size = 0;
                for (const char c : length)
                    size = size << 8 | static_cast<unsigned char>(c);
                if (length.size() < 4 || size == 0) break;
                arrived += FakeClamd::read_exactly(connection, size);
            }
            FakeClamd::say(connection, "stream: OK\0"s);
        }};
        const auto found = File{bytes}.scan(daemon.address());
        ASSERT_TRUE(found) << found.error().detail;
        EXPECT_EQ(*found, Verdict{});
    }
    EXPECT_EQ(command, "zINSTREAM\0"s);
    EXPECT_EQ(arrived, bytes);
}

TEST(Clamd, may_answer_and_close_before_it_has_everything) {
    const FakeClamd daemon{[](int connection) {
        FakeClamd::read_exactly(connection, 100);
        FakeClamd::say(connection, "INSTREAM size limit exceeded. ERROR\0"s);
        ::shutdown(connection, SHUT_WR);
        FakeClamd::read_exactly(connection, 100'000'000);
    }};
    expect_beyond_limit(File{std::string(20'000'000, 'x')}.scan(daemon.address()), "StreamMaxLength");
}

TEST(Clamd, that_closes_or_says_half_a_sentence_has_no_verdict) {
    {
        const FakeClamd daemon{[](int) {}};
        ASSERT_FALSE(File{"abc"}.scan(daemon.address()));
    }
    const FakeClamd daemon{[](int connection) {
        FakeClamd::read_exactly(connection, 10 + 4 + 3 + 4);
        FakeClamd::say(connection, "stream: OK");
    }};
    expect_no_verdict(File{"abc"}.scan(daemon.address()), "cut off");
}

TEST(Clamd, that_never_ends_its_answer_is_cut_off) {
    const FakeClamd daemon{[](int connection) {
        FakeClamd::read_exactly(connection, 10 + 4 + 3 + 4);
        FakeClamd::say(connection, std::string(10'000, 'x'));
        FakeClamd::read_exactly(connection, 1);
    }};
    expect_no_verdict(File{"abc"}.scan(daemon.address()), "too long");
}

TEST(Clamd, that_hangs_is_waited_for_a_bounded_time) {
    const auto started = std::chrono::steady_clock::now();
    {
        const FakeClamd daemon{[](int connection) { FakeClamd::read_exactly(connection, 100'000'000); }};
        expect_no_verdict(File{"abc"}.scan(daemon.address(), 200ms), "too long");
    }
    {
        // It takes nothing: the socket's buffers fill.
        const FakeClamd daemon{[](int connection) {
            std::this_thread::sleep_for(500ms);
            (void)connection;
        }};
        expect_no_verdict(File{std::string(20'000'000, 'x')}.scan(daemon.address(), 200ms), "too long");
    }
    EXPECT_LT(std::chrono::steady_clock::now() - started, 8s);
}

TEST(Clamd, that_is_not_there_has_no_verdict) {
    test::LoopbackListener listener;
    const auto address = "127.0.0.1:" + std::to_string(listener.port());
    listener.close();
    expect_no_verdict(File{"abc"}.scan(address), "can't be connected to");
    expect_no_verdict(File{"abc"}.scan("/nowhere/clamd.ctl"), "can't be connected to");
}

}  // namespace
}  // namespace photogate::scanner
