#include "model/object_layout.hpp"

#include <algorithm>

#include <fmt/format.h>

#include "base/ascii.hpp"

namespace photogate::model {
namespace {

using Kind = ObjectRole::Kind;

constexpr std::size_t kMinuteDigits = 12;
constexpr std::size_t kUploadIdLength = 30, kPublicIdLength = 26, kPackageIdLength = 30;
constexpr std::size_t kOffsetDigits = 12;
constexpr std::size_t kHashDigits = 16;
constexpr std::size_t kLongestExtension = 8;

/// Takes pieces off the front of a name; every call but rest() is false where the piece is another.
class NameReader {
  public:
    explicit NameReader(std::string_view text) : text_(text) {}

    bool literal(std::string_view expected) {
        if (!text_.starts_with(expected)) return false;
        text_.remove_prefix(expected.size());
        return true;
    }
    bool digits(std::size_t count) { return run(count, ascii::is_digit); }
    /// At least so many digits.
    bool number(std::size_t least) {
        std::size_t count = 0;
        while (count < text_.size() && ascii::is_digit(text_[count]))
            ++count;
        return count >= least && digits(count);
    }
    bool hash() { return run(kHashDigits, ascii::is_lower_hex); }
    template <class Id, class Parse>
    bool id(std::size_t length, Parse parse, std::optional<Id>& into) {
        if (text_.size() < length) return false;
        into = parse(text_.substr(0, length));
        text_.remove_prefix(length);
        return into.has_value();
    }
    bool extension() {
        if (!literal(".") || text_.empty() || text_.size() > kLongestExtension) return false;
        return run(text_.size(), [](char c) { return ascii::is_digit(c) || ascii::is_lower(c); });
    }
    bool at_end() const { return text_.empty(); }

  private:
    template <class Predicate>
    bool run(std::size_t count, Predicate predicate) {
        if (text_.size() < count) return false;
        const auto piece = text_.substr(0, count);
        text_.remove_prefix(count);
        return std::all_of(piece.begin(), piece.end(), predicate);
    }
    std::string_view text_;
};

std::optional<ObjectRole> of_upload(NameReader name, ObjectRole role) {
    if (!name.id(kUploadIdLength, parse_upload_id, role.upload) || !name.at_end()) return std::nullopt;
    return role;
}

std::optional<ObjectRole> classify_incoming(NameReader name) {
    if (!name.digits(kMinuteDigits) || !name.literal("/")) return std::nullopt;
    return of_upload(name, {Kind::incoming, {}, {}});
}

std::optional<ObjectRole> classify_chunk(NameReader name) {
    ObjectRole role{Kind::chunk, {}, {}};
    const bool ours = name.id(kUploadIdLength, parse_upload_id, role.upload) && name.literal("/") &&
                      name.number(1) && name.literal("/") && name.number(kOffsetDigits) &&
                      name.literal("-") && name.number(1) && name.at_end();
    return ours ? std::make_optional(role) : std::nullopt;
}

std::optional<ObjectRole> classify_published(NameReader name) {
    ObjectRole role{Kind::published, {}, {}};
    const bool ours = name.id(kPublicIdLength, parse_public_id, role.public_id) && name.literal("/") &&
                      name.hash() && name.extension();
    return ours ? std::make_optional(role) : std::nullopt;
}

std::optional<ObjectRole> classify_version(NameReader name) {
    ObjectRole role{Kind::version, {}, {}};
    const bool ours = name.id(kPublicIdLength, parse_public_id, role.public_id) && name.literal("/") &&
                      name.hash() && name.literal("-") && name.hash() && name.extension();
    return ours ? std::make_optional(role) : std::nullopt;
}

std::optional<ObjectRole> classify_package(NameReader name) {
    ObjectRole role{Kind::package, {}, {}};
    const bool ours =
        name.id(kPackageIdLength, parse_package_id, role.package_id) && name.literal(".zip") && name.at_end();
    return ours ? std::make_optional(role) : std::nullopt;
}

std::string_view short_hash(std::string_view sha256) {
    return sha256.substr(0, kHashDigits);
}

}  // namespace

std::string incoming_minute_prefix(Timestamp minute) {
    return std::string{kIncomingPrefix} + format_minute(minute) + '/';
}

bool is_incoming_minute_prefix(std::string_view prefix) {
    NameReader name{prefix};
    return name.literal(kIncomingPrefix) && name.digits(kMinuteDigits) && name.literal("/") && name.at_end();
}

ObjectKey incoming_key(Timestamp created_at, const UploadId& id) {
    return ObjectKey::trusted(incoming_minute_prefix(created_at) + id.str());
}

std::string chunk_prefix(const UploadId& id) {
    return fmt::format("{}{}/", kChunkPrefix, id.str());
}

std::string chunk_prefix(const UploadId& id, std::uint32_t beginning) {
    return fmt::format("{}{}/", chunk_prefix(id), beginning);
}

ObjectKey chunk_key(const UploadId& id, std::uint32_t beginning, std::uint64_t first, std::uint64_t epoch) {
    return ObjectKey::trusted(fmt::format("{}{:012}-{}", chunk_prefix(id, beginning), first, epoch));
}

ObjectKey published_key(const PublicId& id, std::string_view sha256, std::string_view extension) {
    return ObjectKey::trusted(fmt::format("p/{}/{}.{}", id.str(), short_hash(sha256), extension));
}

ObjectKey version_key(const PublicId& id, std::string_view spec, std::string_view sha256,
                      std::string_view extension) {
    return ObjectKey::trusted(
        fmt::format("v/{}/{}-{}.{}", id.str(), short_hash(spec), short_hash(sha256), extension));
}

std::string version_prefix(const PublicId& id) {
    return fmt::format("v/{}/", id.str());
}

ObjectKey package_key(const PackageId& id) {
    return ObjectKey::trusted(fmt::format("z/{}.zip", id.str()));
}

ObjectKey original_key(const UploadId& id) {
    return ObjectKey::trusted("o/" + id.str());
}

ObjectKey quarantine_key(const UploadId& id) {
    return ObjectKey::trusted(fmt::format("{}{}", kQuarantinePrefix, id.str()));
}

std::string_view to_string(ObjectRole::Kind kind) {
    switch (kind) {
        case Kind::incoming:
            return "incoming";
        case Kind::chunk:
            return "chunk";
        case Kind::published:
            return "published";
        case Kind::version:
            return "version";
        case Kind::package:
            return "package";
        case Kind::original:
            return "original";
        case Kind::quarantined:
            return "quarantined";
        case Kind::canary:
            return "canary";
    }
    return "";
}

std::optional<ObjectRole> classify(const ObjectKey& key) {
    const std::string_view text = key.str();
    if (text.starts_with(kCanaryPrefix)) return ObjectRole{Kind::canary, {}, {}};
    NameReader name{text};
    if (name.literal(kIncomingPrefix)) return classify_incoming(name);
    if (name.literal(kChunkPrefix)) return classify_chunk(name);
    if (name.literal("p/")) return classify_published(name);
    if (name.literal("v/")) return classify_version(name);
    if (name.literal("z/")) return classify_package(name);
    if (name.literal("o/")) return of_upload(name, {Kind::original, {}, {}});
    if (name.literal(kQuarantinePrefix)) return of_upload(name, {Kind::quarantined, {}, {}});
    return std::nullopt;
}

}  // namespace photogate::model
