#include "gateway/local/private_postgres.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <chrono>
#include <csignal>
#include <cstdlib>
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
#include <pwd.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.hpp"
#include "base/log.hpp"
#include "gateway/local/child_process.hpp"

namespace photogate::gateway::local {
namespace {

using namespace std::chrono_literals;
namespace fs = std::filesystem;

constexpr std::string_view kName = "photogate";  // of the superuser and of the database
constexpr auto kPatience = 20s;
/// sun_path holds 108 bytes, and PostgreSQL adds `/.s.PGSQL.5432` and a lock's suffix.
constexpr std::size_t kLongestSocketFolder = 85;

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

Result<> make_folder(const fs::path& folder, mode_t mode, const std::optional<Identity>& owner) {
    std::error_code error;
    fs::create_directories(folder.parent_path(), error);
    if (::mkdir(folder.c_str(), mode) != 0 && errno != EEXIST)
        return fail(file_failure(folder.string() + " can not be made", errno));
    if (owner && ::chown(folder.c_str(), owner->user, owner->group) != 0)
        return fail(file_failure(folder.string() + " can not be handed to PostgreSQL's user", errno));
    return {};
}

/// The folder of initdb and postgres: $PG_BINDIR, else the newest that Debian keeps, else none.
std::optional<fs::path> find_programs() {
    std::vector<std::pair<int, fs::path>> found;
    std::error_code ignored;
    for (const auto& entry : fs::directory_iterator("/usr/lib/postgresql", ignored)) {
        const auto name = entry.path().filename().string();
        int version = 0;
        std::from_chars(name.data(), name.data() + name.size(), version);
        found.emplace_back(version, entry.path() / "bin");
    }
    if (const char* wanted = std::getenv("PG_BINDIR")) found.emplace_back(INT32_MAX, wanted);
    std::sort(found.rbegin(), found.rend());
    for (const auto& [version, folder] : found) {
        if (::access((folder / "initdb").c_str(), X_OK) == 0) return folder;
    }
    return std::nullopt;
}

/// Nothing where we are not root and PostgreSQL runs as ourselves.
Result<std::optional<Identity>> find_identity() {
    if (::geteuid() != 0) return std::nullopt;
    for (const char* name : {"postgres", "nobody"}) {
        if (const auto* user = ::getpwnam(name)) return Identity{user->pw_uid, user->pw_gid};
    }
    return fail(unavailable(
        "PostgreSQL refuses to run as root, and there is no user postgres or nobody to run it as: "
        "start photogate as another user"));
}

bool may_pass(const fs::path& folder, const Identity& who) {
    for (auto path = folder; !path.empty(); path = path.parent_path()) {
        struct stat facts {};
        if (::stat(path.c_str(), &facts) == 0) {
            mode_t needed = S_IXOTH;
            if (facts.st_uid == who.user) {
                needed = S_IXUSR;
            } else if (facts.st_gid == who.group) {
                needed = S_IXGRP;
            }
            if ((facts.st_mode & needed) == 0) return false;
        }
        if (path == path.root_path()) break;
    }
    return true;
}

/// FNV-1a: a name that stays the same over compilers, since data are found by it.
std::uint64_t hash_of(std::string_view text) {
    std::uint64_t hash = 0xcbf29ce484222325;
    for (const char letter : text)
        hash = (hash ^ static_cast<unsigned char>(letter)) * 0x100000001b3;
    return hash;
}

/// The folder itself where PostgreSQL's user can pass to it, else one in /var/tmp that is ours.
Result<fs::path> reachable(const fs::path& folder, const std::optional<Identity>& identity) {
    if (!identity || may_pass(folder.parent_path(), *identity)) return folder;
    const auto name = fmt::format("photogate-{}-{:016x}", ::geteuid(), hash_of(folder.string()));
    const auto elsewhere = fs::path{"/var/tmp"} / name;
    struct stat facts {};
    if (::mkdir(elsewhere.c_str(), 0711) != 0 && errno != EEXIST)
        return fail(file_failure(elsewhere.string() + " can not be made", errno));
    if (::lstat(elsewhere.c_str(), &facts) != 0 || !S_ISDIR(facts.st_mode) || facts.st_uid != ::geteuid())
        return fail(ErrorCode::file_error, elsewhere.string() + " belongs to somebody else: remove it");
    (void)::chmod(elsewhere.c_str(), 0711);
    return elsewhere / "postgres";
}

std::string text_of(const fs::path& log) {
    std::ifstream file{log, std::ios::binary};
    return {std::istreambuf_iterator<char>{file}, {}};
}

}  // namespace

struct PrivatePostgres::State {
    fs::path programs;
    std::optional<Identity> identity;
    fs::path folder;  // ours alone: the lock, the log
    fs::path data;
    fs::path sockets;
    int lock = -1;
    std::optional<ChildProcess> server;
    std::string url;

    ~State() {
        if (server) server->end(SIGINT, kPatience);  // fast shutdown: sessions end, a checkpoint is written
        if (lock >= 0) ::close(lock);
    }

    Command command(std::vector<std::string> arguments) const {
        arguments.front() = (programs / arguments.front()).string();
        return {std::move(arguments), {"PATH=/usr/bin:/bin", "LC_ALL=C.UTF-8"}, identity};
    }

