// Writes an archive of files by the packager, for readers of other origin (tests/e2e/test_zip_readers.py).
//
//     make_archive [FROM TO] < PLAN > ARCHIVE
//
// Each line of the plan is an entry: the modification time in seconds, the wished name in hex and the file's path, with tabs in
// between. With FROM and TO only those bytes of the archive are written.
#include <algorithm>
#include <charconv>
#include <cstdio>
#include <iostream>
#include <map>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/encoding.hpp"
#include "packager/archive_reader.hpp"
#include "packager/names.hpp"
#include "packager/zip.hpp"

namespace photogate::packager {
namespace {

namespace so = storage::objects;

struct File {
    int descriptor = -1;
    std::uint64_t size = 0;
    std::uint32_t crc32 = 0;
};

class FileReader final : public so::ObjectReader {
  public:
    FileReader(const File& file, const so::ByteRange& range)
        : file_(file), at_(range.first), end_(range.last + 1) {
        info_.size = file.size;
        length_ = end_ - at_;
    }
    const so::ObjectInfo& info() const override { return info_; }
    std::uint64_t length() const override { return length_; }
    Result<std::size_t> read(std::span<std::uint8_t> out) override {
        const auto most = static_cast<std::size_t>(std::min<std::uint64_t>(out.size(), end_ - at_));
        const auto got = ::pread(file_.descriptor, out.data(), most, static_cast<off_t>(at_));
        if (got < 0) return fail(ErrorCode::file_error, "the file can't be read");
        at_ += static_cast<std::uint64_t>(got);
        return static_cast<std::size_t>(got);
    }

  private:
    const File file_;
    so::ObjectInfo info_;
    std::uint64_t at_;
    std::uint64_t end_;
    std::uint64_t length_ = 0;
};

class Plan final : public EntrySource, public EntryOpener {
  public:
    bool read(std::istream& in) {
        UniqueNames names;
        Layout layout;
        for (std::string line; std::getline(in, line);) {
            const auto first = line.find('\t');
            const auto second = line.find('\t', first + 1);
            if (second == std::string::npos) return false;
            std::int64_t modified = 0;
            std::from_chars(line.data(), line.data() + first, modified);
            const auto name = from_hex(line.substr(first + 1, second - first - 1));
            const std::string path = line.substr(second + 1);
            const File* file = open_file(path);
            if (!name || file == nullptr) return false;
            PlacedEntry placed;
            placed.position = rows_.size();
            placed.entry = {.name = names.add(as_text(*name)),
                            .size = file->size,
                            .crc32 = file->crc32,
                            .modified = std::chrono::sys_seconds{std::chrono::seconds{modified}}};
            placed.directory_offset = layout.directory_size();
            placed.offset = layout.add(placed.entry);
            placed.object.key = ObjectKey::trusted(path);
            rows_.push_back(std::move(placed));
        }
        extent_ = layout.finish();
        return true;
    }
    const Extent& extent() const { return extent_; }

    Result<std::vector<PlacedEntry>> page(const PageStart& start) override {
        const auto begin = [&](const PlacedEntry& placed) {
            return start.by == PageStart::By::position ? placed.position
                   : start.by == PageStart::By::offset ? placed.offset
                                                       : placed.directory_offset;
        };
        const auto behind = std::upper_bound(
            rows_.begin(), rows_.end(), start.value,
            [&](std::uint64_t value, const PlacedEntry& placed) { return value < begin(placed); });
        if (behind == rows_.begin()) return std::vector<PlacedEntry>{};
        constexpr std::ptrdiff_t kPage = 256;
        const auto first = behind - 1;
        return std::vector<PlacedEntry>(first, first + std::min(kPage, rows_.end() - first));
    }
    Result<std::unique_ptr<so::ObjectReader>> open(const PlacedEntry& entry,
                                                   const so::ByteRange& range) override {
        return std::make_unique<FileReader>(files_.at(entry.object.key.str()), range);
    }

  private:
    const File* open_file(const std::string& path) {
        if (const auto found = files_.find(path); found != files_.end()) return &found->second;
        File file{.descriptor = ::open(path.c_str(), O_RDONLY | O_CLOEXEC)};
        struct stat status = {};
        if (file.descriptor < 0 || ::fstat(file.descriptor, &status) != 0) return nullptr;
        file.size = static_cast<std::uint64_t>(status.st_size);
        Bytes piece(1U << 20);
        for (ssize_t got = 0; (got = ::read(file.descriptor, piece.data(), piece.size())) > 0;)
            file.crc32 = crc32(file.crc32, BytesView{piece.data(), static_cast<std::size_t>(got)});
        return &files_.emplace(path, file).first->second;
    }

    std::vector<PlacedEntry> rows_;
    std::map<std::string, File> files_;
    Extent extent_;
};

int run(int count, char** words) {
    const auto plan = std::make_shared<Plan>();
    if (!plan->read(std::cin)) {
        std::cerr << "make_archive: a line is not TIME, NAME IN HEX, PATH, or its file can't be read\n";
        return 2;
    }
    Span span{0, plan->extent().size};
    if (count == 3) span = {std::stoull(words[1]), std::stoull(words[2])};
    ArchiveReader reader{plan->extent(), span, plan, plan};
    Bytes piece(256U << 10);
    while (true) {
        const auto got = reader.read(piece);
        if (!got) {
            std::cerr << "make_archive: " << got.error().detail << "\n";
            return 1;
        }
        if (*got == 0) return std::fflush(stdout) == 0 ? 0 : 1;
        if (std::fwrite(piece.data(), 1, *got, stdout) != *got) return 1;
    }
}

}  // namespace
}  // namespace photogate::packager

int main(int count, char** words) {
    return photogate::packager::run(count, words);
}
