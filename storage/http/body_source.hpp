// Request bodies: from memory, from a file, and a slice of another source.
//
// Thread safety: reading is const and keeps no position, so several requests may share one source.
#pragma once

#include <filesystem>
#include <string>
#include <utility>

#include "storage/http/http_client.hpp"

namespace photogate::storage::http {

/// Bytes that the caller keeps alive.
class MemorySource final : public BodySource {
  public:
    explicit MemorySource(BytesView bytes) : bytes_(bytes) {}
    explicit MemorySource(std::string_view text) : bytes_(as_bytes(text)) {}
    std::uint64_t size() const override { return bytes_.size(); }
    std::optional<std::size_t> read(std::uint64_t offset, std::span<std::uint8_t> out) const override;

  private:
    BytesView bytes_;
};

/// A file or memfd, read with pread(2): the descriptor's position does not change. The size is taken at
/// opening; if the file shrinks afterwards, the request fails (file_error) instead of sending a short body.
class FileSource final : public BodySource {
  public:
    /// Errors: file_error.
    static Result<FileSource> open(const std::filesystem::path& path);
    /// The descriptor stays the caller's. Errors: file_error.
    static Result<FileSource> duplicate(int descriptor);

    FileSource(FileSource&& other) noexcept;
    FileSource& operator=(FileSource&& other) noexcept;
    ~FileSource() override;
    std::uint64_t size() const override { return size_; }
    std::optional<std::size_t> read(std::uint64_t offset, std::span<std::uint8_t> out) const override;

  private:
    FileSource(int descriptor, std::uint64_t size) : descriptor_(descriptor), size_(size) {}
    static Result<FileSource> adopt(int descriptor, const std::string& name);
    int descriptor_;
    std::uint64_t size_;
};

/// `length` bytes of another source from `offset` on: one part of a multipart upload. The other source
/// outlives it.
class SliceSource final : public BodySource {
  public:
    SliceSource(const BodySource& whole, std::uint64_t offset, std::uint64_t length);
    std::uint64_t size() const override { return length_; }
    std::optional<std::size_t> read(std::uint64_t offset, std::span<std::uint8_t> out) const override;

  private:
    const BodySource& whole_;
    std::uint64_t offset_;
    std::uint64_t length_;
};

}  // namespace photogate::storage::http
