#include "gateway/routes/part_request.hpp"

#include <string>
#include <utility>

#include <fmt/format.h>

#include "base/ascii.hpp"
#include "base/encoding.hpp"
#include "base/json/fields.hpp"
#include "model/parts.hpp"
#include "pipeline/uploads/upload_service.hpp"

namespace photogate::gateway::routes {
namespace {

using json::Fields;
using json::Value;

constexpr json::Bounds kNumberBounds{.bytes = kLongestPartNumbers, .depth = 4, .nodes = 4'000};
constexpr json::Bounds kListBounds{.bytes = kLongestPartList, .depth = 4, .nodes = 60'000};

std::optional<std::uint32_t> part_number(const Value& value) {
    const auto* number = value.integer();
    if (!number || *number < 1 || *number > model::kMostParts) return std::nullopt;
    return static_cast<std::uint32_t>(*number);
}

const char* const kNumberRule = "the number of a part is a whole number from 1 to 10000";

/// Lower-case hex, of base64 or hex.
std::optional<std::string> digest_of(std::string_view text) {
    const auto digest = text.size() == 64 ? from_hex(text) : from_base64(text);
    if (!digest || digest->size() != 32) return std::nullopt;
    return hex_lower(*digest);
}

void read_checksums(Fields& fields, std::vector<pipeline::WantedPart>& parts) {
    const Value* checksums = fields.object("checksums", {.code = ErrorCode::invalid_checksum});
    if (!checksums) return;
    for (const auto& [name, value] : *checksums->object()) {
        const auto number = ascii::parse_whole<std::uint32_t>(name);
        const auto digest = value.text() ? digest_of(*value.text()) : std::nullopt;
        bool asked = false;
        for (auto& part : parts) {
            if (!number || part.number != *number) continue;
            asked = true;
            part.sha256 = digest;
        }
        if (!asked || !digest) {
            return fields.refuse(
                "checksums", ErrorCode::invalid_checksum,
                "'checksums' has the SHA-256, as base64 or hex, of parts that 'numbers' names");
        }
    }
}

}  // namespace

Result<PartsToSign> read_parts_to_sign(std::string_view body) {
    const auto document = json::read_object(body, kNumberBounds);
    if (!document) return fail(document.error());
    Fields fields(*document);
    PartsToSign wanted;
    const auto* numbers = fields.array("numbers", {.presence = json::Presence::required});
    const std::size_t count = numbers ? numbers->array()->size() : 0;
    if (numbers && (count == 0 || count > pipeline::uploads::kMostPartsSigned)) {
        fields.refuse("numbers", ErrorCode::invalid_field,
                      fmt::format("'numbers' has 1 to {} numbers; here are {}",
                                  pipeline::uploads::kMostPartsSigned, count));
    } else if (numbers) {
        for (const auto& value : *numbers->array()) {
            const auto number = part_number(value);
            if (!number) {
                fields.refuse("numbers", ErrorCode::invalid_part_number, kNumberRule);
                break;
            }
            wanted.parts.push_back({*number, {}});
        }
    }
    read_checksums(fields, wanted.parts);
    wanted.expires_in = fields.integer("expires_in", {.least = 1, .code = ErrorCode::invalid_expiry});
    if (auto sane = fields.finish(); !sane) return fail(std::move(sane.error()));
    return wanted;
}

Result<std::optional<std::vector<pipeline::NamedPart>>> read_named_parts(std::string_view body) {
    if (body.empty()) return std::optional<std::vector<pipeline::NamedPart>>{};
    const auto document = json::read_object(body, kListBounds);
    if (!document) return fail(document.error());
    Fields fields(*document);
    const auto* list = fields.array("parts", {.code = ErrorCode::invalid_parts});
    std::optional<std::vector<pipeline::NamedPart>> named;
    if (list) named.emplace();
    if (list && list->array()->size() > model::kMostParts) {
        fields.refuse("parts", ErrorCode::invalid_parts, "a file has at most 10000 parts");
    } else if (list) {
        named->reserve(list->array()->size());
        for (std::size_t i = 0; i < list->array()->size(); ++i) {
            const auto& value = (*list->array())[i];
            const auto* number = value.find("number");
            const auto* tag = value.find("etag");
            const auto read = number ? part_number(*number) : std::nullopt;
            auto etag = parse_etag(tag && tag->text() ? *tag->text() : std::string{});
            const bool more = value.object() && value.object()->size() != 2;
            if (number && !read) {
                fields.refuse("parts", ErrorCode::invalid_part_number, kNumberRule);
                break;
            }
            if (!read || !etag || more) {
                fields.refuse(
                    "parts", ErrorCode::invalid_parts,
                    fmt::format("'parts' has objects with 'number' and 'etag'; the one at place {} is not",
                                i));
                break;
            }
            named->push_back({*read, std::move(*etag)});
        }
    }
    if (auto sane = fields.finish(); !sane) return fail(std::move(sane.error()));
    return named;
}

}  // namespace photogate::gateway::routes
