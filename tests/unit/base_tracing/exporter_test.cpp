// photogate-otlp.so against a socket that plays the collector: what it sends, and that nothing of it waits for long.
#include <atomic>
#include <chrono>
#include <filesystem>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/tracing/otlp_library.hpp"
#include "base/tracing/tracing.hpp"

namespace photogate::tracing {
namespace {

using namespace std::chrono_literals;
using Steady = std::chrono::steady_clock;

/// Answers every request with `status`, or never while it is 0.
class PlayedCollector {
  public:
    PlayedCollector() {
        listener_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        sockaddr_in address{};
        address.sin_family = AF_INET;
        address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        socklen_t size = sizeof address;
        EXPECT_EQ(::bind(listener_, reinterpret_cast<sockaddr*>(&address), size), 0);
        EXPECT_EQ(::listen(listener_, 16), 0);
        EXPECT_EQ(::getsockname(listener_, reinterpret_cast<sockaddr*>(&address), &size), 0);
        port_ = ntohs(address.sin_port);
        thread_ = std::thread{[this] { serve(); }};
    }
    ~PlayedCollector() {
        stop_ = true;
        thread_.join();
        ::close(listener_);
    }

    std::string url() const { return "http://127.0.0.1:" + std::to_string(port_) + "/v1/traces"; }
    std::string received() const {
        const std::lock_guard lock{mutex_};
        return received_;
    }
    std::atomic<int> status{200};

  private:
    void serve() {
        std::vector<int> clients;
        while (!stop_) {
            std::vector<pollfd> all{{listener_, POLLIN, 0}};
            for (const int client : clients)
                all.push_back({client, POLLIN, 0});
            if (::poll(all.data(), all.size(), 20) <= 0) continue;
            if (all[0].revents != 0) clients.push_back(::accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC));
            for (std::size_t i = 1; i < all.size(); ++i) {
                if (all[i].revents != 0 && !take(all[i].fd)) {
                    ::close(all[i].fd);
                    std::erase(clients, all[i].fd);
                }
            }
        }
        for (const int client : clients)
            ::close(client);
    }

    /// One request; false where the connection has ended.
    bool take(int client) {
        std::string request;
        std::size_t wanted = std::string::npos;
        while (request.size() < wanted) {
            char piece[4'096];
            const auto size = ::recv(client, piece, sizeof piece, 0);
            if (size <= 0) return false;
            request.append(piece, static_cast<std::size_t>(size));
            const auto head = request.find("\r\n\r\n");
            const auto length = request.find("Content-Length: ");
            if (head != std::string::npos && length != std::string::npos)
                wanted = head + 4 + std::stoul(request.substr(length + 16));
        }
        {
            const std::lock_guard lock{mutex_};
            received_ += request;
        }
        while (status == 0 && !stop_)
            std::this_thread::sleep_for(10ms);
        const auto answer = "HTTP/1.1 " + std::to_string(status) + " Said\r\nContent-Length: 0\r\n\r\n";
        return ::send(client, answer.data(), answer.size(), MSG_NOSIGNAL) > 0;
    }

    int listener_ = -1;
    std::uint16_t port_ = 0;
    std::atomic<bool> stop_{false};
    mutable std::mutex mutex_;
    std::string received_;
    std::thread thread_;
};

class Exporter : public testing::Test {
  protected:
    void SetUp() override {
        if (!std::filesystem::exists(kFile))
            GTEST_SKIP() << kFile << " is not built: opentelemetry-cpp is not installed";
        options.endpoint = collector.url();
        options.service_name = "photogate-under-test";
        options.service_version = "1.2.3";
        options.instance_id = "an-instance";
        options.queue = 64;
        options.interval = 50ms;
        options.timeout = 300ms;
    }

    std::unique_ptr<SpanSink> load() {
        auto loaded = load_exporter(kFile, options);
        EXPECT_TRUE(loaded) << loaded.error().detail;
        return loaded ? std::move(*loaded) : nullptr;
    }

