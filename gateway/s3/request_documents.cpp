#include "gateway/s3/request_documents.hpp"

#include <array>
#include <charconv>
#include <chrono>

#include <pugixml.hpp>

#include "base/ascii.hpp"

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

/// Names without a namespace's prefix: some clients write `<s3:Delete>`.
std::string_view local(const char* name) {
    const std::string_view text{name};
    const auto colon = text.find(':');
    return colon == std::string_view::npos ? text : text.substr(colon + 1);
}

pugi::xml_node root_of(pugi::xml_document& document, std::string_view xml, std::string_view name) {
    if (xml.size() > kMostRequestDocument || xml.find("<!") != std::string_view::npos) return {};
    // White space is part of a key.
    const auto outcome = document.load_buffer(
        xml.data(), xml.size(), pugi::parse_default | pugi::parse_ws_pcdata_single, pugi::encoding_utf8);
    if (!outcome || local(document.document_element().name()) != name) return {};
    return document.document_element();
}

pugi::xml_node child(pugi::xml_node parent, std::string_view name) {
    for (const pugi::xml_node each : parent.children()) {
        if (local(each.name()) == name) return each;
    }
    return {};
}

std::string_view text_of(pugi::xml_node parent, std::string_view name) {
    return child(parent, name).child_value();
}

constexpr std::array<std::pair<std::string_view, ChecksumAlgorithm>, 5> kChecksums{{
    {"ChecksumCRC32", ChecksumAlgorithm::crc32},
    {"ChecksumCRC32C", ChecksumAlgorithm::crc32c},
    {"ChecksumCRC64NVME", ChecksumAlgorithm::crc64nvme},
    {"ChecksumSHA1", ChecksumAlgorithm::sha1},
    {"ChecksumSHA256", ChecksumAlgorithm::sha256},
}};

std::optional<ChosenPart> part_of(pugi::xml_node entry) {
    const auto number = ascii::parse_whole<std::uint32_t>(text_of(entry, "PartNumber"));
    auto etag = parse_etag(text_of(entry, "ETag"));
    if (!number || !etag) return std::nullopt;
    ChosenPart part{*number, std::move(*etag), std::nullopt};
    for (const auto& [name, algorithm] : kChecksums) {
        const auto value = text_of(entry, name);
        if (value.empty()) continue;
        if (!is_checksum(algorithm, value)) return std::nullopt;
        part.checksum = Checksum{algorithm, std::string{value}, ChecksumType::full_object};
    }
    return part;
}

/// A condition that can't be read makes the document malformed: ignoring it would delete the object.
std::optional<DeleteEntry> delete_entry_of(pugi::xml_node node) {
    DeleteEntry entry;
    entry.key = text_of(node, "Key");
    if (entry.key.empty()) return std::nullopt;
    if (const auto version = text_of(node, "VersionId"); !version.empty()) entry.version = version;
    if (child(node, "ETag")) {
        auto etag = parse_etag(text_of(node, "ETag"));
        if (!etag) return std::nullopt;
        entry.etag = std::move(*etag);
    }
    if (child(node, "Size")) {
        const auto text = text_of(node, "Size");
        ByteSize size = 0;
        const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), size);
        if (text.empty() || error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
        entry.size = size;
    }
    if (child(node, "LastModifiedTime")) {
        const auto text = text_of(node, "LastModifiedTime");
        const auto as_date = parse_http_date(text);
        const auto as_timestamp = parse_rfc3339(text);
        if (!as_date && !as_timestamp) return std::nullopt;
        entry.modified = std::chrono::floor<std::chrono::seconds>(as_date ? *as_date : *as_timestamp);
    }
    return entry;
}

std::optional<NotificationRule> rule_of(pugi::xml_node entry) {
    NotificationRule rule;
    rule.id = text_of(entry, "Id");
    rule.queue_arn = text_of(entry, "Queue");
    rule.events.clear();
    for (const pugi::xml_node each : entry.children()) {
        const auto name = local(each.name());
        if (name == "Event") rule.events.emplace_back(each.child_value());
        if (name != "Filter") continue;
        for (const pugi::xml_node filter : child(each, "S3Key").children()) {
            const auto kind = text_of(filter, "Name");
            if (kind != "prefix" && kind != "Prefix") return std::nullopt;
            rule.prefix = text_of(filter, "Value");
        }
    }
    if (rule.queue_arn.empty() || rule.events.empty()) return std::nullopt;
    return rule;
}

}  // namespace

std::optional<DeleteRequest> read_delete_request(std::string_view xml) {
    pugi::xml_document document;
    const auto root = root_of(document, xml, "Delete");
    if (!root) return std::nullopt;
    DeleteRequest request;
    for (const pugi::xml_node entry : root.children()) {
        if (local(entry.name()) != "Object") continue;
        auto each = delete_entry_of(entry);
        if (!each || request.entries.size() == kMostKeys) return std::nullopt;
        request.entries.push_back(std::move(*each));
    }
    if (request.entries.empty()) return std::nullopt;
    if (text_of(root, "Quiet") == "true") request.answer = Loudness::errors;
    return request;
}

std::optional<std::vector<ChosenPart>> read_complete_request(std::string_view xml) {
    pugi::xml_document document;
    const auto root = root_of(document, xml, "CompleteMultipartUpload");
    if (!root) return std::nullopt;
    std::vector<ChosenPart> parts;
    for (const pugi::xml_node entry : root.children()) {
        if (local(entry.name()) != "Part") continue;
        auto part = part_of(entry);
        if (!part || parts.size() == kMostParts) return std::nullopt;
        parts.push_back(std::move(*part));
    }
    if (parts.empty()) return std::nullopt;
    return parts;
}

std::optional<std::vector<NotificationRule>> read_notification_request(std::string_view xml) {
    if (xml.empty()) return std::vector<NotificationRule>{};
    pugi::xml_document document;
    const auto root = root_of(document, xml, "NotificationConfiguration");
    if (!root) return std::nullopt;
    std::vector<NotificationRule> rules;
    for (const pugi::xml_node entry : root.children()) {
        if (entry.type() != pugi::node_element) continue;
        if (local(entry.name()) != "QueueConfiguration" || rules.size() == kMostRules) return std::nullopt;
        auto rule = rule_of(entry);
        if (!rule) return std::nullopt;
        rules.push_back(std::move(*rule));
    }
    return rules;
}

std::optional<std::string> read_location_constraint(std::string_view xml) {
    if (xml.empty()) return std::string{};
    pugi::xml_document document;
    const auto root = root_of(document, xml, "CreateBucketConfiguration");
    if (!root) return std::nullopt;
    return std::string{text_of(root, "LocationConstraint")};
}

}  // namespace photogate::gateway::s3
