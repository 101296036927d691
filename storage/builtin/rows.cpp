#include "storage/builtin/rows.hpp"

#include "base/ascii.hpp"

namespace photogate::storage::builtin {

namespace {

[[noreturn]] void damaged() {
    throw StoreFailure{{ErrorCode::file_error, "the store's index is damaged: a row is malformed"}};
}

constexpr std::string_view kMetadataName = "m";
constexpr std::string_view kTagName = "g";
constexpr std::string_view kReducedName = "r";

}  // namespace

std::string pack(const std::vector<std::string>& texts) {
    std::string packed;
    for (const std::string& text : texts) {
        for (int shift = 0; shift < 32; shift += 8)
            packed += static_cast<char>(text.size() >> shift & 0xFF);
        packed += text;
    }
    return packed;
}

std::vector<std::string> unpack(std::string_view packed) {
    std::vector<std::string> texts;
    while (!packed.empty()) {
        if (packed.size() < 4) damaged();
        std::size_t length = 0;
        for (std::size_t i = 0; i < 4; ++i)
            length |= static_cast<std::size_t>(static_cast<unsigned char>(packed[i])) << (8 * i);
        packed.remove_prefix(4);
        if (packed.size() < length) damaged();
        texts.emplace_back(packed.substr(0, length));
        packed.remove_prefix(length);
    }
    return texts;
}

std::string pack_headers(const ObjectHeaders& headers) {
    std::vector<std::string> texts{"t", headers.content_type};
    const auto add = [&](const char* name, const std::optional<std::string>& value) {
        if (value) texts.insert(texts.end(), {name, *value});
    };
    add("c", headers.cache_control);
    add("d", headers.content_disposition);
    add("e", headers.content_encoding);
    add("l", headers.content_language);
    add("x", headers.expires);
    for (const auto& [name, value] : headers.metadata)
        texts.insert(texts.end(), {std::string{kMetadataName} + name, value});
    for (const auto& [name, value] : headers.tags)
        texts.insert(texts.end(), {std::string{kTagName} + name, value});
    if (headers.storage_class == StorageClass::reduced_redundancy)
        texts.insert(texts.end(), {std::string{kReducedName}, ""});
    return pack(texts);
}

ObjectHeaders unpack_headers(std::string_view packed) {
    const auto texts = unpack(packed);
    if (texts.size() % 2 != 0) damaged();
    ObjectHeaders headers;
    for (std::size_t i = 0; i < texts.size(); i += 2) {
        const std::string& name = texts[i];
        const std::string& value = texts[i + 1];
        if (name == "t")
            headers.content_type = value;
        else if (name == "c")
            headers.cache_control = value;
        else if (name == "d")
            headers.content_disposition = value;
        else if (name == "e")
            headers.content_encoding = value;
        else if (name == "l")
            headers.content_language = value;
        else if (name == "x")
            headers.expires = value;
        else if (name.starts_with(kMetadataName))
            headers.metadata.emplace(name.substr(kMetadataName.size()), value);
        else if (name.starts_with(kTagName))
            headers.tags.emplace(name.substr(kTagName.size()), value);
        else if (name == kReducedName)
            headers.storage_class = StorageClass::reduced_redundancy;
        else
            damaged();
    }
    return headers;
}

StorageClass storage_class_in(std::string_view packed) {
    // The mark is written last.
    static const std::string mark = pack({std::string{kReducedName}, ""});
    return packed.ends_with(mark) && unpack_headers(packed).storage_class == StorageClass::reduced_redundancy
               ? StorageClass::reduced_redundancy
               : StorageClass::standard;
}

std::optional<std::string> pack_checksum(const std::optional<Checksum>& checksum) {
    if (!checksum) return std::nullopt;
    return pack({std::string{to_string(checksum->algorithm)},
                 checksum->type == ChecksumType::composite ? "c" : "f", checksum->value});
}

std::optional<Checksum> unpack_checksum(const std::optional<std::string>& packed) {
    if (!packed) return std::nullopt;
    const auto texts = unpack(*packed);
    if (texts.size() != 3) damaged();
    const auto algorithm = parse_checksum_algorithm(texts[0]);
    if (!algorithm) damaged();
    return Checksum{*algorithm, texts[2],
                    texts[1] == "c" ? ChecksumType::composite : ChecksumType::full_object};
}

std::string pack_rules(const std::vector<NotificationRule>& rules) {
    std::vector<std::string> packed;
    for (const NotificationRule& rule : rules) {
        std::vector<std::string> texts{rule.id, rule.queue_arn, rule.prefix};
        texts.insert(texts.end(), rule.events.begin(), rule.events.end());
        packed.push_back(pack(texts));
    }
    return pack(packed);
}

std::vector<NotificationRule> unpack_rules(std::string_view packed) {
    std::vector<NotificationRule> rules;
    for (const std::string& text : unpack(packed)) {
        auto texts = unpack(text);
        if (texts.size() < 3) damaged();
        rules.push_back({.id = texts[0],
                         .queue_arn = texts[1],
                         .events = {texts.begin() + 3, texts.end()},
                         .prefix = texts[2]});
    }
    return rules;
}

Timestamp timestamp_of(std::int64_t micros) {
    return Timestamp{std::chrono::microseconds{micros}};
}

std::int64_t micros_of(Timestamp at) {
    return at.time_since_epoch().count();
}

ObjectRow object_row(const Query& row) {
    ObjectRow found;
    found.object.etag = ETag::trusted(row.text_at(0));
    found.object.size = row.count_at(1);
    found.object.last_modified = timestamp_of(row.number_at(2));
    found.object.sequence = row.count_at(3);
    found.content = row.count_at(4);
    found.object.part_count = static_cast<std::uint32_t>(row.number_at(5));
    found.object.checksum = unpack_checksum(row.optional_blob_at(6));
    found.object.headers = unpack_headers(row.blob_at(7));
    return found;
}

objects::ObjectInfo info_of(const StoredObject& object) {
    objects::ObjectInfo info;
    info.etag = object.etag;
    info.size = object.size;
    info.last_modified = object.last_modified;
    info.content_type = object.headers.content_type;
    if (object.checksum && object.checksum->algorithm == ChecksumAlgorithm::sha256 &&
        object.checksum->type == ChecksumType::full_object)
        info.sha256 = object.checksum->value;
    info.metadata = object.headers.metadata;
    return info;
}

ObjectHeaders headers_of_put(const objects::PutOptions& options) {
    ObjectHeaders headers;
    headers.content_type = options.content_type;
    headers.cache_control = options.cache_control;
    headers.content_disposition = options.content_disposition;
    for (const auto& [name, value] : options.metadata)
        headers.metadata.insert_or_assign(ascii::to_lower(name), value);
    return headers;
}

}  // namespace photogate::storage::builtin