    static SpanRecord span(const std::string& name) {
        SpanRecord made;
        made.context = *parse_traceparent("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01");
        made.name = name;
        made.kind = Kind::client;
        made.tracestate = "rojo=1";
        made.start = std::chrono::system_clock::now();
        made.duration = 5ms;
        made.attributes = {
            {"text", std::string{"a value"}}, {"number", std::int64_t{7}}, {"flag", true}, {"half", 0.5}};
        made.failed = true;
        return made;
    }

    template <class Done>
    static bool within(std::chrono::seconds time, Done done) {
        for (const auto end = Steady::now() + time; Steady::now() < end; std::this_thread::sleep_for(5ms))
            if (done()) return true;
        return false;
    }

    static inline const std::string kFile = PHOTOGATE_BINARY_DIR "/photogate-otlp.so";
    PlayedCollector collector;
    ExporterOptions options;
};

TEST_F(Exporter, sends_spans_as_otlp_over_http) {
    const auto sink = load();
    ASSERT_TRUE(sink);
    for (int i = 0; i < 10; ++i)
        sink->take(span("process"));
    ASSERT_TRUE(within(20s, [&] { return sink->counts().exported == 10; }));
    EXPECT_EQ(sink->counts().dropped + sink->counts().failed + sink->counts().waiting, 0U);
    const auto request = collector.received();
    EXPECT_TRUE(request.starts_with("POST /v1/traces HTTP/1.1\r\n")) << request.substr(0, 100);
    EXPECT_NE(request.find("application/x-protobuf"), std::string::npos);
    for (const std::string part :
         {"process", "service.name", "photogate-under-test", "1.2.3", "an-instance", "a value", "rojo=1",
          "\x0a\xf7\x65\x19\x16\xcd\x43\xdd\x84\x48\xeb\x21\x1c\x80\x31\x9c",
          "\xb7\xad\x6b\x71\x69\x20\x33\x31"})
        EXPECT_NE(request.find(part), std::string::npos) << part;
}

TEST_F(Exporter, sends_what_waits_when_it_is_closed) {
    options.interval = 60s;
    const auto sink = load();
    ASSERT_TRUE(sink);
    sink->take(span("last"));
    sink->close(5s);
    EXPECT_EQ(sink->counts().exported, 1U);
    EXPECT_NE(collector.received().find("last"), std::string::npos);
}

TEST_F(Exporter, counts_what_the_collector_does_not_take) {
    collector.status = 503;
    const auto sink = load();
    ASSERT_TRUE(sink);
    sink->take(span("refused"));
    EXPECT_TRUE(within(20s, [&] { return sink->counts().failed == 1; }));
    EXPECT_EQ(sink->counts().exported, 0U);
}

TEST_F(Exporter, neither_waits_nor_grows_while_the_collector_hangs) {
    collector.status = 0;
    const auto sink = load();
    ASSERT_TRUE(sink);
    const auto began = Steady::now();
    for (int i = 0; i < 1'000; ++i)
        sink->take(span("lost"));
    EXPECT_LT(Steady::now() - began, 2s);
    EXPECT_LE(sink->counts().waiting, 64U);
    EXPECT_GE(sink->counts().dropped, 800U);
    const auto counts = sink->counts();
    EXPECT_EQ(counts.exported, 0U);
    const auto closing = Steady::now();
    sink->close(300ms);
    EXPECT_LT(Steady::now() - closing, 5s);
    EXPECT_EQ(sink->counts().waiting, 0U);
    sink->take(span("after the end"));
    EXPECT_EQ(sink->counts().waiting, 0U);
    EXPECT_EQ(sink->counts().dropped + sink->counts().failed, 1'001U);
}

TEST_F(Exporter, that_is_not_there_is_an_error_with_what_to_do) {
    const auto loaded = load_exporter("/no/such/photogate-otlp.so", options);
    ASSERT_FALSE(loaded);
    EXPECT_EQ(loaded.error().code, ErrorCode::invalid_configuration);
    EXPECT_NE(loaded.error().detail.find("docs/tracing.md"), std::string::npos);
}

}  // namespace
}  // namespace photogate::tracing