    Result<> prepare(const fs::path& wanted);
    Result<> take_lock();
    Result<> make_cluster();
    Result<> start_server();
    Result<> make_database();
    Result<> run_cluster();
    void drop_stale_pid_file() const;
    bool answers() const;
};

Result<> PrivatePostgres::State::prepare(const fs::path& wanted) {
    const auto found = find_programs();
    if (!found)
        return fail(
            unavailable("PostgreSQL is not installed: apt install postgresql-15, or give database.url"));
    programs = *found;
    auto who = find_identity();
    if (!who) return fail(who.error());
    identity = *who;
    auto place = reachable(absolute_of(wanted), identity);
    if (!place) return fail(place.error());
    folder = std::move(*place);
    data = folder / "data";
    sockets = folder / "socket";
    if (sockets.string().size() > kLongestSocketFolder)
        return fail(
            ErrorCode::invalid_configuration,
            fmt::format("{} is too long a path for a Unix socket ({} bytes at most): choose a shorter folder",
                        sockets.string(), kLongestSocketFolder));
    if (auto made = make_folder(folder, 0711, identity); !made) return made;
    return make_folder(sockets, 0700, identity);
}

Result<> PrivatePostgres::State::take_lock() {
    const auto path = folder / "lock";
    lock = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (lock < 0) return fail(file_failure(path.string() + " can not be opened", errno));
    if (::flock(lock, LOCK_EX | LOCK_NB) != 0)
        return fail(ErrorCode::store_in_use, "another photogate is running on " + folder.string() +
                                                 ": stop it, or choose another folder");
    return {};
}

Result<> PrivatePostgres::State::make_cluster() {
    if (::access((data / "PG_VERSION").c_str(), F_OK) == 0) return {};
    // Made beside and renamed: a cluster is whole or not there.
    const auto fresh = folder / "data.new";
    std::error_code ignored;
    fs::remove_all(fresh, ignored);
    if (auto made = make_folder(fresh, 0700, identity); !made) return made;
    const auto done = run(command({"initdb", "-D", fresh.string(), "-U", std::string{kName}, "-A", "trust",
                                   "-E", "UTF8", "--locale=C.UTF-8"}));
    if (!done) return fail(done.error());
    if (done->exit_code != 0) {
        fs::remove_all(fresh, ignored);
        return fail(failure("initdb could not make a cluster", folder, done->output));
    }
    if (::rename(fresh.c_str(), data.c_str()) != 0)
        return fail(file_failure(fresh.string() + " can not be renamed", errno));
    return {};
}

/// postmaster.pid of a cluster whose machine was cut off names a process that may since be somebody else's.
void PrivatePostgres::State::drop_stale_pid_file() const {
    const auto path = data / "postmaster.pid";
    std::ifstream file{path};
    std::string pid;
    if (!std::getline(file, pid)) return;
    std::ifstream process{"/proc/" + pid + "/cmdline", std::ios::binary};
    const std::string line{std::istreambuf_iterator<char>{process}, {}};
    std::error_code ignored;
    if (line.find(data.string()) == std::string::npos) fs::remove(path, ignored);
}

bool PrivatePostgres::State::answers() const {
    const auto done = run(command({"pg_isready", "-q", "-h", sockets.string(), "-t", "1"}));
    return done && done->exit_code == 0;
}

Result<> PrivatePostgres::State::start_server() {
    const auto log = folder / "postgres.log";
    const auto until = std::chrono::steady_clock::now() + kPatience;
    for (;;) {
        drop_stale_pid_file();
        auto started = ChildProcess::start(
            command({"postgres", "-D", data.string(), "-k", sockets.string(), "-c", "listen_addresses=", "-c",
                     "unix_socket_permissions=0700", "-c", "shared_buffers=32MB", "-c", "max_connections=100",
                     "-c", "logging_collector=off"}),
            SIGINT, log);
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
    return fail(failure("PostgreSQL does not start", folder, last_lines(text_of(log))));
}

Result<> PrivatePostgres::State::make_database() {
    const std::string name{kName};
    const auto made = run(command({"createdb", "-h", sockets.string(), "-U", name, name}));
    if (!made) return fail(made.error());
    if (made->exit_code == 0 || made->output.find("already exists") != std::string::npos) return {};
    return fail(failure("the database could not be made", folder, made->output));
}

Result<> PrivatePostgres::State::run_cluster() {
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
        const bool plain = (letter >= 'a' && letter <= 'z') || (letter >= 'A' && letter <= 'Z') ||
                           (letter >= '0' && letter <= '9') || letter == '-' || letter == '_' ||
                           letter == '.';
        host += plain ? std::string(1, letter) : fmt::format("%{:02X}", static_cast<unsigned char>(letter));
    }
    state->url = fmt::format("postgresql://{0}@/{0}?host={1}", kName, host);
    return std::unique_ptr<PrivatePostgres>{new PrivatePostgres(std::move(state))};
}

PrivatePostgres::PrivatePostgres(std::unique_ptr<State> state) : state_(std::move(state)) {}
PrivatePostgres::~PrivatePostgres() = default;

const std::string& PrivatePostgres::url() const {
    return state_->url;
}

}  // namespace photogate::gateway::local
