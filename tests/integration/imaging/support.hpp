// What the imaging tests share: pictures made at test time, tasks, pixels of results, and the corpus.
#pragma once

#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <gtest/gtest.h>
#include <sys/types.h>

#include "base/encoding.hpp"
#include "imaging/imager_pool.hpp"
#include "imaging/memory_file.hpp"
#include "imaging/picture.hpp"

namespace photogate::imaging::testing {

/// A folder that is gone at the end of the test.
class Folder {
  public:
    Folder();
    ~Folder();
    Folder(const Folder&) = delete;
    Folder& operator=(const Folder&) = delete;
    std::string file(const std::string& name) const { return (path_ / name).string(); }
    const std::filesystem::path& path() const { return path_; }

  private:
    std::filesystem::path path_;
};

/// Runs a shell command; its standard output. Fails the test where the command fails.
std::string shell(const std::string& command);
/// `vips ARGUMENTS`, the command line tool, as an independent hand.
void vips(const std::string& arguments);

Bytes read_file(const std::filesystem::path& path);
void write_file(const std::filesystem::path& path, BytesView bytes);

/// A colourful photo-like picture of the given size, as an uncompressed `.v` file.
std::string make_photo(const Folder& folder, int width, int height);

/// Pixels of any picture that libvips reads, 8 bit, `bands` of them.
struct Pixels {
    int width = 0;
    int height = 0;
    int bands = 0;
    Bytes bytes;
};
Pixels pixels_of_file(const std::string& path);
Pixels pixels_of(const Published& picture);
/// Both of the same size and bands.
double mean_difference(const Pixels& a, const Pixels& b);
double psnr(const Pixels& a, const Pixels& b);

PoolOptions pool_options(std::size_t processes = 1);
/// One for the whole program, two worker processes.
ImagerPool& shared_pool();

/// A task about bytes in memory, with the files that it borrows.
struct Spooled {
    MemoryFile file;
    Task task;

    explicit Spooled(BytesView bytes) : file(spool(bytes)) {
        task.file = file.descriptor();
        task.size = file.size();
    }
    static MemoryFile spool(BytesView bytes) {
        auto file = MemoryFile::create("test");
        EXPECT_TRUE(file && file->append(bytes));
        return std::move(*file);
    }
};

struct Order {
    Recipe recipe;
    std::optional<std::string> declared_type;
    Limits limits;
};
Result<Outcome> run(ImagerPool& pool, BytesView file, const Order& order = {});
/// Of a picture that has to succeed; an empty one otherwise, with the test failed.
Processed process_image(BytesView file, const Order& order = {});
/// The rejection's word, `published`, or `error: …`.
std::string verdict(const Result<Outcome>& outcome);

/// The folder that PHOTOGATE_CORPUS names.
std::optional<std::filesystem::path> corpus();
#define PHOTOGATE_NEEDS_CORPUS() \
    if (!::photogate::imaging::testing::corpus()) GTEST_SKIP() << "PHOTOGATE_CORPUS is not set"

/// Processes whose parent is this one and whose program has this name.
std::vector<pid_t> children(const std::string& program);
/// The largest resident size that a process ever had; 0 where it is not known.
std::uint64_t peak_kib(pid_t process);
/// Until the condition holds; false after 20 s.
bool eventually(const std::function<bool()>& condition);

}  // namespace photogate::imaging::testing
