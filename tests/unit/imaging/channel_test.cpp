#include "imaging/channel.hpp"

#include <array>
#include <string>
#include <thread>

#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include "imaging/memory_file.hpp"

namespace photogate::imaging {
namespace {

struct Pair {
    Descriptor a;
    Descriptor b;
};

Pair sockets() {
    std::array<int, 2> ends{};
    EXPECT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends.data()), 0);
    return {Descriptor(ends[0]), Descriptor(ends[1])};
}

constexpr Channel::Caps kCaps{.header = 1 << 16, .body = 16U << 20};

Channel::Deadline soon() {
    return std::chrono::steady_clock::now() + std::chrono::seconds(20);
}

TEST(Channel, delivers_frame_larger_than_any_socket_buffer) {
    Pair pair = sockets();
    Channel from(std::move(pair.a));
    Channel to(std::move(pair.b));
    const Bytes body(5'000'001, 0x5A);
    std::thread sender([&] { EXPECT_TRUE(from.send("header", body, -1, soon())); });
    const auto frame = to.receive(kCaps, soon());
    sender.join();
    ASSERT_TRUE(frame);
    EXPECT_EQ(frame->header, "header");
    EXPECT_EQ(frame->body, body);
    EXPECT_FALSE(frame->descriptor);
}

TEST(Channel, delivers_descriptor_with_its_frame) {
    Pair pair = sockets();
    Channel from(std::move(pair.a));
    Channel to(std::move(pair.b));
    auto file = MemoryFile::create("test");
    ASSERT_TRUE(file && file->append(as_bytes("hello")));
    ASSERT_TRUE(from.send("h", {}, file->descriptor(), soon()));
    const auto frame = to.receive(kCaps, soon());
    ASSERT_TRUE(frame && frame->descriptor);
    const auto mapped = MappedFile::map(frame->descriptor.get(), 5);
    ASSERT_TRUE(mapped);
    EXPECT_EQ(as_text(mapped->bytes()), "hello");
}

TEST(Channel, times_out_on_silence_and_reports_end_as_closed) {
    Pair pair = sockets();
    Channel to(std::move(pair.b));
    EXPECT_EQ(to.receive(kCaps, std::chrono::steady_clock::now()).error(), ChannelFault::timed_out);
    pair.a.reset();
    EXPECT_EQ(to.receive(kCaps, soon()).error(), ChannelFault::closed);
    EXPECT_EQ(to.send("h", {}, -1, soon()).error(), ChannelFault::closed);
}

TEST(Channel, rejects_oversized_frame_or_wrong_magic_before_its_body) {
    for (const std::string& head : {std::string("PGI1\xFF\xFF\xFF\xFF\0\0\0\0\0\0\0\0", 16),
                                    std::string("PGI1\1\0\0\0\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF", 16),
                                    std::string("HTTP/1.1 200 OK\r", 16)}) {
        Pair pair = sockets();
        ASSERT_EQ(::write(pair.a.get(), head.data(), head.size()), 16);
        Channel to(std::move(pair.b));
        EXPECT_EQ(to.receive(kCaps, soon()).error(), ChannelFault::malformed);
    }
}

}  // namespace
}  // namespace photogate::imaging
