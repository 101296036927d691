#include "http/resumable/request.hpp"

#include <algorithm>
#include <utility>

#include "base/ascii.hpp"
#include "base/text.hpp"
#include "http/resumable/metadata.hpp"
#include "http/resumable/structured.hpp"

namespace photogate::http::resumable {
namespace {

using Why = Refusal::Why;
using Refused = std::optional<Refusal>;

std::optional<std::string_view> field(const Message& message, std::string_view name) {
    for (const auto& each : message.fields) {
        if (ascii::equals_ignoring_case(each.name, name)) return each.value;
    }
    return std::nullopt;
}

Refusal bad(std::string detail) {
    return {Why::bad_request, std::move(detail), ErrorCode::bad_header};
}

/// What two readers would read differently: a proxy may go by the last of them.
Refused check_repetitions(const Message& message) {
    for (const auto* name :
         {"Tus-Resumable", "Upload-Draft-Interop-Version", "X-HTTP-Method-Override", "Content-Type",
          "Upload-Offset", "Upload-Length", "Upload-Defer-Length", "Upload-Metadata", "Upload-Concat",
          "Upload-Checksum", "Upload-Complete", "Upload-Incomplete"}) {
        const auto times = std::count_if(
            message.fields.begin(), message.fields.end(),
            [name](const FieldView& each) { return ascii::equals_ignoring_case(each.name, name); });
        if (times > 1) return bad(std::string{name} + " stands more than once");
    }
    return std::nullopt;
}

bool has_type(const Message& message, std::string_view type) {
    const auto given = field(message, "Content-Type").value_or("");
    return ascii::equals_ignoring_case(trim(given.substr(0, given.find(';'))), type);
}

Refusal wrong_method(std::string detail) {
    return {Why::wrong_method, std::move(detail), ErrorCode::method_not_allowed};
}

Refusal wrong_type(std::string_view type) {
    return {Why::wrong_type, "the content's type is " + std::string{type}, ErrorCode::unsupported_media_type};
}

Refusal inconsistent_length() {
    return {Why::inconsistent_length,
            "Upload-Length is not the offset and the length of the content together", ErrorCode::bad_header};
}

// ---- tus ----

std::optional<ContentDigest> read_tus_checksum(std::string_view text) {
    const auto space = text.find(' ');
    const auto name = text.substr(0, space);
    auto value = space == std::string_view::npos ? std::nullopt : from_base64(trim(text.substr(space + 1)));
    struct Known {
        std::string_view name;
        DigestAlgorithm algorithm;
        std::size_t size;
    };
    for (const Known& known :
         {Known{"sha1", DigestAlgorithm::sha1, 20}, Known{"sha256", DigestAlgorithm::sha256, 32},
          Known{"md5", DigestAlgorithm::md5, 16}}) {
        if (known.name == name && value && value->size() == known.size)
            return ContentDigest{known.algorithm, std::move(*value)};
    }
    return std::nullopt;
}

Refused read_tus_number(const Message& message, std::string_view name, std::optional<std::uint64_t>& to) {
    const auto text = field(message, name);
    if (!text) return std::nullopt;
    to = ascii::parse_whole<std::uint64_t>(trim(*text));
    if (!to) return bad(std::string{name} + " is a whole number of bytes");
    return std::nullopt;
}

Refused read_tus_content(const Message& message, Asked& asked) {
    const auto checksum = field(message, "Upload-Checksum");
    if (!checksum) return std::nullopt;
    asked.digest = read_tus_checksum(trim(*checksum));
    if (!asked.digest)
        return Refusal{Why::bad_request,
                       "Upload-Checksum is an algorithm of " + std::string{kTusChecksums} +
                           ", a space and the checksum in base64",
                       ErrorCode::invalid_checksum};
    return std::nullopt;
}

Refused read_tus_creation(const Message& message, Asked& asked) {
    asked.verb = Verb::create;
    if (message.target == Message::Target::upload)
        return wrong_method("an upload that exists is continued with PATCH");
    if (field(message, "Upload-Concat"))
        return bad("uploads in parts of their own (concatenation) are not offered");
    if (field(message, "Upload-Defer-Length"))
        return bad("a length that is told later is not offered: send Upload-Length");
    if (auto refused = read_tus_number(message, "Upload-Length", asked.length)) return refused;
    if (!asked.length) return bad("Upload-Length is required");
    asked.metadata = field(message, "Upload-Metadata").value_or("");
    if (!read_metadata(asked.metadata))
        return bad("Upload-Metadata is pairs of a key and a value in base64, separated by commas");
    // Content of another type is none of the upload's.
    asked.carries = message.has_content && has_type(message, kTusContent);
    return asked.carries ? read_tus_content(message, asked) : std::nullopt;
}

Refused read_tus_append(const Message& message, Asked& asked) {
    asked.verb = Verb::append;
    if (!has_type(message, kTusContent)) return wrong_type(kTusContent);
    std::optional<std::uint64_t> offset;
    if (auto refused = read_tus_number(message, "Upload-Offset", offset)) return refused;
    if (!offset) return bad("Upload-Offset is required");
    asked.offset = *offset;
    asked.carries = true;
    if (auto refused = read_tus_number(message, "Upload-Length", asked.length)) return refused;
    return read_tus_content(message, asked);
}

Refused read_tus(const Message& message, Asked& asked) {
    auto method = message.method;
    // For clients whose libraries know no PATCH.
    if (method == "POST") method = field(message, "X-HTTP-Method-Override").value_or(method);
    if (field(message, "Tus-Resumable") != kTusVersion)
        return Refusal{Why::wrong_version, "Tus-Resumable is 1.0.0", ErrorCode::bad_header};
    const bool at_upload = message.target == Message::Target::upload;
    if (method == "POST") return read_tus_creation(message, asked);
    if (method == "PATCH" && at_upload) return read_tus_append(message, asked);
    if (method == "HEAD" && at_upload) {
        asked.verb = Verb::offset;
    } else if (method == "DELETE" && at_upload) {
        asked.verb = Verb::cancel;
    } else {
        return wrong_method(
            "tus asks with POST where uploads are made, and with HEAD, PATCH and DELETE of an upload");
    }
    return std::nullopt;
}

// ---- the draft ----

/// Whether this content is the last; nullopt where nothing is said.
std::optional<bool> says_complete(const Message& message, std::uint32_t interop) {
    if (interop == 3) return !read_boolean(field(message, "Upload-Incomplete").value_or("")).value_or(false);
    return read_boolean(field(message, "Upload-Complete").value_or(""));
}

std::optional<std::uint64_t> integer(const Message& message, std::string_view name) {
    const auto text = field(message, name);
    return text ? read_integer(*text) : std::nullopt;
}

/// The length is what is said, or what follows from content that is the last.
Refused read_length(const Message& message, Asked& asked) {
    asked.length = integer(message, "Upload-Length");
    if (!asked.ends) return std::nullopt;
    const auto content = message.has_content ? message.content_length : std::uint64_t{0};
    if (!content) return std::nullopt;
    const auto end = asked.offset + *content;
    if (asked.verb == Verb::create && end == 0)
        return Refusal{Why::bad_request, "an upload has at least one byte", ErrorCode::invalid_size};
    if (asked.length && *asked.length != end) return inconsistent_length();
    asked.length = end;
    return std::nullopt;
}

void read_digests(const Message& message, Asked& asked) {
    // Of algorithms that are not known here nothing is expected (RFC 9530, 2).
    if (const auto text = field(message, "Content-Digest")) {
        if (auto value = read_bytes_of(*text, "sha-512"); value && value->size() == 64)
            asked.digest = ContentDigest{DigestAlgorithm::sha512, std::move(*value)};
        if (auto value = read_bytes_of(*text, "sha-256"); value && value->size() == 32)
            asked.digest = ContentDigest{DigestAlgorithm::sha256, std::move(*value)};
    }
    if (const auto text = field(message, "Repr-Digest")) {
        if (auto value = read_bytes_of(*text, "sha-256"); value && value->size() == 32)
            asked.whole_sha256 = std::move(*value);
    }
}

Refused read_draft_creation(const Message& message, Asked& asked) {
    asked.verb = Verb::create;
    const auto complete = says_complete(message, asked.dialect.interop);
    if (!complete) {
        // Nothing says that it is to be resumable.
        asked.dialect = {};
        asked.ends = true;
    } else {
        asked.ends = *complete;
    }
    if (integer(message, "Upload-Offset").value_or(0) != 0)
        return bad("an upload begins at the offset 0; it is continued with PATCH");
    asked.carries = true;
    read_digests(message, asked);
    return read_length(message, asked);
}

Refused read_draft_append(const Message& message, Asked& asked) {
    asked.verb = Verb::append;
    if (asked.dialect.interop >= 6 && !has_type(message, kPartialUpload)) return wrong_type(kPartialUpload);
    const auto offset = integer(message, "Upload-Offset");
    if (!offset) return bad("Upload-Offset, a whole number, is required");
    const auto complete = says_complete(message, asked.dialect.interop);
    if (!complete && asked.dialect.interop >= 8) return bad("Upload-Complete, ?0 or ?1, is required");
    asked.offset = *offset;
    asked.ends = complete.value_or(false);
    asked.carries = true;
    read_digests(message, asked);
    return read_length(message, asked);
}

Refused read_draft_offset(const Message& message, Asked& asked) {
    asked.verb = Verb::offset;
    if (asked.dialect.interop >= 8) return std::nullopt;
    for (const auto* name : {"Upload-Offset", "Upload-Complete", "Upload-Incomplete"}) {
        if (field(message, name)) return bad(std::string{name} + " is not sent with HEAD");
    }
    return std::nullopt;
}

Refused read_draft(const Message& message, Asked& asked) {
    if (message.target == Message::Target::place)
        return wrong_method("here uploads are made with tus; the draft begins at the URL of the grant");
    if (message.method == "POST" || message.method == "PUT") return read_draft_creation(message, asked);
    if (message.method == "PATCH") return read_draft_append(message, asked);
    if (message.method == "HEAD") return read_draft_offset(message, asked);
    if (message.method == "DELETE") {
        asked.verb = Verb::cancel;
        return std::nullopt;
    }
    return wrong_method("an upload is asked for with HEAD, continued with PATCH and cancelled with DELETE");
}

/// A whole file in one request, or a look at the offset: what any HTTP client can do.
Refused read_plain(const Message& message, Asked& asked) {
    const bool at_upload = message.target == Message::Target::upload;
    if (at_upload && (message.method == "PUT" || message.method == "POST")) {
        asked.verb = Verb::create;
        asked.ends = asked.carries = true;
        return read_length(message, asked);
    }
    if (at_upload && message.method == "HEAD") {
        asked.verb = Verb::offset;
        return std::nullopt;
    }
    if (at_upload && message.method == "DELETE") {
        asked.verb = Verb::cancel;
        return std::nullopt;
    }
    return Refusal{
        Why::wrong_version,
        "say which protocol is meant: 'Tus-Resumable: 1.0.0', or 'Upload-Draft-Interop-Version' 3, 5, 6 or 8",
        ErrorCode::bad_header};
}

Dialect dialect_of(const Message& message) {
    if (field(message, "Tus-Resumable")) return {Protocol::tus, 0};
    const auto interop = integer(message, "Upload-Draft-Interop-Version");
    if (interop && is_spoken(*interop)) return {Protocol::draft, static_cast<std::uint32_t>(*interop)};
    return {};
}

}  // namespace

ReadRequest read_request(const Message& message) {
    ReadRequest read;
    read.dialect = read.asked.dialect = dialect_of(message);
    if (message.method == "OPTIONS") return read;
    if ((read.refusal = check_repetitions(message))) return read;
    switch (read.dialect.protocol) {
        case Protocol::tus:
            read.refusal = read_tus(message, read.asked);
            break;
        case Protocol::draft:
            read.refusal = read_draft(message, read.asked);
            break;
        case Protocol::plain:
            read.refusal = read_plain(message, read.asked);
            break;
    }
    return read;
}

}  // namespace photogate::http::resumable
