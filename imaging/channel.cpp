#include "imaging/channel.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>

#include <poll.h>
#include <sys/socket.h>

namespace photogate::imaging {
namespace {

constexpr std::string_view kMagic = "PGI1";
constexpr std::size_t kHeadSize = 16;
constexpr std::size_t kStep = 1U << 20;  ///< bytes by which a body grows

template <class Number>
void put_little_endian(std::uint8_t* at, Number number) {
    for (std::size_t i = 0; i < sizeof(Number); ++i)
        at[i] = static_cast<std::uint8_t>(number >> (8 * i));
}

template <class Number>
Number little_endian(const std::uint8_t* at) {
    Number number = 0;
    for (std::size_t i = 0; i < sizeof(Number); ++i)
        number |= static_cast<Number>(at[i]) << (8 * i);
    return number;
}

/// Waits until the socket is ready or closed; false once the deadline has passed.
bool wait_for(int descriptor, short events, const Channel::Deadline& deadline) {
    for (;;) {
        int patience = -1;
        if (deadline) {
            const auto left =
                std::chrono::ceil<std::chrono::milliseconds>(*deadline - std::chrono::steady_clock::now());
            if (left.count() <= 0) return false;
            patience = static_cast<int>(std::min<std::int64_t>(left.count(), 3'600'000));
        }
        pollfd entry{descriptor, events, 0};
        const int ready = ::poll(&entry, 1, patience);
        if (ready > 0) return true;
        if (ready < 0 && errno != EINTR) return true;  // the call that follows says what is wrong
    }
}

}  // namespace

tl::expected<void, ChannelFault> Channel::send(std::string_view header, BytesView body, int attached,
                                               Deadline deadline) {
    Bytes head(kHeadSize + header.size());
    std::memcpy(head.data(), kMagic.data(), kMagic.size());
    put_little_endian(head.data() + 4, static_cast<std::uint32_t>(header.size()));
    put_little_endian(head.data() + 8, static_cast<std::uint64_t>(body.size()));
    std::memcpy(head.data() + kHeadSize, header.data(), header.size());
    return send_all(head, attached, deadline).and_then([&] { return send_all(body, -1, deadline); });
}

bool Channel::wait(Deadline deadline) const {
    return wait_for(descriptor(), POLLIN, deadline);
}

tl::expected<void, ChannelFault> Channel::send_all(BytesView bytes, int attached, Deadline deadline) {
    while (!bytes.empty()) {
        iovec part{const_cast<std::uint8_t*>(bytes.data()), bytes.size()};
        msghdr message{};
        message.msg_iov = &part;
        message.msg_iovlen = 1;
        alignas(cmsghdr) std::array<char, CMSG_SPACE(sizeof(int))> control{};
        if (attached >= 0) {
            message.msg_control = control.data();
            message.msg_controllen = control.size();
            cmsghdr* rights = CMSG_FIRSTHDR(&message);
            rights->cmsg_level = SOL_SOCKET;
            rights->cmsg_type = SCM_RIGHTS;
            rights->cmsg_len = CMSG_LEN(sizeof(int));
            std::memcpy(CMSG_DATA(rights), &attached, sizeof(int));
        }
        const ssize_t sent = ::sendmsg(descriptor(), &message, MSG_NOSIGNAL | MSG_DONTWAIT);
        if (sent >= 0) {
            attached = -1;
            bytes = bytes.subspan(static_cast<std::size_t>(sent));
        } else if (errno == EAGAIN || errno == EWOULDBLOCK) {
            if (!wait_for(descriptor(), POLLOUT, deadline)) return tl::unexpected(ChannelFault::timed_out);
        } else if (errno != EINTR) {
            return tl::unexpected(ChannelFault::closed);
        }
    }
    return {};
}

tl::expected<void, ChannelFault> Channel::receive_all(std::uint8_t* into, std::size_t size,
                                                      Deadline deadline) {
    while (size > 0) {
        iovec part{into, size};
        msghdr message{};
        message.msg_iov = &part;
        message.msg_iovlen = 1;
        // Room for one descriptor (alignment makes it two): the kernel closes what a sender attaches beyond
        // that.
        alignas(cmsghdr) std::array<char, CMSG_SPACE(sizeof(int))> control{};
        message.msg_control = control.data();
        message.msg_controllen = control.size();
        const ssize_t got = ::recvmsg(descriptor(), &message, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
        if (got < 0) {
            if (errno == EINTR) continue;
            if (errno != EAGAIN && errno != EWOULDBLOCK) return tl::unexpected(ChannelFault::closed);
            if (!wait_for(descriptor(), POLLIN, deadline)) return tl::unexpected(ChannelFault::timed_out);
            continue;
        }
        for (cmsghdr* rights = CMSG_FIRSTHDR(&message); rights != nullptr;
             rights = CMSG_NXTHDR(&message, rights)) {
            if (rights->cmsg_level != SOL_SOCKET || rights->cmsg_type != SCM_RIGHTS) continue;
            const std::size_t count = (rights->cmsg_len - CMSG_LEN(0)) / sizeof(int);
            for (std::size_t i = 0; i < count; ++i) {
                int number = -1;
                std::memcpy(&number, CMSG_DATA(rights) + i * sizeof(int), sizeof(int));
                attached_ = Descriptor(number);
            }
        }
        if (got == 0) return tl::unexpected(ChannelFault::closed);
        into += got;
        size -= static_cast<std::size_t>(got);
    }
    return {};
}

tl::expected<Frame, ChannelFault> Channel::receive(const Caps& caps, Deadline deadline) {
    attached_.reset();
    std::array<std::uint8_t, kHeadSize> head{};
    if (auto read = receive_all(head.data(), head.size(), deadline); !read)
        return tl::unexpected(read.error());
    const auto header_size = little_endian<std::uint32_t>(head.data() + 4);
    const auto body_size = little_endian<std::uint64_t>(head.data() + 8);
    if (std::memcmp(head.data(), kMagic.data(), kMagic.size()) != 0 || header_size > caps.header ||
        body_size > caps.body) {
        return tl::unexpected(ChannelFault::malformed);
    }
    Frame frame;
    frame.header.resize(header_size);
    auto* text = reinterpret_cast<std::uint8_t*>(frame.header.data());
    if (auto read = receive_all(text, header_size, deadline); !read) return tl::unexpected(read.error());
    while (frame.body.size() < body_size) {
        const std::size_t before = frame.body.size();
        frame.body.resize(static_cast<std::size_t>(std::min<std::uint64_t>(body_size, before + kStep)));
        auto read = receive_all(frame.body.data() + before, frame.body.size() - before, deadline);
        if (!read) return tl::unexpected(read.error());
    }
    frame.descriptor = std::move(attached_);
    return frame;
}

}  // namespace photogate::imaging
