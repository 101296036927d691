// clamd's INSTREAM: a file's bytes go over a socket, and come back as clean, as a finding, or as neither.
//
//   zINSTREAM\0 · chunks, each behind its length in four bytes, big-endian · a length of 0
//   stream: OK\0 · stream: NAME FOUND\0 · … ERROR\0
//
// A connection serves one file. The daemon may answer and close before it has all bytes, where the file is longer than its
// StreamMaxLength; its answer is then read all the same.
//
// Thread safety: any thread. Errors: those of engine.hpp. Source: clamd(8), COMMANDS.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

#include "scanner/engine.hpp"

namespace photogate::scanner {

struct ClamdOptions {
    /// A path, where it begins with `/`: a Unix socket. Otherwise `HOST:PORT`.
    std::string address;
    std::uint64_t max_stream = 25U << 20;  ///< the daemon's StreamMaxLength
};

/// `HOST:PORT`, with an IPv6 address in brackets, or an absolute path of at most 107 bytes. Errors: invalid_field.
Result<std::string> parse_clamd_address(std::string_view text);

/// What an answer means, without its NUL.
Result<Verdict> read_clamd_answer(std::string_view answer);

class Clamd final : public Engine {
  public:
    explicit Clamd(ClamdOptions options) : options_(std::move(options)) {}
    Result<Verdict> scan(int file, std::uint64_t size, std::chrono::milliseconds timeout) override;

  private:
    const ClamdOptions options_;
};

}  // namespace photogate::scanner
