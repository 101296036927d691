#include "scanner/clamd.hpp"

#include <algorithm>
#include <vector>

#include <sys/un.h>

#include "base/ascii.hpp"
#include "scanner/connection.hpp"

namespace photogate::scanner {
namespace {

using Steady = std::chrono::steady_clock;

constexpr std::size_t kChunk = 256U << 10;
constexpr std::size_t kLengthBytes = 4;
constexpr std::size_t kMostAnswer = 4'096;

Result<> open(Connection& connection, const std::string& address) {
    if (address.starts_with('/')) return connection.open_local(address);
    const auto colon = address.rfind(':');
    auto host = address.substr(0, colon);
    if (host.starts_with('[') && host.ends_with(']')) host = host.substr(1, host.size() - 2);
    return connection.open_remote(host, address.substr(colon + 1));
}

/// The file's next chunk behind its length; of size 0: the end of the stream.
void put_length(std::vector<char>& frame, std::size_t length) {
    for (std::size_t i = 0; i < kLengthBytes; ++i)
        frame[i] = static_cast<char>((length >> (8 * (kLengthBytes - 1 - i))) & 0xFFU);
}

/// False: it has an answer before the end.
Result<bool> stream(Connection& connection, int file, std::uint64_t size) {
    constexpr std::string_view kCommand{"zINSTREAM\0", 10};
    auto going = connection.send(kCommand);
    std::vector<char> frame(kLengthBytes + kChunk);
    for (std::uint64_t at = 0; going && *going && at < size;) {
        const auto wanted = static_cast<std::size_t>(std::min<std::uint64_t>(kChunk, size - at));
        const auto got = read_at(file, at, frame.data() + kLengthBytes, wanted);
        if (!got) return fail(got.error());
        put_length(frame, *got);
        going = connection.send({frame.data(), kLengthBytes + *got});
        at += *got;
    }
    if (!going || !*going) return going;
    put_length(frame, 0);
    return connection.send({frame.data(), kLengthBytes});
}

/// Up to its NUL.
Result<std::string> receive(Connection& connection) {
    std::string answer;
    while (answer.size() <= kMostAnswer) {
        const auto part = connection.receive();
        if (!part) return fail(part.error());
        if (part->empty())
            return no_verdict(answer.empty() ? "it closed the connection without an answer"
                                             : "its answer is cut off");
        answer += *part;
        if (const auto end = answer.find('\0'); end != std::string::npos) {
            answer.resize(end);
            return answer;
        }
    }
    return no_verdict("its answer is too long");
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

Result<Verdict> read_clamd_answer(std::string_view answer) {
    constexpr std::string_view kPrefix = "stream: ";
    constexpr std::string_view kFound = " FOUND";
    if (answer == "stream: OK") return Verdict{};
    if (answer.size() > kPrefix.size() + kFound.size() && answer.starts_with(kPrefix) &&
        answer.ends_with(kFound)) {
        answer.remove_prefix(kPrefix.size());
        answer.remove_suffix(kFound.size());
        // What clamd says with AlertExceedsMax: it has not looked at all of the file.
        if (answer.starts_with("Heuristics.Limits.Exceeded"))
            return beyond("it is beyond MaxFileSize or MaxScanSize of clamd.conf (" + shown(answer) + ")");
        return found(shown(answer));
    }
    if (answer.find("size limit exceeded") != std::string_view::npos)
        return beyond("it is longer than StreamMaxLength of clamd.conf");
    return no_verdict("it answered '" + shown(answer) + "'");
}

Result<Verdict> Clamd::scan(int file, std::uint64_t size, std::chrono::milliseconds timeout) {
    if (auto too_long = check_length(size, options_.max_stream)) return std::move(*too_long);
    Connection connection{Steady::now() + timeout};
    if (auto opened = open(connection, options_.address); !opened) return fail(std::move(opened.error()));
    if (const auto sent = stream(connection, file, size); !sent) return fail(sent.error());
    const auto answer = receive(connection);
    if (!answer) return fail(answer.error());
    return read_clamd_answer(*answer);
}

}  // namespace photogate::scanner
