// GetObjectAttributes: what is known of an object, without its bytes.
#include <algorithm>
#include <array>
#include <charconv>
#include <set>

#include <fmt/format.h>

#include "base/text.hpp"
#include "gateway/s3/description.hpp"
#include "gateway/s3/operations.hpp"
#include "gateway/s3/xml.hpp"

namespace photogate::gateway::s3 {

using storage::builtin::StoredObject;

namespace {

constexpr std::array<std::string_view, 5> kAttributes = {"ETag", "Checksum", "ObjectParts", "StorageClass",
                                                         "ObjectSize"};
constexpr std::uint32_t kMostParts = 1'000;

S3Result<std::set<std::string_view>> wanted(const Call& call) {
    std::set<std::string_view> names;
    for (std::string_view list : call.request.headers.all("x-amz-object-attributes")) {
        for (std::size_t at = 0; at <= list.size();) {
            const auto end = std::min(list.find(',', at), list.size());
            const auto name = trim(list.substr(at, end - at));
            at = end + 1;
            if (name.empty()) continue;
            const auto known = std::find(kAttributes.begin(), kAttributes.end(), name);
            if (known == kAttributes.end())
                return refuse(Code::InvalidArgument, "Invalid attribute name specified.");
            names.insert(*known);
        }
    }
    if (names.empty())
        return refuse(Code::InvalidArgument,
                      "The x-amz-object-attributes header specifying the attributes to be retrieved is "
                      "either missing or empty");
    return names;
}

/// A number of a header, at most `most`, or `fallback`.
S3Result<std::uint32_t> number(const Call& call, std::string_view header, std::uint32_t most,
                               std::uint32_t fallback) {
    const auto text = call.request.headers.find(header);
    if (!text) return fallback;
    std::uint32_t value = 0;
    const auto [end, error] = std::from_chars(text->data(), text->data() + text->size(), value);
    if (error != std::errc{} || end != text->data() + text->size())
        return refuse(Code::InvalidArgument, fmt::format("{} is not a number.", header));
    return std::min(value, most);
}

struct Page {
    std::uint32_t after = 0;
    std::uint32_t most = kMostParts;
};

void add_parts(Xml& xml, const std::vector<ByteSize>& sizes, const Page& page) {
    const auto end = std::min<std::size_t>(sizes.size(), std::size_t{page.after} + page.most);
    const auto last = std::max<std::size_t>(end, page.after);
    xml.open("ObjectParts").add("IsTruncated", end < sizes.size() ? "true" : "false");
    xml.add("MaxParts", page.most).add("NextPartNumberMarker", last).add("PartNumberMarker", page.after);
    for (std::size_t i = page.after; i < end; ++i)
        xml.open("Part").add("PartNumber", i + 1).add("Size", sizes[i]).close();
    xml.add("PartsCount", sizes.size()).close();
}

S3Result<http::Response> shown(Dependencies& dependencies, const Call& call) {
    const auto names = wanted(call);
    const auto most = number(call, "x-amz-max-parts", kMostParts, kMostParts);
    const auto after = number(call, "x-amz-part-number-marker", 10'000, 0);
    if (!names) return refuse(names.error());
    if (!most) return refuse(most.error());
    if (!after) return refuse(after.error());
    if (auto known = check_version(call); !known) return refuse(known.error());
    const auto reader = dependencies.store.objects().read(call.bucket(), call.key());
    if (!reader) return refuse(of(reader.error()));
    const StoredObject& object = reader->object();
    Xml xml{"GetObjectAttributesResponse"};
    if (names->contains("ETag")) xml.add("ETag", object.etag.str());
    if (names->contains("Checksum") && object.checksum) {
        xml.open("Checksum");
        xml.add(fmt::format("Checksum{}", to_string(object.checksum->algorithm)), object.checksum->value);
        xml.add("ChecksumType", to_string(object.checksum->type)).close();
    }
    if (names->contains("ObjectParts") && object.part_count > 0)
        add_parts(xml, reader->part_sizes(), {*after, *most});
    if (names->contains("StorageClass")) xml.add("StorageClass", to_string(object.headers.storage_class));
    if (names->contains("ObjectSize")) xml.add("ObjectSize", object.size);
    auto response = xml_response(xml.done());
    response.set("Last-Modified", format_http_date(object.last_modified));
    return response;
}

}  // namespace

void get_object_attributes(Dependencies& dependencies, CallPtr call) {
    run(call, dependencies.pool, [&dependencies, call] { return shown(dependencies, *call); });
}

}  // namespace photogate::gateway::s3
