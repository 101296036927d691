#include "scanner/clamd.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <memory>
#include <vector>

#include <fmt/format.h>
#include <netdb.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/ascii.hpp"
#include "base/file.hpp"

namespace photogate::scanner {
namespace {

using Steady = std::chrono::steady_clock;

constexpr std::size_t kChunk = 256U << 10;
constexpr std::size_t kLengthBytes = 4;
constexpr std::size_t kMostAnswer = 4'096;
constexpr std::size_t kMostName = 200;
/// Where an operator has to raise a limit, and where it may go by itself.
constexpr std::chrono::seconds kRetryBeyondLimit{60};
constexpr std::chrono::seconds kRetryAfterError{15};

tl::unexpected<Error> no_verdict(std::string why) {
    return fail(ErrorCode::scanner_unavailable, "the malware scanner gave no verdict: " + std::move(why));
}

/// The daemon is there, and has none for this file.
tl::unexpected<Error> no_verdict_on_file(std::string why, std::chrono::seconds retry_after) {
    auto error = no_verdict(std::move(why));
    error.value().retry_after = retry_after;
    return error;
}

std::string reason_of(int number) {
    return std::error_code{number, std::generic_category()}.message();
}

struct HostAndPort {
    std::string host;
    std::string port;
};

HostAndPort split(std::string_view address) {
    const auto colon = address.rfind(':');
    auto host = address.substr(0, colon);
    if (host.starts_with('[') && host.ends_with(']')) host = host.substr(1, host.size() - 2);
    return {std::string{host}, std::string{address.substr(colon + 1)}};
}

/// A socket that waits for nothing by itself; every wait ends at the deadline.
class Connection {
  public:
    explicit Connection(Steady::time_point deadline) : deadline_(deadline) {}

    Result<> open(const std::string& address) {
        return address.starts_with('/') ? open_local(address) : open_remote(address);
    }

    /// As much of the bytes as the peer takes; false: it has closed, or has said something already.
    Result<bool> send(const char* bytes, std::size_t size) {
        while (size > 0) {
            const auto ready = wait(POLLIN | POLLOUT);
            if (!ready) return fail(ready.error());
            if ((*ready & POLLIN) != 0) return false;
            const auto sent = ::send(socket_.get(), bytes, size, MSG_NOSIGNAL | MSG_DONTWAIT);
            if (sent >= 0) {
                bytes += sent;
                size -= static_cast<std::size_t>(sent);
            } else if (errno == EPIPE || errno == ECONNRESET) {
                return false;
            } else if (errno != EAGAIN && errno != EINTR) {
                return no_verdict("the connection broke: " + reason_of(errno));
            }
        }
        return true;
    }

    /// Up to its NUL, or to the end of the connection.
    Result<std::string> receive() {
        std::string answer;
        std::array<char, 512> part{};
        while (answer.size() <= kMostAnswer) {
            if (const auto ready = wait(POLLIN); !ready) return fail(ready.error());
            const auto got = ::recv(socket_.get(), part.data(), part.size(), MSG_DONTWAIT);
            if (got < 0 && (errno == EAGAIN || errno == EINTR)) continue;
            if (got < 0 && answer.empty()) return no_verdict("the connection broke: " + reason_of(errno));
            if (got <= 0) break;
            answer.append(part.data(), static_cast<std::size_t>(got));
            if (const auto end = answer.find('\0'); end != std::string::npos) {
                answer.resize(end);
                return answer;
            }
        }
        if (answer.size() > kMostAnswer) return no_verdict("its answer is too long");
        if (answer.empty()) return no_verdict("it closed the connection without an answer");
        return no_verdict("its answer is cut off");
    }

  private:
    Result<int> wait(int events) const {
        for (;;) {
            const auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline_ - Steady::now());
            if (left.count() <= 0) return no_verdict("it took too long");
            pollfd asked{socket_.get(), static_cast<short>(events), 0};
            const int ready = ::poll(&asked, 1, static_cast<int>(left.count()));
            if (ready > 0) return static_cast<int>(asked.revents);
            if (ready < 0 && errno != EINTR) return no_verdict("poll: " + reason_of(errno));
        }
    }

