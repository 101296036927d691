// What every malware scanner is asked, in whichever protocol: is there something in this file?
//
// Errors of scan(): scanner_unavailable, there is no verdict: no connection, no answer in time, an answer that is none;
// whether the scanner or the file is to blame is not known. overloaded, with `retry_after`: it was not asked, because all
// connections are in use. file_error.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "base/result.hpp"

namespace photogate::scanner {

struct Verdict {
    enum class Kind {
        clean,
        found,   ///< text: the signature
        beyond,  ///< text: the limit of the scanner's that the file is beyond; it will be each time
        failed,  ///< text: why there is none on this file, though there is on others; Scanner alone says so
    } kind = Kind::clean;
    std::string text = {};
    bool operator==(const Verdict&) const = default;
};
inline Verdict found(std::string signature) {
    return {Verdict::Kind::found, std::move(signature)};
}
inline Verdict beyond(std::string limit) {
    return {Verdict::Kind::beyond, std::move(limit)};
}

/// Thread safety: any thread.
class Engine {
  public:
    Engine() = default;
    virtual ~Engine() = default;
    Engine(const Engine&) = delete;
    Engine& operator=(const Engine&) = delete;

    /// `size` bytes of a file, read with pread(2): its position does not change. `timeout`: from the connection to
    /// the end of the answer.
    virtual Result<Verdict> scan(int file, std::uint64_t size, std::chrono::milliseconds timeout) = 0;
};

/// scanner_unavailable
tl::unexpected<Error> no_verdict(std::string why);
/// Printable ASCII, at most 200 bytes, as names of signatures are; of anything else a `?`.
std::string shown(std::string_view text);
/// What is said of a file that is longer than what the scanner takes (`scanner.max_stream`).
std::optional<Verdict> check_length(std::uint64_t size, std::uint64_t max_stream);
/// Up to `most` bytes of the file at this place, all of which exist. Errors: file_error.
Result<std::size_t> read_at(int file, std::uint64_t at, char* into, std::size_t most);

}  // namespace photogate::scanner
