// A disk that fills: a clear word, the object that was there unharmed, and no litter.
#include <sys/mount.h>

#include "tests/unit/storage_builtin/store_fixture.hpp"

namespace photogate::storage::builtin {
namespace {

/// Has space for this many bytes.
class SmallDisk final : public FolderFiles {
  public:
    Result<> write(const Descriptor& file, BytesView bytes) override {
        if (bytes.size() > room) return fail(file_failure("an object could not be written", ENOSPC));
        room -= bytes.size();
        return FolderFiles::write(file, bytes);
    }
    Result<> sync(const Descriptor& file) override {
        if (sync_fails) return fail(file_failure("an object could not be brought to the disk", EIO));
        return FolderFiles::sync(file);
    }
    std::size_t room = 100;
    bool sync_fails = false;
};

class FolderFull : public FolderTest {
  protected:
    FolderFull() {
        store.reset();
        files = &disk;
        open();
    }
    ~FolderFull() override { store.reset(); }
    SmallDisk disk;
};

TEST_F(FolderFull, rejects_body_that_does_not_fit_and_keeps_the_old_one) {
    ASSERT_TRUE(put("k", "old"));
    EXPECT_EQ(code_of(put("k", std::string(200, 'n'))), ErrorCode::store_full);
    auto writer = store->objects().write(bucket, key_of("k"), {});
    ASSERT_TRUE(writer->append(as_bytes("fits")));
    EXPECT_EQ(code_of(writer->append(as_bytes(std::string(200, 'n')))), ErrorCode::store_full);
    EXPECT_EQ(code_of(writer->append(as_bytes("x"))), ErrorCode::store_full);
    EXPECT_EQ(code_of(writer->finish({})), ErrorCode::store_full);
    writer = fail(ErrorCode::internal, "gone");
    EXPECT_EQ(get("k"), "old");
    EXPECT_EQ(bodies_on_disk(), 1U);
    EXPECT_EQ(events.size(), 1U);
}

TEST_F(FolderFull, stores_nothing_that_fails_to_reach_the_disk) {
    ASSERT_TRUE(put("k", "old"));
    disk.sync_fails = true;
    EXPECT_EQ(code_of(put("k", "new")), ErrorCode::file_error);
    EXPECT_EQ(get("k"), "old");
    EXPECT_EQ(bodies_on_disk(), 1U);
}

/// A file system of two megabytes, where this process may mount one.
class TinyFileSystem : public testing::Test {
  protected:
    void SetUp() override {
        mounted = ::mount("tmpfs", home.path.c_str(), "tmpfs", 0, "size=2m") == 0;
        if (!mounted) GTEST_SKIP() << "this needs the right to mount a tmpfs";
    }
    void TearDown() override {
        store.reset();
        if (mounted) ::umount2(home.path.c_str(), MNT_DETACH);
    }
    void open() {
        auto opened = FolderStore::open({.folder = home.path / "store"}, {clock, random});
        ASSERT_TRUE(opened) << opened.error().detail;
        store = std::move(*opened);
        ASSERT_TRUE(store->buckets().create(bucket));
    }
    Result<ObjectInfo> put(const std::string& key, const std::string& bytes) {
        const http::MemorySource body{bytes};
        return store->put(bucket, key_of(key), body, {});
    }

    TemporaryFolder home;
    SystemClock clock;
    SystemRandom random;
    const Bucket bucket = Bucket::trusted("pictures");
    std::unique_ptr<FolderStore> store;
    bool mounted = false;
};

TEST_F(TinyFileSystem, serves_when_full_and_recovers_once_there_is_space) {
    open();
    std::map<std::string, std::string> kept;
    bool refused = false;
    // Down to single bytes, so that the index, too, meets the end.
    for (const std::size_t size : {100'000U, 10'000U, 1'000U, 1U}) {
        for (int i = 0; i < 600; ++i) {
            const auto key = std::to_string(size) + "/" + std::to_string(i);
            const std::string bytes(size, static_cast<char>('a' + i % 26));
            const auto done = put(key, bytes);
            if (!done) {
                EXPECT_EQ(done.error().code, ErrorCode::store_full) << done.error().detail;
                refused = true;
                break;
            }
            kept[key] = bytes;
        }
    }
    EXPECT_TRUE(refused);
    const auto check = [&] {
        const auto page = store->list(bucket, {.max_keys = 5000});
        ASSERT_TRUE(page);
        EXPECT_EQ(page->objects.size(), kept.size());
        for (const auto& [key, bytes] : kept) {
            std::string got;
            EXPECT_TRUE(store->get(bucket, key_of(key), {}, [&](BytesView piece) {
                got += as_text(piece);
                return true;
            }));
            EXPECT_EQ(got, bytes);
        }
    };
    check();
    for (const auto& key : {std::string{"100000/0"}, std::string{"100000/1"}}) {
        const auto removed = store->remove(bucket, key_of(key), std::nullopt);
        ASSERT_TRUE(removed) << removed.error().detail;
        kept.erase(key);
    }
    store.reset();
    open();
    check();
    EXPECT_TRUE(put("again", "there is room"));
}

}  // namespace
}  // namespace photogate::storage::builtin
