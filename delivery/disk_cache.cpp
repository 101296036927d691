#include "delivery/disk_cache.hpp"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <system_error>
#include <utility>

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>
#include <zlib.h>

#include "base/encoding.hpp"
#include "base/failpoint.hpp"
#include "base/file.hpp"
#include "base/log.hpp"
#include "signer/digest.hpp"

namespace photogate::delivery {

namespace fs = std::filesystem;
using storage::objects::ByteRange;
using storage::objects::ObjectReader;

namespace {

constexpr std::string_view kUnfinished = ".part";
constexpr std::size_t kShaDigits = 64;

std::size_t blocks_of(std::uint64_t size) {
    return static_cast<std::size_t>((size + DiskCache::kBlock - 1) / DiskCache::kBlock);
}

std::uint64_t file_size_of(std::uint64_t size) {
    return size + blocks_of(size) * sizeof(std::uint32_t);
}

/// What it takes of the disk, about.
std::uint64_t weight_of(std::uint64_t file_size) {
    return (file_size + 4'095) / 4'096 * 4'096;
}

std::uint32_t crc_of(std::span<const std::uint8_t> bytes) {
    return static_cast<std::uint32_t>(::crc32_z(::crc32_z(0, nullptr, 0), bytes.data(), bytes.size()));
}

bool write_all(int file, const void* bytes, std::size_t size) {
    const auto* next = static_cast<const char*>(bytes);
    while (size > 0) {
        const auto written = ::write(file, next, size);
        if (written < 0 && errno == EINTR) continue;
        if (written <= 0) return false;
        next += written;
        size -= static_cast<std::size_t>(written);
    }
    return true;
}

bool read_all(int file, void* bytes, std::size_t size, std::uint64_t offset) {
    auto* next = static_cast<char*>(bytes);
    while (size > 0) {
        const auto got = ::pread(file, next, size, static_cast<off_t>(offset));
        if (got < 0 && errno == EINTR) continue;
        if (got <= 0) return false;
        next += got;
        size -= static_cast<std::size_t>(got);
        offset += static_cast<std::uint64_t>(got);
    }
    return true;
}

tl::unexpected<Error> file_error(const fs::path& path, const std::string& why) {
    return fail(ErrorCode::file_error, path.string() + ": " + why);
}

}  // namespace

// ---- reading ----

class DiskCache::Reader final : public ObjectReader {
  public:
    Reader(DiskCache& cache, std::string content, Descriptor file, std::uint64_t size,
           std::vector<std::uint32_t> sums, ByteRange range)
        : cache_(cache),
          content_(std::move(content)),
          file_(std::move(file)),
          sums_(std::move(sums)),
          next_(range.first),
          end_(range.last + 1),
          length_(end_ - next_) {
        info_.size = size;
    }
    const storage::objects::ObjectInfo& info() const override { return info_; }
    std::uint64_t length() const override { return length_; }

    Result<std::size_t> read(std::span<std::uint8_t> out) override {
        if (next_ == end_ || out.empty()) return std::size_t{0};
        const auto number = next_ / kBlock;
        if (block_number_ != number || block_.empty()) {
            if (!load(number)) {
                cache_.damaged(content_);
                return fail(ErrorCode::file_error, "a cached file is damaged");
            }
        }
        const auto at = static_cast<std::size_t>(next_ % kBlock);
        const auto count =
            static_cast<std::size_t>(std::min<std::uint64_t>({out.size(), block_.size() - at, end_ - next_}));
        std::memcpy(out.data(), block_.data() + at, count);
        next_ += count;
        return count;
    }

  private:
    bool load(std::uint64_t number) {
        const auto start = number * kBlock;
        block_.resize(static_cast<std::size_t>(std::min<std::uint64_t>(kBlock, info_.size - start)));
        block_number_ = number;
        if (read_all(file_.get(), block_.data(), block_.size(), start) &&
            crc_of(block_) == sums_[static_cast<std::size_t>(number)])
            return true;
        block_.clear();
        return false;
    }

