#include "storage/objects/s3_xml.hpp"

#include <pugixml.hpp>

#include "base/ascii.hpp"
#include "signer/uri_encode.hpp"

namespace photogate::storage::objects {

namespace {

constexpr std::size_t kMostDocument = 1U << 20;
constexpr std::size_t kMostListed = 1'000;

tl::unexpected<Error> protocol_error(std::string why) {
    return fail(ErrorCode::store_protocol, "the store's XML: " + std::move(why));
}

Result<> load(pugi::xml_document& document, std::string_view xml, std::size_t most) {
    if (xml.size() > most) return protocol_error("over the size limit");
    if (xml.find("<!") != std::string_view::npos)
        return protocol_error("a declaration, which no store sends");
    const auto outcome =
        document.load_buffer(xml.data(), xml.size(), pugi::parse_default, pugi::encoding_utf8);
    if (!outcome) return protocol_error(outcome.description());
    return {};
}

Result<pugi::xml_node> root_of(pugi::xml_document& document, std::string_view xml, std::string_view name,
                               std::size_t most = kMostDocument) {
    if (auto loaded = load(document, xml, most); !loaded) return fail(loaded.error());
    const pugi::xml_node root = document.document_element();
    if (root.name() != name) return protocol_error("an unexpected document");
    return root;
}

std::string_view text_of(pugi::xml_node parent, const char* name) {
    return parent.child_value(name);
}

std::string print(const pugi::xml_document& document) {
    struct Writer final : pugi::xml_writer {
        std::string text;
        void write(const void* data, std::size_t size) override {
            text.append(static_cast<const char*>(data), size);
        }
    } writer;
    document.save(writer, "", pugi::format_raw | pugi::format_no_declaration, pugi::encoding_utf8);
    return std::move(writer.text);
}

pugi::xml_node add(pugi::xml_node parent, const char* name, const std::string& text) {
    pugi::xml_node child = parent.append_child(name);
    child.text().set(text.c_str());
    return child;
}

}  // namespace

std::optional<ErrorDocument> parse_error(std::string_view xml) {
    if (xml.empty()) return std::nullopt;
    pugi::xml_document document;
    const auto root = root_of(document, xml, "Error");
    if (!root) return std::nullopt;
    ErrorDocument error{std::string{text_of(*root, "Code")}, std::string{text_of(*root, "Message")}};
    if (error.code.empty()) return std::nullopt;
    return error;
}

Result<ListPage> parse_list(std::string_view xml) {
    pugi::xml_document document;
    const auto root = root_of(document, xml, "ListBucketResult", kMostListDocument);
    if (!root) return fail(root.error());
    const bool encoded = text_of(*root, "EncodingType") == "url";
    const auto decode = [encoded](std::string_view text) {
        return encoded ? signer::decode_component(text) : std::optional{std::string{text}};
    };

    ListPage page;
    for (const pugi::xml_node entry : root->children("Contents")) {
        const auto name = decode(text_of(entry, "Key"));
        const auto size = ascii::parse_whole<ByteSize>(text_of(entry, "Size"));
        auto etag = parse_etag(text_of(entry, "ETag"));
        if (!name || !size || !etag) return protocol_error("a listed object without key, size or ETag");
        auto key = parse_object_key(*name);
        if (!key) return protocol_error("an invalid key in a list");
        page.objects.push_back(
            {std::move(*key), std::move(*etag), *size, parse_rfc3339(text_of(entry, "LastModified"))});
    }
    for (const pugi::xml_node entry : root->children("CommonPrefixes")) {
        auto prefix = decode(text_of(entry, "Prefix"));
        if (!prefix) return protocol_error("an invalid prefix in a list");
        page.common_prefixes.push_back(std::move(*prefix));
    }
    if (page.objects.size() + page.common_prefixes.size() > kMostListed)
        return protocol_error("a page of more than 1,000 entries");
    if (text_of(*root, "IsTruncated") == "true") {
        page.next = std::string{text_of(*root, "NextContinuationToken")};
        if (page.next->empty()) return protocol_error("a truncated list without a token");
    }
    return page;
}

Result<std::vector<DeleteFailure>> parse_delete_result(std::string_view xml) {
    pugi::xml_document document;
    const auto root = root_of(document, xml, "DeleteResult");
    if (!root) return fail(root.error());
    std::vector<DeleteFailure> failures;
    for (const pugi::xml_node entry : root->children("Error")) {
        failures.push_back({std::string{text_of(entry, "Key")},
                            {std::string{text_of(entry, "Code")}, std::string{text_of(entry, "Message")}}});
    }
    return failures;
}

Result<PartsPage> parse_parts(std::string_view xml) {
    pugi::xml_document document;
    const auto root = root_of(document, xml, "ListPartsResult");
    if (!root) return fail(root.error());
    PartsPage page;
    for (const pugi::xml_node entry : root->children("Part")) {
        const auto number = ascii::parse_whole<std::uint32_t>(text_of(entry, "PartNumber"));
        const auto size = ascii::parse_whole<ByteSize>(text_of(entry, "Size"));
        auto etag = parse_etag(text_of(entry, "ETag"));
        if (!number || !size || !etag) return protocol_error("a part without number, size or ETag");
        page.parts.push_back({*number, std::move(*etag), *size});
    }
    if (text_of(*root, "IsTruncated") == "true") {
        page.next_marker = ascii::parse_whole<std::uint32_t>(text_of(*root, "NextPartNumberMarker"));
        if (!page.next_marker || page.parts.empty())
            return protocol_error("a truncated list of parts that does not advance");
    }
    return page;
}

Result<MultipartPage> parse_multiparts(std::string_view xml) {
    pugi::xml_document document;
    const auto root = root_of(document, xml, "ListMultipartUploadsResult", kMostListDocument);
    if (!root) return fail(root.error());
    const bool encoded = text_of(*root, "EncodingType") == "url";
    const auto decode = [encoded](std::string_view text) {
        return encoded ? signer::decode_component(text) : std::optional{std::string{text}};
    };
    MultipartPage page;
    for (const pugi::xml_node entry : root->children("Upload")) {
        const auto name = decode(text_of(entry, "Key"));
        auto key = parse_object_key(name.value_or(std::string{}));
        std::string id{text_of(entry, "UploadId")};
        if (!key || id.empty() || id.size() > 1'024)
            return protocol_error("a multipart upload without key or id");
        page.uploads.push_back({std::move(*key), std::move(id), parse_rfc3339(text_of(entry, "Initiated"))});
    }
    if (page.uploads.size() > kMostListed) return protocol_error("a page of more than 1,000 entries");
    if (text_of(*root, "IsTruncated") == "true") {
        auto key = decode(text_of(*root, "NextKeyMarker"));
        if (!key || key->empty()) return protocol_error("a truncated list without a marker");
        page.next = {std::move(*key), std::string{text_of(*root, "NextUploadIdMarker")}};
    }
    return page;
}

Result<std::string> parse_upload_id_of_multipart(std::string_view xml) {
    pugi::xml_document document;
    const auto root = root_of(document, xml, "InitiateMultipartUploadResult");
    if (!root) return fail(root.error());
    std::string id{text_of(*root, "UploadId")};
    if (id.empty() || id.size() > 1'024) return protocol_error("no upload id");
    return id;
}

Result<ETag> parse_result_etag(std::string_view xml, std::string_view name) {
    pugi::xml_document document;
    const auto root = root_of(document, xml, name);
    if (!root) return fail(root.error());
    auto etag = parse_etag(text_of(*root, "ETag"));
    if (!etag) return protocol_error("a result without an ETag");
    return etag;
}

std::string delete_document(const std::vector<ObjectKey>& keys, std::size_t first, std::size_t count) {
    pugi::xml_document document;
    pugi::xml_node root = document.append_child("Delete");
    for (std::size_t i = first; i < first + count; ++i)
        add(root.append_child("Object"), "Key", keys[i].str());
    add(root, "Quiet", "true");
    return print(document);
}

std::string complete_document(const std::vector<UploadedPart>& parts) {
    pugi::xml_document document;
    pugi::xml_node root = document.append_child("CompleteMultipartUpload");
    for (const UploadedPart& part : parts) {
        pugi::xml_node entry = root.append_child("Part");
        add(entry, "PartNumber", std::to_string(part.number));
        add(entry, "ETag", '"' + part.etag.str() + '"');
    }
    return print(document);
}

std::string notification_document(const std::vector<NotificationRule>& rules) {
    pugi::xml_document document;
    pugi::xml_node root = document.append_child("NotificationConfiguration");
    for (const NotificationRule& rule : rules) {
        pugi::xml_node entry = root.append_child("QueueConfiguration");
        add(entry, "Id", rule.id);
        add(entry, "Queue", rule.queue_arn);
        for (const std::string& event : rule.events)
            add(entry, "Event", event);
        if (!rule.prefix.empty()) {
            pugi::xml_node filter =
                entry.append_child("Filter").append_child("S3Key").append_child("FilterRule");
            add(filter, "Name", "prefix");
            add(filter, "Value", rule.prefix);
        }
    }
    return print(document);
}

}  // namespace photogate::storage::objects
