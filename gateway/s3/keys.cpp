#include "gateway/s3/keys.hpp"

#include <array>
#include <span>
#include <sstream>
#include <string>

#include <fmt/format.h>

#include "base/encoding.hpp"
#include "base/file.hpp"
#include "base/owned_folder.hpp"

namespace photogate::gateway::s3 {

namespace {

namespace fs = std::filesystem;

constexpr std::size_t kLongestFile = 4'096;
constexpr std::array<std::string_view, 3> kRoles = {"signer", "worker", "admin"};

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

}  // namespace

Result<std::optional<StoreKeys>> load_keys(const fs::path& folder) {
    const fs::path path = folder / "keys";
    const auto text = read_owned_file(path, kLongestFile);
    if (!text) return fail(text.error());
    if (!*text) return std::nullopt;
    auto keys = parse(**text);
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
    if (auto kept = write_private_file(folder / "keys", text); !kept) return fail(std::move(kept.error()));
    return keys;
}

}  // namespace photogate::gateway::s3