    DiskCache& cache_;
    const std::string content_;
    const Descriptor file_;
    const std::vector<std::uint32_t> sums_;
    storage::objects::ObjectInfo info_;
    std::uint64_t next_;
    const std::uint64_t end_;
    const std::uint64_t length_;
    Bytes block_;
    std::uint64_t block_number_ = 0;
};

std::unique_ptr<ObjectReader> DiskCache::find(const std::string& content, std::uint64_t size,
                                              const std::optional<ByteRange>& range) {
    if (!loaded_ || size == 0) return nullptr;
    {
        const std::lock_guard lock(mutex_);
        const bool found = kept_.use(content) != nullptr;
        ++(found ? counts_.hits : counts_.misses);
        if (!found) return nullptr;
    }
    Descriptor file{::open(path_of(content).c_str(), O_RDONLY | O_CLOEXEC)};
    // Evicted just now; or somebody else removed it.
    if (!file && errno == ENOENT) {
        const std::lock_guard lock(mutex_);
        kept_.drop(content, [](const auto&) {});
        return nullptr;
    }
    std::vector<std::uint32_t> sums(blocks_of(size));
    const auto length = file ? ::lseek(file.get(), 0, SEEK_END) : -1;
    if (length < 0 || static_cast<std::uint64_t>(length) != file_size_of(size) ||
        !read_all(file.get(), sums.data(), sums.size() * sizeof(std::uint32_t), size)) {
        damaged(content);
        return nullptr;
    }
    return std::make_unique<Reader>(*this, content, std::move(file), size, std::move(sums),
                                    range.value_or(ByteRange{0, size - 1}));
}

void DiskCache::damaged(const std::string& content) {
    {
        const std::lock_guard lock(mutex_);
        ++counts_.damaged;
        kept_.drop(content, [](const auto&) {});
    }
    log::warn("disk_cache.damaged", {{"file", path_of(content).string()}});
    remove_files({content});
}

// ---- writing ----

struct DiskCache::Writer::State {
    DiskCache& cache;
    const std::string content;
    const std::uint64_t size;
    const fs::path part;
    Descriptor file;
    signer::Sha256Stream digest;
    Bytes block;
    std::vector<std::uint32_t> sums;
    std::uint64_t written = 0;
    bool broken = false;
};

DiskCache::Writer::Writer(DiskCache& cache, std::string content, std::uint64_t size)
    : state_(new State{cache, content, size, cache.path_of(content).concat(kUnfinished), {}, {}, {}, {}}) {
    auto& state = *state_;
    std::error_code ignored;
    fs::create_directory(state.part.parent_path(), ignored);
    state.file = Descriptor{::open(state.part.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600)};
    state.broken = !state.file;
    if (state.broken) cache.disk_refused();
}

DiskCache::Writer::~Writer() {
    auto& state = *state_;
    state.file.reset();
    std::error_code ignored;
    fs::remove(state.part, ignored);
    state.cache.writing_ended(state.content, weight_of(file_size_of(state.size)));
}

bool DiskCache::Writer::append(std::span<const std::uint8_t> bytes) {
    auto& state = *state_;
    if (state.broken || bytes.size() > state.size - state.written) return false;
    state.digest.update(bytes);
    state.written += bytes.size();
    if (!write_all(state.file.get(), bytes.data(), bytes.size())) {
        state.broken = true;
        state.cache.disk_refused();
        return false;
    }
    while (!bytes.empty()) {
        const auto some = bytes.first(std::min(bytes.size(), kBlock - state.block.size()));
        state.block.insert(state.block.end(), some.begin(), some.end());
        bytes = bytes.subspan(some.size());
        if (state.block.size() < kBlock && state.written - bytes.size() < state.size) continue;
        state.sums.push_back(crc_of(state.block));
        state.block.clear();
    }
    return true;
}

bool DiskCache::Writer::finish() {
    auto& state = *state_;
    if (state.broken || state.written != state.size) return false;
    if (!state.content.ends_with("/" + hex_lower(state.digest.finish()))) return false;
    // Not synced: what a power loss leaves of it is found to be damaged.
    const bool written =
        write_all(state.file.get(), state.sums.data(), state.sums.size() * sizeof(std::uint32_t));
    if (written) failpoint::pass(failpoint::Point::before_disk_cache_rename);
    if (!written || ::rename(state.part.c_str(), state.cache.path_of(state.content).c_str()) != 0) {
        state.broken = true;
        state.cache.disk_refused();
        return false;
    }
    return state.cache.keep(state.content, weight_of(file_size_of(state.size)));
}

std::unique_ptr<DiskCache::Writer> DiskCache::write(const std::string& content, std::uint64_t size) {
    const auto weight = weight_of(file_size_of(size));
    if (!loaded_ || size == 0 || weight > options_.limit / 16) return nullptr;
    {
        const std::lock_guard lock(mutex_);
        if (std::chrono::steady_clock::now() < paused_until_) return nullptr;
        if (writing_weight_ + weight > options_.limit / 8) return nullptr;
        if (kept_.has(content) || !writing_.insert(content).second) return nullptr;
        writing_weight_ += weight;
    }
    return std::make_unique<Writer>(*this, content, size);
}

void DiskCache::writing_ended(const std::string& content, std::uint64_t weight) {
    const std::lock_guard lock(mutex_);
    writing_.erase(content);
    writing_weight_ -= weight;
}

void DiskCache::disk_refused() {
    const std::error_code why(errno, std::generic_category());
    {
        const std::lock_guard lock(mutex_);
        ++counts_.refused;
        paused_until_ = std::chrono::steady_clock::now() + options_.pause;
    }
    log::warn("disk_cache.refused", {{"folder", options_.folder.string()}, {"error", why.message()}});
}

bool DiskCache::keep(const std::string& content, std::uint64_t weight) {
    std::vector<std::string> evicted;
    bool kept = false;
    {
        const std::lock_guard lock(mutex_);
        kept = kept_.add(
            content, {}, weight, [](const Kept&) { return true; },
            [&](const auto& entry) {
                ++counts_.evictions;
                evicted.push_back(entry.name);
            });
    }
    if (!kept) evicted.push_back(content);
    remove_files(evicted);
    return kept;
}

// ---- the folder ----

Result<std::unique_ptr<DiskCache>> DiskCache::open(Options options) {
    std::error_code error;
    fs::create_directories(options.folder, error);
    if (error) return file_error(options.folder, error.message());
    const auto lock_file = options.folder / "lock";
    Descriptor lock{::open(lock_file.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600)};
    if (!lock) return file_error(lock_file, std::generic_category().message(errno));
    if (::flock(lock.get(), LOCK_EX | LOCK_NB) != 0)
        return file_error(options.folder, "another process uses it as its cache");
    return std::unique_ptr<DiskCache>(new DiskCache(std::move(options), std::move(lock)));
}

DiskCache::DiskCache(Options options, Descriptor lock)
    : options_(std::move(options)),
      lock_(std::move(lock)),
      kept_(options_.limit - options_.limit / 8),
      loader_([this] { load(); }) {}

DiskCache::~DiskCache() {
    stopping_ = true;
    if (loader_.joinable()) loader_.join();
}

void DiskCache::wait_until_loaded() {
    loaded_.wait(false);
}

/// The least lately written first, as if each had been added then.
void DiskCache::load() {
    struct Found {
        fs::file_time_type time;
        std::string content;
        std::uint64_t weight;
    };
    std::vector<Found> found;
    std::error_code error;
    for (fs::recursive_directory_iterator each{options_.folder, error}, end;
         !error && each != end && !stopping_; each.increment(error)) {
        std::error_code of_this;
        if (each.depth() != 1 || !each->is_regular_file(of_this)) continue;
        const auto name = each->path().filename().string();
        const auto dot = name.find('.');
        const bool ours = dot != std::string::npos && name.size() - dot - 1 == kShaDigits &&
                          parse_public_id(name.substr(0, dot));
        if (!ours) {
            if (name.ends_with(kUnfinished)) fs::remove(each->path(), of_this);
            continue;
        }
        const auto size = each->file_size(of_this);
        const auto time = each->last_write_time(of_this);
        if (!of_this)
            found.push_back({time, name.substr(0, dot) + "/" + name.substr(dot + 1), weight_of(size)});
    }
    std::sort(found.begin(), found.end(), [](const auto& a, const auto& b) { return a.time < b.time; });
    for (const auto& each : found)
        keep(each.content, each.weight);
    loaded_ = true;
    loaded_.notify_all();
}

fs::path DiskCache::path_of(const std::string& content) const {
    auto name = content;
    std::replace(name.begin(), name.end(), '/', '.');
    return options_.folder / content.substr(0, 2) / name;
}

void DiskCache::remove_files(const std::vector<std::string>& contents) const {
    for (const auto& content : contents) {
        std::error_code ignored;
        fs::remove(path_of(content), ignored);
    }
}

void DiskCache::forget(const PublicId& image) {
    std::vector<std::string> dropped;
    {
        const std::lock_guard lock(mutex_);
        kept_.drop(image.str() + "/", [&](const auto& entry) { dropped.push_back(entry.name); });
    }
    remove_files(dropped);
}

std::optional<PublicId> DiskCache::image_from(const std::string& first) const {
    const std::lock_guard lock(mutex_);
    const auto name = kept_.name_from(first);
    return parse_public_id(name.substr(0, name.find('/')));
}

DiskCache::Counts DiskCache::counts() const {
    const std::lock_guard lock(mutex_);
    auto counts = counts_;
    counts.bytes = kept_.weight() + writing_weight_;
    counts.entries = kept_.size();
    return counts;
}

}  // namespace photogate::delivery
