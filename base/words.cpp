#include "base/words.hpp"

#include <algorithm>
#include <array>
#include <span>

#include <fmt/format.h>

#include "base/ascii.hpp"
#include "base/encoding.hpp"
#include "base/ip_address.hpp"

namespace photogate {
namespace {

bool lower_or_digit(char c) {
    return ascii::is_lower(c) || ascii::is_digit(c);
}

bool crockford(std::string_view text, std::size_t length) {
    return text.size() == length && std::all_of(text.begin(), text.end(), [](char c) {
               return lower_or_digit(c) && c != 'i' && c != 'l' && c != 'o' && c != 'u';
           });
}

std::string time_ordered(std::string_view prefix, Timestamp now, Random& random) {
    std::array<std::uint8_t, 16> raw{};
    const auto ms = static_cast<std::uint64_t>(
        std::chrono::duration_cast<std::chrono::milliseconds>(now.time_since_epoch()).count());
    for (int i = 0; i < 6; ++i)
        raw[static_cast<std::size_t>(i)] = static_cast<std::uint8_t>(ms >> (40 - 8 * i));
    random.fill(std::as_writable_bytes(std::span{raw}.subspan(6)));
    return std::string{prefix} + base32_crockford(raw);
}

template <class Id>
std::optional<Id> parse_id(std::string_view prefix, std::string_view text) {
    if (!text.starts_with(prefix) || !crockford(text.substr(prefix.size()), 26)) return std::nullopt;
    return Id::trusted(std::string{text});
}

}  // namespace

Result<Bucket> parse_bucket(std::string_view text) {
    const bool shape = text.size() >= 3 && text.size() <= 63 && lower_or_digit(text.front()) &&
                       lower_or_digit(text.back()) && text.find("..") == std::string_view::npos &&
                       text.find(".-") == std::string_view::npos &&
                       text.find("-.") == std::string_view::npos && !parse_ip_address(text) &&
                       std::all_of(text.begin(), text.end(),
                                   [](char c) { return lower_or_digit(c) || c == '-' || c == '.'; });
    if (!shape) {
        return fail(ErrorCode::invalid_field,
                    "a bucket name has 3 to 63 of a-z, 0-9, '-' and '.', starts and ends with a letter or "
                    "digit, as does each "
                    "part between dots, and is no IP address");
    }
    return Bucket::trusted(std::string{text});
}

Result<ObjectKey> parse_object_key(std::string_view text) {
    if (text.empty() || text.size() > 1024) {
        return fail(ErrorCode::invalid_field,
                    fmt::format("an object key has 1 to 1024 bytes, this one has {}", text.size()));
    }
    if (!is_utf8(text)) return fail(ErrorCode::invalid_field, "an object key is UTF-8 text");
    return ObjectKey::trusted(std::string{text});
}

Result<ETag> parse_etag(std::string_view text) {
    if (text.size() >= 2 && text.front() == '"' && text.back() == '"') text = text.substr(1, text.size() - 2);
    const bool clean =
        !text.empty() && text.size() <= 256 &&
        std::all_of(text.begin(), text.end(), [](char c) { return c > 0x20 && c < 0x7F && c != '"'; });
    if (!clean || text.starts_with("W/")) return fail(ErrorCode::invalid_field, "not a strong entity tag");
    return ETag::trusted(std::string{text});
}

Result<Region> parse_region(std::string_view text) {
    const bool shape = !text.empty() && text.size() <= 64 &&
                       std::all_of(text.begin(), text.end(),
                                   [](char c) { return lower_or_digit(c) || c == '-' || c == '_'; });
    if (!shape) return fail(ErrorCode::invalid_field, "a region has 1 to 64 of a-z, 0-9, '-' and '_'");
    return Region::trusted(std::string{text});
}

Result<AppName> parse_app_name(std::string_view text) {
    const bool shape =
        !text.empty() && text.size() <= 32 && ascii::is_lower(text.front()) &&
        std::all_of(text.begin(), text.end(), [](char c) { return lower_or_digit(c) || c == '-'; });
    if (!shape) {
        return fail(ErrorCode::invalid_field,
                    "a name has 1 to 32 of a-z, 0-9 and '-', and starts with a letter");
    }
    return AppName::trusted(std::string{text});
}

std::optional<UploadId> parse_upload_id(std::string_view text) {
    return parse_id<UploadId>("upl_", text);
}
std::optional<PublicId> parse_public_id(std::string_view text) {
    return parse_id<PublicId>("", text);
}
std::optional<CallbackId> parse_callback_id(std::string_view text) {
    return parse_id<CallbackId>("msg_", text);
}

UploadId make_upload_id(Timestamp now, Random& random) {
    return UploadId::trusted(time_ordered("upl_", now, random));
}
CallbackId make_callback_id(Timestamp now, Random& random) {
    return CallbackId::trusted(time_ordered("msg_", now, random));
}

PublicId make_public_id(Random& random) {
    std::array<std::uint8_t, 16> raw{};
    random.fill(std::as_writable_bytes(std::span{raw}));
    return PublicId::trusted(base32_crockford(raw));
}

}  // namespace photogate
