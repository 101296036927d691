#include "gateway/s3/keys.hpp"

#include <array>
#include <cerrno>
#include <cstring>
#include <span>
#include <sstream>
#include <string>

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include "base/encoding.hpp"

namespace photogate::gateway::s3 {

namespace {

namespace fs = std::filesystem;

constexpr std::size_t kLongestFile = 4'096;
constexpr std::array<std::string_view, 3> kRoles = {"signer", "worker", "admin"};

/// Closed when it goes; -1 is none.
struct Descriptor {
    int number;
    explicit Descriptor(int opened) : number(opened) {}
    ~Descriptor() {
        if (number >= 0) ::close(number);
    }
    Descriptor(const Descriptor&) = delete;
    Descriptor& operator=(const Descriptor&) = delete;
};

tl::unexpected<Error> failed(const fs::path& path, std::string_view what) {
    return fail(ErrorCode::file_error,
                fmt::format("{} can not be {}: {}", path.string(), what, std::strerror(errno)));
}

std::string random_text(Random& random, std::size_t bytes) {
    std::array<std::byte, 32> chance{};
    random.fill(std::span{chance}.first(bytes));
    return base32_crockford({reinterpret_cast<const std::uint8_t*>(chance.data()), bytes});
}

signer::Credentials* slot(StoreKeys& keys, std::string_view role) {
    if (role == kRoles[0]) return &keys.signer;
    if (role == kRoles[1]) return &keys.worker;
    if (role == kRoles[2]) return &keys.admin;
    return nullptr;
}

std::optional<StoreKeys> parse(const std::string& text) {
    StoreKeys keys;
    std::istringstream lines{text};
    std::string role, id, secret;
    while (lines >> role >> id >> secret) {
        signer::Credentials* place = slot(keys, role);
        if (place == nullptr || !place->access_key_id.empty()) return std::nullopt;
        *place = {id, Secret{secret}, std::nullopt};
    }
    for (const std::string_view each : kRoles) {
        if (slot(keys, each)->access_key_id.empty()) return std::nullopt;
    }
    return keys;
}

Result<> write_whole(int descriptor, std::string_view text, const fs::path& path) {
    while (!text.empty()) {
        const ssize_t size = ::write(descriptor, text.data(), text.size());
        if (size < 0 && errno == EINTR) continue;
        if (size <= 0) return failed(path, "written");
        text.remove_prefix(static_cast<std::size_t>(size));
    }
    if (::fsync(descriptor) != 0) return failed(path, "synced");
    return {};
}

/// Whole or not at all, also through a loss of power.
Result<> keep(const fs::path& folder, std::string_view text) {
    const fs::path path = folder / "keys";
    const fs::path draft = folder / "keys.new";
    {
        const Descriptor file{
            ::open(draft.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600)};
        if (file.number < 0) return failed(draft, "made");
        if (auto written = write_whole(file.number, text, draft); !written) return written;
    }
    if (::rename(draft.c_str(), path.c_str()) != 0) return failed(path, "put in place");
    const Descriptor directory{::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)};
    if (directory.number < 0 || ::fsync(directory.number) != 0) return failed(folder, "synced");
    return {};
}

}  // namespace

Result<std::optional<StoreKeys>> load_keys(const fs::path& folder) {
    const fs::path path = folder / "keys";
    const Descriptor file{::open(path.c_str(), O_RDONLY | O_CLOEXEC)};
    if (file.number < 0 && errno == ENOENT) return std::nullopt;
    if (file.number < 0) return failed(path, "read");
    std::string text(kLongestFile, '\0');
    const ssize_t size = ::read(file.number, text.data(), text.size());
    if (size < 0) return failed(path, "read");
    text.resize(static_cast<std::size_t>(size));
    auto keys = parse(text);
    if (!keys)
        return fail(ErrorCode::file_error,
                    path.string() + " does not hold the store's keys as they were written");
    return keys;
}

Result<StoreKeys> load_or_make_keys(const fs::path& folder, Random& random) {
    auto there = load_keys(folder);
    if (!there) return fail(std::move(there.error()));
    if (*there) return std::move(**there);
    std::string text;
    StoreKeys keys;
    for (const std::string_view role : kRoles) {
        const std::string id = fmt::format("pg-{}-{}", role, random_text(random, 10));
        const std::string secret = random_text(random, 25);
        *slot(keys, role) = {id, Secret{secret}, std::nullopt};
        text += fmt::format("{} {} {}\n", role, id, secret);
    }
    if (auto kept = keep(folder, text); !kept) return fail(std::move(kept.error()));
    return keys;
}

}  // namespace photogate::gateway::s3
