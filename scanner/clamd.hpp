// clamd's INSTREAM: a file's bytes go over a socket, and come back as clean, as a finding, or as neither.
//
//   zINSTREAM\0 · chunks, each behind its length in four bytes, big-endian · a length of 0
//   stream: OK\0 · stream: NAME FOUND\0 · … ERROR\0
//
// A connection serves one file. The daemon may answer and close before it has all bytes, where the file is longer than its
// StreamMaxLength; its answer is then read all the same.
//
// Thread safety: any thread. Errors: scanner_unavailable, for everything that is no verdict: no connection, no answer in
// time, an answer of ERROR, a file that the daemon did not look at whole. With `retry_after` it is about this file alone,
// and the daemon is there. Source: clamd(8), COMMANDS.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.hpp"

namespace photogate::scanner {

struct ClamdOptions {
    /// A path, where it begins with `/`: a Unix socket. Otherwise `HOST:PORT`.
    std::string address;
    std::chrono::milliseconds timeout{30'000};  ///< of one file, from the connection to the answer
    std::uint64_t max_stream = 25U << 20;       ///< the daemon's StreamMaxLength
};

/// `HOST:PORT`, with an IPv6 address in brackets, or an absolute path of at most 107 bytes. Errors: invalid_field.
Result<std::string> parse_clamd_address(std::string_view text);

/// The signature that was found; nullopt: the file is clean.
using Finding = std::optional<std::string>;

/// `size` bytes of a file, read with pread(2): its position does not change.
Result<Finding> scan_with_clamd(const ClamdOptions& options, int file, std::uint64_t size);

/// What an answer means, without its NUL.
Result<Finding> read_clamd_answer(std::string_view answer);

}  // namespace photogate::scanner
