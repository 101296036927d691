#include "scanner/engine.hpp"

#include <algorithm>
#include <cerrno>
#include <utility>

#include <fmt/format.h>
#include <unistd.h>

namespace photogate::scanner {
namespace {

constexpr std::size_t kMostName = 200;

}  // namespace

tl::unexpected<Error> no_verdict(std::string why) {
    return fail(ErrorCode::scanner_unavailable, "the malware scanner gave no verdict: " + std::move(why));
}

std::string shown(std::string_view text) {
    std::string name{text.substr(0, kMostName)};
    std::replace_if(
        name.begin(), name.end(), [](char c) { return c < 0x20 || c > 0x7E; }, '?');
    return name;
}

std::optional<Verdict> check_length(std::uint64_t size, std::uint64_t max_stream) {
    if (size <= max_stream) return std::nullopt;
    return beyond(fmt::format("it has {} bytes, more than scanner.max_stream ({})", size, max_stream));
}

Result<std::size_t> read_at(int file, std::uint64_t at, char* into, std::size_t most) {
    for (;;) {
        const auto got = ::pread(file, into, most, static_cast<off_t>(at));
        if (got > 0) return static_cast<std::size_t>(got);
        if (got == 0 || errno != EINTR)
            return fail(ErrorCode::file_error, "the file to be scanned could not be read to its end");
    }
}

}  // namespace photogate::scanner