    Result<> connect(const sockaddr* address, socklen_t size, int family) {
        socket_.reset(::socket(family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
        if (!socket_) return no_verdict("no socket: " + reason_of(errno));
        if (::connect(socket_.get(), address, size) == 0) return {};
        // EAGAIN: a Unix socket whose queue is full; it does not become writable by waiting.
        if (errno != EINPROGRESS) return no_verdict("it can't be connected to: " + reason_of(errno));
        if (const auto ready = wait(POLLOUT); !ready) return fail(ready.error());
        int failure = 0;
        socklen_t length = sizeof failure;
        if (::getsockopt(socket_.get(), SOL_SOCKET, SO_ERROR, &failure, &length) != 0) failure = errno;
        if (failure != 0) return no_verdict("it can't be connected to: " + reason_of(failure));
        return {};
    }

    Result<> open_local(const std::string& path) {
        sockaddr_un address{};
        address.sun_family = AF_UNIX;
        if (path.size() >= sizeof address.sun_path) return no_verdict("its socket's path is too long");
        std::memcpy(address.sun_path, path.c_str(), path.size() + 1);
        return connect(reinterpret_cast<const sockaddr*>(&address), sizeof address, AF_UNIX);
    }

    Result<> open_remote(const std::string& address) {
        const auto [host, port] = split(address);
        addrinfo wanted{};
        wanted.ai_socktype = SOCK_STREAM;
        wanted.ai_flags = AI_NUMERICSERV;
        addrinfo* found = nullptr;
        if (const int failure = ::getaddrinfo(host.c_str(), port.c_str(), &wanted, &found); failure != 0)
            return no_verdict(fmt::format("{} does not resolve: {}", host, ::gai_strerror(failure)));
        const std::unique_ptr<addrinfo, decltype(&::freeaddrinfo)> all{found, &::freeaddrinfo};
        Result<> last = no_verdict("its host has no address");
        for (const auto* each = found; each != nullptr; each = each->ai_next) {
            last = connect(each->ai_addr, each->ai_addrlen, each->ai_family);
            if (last) return last;
        }
        return last;
    }

    const Steady::time_point deadline_;
    Descriptor socket_;
};

/// The file's next chunk behind its length; of size 0: the end of the stream.
void put_length(std::vector<char>& frame, std::size_t length) {
    for (std::size_t i = 0; i < kLengthBytes; ++i)
        frame[i] = static_cast<char>((length >> (8 * (kLengthBytes - 1 - i))) & 0xFFU);
}

/// False: it has an answer before the end.
Result<bool> stream(Connection& connection, int file, std::uint64_t size) {
    constexpr std::string_view kCommand{"zINSTREAM\0", 10};
    auto going = connection.send(kCommand.data(), kCommand.size());
    std::vector<char> frame(kLengthBytes + kChunk);
    for (std::uint64_t at = 0; going && *going && at < size;) {
        const auto wanted = static_cast<std::size_t>(std::min<std::uint64_t>(kChunk, size - at));
        const auto got = ::pread(file, frame.data() + kLengthBytes, wanted, static_cast<off_t>(at));
        if (got < 0 && errno == EINTR) continue;
        if (got <= 0)
            return fail(ErrorCode::file_error, "the file to be scanned could not be read to its end");
        put_length(frame, static_cast<std::size_t>(got));
        going = connection.send(frame.data(), kLengthBytes + static_cast<std::size_t>(got));
        at += static_cast<std::uint64_t>(got);
    }
    if (!going || !*going) return going;
    put_length(frame, 0);
    return connection.send(frame.data(), kLengthBytes);
}

/// Printable ASCII, as names of signatures are; of anything else a `?`.
std::string shown(std::string_view text) {
    std::string name{text.substr(0, kMostName)};
    std::replace_if(
        name.begin(), name.end(), [](char c) { return c < 0x20 || c > 0x7E; }, '?');
    return name;
}

}  // namespace

Result<std::string> parse_clamd_address(std::string_view text) {
    const auto wrong =
        fail(ErrorCode::invalid_field, "a clamd is HOST:PORT, or the absolute path of its socket");
    if (text.starts_with('/')) {
        if (text.size() >= sizeof sockaddr_un{}.sun_path || text.find('\0') != std::string_view::npos)
            return wrong;
        return std::string{text};
    }
    const auto colon = text.rfind(':');
    if (colon == std::string_view::npos || colon == 0) return wrong;
    const auto port = ascii::parse_whole<std::uint16_t>(text.substr(colon + 1));
    const auto host = text.substr(0, colon);
    const bool bracketed = host.starts_with('[') && host.ends_with(']');
    const bool plain =
        std::all_of(host.begin(), host.end(), [](char c) { return c > 0x20 && c < 0x7F && c != '/'; });
    if (!port || *port == 0 || !plain || (!bracketed && host.find(':') != std::string_view::npos))
        return wrong;
    return std::string{text};
}

Result<Finding> read_clamd_answer(std::string_view answer) {
    constexpr std::string_view kPrefix = "stream: ";
    constexpr std::string_view kFound = " FOUND";
    if (answer == "stream: OK") return Finding{};
    if (answer.size() > kPrefix.size() + kFound.size() && answer.starts_with(kPrefix) &&
        answer.ends_with(kFound)) {
        answer.remove_prefix(kPrefix.size());
        answer.remove_suffix(kFound.size());
        // What clamd says with AlertExceedsMax: it has not looked at all of the file.
        if (answer.starts_with("Heuristics.Limits.Exceeded"))
            return no_verdict_on_file("the file is beyond clamd's limits (" + shown(answer) +
                                          "); raise MaxFileSize and MaxScanSize in clamd.conf",
                                      kRetryBeyondLimit);
        return Finding{shown(answer)};
    }
    if (answer.find("size limit exceeded") != std::string_view::npos)
        return no_verdict_on_file("the file is longer than clamd's StreamMaxLength; raise it in clamd.conf",
                                  kRetryBeyondLimit);
    return no_verdict_on_file("it answered '" + shown(answer) + "'", kRetryAfterError);
}

Result<Finding> scan_with_clamd(const ClamdOptions& options, int file, std::uint64_t size) {
    if (size > options.max_stream) {
        return no_verdict_on_file(
            fmt::format("the file has {} bytes, more than scanner.max_stream ({}); raise it, and "
                        "StreamMaxLength in clamd.conf",
                        size, options.max_stream),
            kRetryBeyondLimit);
    }
    Connection connection{Steady::now() + options.timeout};
    if (auto opened = connection.open(options.address); !opened) return fail(std::move(opened.error()));
    if (const auto sent = stream(connection, file, size); !sent) return fail(sent.error());
    const auto answer = connection.receive();
    if (!answer) return fail(answer.error());
    return read_clamd_answer(*answer);
}

}  // namespace photogate::scanner
