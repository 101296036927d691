// What a file is sent as: its digest, its declared type, a form around it, and how much of it has gone.
//
// Thread safety: reading a source is const; a counter is one atomic number.
#pragma once

#include <atomic>
#include <cstdint>
#include <filesystem>
#include <string>
#include <utility>
#include <vector>

#include "base/result.hpp"
#include "storage/http/body_source.hpp"

namespace photogate::client {

/// SHA-256 in hex. Errors: file_error.
Result<std::string> sha256_of(const storage::http::BodySource& file);

/// By the name's ending, for pictures; empty for another.
std::string media_type_of(const std::filesystem::path& file);

/// A part of a file; `sent` is how far in the file the reader has come.
class CountedSource final : public storage::http::BodySource {
  public:
    CountedSource(const storage::http::BodySource& file, std::uint64_t offset, std::uint64_t length,
                  std::atomic<std::uint64_t>& sent)
        : part_(file, offset, length), offset_(offset), sent_(sent) {}
    std::uint64_t size() const override { return part_.size(); }
    std::optional<std::size_t> read(std::uint64_t offset, std::span<std::uint8_t> out) const override;

  private:
    storage::http::SliceSource part_;
    std::uint64_t offset_;
    std::atomic<std::uint64_t>& sent_;
};

/// multipart/form-data (RFC 7578): the fields, in their order, and the file behind them.
class FormSource final : public storage::http::BodySource {
  public:
    /// `file` outlives it. `boundary` is in neither.
    FormSource(const std::vector<std::pair<std::string, std::string>>& fields,
               const storage::http::BodySource& file, const std::string& boundary);
    std::uint64_t size() const override { return before_.size() + file_.size() + behind_.size(); }
    std::optional<std::size_t> read(std::uint64_t offset, std::span<std::uint8_t> out) const override;

  private:
    std::string before_;
    const storage::http::BodySource& file_;
    std::string behind_;
};

}  // namespace photogate::client
