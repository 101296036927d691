// A file without a name, in memory: where a downloaded object is spooled and how it reaches the imager.
//
//   auto file = MemoryFile::create("upload");
//   file->append(chunk)…;            // as the bytes arrive
//   file->seal();                    // from here on nobody can change it, whoever holds the descriptor
//   task.file = file->descriptor();  task.size = file->size();
//
// Linux memfd_create(2). The bytes count as this process's memory (or its cgroup's): the caller caps them.
// Thread safety: one thread appends; once sealed, any number may read. Errors: file_error.
#pragma once

#include "base/encoding.hpp"
#include "base/file.hpp"
#include "base/result.hpp"
#include "base/words.hpp"

namespace photogate::imaging {

/// A read-only view of a whole file; unmapped at the end of its life. Outlives the descriptor that it was
/// made from.
class MappedFile {
  public:
    /// The first `size` bytes; file_error where the file is shorter (reading past its end would be SIGBUS).
    static Result<MappedFile> map(int descriptor, ByteSize size);
    MappedFile(MappedFile&& other) noexcept;
    MappedFile& operator=(MappedFile&& other) noexcept;
    ~MappedFile();

    BytesView bytes() const { return {static_cast<const std::uint8_t*>(start_), size_}; }

  private:
    MappedFile(void* start, std::size_t size) : start_(start), size_(size) {}
    void* start_ = nullptr;
    std::size_t size_ = 0;
};

class MemoryFile {
  public:
    /// `name` is seen in /proc alone.
    static Result<MemoryFile> create(const char* name);

    Result<> append(BytesView bytes);
    /// No more writing, growing or shrinking, by anyone, for ever. Idempotent.
    Result<> seal();
    Result<MappedFile> map() const { return MappedFile::map(descriptor(), size_); }

    int descriptor() const { return descriptor_.get(); }
    ByteSize size() const { return size_; }

  private:
    explicit MemoryFile(Descriptor descriptor) : descriptor_(std::move(descriptor)) {}
    Descriptor descriptor_;
    ByteSize size_ = 0;
};

}  // namespace photogate::imaging
