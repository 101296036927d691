// Power lost at each step of each kind of change: the old object or the new one, whole, and no litter.
#include <stdexcept>

#include <sys/wait.h>
#include <unistd.h>

#include "tests/unit/storage_builtin/lossy_disk.hpp"
#include "tests/unit/storage_builtin/store_fixture.hpp"

namespace photogate::storage::builtin {
namespace {

const Bucket kBucket = Bucket::trusted("pictures");
const ObjectName kName{kBucket, ObjectKey::trusted("key")};
const std::string kOld(3000, 'o');
const std::string kNew(5000, 'n');
constexpr std::uint64_t kMostSteps = 400;

Result<StoredObject> put(FolderStore& store, const ObjectName& name, const std::string& bytes) {
    auto writer = store.objects().write(name.bucket, name.key, {});
    if (!writer) return fail(writer.error());
    if (auto done = writer->append(as_bytes(bytes)); !done) return fail(done.error());
    return writer->finish({.expected_size = bytes.size()});
}

struct Scenario {
    const char* name;
    /// True where the change was acknowledged.
    bool (*change)(FolderStore& store, const std::string& upload);
    std::optional<std::string> before, after;  ///< what the key gives
};

void PrintTo(const Scenario& scenario, std::ostream* out) {
    *out << scenario.name;
}

class PowerLoss : public testing::TestWithParam<Scenario> {
  protected:
    std::unique_ptr<FolderStore> open(FolderFiles* files = nullptr) {
        auto store =
            FolderStore::open({.folder = home.path / "store", .least_part = 10}, {clock, random, files});
        if (!store) throw std::runtime_error{store.error().detail};
        return std::move(*store);
    }

    std::string prepare() {
        std::filesystem::remove_all(home.path / "store");
        auto store = open();
        EXPECT_TRUE(store->buckets().create(kBucket));
        EXPECT_TRUE(put(*store, {kBucket, ObjectKey::trusted("other")}, kNew));
        if (GetParam().before) {
            EXPECT_TRUE(put(*store, kName, *GetParam().before));
        }
        const auto upload = store->uploads().start(kBucket, kName.key, {});
        const http::MemorySource half{std::string_view{kNew}.substr(0, kNew.size() / 2)};
        for (const std::uint32_t number : {1U, 2U})
            EXPECT_TRUE(store->put_part(kBucket, kName.key, *upload, number, half));
        return *upload;
    }

    /// What the child ended as: 0 acknowledged and closed, 1 refused, kLostPower.
    struct Ended {
        int code = 0;
        bool acknowledged = false;
    };
    Ended run(const std::string& upload, std::uint64_t step, Unsynced unsynced) {
        int pipe_ends[2];
        if (::pipe(pipe_ends) != 0) throw std::runtime_error{"pipe"};
        const pid_t child = ::fork();
        if (child == 0) {
            put_index_on_lossy_disk();
            LossyFiles files;
            auto store = open(&files);
            LossyDisk::instance().arm(step, unsynced);
            const bool done = GetParam().change(*store, upload);
            if (done && ::write(pipe_ends[1], "!", 1) != 1) ::_exit(2);
            store.reset();
            ::_exit(done ? 0 : 1);
        }
        ::close(pipe_ends[1]);
        char word = 0;
        Ended ended;
        ended.acknowledged = ::read(pipe_ends[0], &word, 1) == 1;
        ::close(pipe_ends[0]);
        int status = 0;
        ::waitpid(child, &status, 0);
        ended.code = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
        return ended;
    }

    std::optional<std::string> content(FolderStore& store) {
        const auto reader = store.objects().read(kBucket, kName.key);
        if (!reader) {
            EXPECT_EQ(reader.error().code, ErrorCode::store_no_such_key) << reader.error().detail;
            return std::nullopt;
        }
        EXPECT_TRUE(store.objects().verify(kBucket, kName.key));
        std::string bytes(reader->object().size, '\0');
        EXPECT_TRUE(reader->read(0, {reinterpret_cast<std::uint8_t*>(bytes.data()), bytes.size()}));
        return bytes;
    }

    std::size_t bodies_on_disk() const {
        std::size_t count = 0;
        for (const auto& entry : std::filesystem::recursive_directory_iterator{home.path / "store" / "bytes"})
            count += entry.is_regular_file() ? 1 : 0;
        return count;
    }

