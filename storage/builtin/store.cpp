#include "storage/builtin/store.hpp"

#include <cerrno>

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <sys/statvfs.h>

#include "base/log.hpp"
#include "base/owned_folder.hpp"
#include "storage/builtin/state.hpp"

namespace photogate::storage::builtin {

namespace {

/// 2: tags and storage classes of objects, documents of buckets. A folder of format 1 is taken as it is.
constexpr std::int64_t kFormat = 2;
constexpr std::int64_t kOldestFormat = 1;

std::optional<std::int64_t> fact(Connection& index, std::string_view name) {
    Query query = index.query("fact");
    return query.text(name).step() ? std::optional{query.number_at(0)} : std::nullopt;
}

void set_fact(Connection& index, std::string_view name, std::int64_t value) {
    index.query("set_fact").text(name).number(value).run();
}

Result<Descriptor> lock_folder(const OwnedFolder& folder) {
    auto opened = folder.open_file("lock", O_RDWR | O_CREAT);
    if (!opened) return fail(std::move(opened.error()));
    Descriptor file = std::move(*opened);
    const auto path = folder.path() / "lock";
    if (::flock(file.get(), LOCK_EX | LOCK_NB) == 0) return file;
    if (errno != EWOULDBLOCK)
        return fail(file_failure(fmt::format("{} could not be locked", path.string()), errno));
    return fail(ErrorCode::store_in_use,
                fmt::format("the store's folder {} is in use by another photogate; stop that one, or give "
                            "this one a folder of its own",
                            folder.path().string()));
}

/// Later opens by name find a plain file of this process; no other user can replace it.
Result<> check_entries(const OwnedFolder& folder) {
    if (const auto bytes = folder.find_folder("bytes"); !bytes) return fail(bytes.error());
    for (const char* name : {"index.sqlite", "index.sqlite-wal", "index.sqlite-shm", "reserve"}) {
        if (const auto file = folder.find_file(name); !file) return fail(file.error());
    }
    return {};
}

/// The number of this start.
std::int64_t begin_start(Connection& index, std::int64_t& unswept) {
    index.run("begin_write");
    const auto format = fact(index, "format");
    if (format && (*format < kOldestFormat || *format > kFormat)) {
        index.run("rollback");
        throw StoreFailure{{ErrorCode::file_error,
                            fmt::format("the store's folder has format {}, this program reads {} to {}",
                                        *format, kOldestFormat, kFormat)}};
    }
    const auto start = fact(index, "start").value_or(0) + 1;
    unswept = fact(index, "unswept").value_or(start);
    set_fact(index, "format", kFormat);
    set_fact(index, "start", start);
    set_fact(index, "unswept", unswept);
    index.run("commit");
    return start;
}

}  // namespace

StoreState::~StoreState() {
    if (collector) collector->stop();
}

FolderStore::FolderStore(std::unique_ptr<StoreState> state)
    : state_(std::move(state)), buckets_(*state_), objects_(*state_), uploads_(*state_) {}
FolderStore::~FolderStore() = default;

Result<std::unique_ptr<FolderStore>> FolderStore::open(FolderOptions options,
                                                       FolderDependencies dependencies) {
    return guarded([&]() -> Result<std::unique_ptr<FolderStore>> {
        auto state = std::make_unique<StoreState>(std::move(options), dependencies);
        const auto& folder = state->options.folder;
        const auto home = OwnedFolder::open(folder, {OwnedFolder::Missing::made, 0700, std::nullopt});
        if (!home) return fail(home.error());
        if (auto made = state->files.make_folder(folder / "bytes"); !made) return fail(made.error());
        auto lock = lock_folder(*home);
        if (!lock) return fail(lock.error());
        state->lock = std::move(*lock);
        // Under the lock: closing a file drops SQLite's own locks on it in the whole process.
        if (auto checked = check_entries(*home); !checked) return fail(checked.error());

        state->index = std::make_unique<Connection>(folder / "index.sqlite", Connection::Use::write);
        std::int64_t unswept = 0;
        const auto start = static_cast<std::uint64_t>(begin_start(*state->index, unswept));
        state->bodies = std::make_unique<Bodies>(folder / "bytes", state->files, start);
        if (auto synced = state->files.sync_folder(folder); !synced) return fail(synced.error());
        if (auto loaded = state->load_rules(); !loaded) return fail(loaded.error());
        state->collector = std::make_unique<OrphanCollector>(*state, start);
        state->committer = std::make_unique<FolderCommitter>(
            *state->index, state->files, Reserve{folder / "reserve"}, Bodies::first_of(start),
            FolderCommitter::Listeners{[collector = state->collector.get()] { collector->wake(); },
                                       [objects = &state->open_objects] { objects->settle(); }});
        state->collector->start(static_cast<std::uint64_t>(unswept));
        return std::unique_ptr<FolderStore>{new FolderStore{std::move(state)}};
    });
}

Result<ByteSize> FolderStore::free_bytes() const {
    struct statvfs disk {};
    if (::statvfs(state_->options.folder.c_str(), &disk) != 0)
        return fail(file_failure("the free space of the store's disk could not be read", errno));
    return ByteSize{disk.f_bavail} * disk.f_frsize;
}

}  // namespace photogate::storage::builtin
