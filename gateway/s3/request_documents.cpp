#include "gateway/s3/request_documents.hpp"

#include <array>
#include <charconv>
#include <chrono>

#include "base/ascii.hpp"
#include "gateway/s3/request_xml.hpp"

namespace photogate::gateway::s3 {

using storage::builtin::Checksum;
using storage::builtin::ChecksumAlgorithm;
using storage::builtin::ChecksumType;
using storage::builtin::ChosenPart;
using storage::builtin::is_checksum;
using storage::objects::NotificationRule;

namespace {

constexpr std::size_t kMostKeys = 1'000;
constexpr std::size_t kMostParts = 10'000;
constexpr std::size_t kMostRules = 100;

constexpr std::array<std::pair<std::string_view, ChecksumAlgorithm>, 5> kChecksums{{
    {"ChecksumCRC32", ChecksumAlgorithm::crc32},
    {"ChecksumCRC32C", ChecksumAlgorithm::crc32c},
    {"ChecksumCRC64NVME", ChecksumAlgorithm::crc64nvme},
    {"ChecksumSHA1", ChecksumAlgorithm::sha1},
    {"ChecksumSHA256", ChecksumAlgorithm::sha256},
}};

std::optional<ChosenPart> part_of(pugi::xml_node entry) {
    const auto number = ascii::parse_whole<std::uint32_t>(xml::text_of(entry, "PartNumber"));
    auto etag = parse_etag(xml::text_of(entry, "ETag"));
    if (!number || !etag) return std::nullopt;
    ChosenPart part{*number, std::move(*etag), std::nullopt};
    for (const auto& [name, algorithm] : kChecksums) {
        const auto value = xml::text_of(entry, name);
        if (value.empty()) continue;
        if (!is_checksum(algorithm, value)) return std::nullopt;
        part.checksum = Checksum{algorithm, std::string{value}, ChecksumType::full_object};
    }
    return part;
}

/// A condition that can't be read makes the document malformed: ignoring it would delete the object.
std::optional<DeleteEntry> delete_entry_of(pugi::xml_node node) {
    DeleteEntry entry;
    entry.key = xml::text_of(node, "Key");
    if (entry.key.empty()) return std::nullopt;
    if (const auto version = xml::text_of(node, "VersionId"); !version.empty()) entry.version = version;
    if (xml::child(node, "ETag")) {
        auto etag = parse_etag(xml::text_of(node, "ETag"));
        if (!etag) return std::nullopt;
        entry.etag = std::move(*etag);
    }
    if (xml::child(node, "Size")) {
        const auto text = xml::text_of(node, "Size");
        ByteSize size = 0;
        const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), size);
        if (text.empty() || error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
        entry.size = size;
    }
    if (xml::child(node, "LastModifiedTime")) {
        const auto text = xml::text_of(node, "LastModifiedTime");
        const auto as_date = parse_http_date(text);
        const auto as_timestamp = parse_rfc3339(text);
        if (!as_date && !as_timestamp) return std::nullopt;
        entry.modified = std::chrono::floor<std::chrono::seconds>(as_date ? *as_date : *as_timestamp);
    }
    return entry;
}

std::optional<NotificationRule> rule_of(pugi::xml_node entry) {
    NotificationRule rule;
    rule.id = xml::text_of(entry, "Id");
    rule.queue_arn = xml::text_of(entry, "Queue");
    rule.events.clear();
    for (const pugi::xml_node each : entry.children()) {
        const auto name = xml::local(each.name());
        if (name == "Event") rule.events.emplace_back(each.child_value());
        if (name != "Filter") continue;
        for (const pugi::xml_node filter : xml::child(each, "S3Key").children()) {
            const auto kind = xml::text_of(filter, "Name");
            if (kind != "prefix" && kind != "Prefix") return std::nullopt;
            rule.prefix = xml::text_of(filter, "Value");
        }
    }
    if (rule.queue_arn.empty() || rule.events.empty()) return std::nullopt;
    return rule;
}

}  // namespace

std::optional<DeleteRequest> read_delete_request(std::string_view text) {
    pugi::xml_document document;
    const auto root = xml::root_of(document, text, "Delete");
    if (!root) return std::nullopt;
    DeleteRequest request;
    for (const pugi::xml_node entry : root.children()) {
        if (xml::local(entry.name()) != "Object") continue;
        auto each = delete_entry_of(entry);
        if (!each || request.entries.size() == kMostKeys) return std::nullopt;
        request.entries.push_back(std::move(*each));
    }
    if (request.entries.empty()) return std::nullopt;
    if (xml::text_of(root, "Quiet") == "true") request.answer = Loudness::errors;
    return request;
}

std::optional<std::vector<ChosenPart>> read_complete_request(std::string_view text) {
    pugi::xml_document document;
    const auto root = xml::root_of(document, text, "CompleteMultipartUpload");
    if (!root) return std::nullopt;
    std::vector<ChosenPart> parts;
    for (const pugi::xml_node entry : root.children()) {
        if (xml::local(entry.name()) != "Part") continue;
        auto part = part_of(entry);
        if (!part || parts.size() == kMostParts) return std::nullopt;
        parts.push_back(std::move(*part));
    }
    if (parts.empty()) return std::nullopt;
    return parts;
}

std::optional<std::vector<NotificationRule>> read_notification_request(std::string_view text) {
    if (text.empty()) return std::vector<NotificationRule>{};
    pugi::xml_document document;
    const auto root = xml::root_of(document, text, "NotificationConfiguration");
    if (!root) return std::nullopt;
    std::vector<NotificationRule> rules;
    for (const pugi::xml_node entry : root.children()) {
        if (entry.type() != pugi::node_element) continue;
        if (xml::local(entry.name()) != "QueueConfiguration" || rules.size() == kMostRules)
            return std::nullopt;
        auto rule = rule_of(entry);
        if (!rule) return std::nullopt;
        rules.push_back(std::move(*rule));
    }
    return rules;
}

std::optional<std::string> read_location_constraint(std::string_view text) {
    if (text.empty()) return std::string{};
    pugi::xml_document document;
    const auto root = xml::root_of(document, text, "CreateBucketConfiguration");
    if (!root) return std::nullopt;
    return std::string{xml::text_of(root, "LocationConstraint")};
}

}  // namespace photogate::gateway::s3
