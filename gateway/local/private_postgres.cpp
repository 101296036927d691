#include "gateway/local/private_postgres.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <chrono>
#include <csignal>
#include <cstring>
#include <fstream>
#include <iterator>
#include <optional>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/ascii.hpp"
#include "base/child_process.hpp"
#include "base/file.hpp"
#include "base/log.hpp"
#include "base/owned_folder.hpp"
#include "gateway/local/cluster_place.hpp"
#include "gateway/local/postgres_programs.hpp"

namespace photogate::gateway::local {
namespace {

using namespace std::chrono_literals;
namespace fs = std::filesystem;

constexpr std::string_view kName = "photogate";  // of the superuser and of the database
constexpr auto kPatience = 20s;
/// sun_path holds 108 bytes, and PostgreSQL adds `/.s.PGSQL.5432` and a lock's suffix.
constexpr std::size_t kLongestSocketFolder = 85;
constexpr std::string_view kData = "data";
constexpr std::string_view kFreshData = "data.new";
constexpr std::string_view kSockets = "socket";
constexpr std::string_view kLog = "postgres.log";
constexpr std::string_view kLock = "lock";
constexpr std::string_view kPidFile = "postmaster.pid";
constexpr std::string_view kVersionFile = "PG_VERSION";
constexpr std::size_t kMostLog = 16 * 1024;

fs::path absolute_of(const fs::path& folder) {
    std::error_code ignored;
    return fs::weakly_canonical(fs::absolute(folder, ignored), ignored);
}

Error unavailable(std::string detail) {
    return {ErrorCode::database_unavailable, std::move(detail), {}, std::nullopt};
}

/// The end of what a program said, for a person.
std::string last_lines(std::string text) {
    constexpr int kLines = 4;
    while (!text.empty() && text.back() == '\n')
        text.pop_back();
    std::size_t start = text.size();
    for (int lines = 0; lines < kLines && start != std::string::npos && start > 0; ++lines)
        start = text.rfind('\n', start - 1);
    return start == std::string::npos || start == 0 ? text : text.substr(start + 1);
}

/// What PostgreSQL's programs could not do, and what they said of it.
Error failure(const std::string& what, const fs::path& folder, const std::string& said) {
    for (const char* sign : {"No space left on device", "Check free disk space", "Disk quota exceeded"}) {
        if (said.find(sign) == std::string::npos) continue;
        return {ErrorCode::store_full,
                fmt::format("{}: there is no room on the disk of {}; make some, or choose another folder",
                            what, folder.string()),
                {},
                std::nullopt};
    }
    return unavailable(fmt::format("{} in {}: {}", what, folder.string(), last_lines(said)));
}

/// Nothing where we are not root and PostgreSQL runs as ourselves.
Result<std::optional<Identity>> find_identity() {
    if (!runs_as_root()) return std::nullopt;
    if (const auto user = find_user({"postgres", "nobody"})) return user;
    return fail(unavailable(
        "PostgreSQL refuses to run as root, and there is no user postgres or nobody to run it as: "
        "start photogate as another user"));
}

/// The end of the log: all of it may be as large as the disk.
std::string end_of_log(const OwnedFolder& folder) {
    const auto log = folder.find_file(kLog);
    if (!log || !*log) return {};
    const off_t size = ::lseek((*log)->get(), 0, SEEK_END);
    std::string text(kMostLog, '\0');
    const ssize_t got = ::pread((*log)->get(), text.data(), text.size(),
                                std::max<off_t>(0, size - static_cast<off_t>(text.size())));
    text.resize(got > 0 ? static_cast<std::size_t>(got) : 0);
    return text;
}

/// The process that a postmaster.pid names, or none.
std::optional<pid_t> process_of(const Descriptor& pid_file) {
    std::array<char, 32> text{};
    const ssize_t size = ::read(pid_file.get(), text.data(), text.size());
    pid_t process = 0;
    if (size <= 0 || std::from_chars(text.data(), text.data() + size, process).ec != std::errc{} ||
        process <= 0)
        return std::nullopt;
    return process;
}

}  // namespace

struct PrivatePostgres::State {
    std::vector<PostgresPrograms> installed;
    fs::path programs;  ///< of the cluster's version
    std::optional<Identity> identity;
    fs::path folder;
    fs::path data;
    fs::path sockets;
    std::optional<OwnedFolder> home;     ///< `folder`, ours alone: the lock, the log
    std::optional<OwnedFolder> cluster;  ///< `data`, PostgreSQL's
    Descriptor lock;                     ///< before the server, which ends first
    std::optional<ChildProcess> server;
    std::string url;

