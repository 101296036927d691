// A built-in store in a folder of the test's own.
#pragma once

#include <filesystem>
#include <memory>
#include <stdexcept>
#include <string>

#include <gtest/gtest.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/time.hpp"
#include "signer/digest.hpp"
#include "storage/builtin/files.hpp"
#include "storage/builtin/store.hpp"
#include "storage/http/body_source.hpp"

namespace photogate::storage::builtin {

class TemporaryFolder {
  public:
    TemporaryFolder() {
        // In memory where there is such a place: what a flush costs is not what is tested.
        std::string name = (::access("/dev/shm", W_OK) == 0 ? std::filesystem::path{"/dev/shm"}
                                                            : std::filesystem::temp_directory_path()) /
                           "photogate-folder-XXXXXX";
        if (::mkdtemp(name.data()) == nullptr) throw std::runtime_error{"mkdtemp"};
        path = name;
    }
    ~TemporaryFolder() {
        std::error_code error;
        std::filesystem::remove_all(path, error);
    }
    TemporaryFolder(const TemporaryFolder&) = delete;
    TemporaryFolder& operator=(const TemporaryFolder&) = delete;
    std::filesystem::path path;
};

inline ObjectKey key_of(std::string text) {
    return ObjectKey::trusted(std::move(text));
}

template <class T>
ErrorCode code_of(const Result<T>& result) {
    EXPECT_FALSE(result.has_value());
    return result ? ErrorCode::internal : result.error().code;
}

inline std::string md5_hex(std::string_view text) {
    return hex_lower(signer::md5(as_bytes(text)));
}

class FolderTest : public testing::Test {
  protected:
    FolderTest() { open(); }

    FolderOptions options() {
        FolderOptions with;
        with.folder = home.path / "store";
        with.least_part = 10;
        with.on_created = [this](const ObjectCreated& event) { events.push_back(event); };
        return with;
    }

    void open() {
        auto opened = FolderStore::open(options(), {clock, random, files});
        if (!opened) throw std::runtime_error{opened.error().detail};
        store = std::move(*opened);
        EXPECT_TRUE(store->buckets().create(bucket));
    }
    /// Closes in order, sweeps, opens again.
    void reopen() {
        store.reset();
        open();
    }

    Result<StoredObject> put(const std::string& key, std::string_view bytes, WriteOptions with = {},
                             const FinishOptions& finish = {}) {
        auto writer = store->objects().write(bucket, key_of(key), std::move(with));
        if (!writer) return fail(writer.error());
        if (auto done = writer->append(as_bytes(bytes)); !done) return fail(done.error());
        return writer->finish(finish);
    }
    Result<StoredPart> part(const ObjectName& object, const PartAddress& at, std::string_view bytes) {
        auto writer = store->uploads().write_part(object, at, {});
        if (!writer) return fail(writer.error());
        if (auto done = writer->append(as_bytes(bytes)); !done) return fail(done.error());
        auto stored = writer->finish({});
        if (!stored) return fail(stored.error());
        return StoredPart{at.number, stored->etag, stored->size, stored->last_modified, stored->checksum};
    }
    static std::string all_of(const FolderReader& reader) {
        std::string bytes(reader.object().size, '\0');
        const auto got = reader.read(0, {reinterpret_cast<std::uint8_t*>(bytes.data()), bytes.size()});
        EXPECT_TRUE(got && *got == bytes.size());
        return bytes;
    }
    Result<std::string> get(const std::string& key) {
        auto reader = store->objects().read(bucket, key_of(key));
        if (!reader) return fail(reader.error());
        return all_of(*reader);
    }
    std::size_t bodies_on_disk() const {
        std::size_t count = 0;
        for (const auto& entry : std::filesystem::recursive_directory_iterator{home.path / "store" / "bytes"})
            count += entry.is_regular_file() ? 1 : 0;
        return count;
    }

    TemporaryFolder home;
    ManualClock clock{Timestamp{std::chrono::seconds{1'800'000'000}}};
    SystemRandom random;
    FolderFiles* files = nullptr;
    std::vector<ObjectCreated> events;
    const Bucket bucket = Bucket::trusted("pictures");
    std::unique_ptr<FolderStore> store;
};

}  // namespace photogate::storage::builtin