    std::size_t bodies_named(FolderStore& store, const std::string& upload) {
        std::size_t count = 0;
        const auto page = store.list(kBucket, {});
        EXPECT_TRUE(page);
        for (const auto& object : page->objects)
            count += std::max<std::size_t>(1, store.objects().stat(kBucket, object.key)->part_count);
        if (const auto parts = store.uploads().parts(kName, upload, {})) count += parts->parts.size();
        return count;
    }

    TemporaryFolder home;
    SystemClock clock;
    SystemRandom random;
};

TEST_P(PowerLoss, leaves_old_or_new_object_and_everything_acknowledged) {
    for (const auto unsynced : {Unsynced::lost, Unsynced::kept}) {
        std::uint64_t step = 1;
        for (;; ++step) {
            ASSERT_LT(step, kMostSteps);
            SCOPED_TRACE(testing::Message() << "power lost at step " << step << ", unsynced bytes "
                                            << (unsynced == Unsynced::lost ? "lost" : "kept"));
            const auto upload = prepare();
            const auto ended = run(upload, step, unsynced);
            ASSERT_TRUE(ended.code == 0 || ended.code == kLostPower) << ended.code;
            auto store = open();
            const auto found = content(*store);
            if (ended.acknowledged)
                ASSERT_TRUE(found == GetParam().after);
            else
                ASSERT_TRUE(found == GetParam().before || found == GetParam().after);
            EXPECT_TRUE(store->objects().verify(kBucket, ObjectKey::trusted("other")));
            const auto named = bodies_named(*store, upload);
            store.reset();  // sweeps first
            EXPECT_EQ(bodies_on_disk(), named);
            if (HasFailure()) return;
            if (ended.code == 0) break;
        }
        EXPECT_GT(step, 5U);  // the disk was really asked
    }
}

INSTANTIATE_TEST_SUITE_P(
    EachChange, PowerLoss,
    testing::Values(
        Scenario{"put",
                 [](FolderStore& store, const std::string&) { return put(store, kName, kNew).has_value(); },
                 std::nullopt, kNew},
        Scenario{"overwrite",
                 [](FolderStore& store, const std::string&) { return put(store, kName, kNew).has_value(); },
                 kOld, kNew},
        Scenario{"remove",
                 [](FolderStore& store, const std::string&) {
                     return store.remove(kBucket, kName.key, std::nullopt).has_value();
                 },
                 kOld, std::nullopt},
        Scenario{
            "copy",
            [](FolderStore& store, const std::string&) {
                return store.objects().copy({kBucket, ObjectKey::trusted("other")}, kName, {}).has_value();
            },
            kOld, kNew},
        Scenario{"complete",
                 [](FolderStore& store, const std::string& upload) {
                     const auto parts = store.list_parts(kBucket, kName.key, upload);
                     return parts && store.complete_multipart(kBucket, kName.key, upload, *parts).has_value();
                 },
                 kOld, kNew.substr(0, kNew.size() / 2) + kNew.substr(0, kNew.size() / 2)},
        Scenario{"repeat",
                 [](FolderStore& store, const std::string&) {
                     auto writer = store.objects().write(kBucket, kName.key, {});
                     return writer && writer->append(as_bytes(kOld)) &&
                            writer->finish({.condition = {.only_if_absent = true, .may_repeat = true}});
                 },
                 kOld, kOld},
        Scenario{"tags",
                 [](FolderStore& store, const std::string&) {
                     return store.objects().set_tags(kBucket, kName.key, {{"a", "1"}}).has_value();
                 },
                 kOld, kOld},
        Scenario{"abandoned",
                 [](FolderStore& store, const std::string&) {
                     const auto tomorrow = SystemClock{}.now() + std::chrono::hours{24};
                     return store.uploads().abort_started_before(tomorrow).has_value();
                 },
                 kOld, kOld},
        Scenario{"part",
                 [](FolderStore& store, const std::string& upload) {
                     const http::MemorySource body{kNew};
                     return store.put_part(kBucket, kName.key, upload, 2, body).has_value();
                 },
                 kOld, kOld}),
    [](const auto& scenario) { return std::string{scenario.param.name}; });

}  // namespace
}  // namespace photogate::storage::builtin