    ~State() {
        if (server) server->end(SIGINT, kPatience);  // fast shutdown: sessions end, a checkpoint is written
    }

    Command command(std::vector<std::string> arguments) const {
        arguments.front() = (programs / arguments.front()).string();
        return {.arguments = std::move(arguments),
                .environment = {"PATH=/usr/bin:/bin", "LC_ALL=C.UTF-8"},
                .identity = identity,
                .death_signal = SIGINT};
    }

    Result<> prepare(const fs::path& wanted);
    /// For PostgreSQL's user; where that is ourselves, ours.
    Result<OwnedFolder> hand_over(std::string_view name) const {
        return identity ? home->give_folder(name, 0700, *identity) : home->make_folder(name, 0700);
    }
    Result<> take_lock();
    Result<> find_programs();
    Result<> make_cluster();
    Result<> start_server();
    Result<> make_database();
    Result<> run_cluster();
    void drop_stale_pid_file() const;
    bool answers() const;
};

Result<> PrivatePostgres::State::prepare(const fs::path& wanted) {
    installed = installed_programs();
    // Before anything is made.
    if (auto any = choose_programs(installed, std::nullopt, wanted); !any) return fail(any.error());
    auto who = find_identity();
    if (!who) return fail(who.error());
    identity = *who;
    auto place = cluster_place(absolute_of(wanted), identity);
    if (!place) return fail(place.error());
    folder = std::move(*place);
    data = folder / kData;
    sockets = folder / kSockets;
    if (sockets.string().size() > kLongestSocketFolder)
        return fail(
            ErrorCode::invalid_configuration,
            fmt::format("{} is too long a path for a Unix socket ({} bytes at most): choose a shorter folder",
                        sockets.string(), kLongestSocketFolder));
    // Version 0.1 gave all of it away: what was put there meanwhile is judged as it is opened.
    auto opened = OwnedFolder::open(folder, {OwnedFolder::Missing::made, kPassable, identity});
    if (!opened) return fail(opened.error());
    home.emplace(std::move(*opened));
    if (auto passable = home->set_mode(kPassable); !passable) return passable;
    return hand_over(kSockets).map([](const OwnedFolder&) {});
}

Result<> PrivatePostgres::State::take_lock() {
    auto file = home->open_file(kLock, O_RDWR | O_CREAT);
    if (!file) return fail(file.error());
    lock = std::move(*file);
    if (::flock(lock.get(), LOCK_EX | LOCK_NB) != 0)
        return fail(ErrorCode::store_in_use, "another photogate is running on " + folder.string() +
                                                 ": stop it, or choose another folder");
    return {};
}

/// An upgrade of the system may have brought another PostgreSQL, which would refuse the data.
Result<> PrivatePostgres::State::find_programs() {
    const auto there = home->find_folder(kData, identity);
    if (!there) return fail(there.error());
    std::optional<int> version;
    if (*there) {
        const auto file = (*there)->find_file(kVersionFile);
        if (!file) return fail(file.error());
        if (*file) {
            std::array<char, 16> text{};
            const ssize_t size = ::read((*file)->get(), text.data(), text.size());
            version = postgres_version({text.data(), static_cast<std::size_t>(std::max<ssize_t>(size, 0))});
        }
    }
    const auto chosen = choose_programs(installed, version, folder);
    if (!chosen) return fail(chosen.error());
    programs = chosen->folder;
    return {};
}

Result<> PrivatePostgres::State::make_cluster() {
    auto there = home->find_folder(kData, identity);
    if (!there) return fail(there.error());
    if (*there && (*there)->has(kVersionFile)) {
        cluster.emplace(std::move(**there));
        return {};
    }
    // Made beside and renamed: a cluster is whole or not there.
    if (auto gone = home->remove_folder(kFreshData); !gone) return gone;
    const auto fresh = hand_over(kFreshData);
    if (!fresh) return fail(fresh.error());
    const auto done = run_command(command({"initdb", "-D", fresh->path().string(), "-U", std::string{kName},
                                           "-A", "trust", "-E", "UTF8", "--locale=C.UTF-8"}));
    if (!done) return fail(done.error());
    if (done->exit_code != 0) {
        (void)home->remove_folder(kFreshData);
        return fail(failure("initdb could not make a cluster", folder, done->output));
    }
    if (auto placed = home->rename(kFreshData, kData); !placed) return placed;
    there = home->find_folder(kData, identity);
    if (!there) return fail(there.error());
    if (!*there) return fail(unavailable(data.string() + " was removed while it was made"));
    cluster.emplace(std::move(**there));
    return {};
}

/// postmaster.pid of a cluster whose machine was cut off names a process that may since be somebody else's.
void PrivatePostgres::State::drop_stale_pid_file() const {
    const auto file = cluster->find_file(kPidFile);
    // What is no plain file of its own is for PostgreSQL to refuse.
    if (!file || !*file) return;
    const auto process = process_of(**file);
    if (!process) return;
    std::ifstream arguments{fmt::format("/proc/{}/cmdline", *process), std::ios::binary};
    const std::string line{std::istreambuf_iterator<char>{arguments}, {}};
    if (line.find(data.string()) == std::string::npos) (void)cluster->remove_file(kPidFile);
}

bool PrivatePostgres::State::answers() const {
    const auto done = run_command(command({"pg_isready", "-q", "-h", sockets.string(), "-t", "1"}));
    return done && done->exit_code == 0;
}

Result<> PrivatePostgres::State::start_server() {
    const auto log = home->open_file(kLog, O_WRONLY | O_CREAT | O_APPEND);
    if (!log) return fail(log.error());
    const auto until = std::chrono::steady_clock::now() + kPatience;
    for (;;) {
        drop_stale_pid_file();
        auto started = ChildProcess::start(
            command({"postgres", "-D", data.string(), "-k", sockets.string(), "-c", "listen_addresses=", "-c",
                     "unix_socket_permissions=0700", "-c", "shared_buffers=32MB", "-c", "max_connections=100",
                     "-c", "logging_collector=off"}),
            {.output = &*log});
        if (!started) return fail(started.error());
        server.emplace(std::move(*started));
        while (server->running() && std::chrono::steady_clock::now() < until) {
            if (answers()) return {};
            std::this_thread::sleep_for(10ms);
        }
        // One whose gateway was killed may still be shutting down, and holds the data until then.
        if (std::chrono::steady_clock::now() >= until) break;
        server.reset();
        std::this_thread::sleep_for(100ms);
    }
    server.reset();
    return fail(failure("PostgreSQL does not start", folder, last_lines(end_of_log(*home))));
}

Result<> PrivatePostgres::State::make_database() {
    const std::string name{kName};
    const auto made = run_command(command({"createdb", "-h", sockets.string(), "-U", name, name}));
    if (!made) return fail(made.error());
    if (made->exit_code == 0 || made->output.find("already exists") != std::string::npos) return {};
    return fail(failure("the database could not be made", folder, made->output));
}

Result<> PrivatePostgres::State::run_cluster() {
    if (auto done = find_programs(); !done) return done;
    if (auto done = make_cluster(); !done) return done;
    if (auto done = start_server(); !done) return done;
    if (auto done = make_database(); !done) return done;
    log::info("postgres.started", {{"folder", folder.string()}});
    return {};
}

Result<std::unique_ptr<PrivatePostgres>> PrivatePostgres::start(const fs::path& folder, Sharing sharing) {
    auto state = std::make_unique<State>();
    if (auto done = state->prepare(folder); !done) return fail(done.error());
    const auto locked = state->take_lock();
    const bool runs_already = !locked && locked.error().code == ErrorCode::store_in_use;
    if (!locked && !(runs_already && sharing == Sharing::allowed)) return fail(locked.error());
    if (locked) {
        if (auto done = state->run_cluster(); !done) return fail(done.error());
    }
    std::string host;
    for (const char letter : state->sockets.string()) {
        const bool plain = ascii::is_alphanumeric(letter) || letter == '-' || letter == '_' || letter == '.';
        host += plain ? std::string(1, letter) : fmt::format("%{:02X}", static_cast<unsigned char>(letter));
    }
    state->url = fmt::format("postgresql://{0}@/{0}?host={1}", kName, host);
    return std::unique_ptr<PrivatePostgres>{new PrivatePostgres(std::move(state))};
}

bool PrivatePostgres::is_running(const fs::path& folder) {
    const auto place = find_cluster(absolute_of(folder));
    const auto opened = OwnedFolder::open(place, OwnedFolder::Options{});
    if (!opened) return false;
    const auto lock = opened->find_file(kLock);
    return lock && *lock && ::flock((*lock)->get(), LOCK_EX | LOCK_NB) != 0 && errno == EWOULDBLOCK;
}

bool PrivatePostgres::exists(const fs::path& folder) {
    std::error_code ignored;
    return fs::exists(find_cluster(absolute_of(folder)) / kData, ignored);
}

PrivatePostgres::PrivatePostgres(std::unique_ptr<State> state) : state_(std::move(state)) {}
PrivatePostgres::~PrivatePostgres() = default;

const std::string& PrivatePostgres::url() const {
    return state_->url;
}

}  // namespace photogate::gateway::local
