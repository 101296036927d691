#include "imaging/containers/xmp_scanner.hpp"

#include <algorithm>
#include <array>
#include <optional>
#include <string>
#include <string_view>

#include "imaging/containers/exif_reader.hpp"
#include "imaging/containers/text.hpp"

namespace photogate::imaging {

namespace {

constexpr std::size_t kMaxPacket = 256 * 1024;
constexpr std::size_t kMaxElement = 16 * 1024;
constexpr std::size_t kMaxListItems = 64;

struct Property {
    std::string_view name;
    enum { anywhere, place } tells = anywhere;
};

constexpr std::array kProperties = {
    Property{"dc:title"},
    Property{"dc:description"},
    Property{"dc:creator"},
    Property{"dc:rights"},
    Property{"dc:subject"},
    Property{"dc:contributor"},
    Property{"dc:publisher"},
    Property{"xmp:CreatorTool"},
    Property{"xmp:CreateDate"},
    Property{"xmp:ModifyDate"},
    Property{"xmp:Rating"},
    Property{"xmp:Label"},
    Property{"xmpRights:Marked"},
    Property{"xmpRights:UsageTerms"},
    Property{"xmpRights:WebStatement"},
    Property{"photoshop:AuthorsPosition"},
    Property{"photoshop:Credit"},
    Property{"photoshop:DateCreated"},
    Property{"photoshop:Headline"},
    Property{"photoshop:Instructions"},
    Property{"photoshop:Source"},
    Property{"photoshop:City", Property::place},
    Property{"photoshop:State", Property::place},
    Property{"photoshop:Country", Property::place},
    Property{"Iptc4xmpCore:Location", Property::place},
    Property{"Iptc4xmpCore:CountryCode", Property::place},
    Property{"exif:GPSLatitude", Property::place},
    Property{"exif:GPSLongitude", Property::place},
    Property{"exif:GPSAltitude", Property::place},
    Property{"Iptc4xmpExt:DigitalSourceType"},
};

constexpr bool is_space(char c) {
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

/// The five predefined entities; any other reference stays as it is written.
std::string unescaped(std::string_view text) {
    static constexpr std::array<std::pair<std::string_view, char>, 5> kEntities = {
        {{"&amp;", '&'}, {"&lt;", '<'}, {"&gt;", '>'}, {"&quot;", '"'}, {"&apos;", '\''}}};
    std::string out;
    for (std::size_t i = 0; i < text.size();) {
        const auto it = std::find_if(kEntities.begin(), kEntities.end(), [&](const auto& entity) {
            return text.substr(i).starts_with(entity.first);
        });
        if (it == kEntities.end()) {
            out.push_back(text[i++]);
        } else {
            out.push_back(it->second);
            i += it->first.size();
        }
    }
    return out;
}

std::string text_of(std::string_view raw) {
    return clean_text(as_bytes(unescaped(raw.substr(0, 4 * kMaxText))));
}

/// `name="value"` or `name='value'`.
std::optional<std::string_view> attribute(std::string_view packet, std::string_view name) {
    for (std::size_t at = packet.find(name); at != std::string_view::npos; at = packet.find(name, at + 1)) {
        if (at == 0 || !is_space(packet[at - 1])) continue;
        std::string_view rest = packet.substr(at + name.size());
        if (rest.size() < 2 || rest[0] != '=' || (rest[1] != '"' && rest[1] != '\'')) continue;
        const std::size_t end = rest.substr(0, kMaxElement).find(rest[1], 2);
        if (end != std::string_view::npos) return rest.substr(2, end - 2);
    }
    return std::nullopt;
}

/// What stands between `<name …>` and `</name>`.
std::optional<std::string_view> element(std::string_view packet, std::string_view name) {
    const std::string open = "<" + std::string(name);
    const std::string close = "</" + std::string(name);
    for (std::size_t at = packet.find(open); at != std::string_view::npos; at = packet.find(open, at + 1)) {
        const std::string_view rest = packet.substr(at + open.size(), kMaxElement);
        if (rest.empty() || (!is_space(rest[0]) && rest[0] != '>')) continue;
        const std::size_t start = rest.find('>');
        if (start == std::string_view::npos || (start > 0 && rest[start - 1] == '/')) continue;
        const std::size_t end = rest.find(close, start);
        if (end != std::string_view::npos) return rest.substr(start + 1, end - start - 1);
    }
    return std::nullopt;
}

std::vector<std::string> list_items(std::string_view body) {
    std::vector<std::string> out;
    while (out.size() < kMaxListItems) {
        const std::size_t open = body.find("<rdf:li");
        if (open == std::string_view::npos) break;
        body.remove_prefix(open);
        const std::size_t start = body.find('>');
        const std::size_t end = body.find("</rdf:li");
        if (start == std::string_view::npos || end == std::string_view::npos || end < start) break;
        std::string text = text_of(body.substr(start + 1, end - start - 1));
        if (!text.empty()) out.push_back(std::move(text));
        body.remove_prefix(end + 1);
    }
    return out;
}

}  // namespace

void scan_xmp(BytesView packet, Metadata& into) {
    const std::string_view text = head_text(packet, kMaxPacket);
    for (const Property& property : kProperties) {
        const bool location = property.tells == Property::place;
        const std::string name = "xmp." + std::string(property.name);
        if (const auto value = attribute(text, property.name)) {
            add_raw(into, {name, text_of(*value), location});
            continue;
        }
        const auto body = element(text, property.name);
        if (!body) continue;
        std::vector<std::string> items = list_items(*body);
        if (items.size() == 1)
            add_raw(into, {name, std::move(items.front()), location});
        else if (!items.empty())
            add_raw(into, {name, std::move(items), location});
        else if (body->find('<') == std::string_view::npos)
            add_raw(into, {name, text_of(*body), location});
    }
}

}  // namespace photogate::imaging
