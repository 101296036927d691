#include "gateway/access/api_key.hpp"

#include <algorithm>
#include <array>
#include <span>

#include "base/ascii.hpp"
#include "base/encoding.hpp"

namespace photogate::gateway::access {
namespace {

constexpr std::string_view kKeyPrefix = "pg_";
constexpr std::string_view kHashPrefix = "sha256:";
constexpr std::size_t kSecretBytes = 32;
constexpr std::size_t kSecretLength = 52;

bool lower_or_digit(char c) {
    return ascii::is_lower(c) || ascii::is_digit(c);
}

}  // namespace

Secret make_api_key(const AppName& app, Random& random) {
    std::array<std::uint8_t, kSecretBytes> raw{};
    random.fill(std::as_writable_bytes(std::span{raw}));
    std::string key{kKeyPrefix};
    key += app.str();
    key += '_';
    key += base32_crockford(raw);
    return Secret{std::move(key)};
}

std::string api_key_line(const Secret& key) {
    return std::string{kHashPrefix} + hex_lower(signer::sha256(key.reveal()));
}

std::optional<signer::Sha256> parse_api_key_line(std::string_view line) {
    if (!line.starts_with(kHashPrefix)) return std::nullopt;
    const auto bytes = from_hex(line.substr(kHashPrefix.size()));
    signer::Sha256 hash{};
    if (!bytes || bytes->size() != hash.size()) return std::nullopt;
    std::copy(bytes->begin(), bytes->end(), hash.begin());
    return hash;
}

std::optional<AppName> app_of_api_key(std::string_view key) {
    if (!key.starts_with(kKeyPrefix)) return std::nullopt;
    key.remove_prefix(kKeyPrefix.size());
    const auto end = key.find('_');
    if (end == std::string_view::npos) return std::nullopt;
    const auto secret = key.substr(end + 1);
    if (secret.size() != kSecretLength || !std::all_of(secret.begin(), secret.end(), lower_or_digit))
        return std::nullopt;
    auto app = parse_app_name(key.substr(0, end));
    if (!app) return std::nullopt;
    return *app;
}

KeyRing::Added KeyRing::add(const signer::Sha256& hash, KeyOwner owner) {
    const bool there =
        std::any_of(entries_.begin(), entries_.end(), [&](const Entry& e) { return e.hash == hash; });
    if (there) return Added::already_there;
    entries_.push_back({hash, std::move(owner)});
    return Added::added;
}

std::optional<KeyOwner> KeyRing::find(std::string_view presented) const {
    const auto named = app_of_api_key(presented);
    if (!named) return std::nullopt;
    const auto hash = signer::sha256(presented);
    const Entry* match = nullptr;
    for (const auto& entry : entries_) {
        const bool same = signer::constant_time_equal(BytesView{hash}, BytesView{entry.hash});
        match = same ? &entry : match;
    }
    if (match == nullptr || match->owner.name != *named) return std::nullopt;
    return match->owner;
}

}  // namespace photogate::gateway::access
