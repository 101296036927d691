#include "delivery/disk_cache.hpp"

#include <fstream>

#include <gtest/gtest.h>
#include <unistd.h>

#include "base/random.hpp"
#include "delivery/cache_sweep.hpp"
#include "model/object_layout.hpp"
#include "signer/digest.hpp"
#include "tests/support/fake_records.hpp"
#include "tests/support/fake_store.hpp"

namespace photogate::delivery {
namespace {

namespace fs = std::filesystem;
using model::UploadState;
using storage::objects::ByteRange;

/// Of pseudo-random bytes, so that a block at another place is another.
std::string some_bytes(std::size_t size) {
    std::string bytes(size, '\0');
    std::uint32_t state = 7;
    for (auto& byte : bytes) {
        state = state * 1'664'525 + 1'013'904'223;
        byte = static_cast<char>(state >> 24);
    }
    return bytes;
}

class DiskCacheTest : public testing::Test {
  protected:
    DiskCacheTest() {
        std::string pattern = (fs::temp_directory_path() / "disk-cache-XXXXXX").string();
        folder = ::mkdtemp(pattern.data());
    }
    ~DiskCacheTest() override { fs::remove_all(folder); }

    std::unique_ptr<DiskCache> open(std::uint64_t limit = 64U << 20) {
        auto opened = DiskCache::open({.folder = folder, .limit = limit, .pause = std::chrono::seconds{0}});
        EXPECT_TRUE(opened) << opened.error().detail;
        (*opened)->wait_until_loaded();
        return std::move(*opened);
    }
    static std::string content_of(const PublicId& image, const std::string& bytes) {
        return image.str() + "/" + hex_lower(signer::sha256(bytes));
    }
    static bool put(DiskCache& cache, const std::string& content, const std::string& bytes) {
        auto writer = cache.write(content, bytes.size());
        if (!writer) return false;
        // In pieces that fit no block.
        for (std::size_t at = 0; at < bytes.size(); at += 10'007) {
            if (!writer->append(as_bytes(std::string_view{bytes}.substr(at, 10'007)))) return false;
        }
        return writer->finish();
    }
    static Result<std::string> read_all(storage::objects::ObjectReader& reader) {
        std::string bytes;
        std::array<std::uint8_t, 30'000> piece{};
        for (;;) {
            const auto got = reader.read(piece);
            if (!got) return fail(got.error());
            if (*got == 0) return bytes;
            bytes.append(reinterpret_cast<const char*>(piece.data()), *got);
        }
    }
    static std::optional<std::string> get(DiskCache& cache, const std::string& content, std::uint64_t size,
                                          std::optional<ByteRange> range = std::nullopt) {
        auto reader = cache.find(content, size, range);
        if (!reader) return std::nullopt;
        auto bytes = read_all(*reader);
        return bytes ? std::make_optional(*bytes) : std::nullopt;
    }
    std::vector<fs::path> files() const {
        std::vector<fs::path> found;
        for (const auto& each : fs::recursive_directory_iterator{folder}) {
            if (each.is_regular_file() && each.path().filename() != "lock") found.push_back(each.path());
        }
        return found;
    }
    static void damage(const fs::path& file, std::uint64_t at) {
        std::fstream stream{file, std::ios::in | std::ios::out | std::ios::binary};
        stream.seekg(static_cast<std::streamoff>(at));
        const auto was = static_cast<char>(stream.get());
        stream.seekp(static_cast<std::streamoff>(at));
        stream.put(static_cast<char>(was ^ 1));
    }

    SeededRandom random{1};
    const PublicId image = make_public_id(random);
    const std::string bytes = some_bytes(200'000);
    const std::string content = content_of(image, bytes);
    fs::path folder;
};

TEST_F(DiskCacheTest, has_what_was_written_and_any_range_of_it) {
    const auto cache = open();
    EXPECT_EQ(cache->find(content, bytes.size(), std::nullopt), nullptr);
    ASSERT_TRUE(put(*cache, content, bytes));
    EXPECT_EQ(get(*cache, content, bytes.size()), bytes);
    for (const auto& range : {ByteRange{0, 0}, ByteRange{65'535, 65'536}, ByteRange{70'000, 199'999}})
        EXPECT_EQ(get(*cache, content, bytes.size(), range),
                  bytes.substr(range.first, range.last - range.first + 1));
    EXPECT_EQ(cache->write(content, bytes.size()), nullptr) << "it is there";
    const auto counts = cache->counts();
    EXPECT_EQ(counts.hits, 4U);
    EXPECT_EQ(counts.misses, 1U);
}

TEST_F(DiskCacheTest, what_was_written_is_there_after_a_restart_and_what_was_not_finished_is_removed) {
    {
        const auto cache = open();
        ASSERT_TRUE(put(*cache, content, bytes));
    }
    // A crash in the middle of writing.
    std::ofstream{files().front().string() + ".part"} << "half";
    const auto cache = open();
    EXPECT_EQ(files().size(), 1U);
    EXPECT_EQ(get(*cache, content, bytes.size()), bytes);
}

TEST_F(DiskCacheTest, other_bytes_than_the_images_are_never_kept) {
    const auto cache = open();
    EXPECT_FALSE(put(*cache, content, some_bytes(199'999) + "x"));
    EXPECT_TRUE(files().empty());
    {
        auto writer = cache->write(content, bytes.size());
        ASSERT_TRUE(writer);
        EXPECT_TRUE(writer->append(as_bytes(std::string_view{bytes}.substr(0, 100'000))));
        EXPECT_FALSE(writer->finish()) << "it is not whole";
    }
    {
        auto writer = cache->write(content, bytes.size());
        ASSERT_TRUE(writer);
        EXPECT_FALSE(writer->append(as_bytes(bytes + "x"))) << "it is too long";
    }
    EXPECT_TRUE(files().empty());
    EXPECT_EQ(cache->counts().bytes, 0U);
    EXPECT_EQ(cache->find(content, bytes.size(), std::nullopt), nullptr);
}

TEST_F(DiskCacheTest, no_damaged_byte_is_given_out_wherever_it_is) {
    const auto cache = open();
    for (const std::uint64_t at :
         {std::uint64_t{0}, std::uint64_t{70'000}, std::uint64_t{199'999}, std::uint64_t{200'003}}) {
        ASSERT_TRUE(put(*cache, content, bytes));
        damage(files().front(), at);
        auto reader = cache->find(content, bytes.size(), std::nullopt);
        ASSERT_TRUE(reader);
        EXPECT_FALSE(read_all(*reader)) << at;
        EXPECT_TRUE(files().empty()) << "it is removed";
        EXPECT_EQ(cache->find(content, bytes.size(), std::nullopt), nullptr);
    }
    EXPECT_EQ(cache->counts().damaged, 4U);
    ASSERT_TRUE(put(*cache, content, bytes));
    fs::resize_file(files().front(), 150'000);
    EXPECT_EQ(cache->find(content, bytes.size(), std::nullopt), nullptr) << "cut short by a power loss";
    ASSERT_TRUE(put(*cache, content, bytes));
    fs::remove(files().front());
    EXPECT_EQ(cache->find(content, bytes.size(), std::nullopt), nullptr) << "removed by somebody else";
    EXPECT_TRUE(put(*cache, content, bytes));
}

TEST_F(DiskCacheTest, keeps_to_its_limit_and_counts_what_is_being_written) {
    const std::uint64_t limit = 1U << 20;
    const auto cache = open(limit);
    for (int each = 0; each < 60; ++each) {
        const auto written = some_bytes(20'000 + static_cast<std::size_t>(each));
        ASSERT_TRUE(put(*cache, content_of(make_public_id(random), written), written));
        EXPECT_LE(cache->counts().bytes, limit);
    }
    EXPECT_GT(cache->counts().evictions, 0U);
    EXPECT_EQ(files().size(), cache->counts().entries);
    EXPECT_EQ(cache->write(content, limit), nullptr) << "one image is never most of it";
    std::vector<std::unique_ptr<DiskCache::Writer>> writers;
    for (int each = 0; each < 10; ++each)
        writers.push_back(cache->write(content_of(make_public_id(random), bytes), 50'000));
    EXPECT_EQ(
        std::count_if(writers.begin(), writers.end(), [](const auto& writer) { return writer != nullptr; }),
        2);
}

TEST_F(DiskCacheTest, a_disk_that_refuses_writes_means_that_nothing_is_kept) {
    const auto cache = open();
    fs::remove_all(folder / content.substr(0, 2));
    std::ofstream{folder / content.substr(0, 2)} << "a file where its folder would be";
    EXPECT_FALSE(put(*cache, content, bytes));
    EXPECT_EQ(cache->find(content, bytes.size(), std::nullopt), nullptr);
    EXPECT_EQ(cache->counts().bytes, 0U);
    fs::remove(folder / content.substr(0, 2));
    EXPECT_TRUE(put(*cache, content, bytes)) << "and once it takes them, it is kept again";
}

TEST_F(DiskCacheTest, a_full_disk_is_left_alone_for_a_while) {
    if (::access("/dev/full", W_OK) != 0) GTEST_SKIP() << "no /dev/full here";
    auto opened = DiskCache::open({.folder = folder, .limit = 64U << 20, .pause = std::chrono::hours{1}});
    ASSERT_TRUE(opened);
    (*opened)->wait_until_loaded();
    const auto place = folder / content.substr(0, 2);
    fs::create_directory(place);
    fs::create_symlink("/dev/full", place / (image.str() + "." + content.substr(27) + ".part"));
    EXPECT_FALSE(put(**opened, content, bytes));
    EXPECT_EQ((*opened)->counts().refused, 1U);
    EXPECT_EQ((*opened)->write(content, bytes.size()), nullptr);
    EXPECT_TRUE(files().empty());
}

TEST_F(DiskCacheTest, one_folder_is_for_one_process) {
    const auto cache = open();
    const auto second = DiskCache::open({.folder = folder, .limit = 1U << 20});
    ASSERT_FALSE(second);
    EXPECT_EQ(second.error().code, ErrorCode::file_error);
    EXPECT_FALSE(DiskCache::open({.folder = folder / "lock" / "below a file", .limit = 1U << 20}));
}

TEST_F(DiskCacheTest, forgets_all_of_one_image_and_its_files) {
    const auto cache = open();
    const auto other = make_public_id(random);
    ASSERT_TRUE(put(*cache, content, bytes));
    ASSERT_TRUE(put(*cache, content_of(image, "small"), "small"));
    ASSERT_TRUE(put(*cache, content_of(other, "other"), "other"));
    cache->forget(image);
    EXPECT_EQ(files().size(), 1U);
    EXPECT_EQ(get(*cache, content_of(other, "other"), 5), "other");
    EXPECT_EQ(cache->find(content, bytes.size(), std::nullopt), nullptr);
}

/// Published images of a distant store, behind the cache.
class ImagesFromDiskTest : public DiskCacheTest {
  protected:
    pipeline::Stores make_stores() {
        model::StoreRegion region;
        region.published = published;
        region.signer = {"SIGNERKEY", Secret{"signer-secret"}, std::nullopt};
        auto objects = std::make_unique<test::FakeStore>();
        store = objects.get();
        std::map<std::string, pipeline::Store> all;
        all.emplace("default", pipeline::Store{region, signer::Signer(region.signer, region.signing_region),
                                               std::move(objects)});
        return pipeline::Stores{std::move(all)};
    }
    model::Upload make_published() {
        storage::records::NewUpload item;
        item.upload.id = make_upload_id(clock.now(), random);
        item.upload.public_id = make_public_id(random);
        item.upload.region = "default";
        const auto id = item.upload.id;
        records.create(std::move(item), [](auto outcome) { EXPECT_TRUE(outcome); });
        records.change(id, [&](model::Upload& changed) {
            changed.state = UploadState::published;
            model::PublishedImage made;
            made.sha256 = hex_lower(signer::sha256(bytes));
            made.key = model::published_key(changed.public_id, made.sha256, "jpg");
            made.format = "jpeg";
            made.size = bytes.size();
            made.etag = store->write(published, made.key, bytes);
            changed.image = made;
        });
        return records.find(std::nullopt, id).value();
    }

    const Bucket published = Bucket::trusted("public");
    ManualClock clock{*parse_rfc3339("2026-11-20T12:34:56Z")};
    test::FakeRecords records{clock};
    test::FakeStore* store = nullptr;
    pipeline::Stores stores = make_stores();
    std::unique_ptr<DiskCache> cache = open();
    PublishedImages images{records, stores, cache.get()};
};

TEST_F(ImagesFromDiskTest, the_store_is_asked_once_for_what_is_read_to_its_end) {
    const auto located = images.locate(make_published().public_id.str()).value();
    {
        auto given_up = images.open(located, std::nullopt);
        ASSERT_TRUE(given_up);
        std::array<std::uint8_t, 1'000> some{};
        ASSERT_TRUE((*given_up)->read(some));
    }
    EXPECT_TRUE(files().empty()) << "what a reader gave up is not kept";
    EXPECT_EQ(images.read(located).value(), bytes);
    const auto asked = store->calls("get");
    EXPECT_EQ(images.read(located).value(), bytes);
    auto part = images.open(located, ByteRange{100'000, 100'099});
    ASSERT_TRUE(part);
    EXPECT_EQ((*part)->length(), 100U);
    EXPECT_EQ(read_all(**part).value(), bytes.substr(100'000, 100));
    EXPECT_EQ(store->calls("get"), asked);
    store->before = [](const auto&) { return Error{ErrorCode::store_unavailable, "", {}, std::nullopt}; };
    EXPECT_EQ(images.read(located).value(), bytes) << "a store that is away is not missed";
}

TEST_F(ImagesFromDiskTest, a_damaged_file_is_made_up_for_by_the_store_where_it_is_damaged) {
    const auto located = images.locate(make_published().public_id.str()).value();
    ASSERT_TRUE(images.read(located));
    damage(files().front(), 150'000);
    auto reader = images.open(located, std::nullopt);
    ASSERT_TRUE(reader);
    EXPECT_EQ(read_all(**reader).value(), bytes);
    EXPECT_EQ(cache->counts().damaged, 1U);
    EXPECT_TRUE(files().empty());
}

TEST_F(ImagesFromDiskTest, what_is_not_published_any_more_is_swept_out) {
    const auto deleted = make_published();
    const auto stays = make_published();
    for (const auto& upload : {deleted, stays})
        ASSERT_TRUE(images.read(images.locate(upload.public_id.str()).value()));
    EXPECT_EQ(CacheSweep::sweep(images, CacheSweep::over(*cache)), 0U);
    ASSERT_TRUE(records.cancel_or_delete(std::nullopt, deleted.id));
    // Where the records can't be asked, nothing is concluded.
    records.before = [](std::string_view) {
        return Error{ErrorCode::database_unavailable, "", {}, std::nullopt};
    };
    EXPECT_EQ(CacheSweep::sweep(images, CacheSweep::over(*cache)), 0U);
    records.before = nullptr;
    EXPECT_EQ(CacheSweep::sweep(images, CacheSweep::over(*cache)), 1U);
    EXPECT_EQ(files().size(), 1U);
    EXPECT_EQ(cache->image_from(""), stays.public_id);
}

}  // namespace
}  // namespace photogate::delivery
