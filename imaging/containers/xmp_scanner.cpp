#include "imaging/containers/xmp_scanner.hpp"

#include <algorithm>
#include <array>
#include <optional>
#include <string>
#include <string_view>

#include "imaging/containers/exif_reader.hpp"
#include "imaging/parts/text.hpp"

namespace photogate::imaging {

namespace {

constexpr std::size_t kMaxPacket = 256 * 1024;
constexpr std::size_t kMaxElement = 16 * 1024;
constexpr std::size_t kMaxListItems = 64;
constexpr std::size_t kMaxNamespaces = 64;

struct Property {
    std::string_view name;
    enum { anywhere, place, fact } tells = anywhere;  ///< a fact is not reported as it stands
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
    Property{"tiff:Make", Property::fact},
    Property{"tiff:Model", Property::fact},
    Property{"tiff:Software", Property::fact},
    Property{"tiff:ImageDescription", Property::fact},
    Property{"tiff:Artist", Property::fact},
    Property{"tiff:Copyright", Property::fact},
    Property{"exif:DateTimeOriginal", Property::fact},
    Property{"exif:DateTimeDigitized", Property::fact},
    Property{"exif:OffsetTimeOriginal", Property::fact},
    Property{"exif:ExposureTime", Property::fact},
    Property{"exif:FNumber", Property::fact},
    Property{"exif:ISOSpeedRatings", Property::fact},
    Property{"exif:ExposureBiasValue", Property::fact},
    Property{"exif:FocalLength", Property::fact},
    Property{"exif:FocalLengthIn35mmFilm", Property::fact},
    Property{"exif:Fired", Property::fact},
    Property{"exif:GPSAltitudeRef", Property::fact},
    Property{"exifEX:PhotographicSensitivity", Property::fact},
    Property{"exifEX:ISOSpeed", Property::fact},
    Property{"exifEX:LensModel", Property::fact},
    Property{"aux:Lens", Property::fact},
};

/// The namespaces of these properties; a packet may call them otherwise.
struct Namespace {
    std::string_view prefix;
    std::string_view uri;
};
constexpr std::array kNamespaces = {
    Namespace{"dc", "http://purl.org/dc/elements/1.1/"},
    Namespace{"xmp", "http://ns.adobe.com/xap/1.0/"},
    Namespace{"xmpRights", "http://ns.adobe.com/xap/1.0/rights/"},
    Namespace{"photoshop", "http://ns.adobe.com/photoshop/1.0/"},
    Namespace{"tiff", "http://ns.adobe.com/tiff/1.0/"},
    Namespace{"exif", "http://ns.adobe.com/exif/1.0/"},
    Namespace{"exifEX", "http://cipa.jp/exif/1.0/"},
    Namespace{"aux", "http://ns.adobe.com/exif/1.0/aux/"},
    Namespace{"Iptc4xmpCore", "http://iptc.org/std/Iptc4xmpCore/1.0/xmlns/"},
    Namespace{"Iptc4xmpExt", "http://iptc.org/std/Iptc4xmpExt/2008-02-29/"},
};

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

std::optional<std::size_t> property_of(std::string_view prefix, std::string_view local) {
    const auto it = std::find_if(kProperties.begin(), kProperties.end(), [&](const Property& property) {
        return property.name.size() == prefix.size() + 1 + local.size() && property.name.ends_with(local) &&
               property.name.starts_with(prefix) && property.name[prefix.size()] == ':';
    });
    if (it == kProperties.end()) return std::nullopt;
    return static_cast<std::size_t>(it - kProperties.begin());
}

/// What a packet's prefixes mean. One that is not declared means what it usually means.
class Prefixes {
  public:
    explicit Prefixes(std::string_view packet) {
        static constexpr std::string_view kDeclares = "xmlns:";
        std::size_t at = 0;
        while (declared_.size() < kMaxNamespaces &&
               (at = packet.find(kDeclares, at)) != std::string_view::npos) {
            at += kDeclares.size();
            const std::string_view here = packet.substr(at, 256);
            const std::size_t equals = here.find('=');
            if (equals == std::string_view::npos || equals + 1 >= here.size()) continue;
            const char quote = here[equals + 1];
            const std::size_t end = here.find(quote, equals + 2);
            if ((quote != '"' && quote != '\'') || end == std::string_view::npos) continue;
            declared_.push_back({here.substr(0, equals), here.substr(equals + 2, end - equals - 2)});
        }
    }

    /// The property that a qualified name stands for.
    std::optional<std::size_t> property_named(std::string_view name) const {
        const std::size_t colon = name.find(':');
        if (colon == std::string_view::npos) return std::nullopt;
        const std::string_view prefix = name.substr(0, colon);
        const auto declared = std::find_if(declared_.begin(), declared_.end(),
                                           [&](const Namespace& n) { return n.prefix == prefix; });
        if (declared == declared_.end()) return property_of(prefix, name.substr(colon + 1));
        const auto known = std::find_if(kNamespaces.begin(), kNamespaces.end(),
                                        [&](const Namespace& n) { return n.uri == declared->uri; });
        if (known == kNamespaces.end()) return std::nullopt;
        return property_of(known->prefix, name.substr(colon + 1));
    }

  private:
    std::vector<Namespace> declared_;
};

/// What the packet says of one property: the first attribute `name="value"` that is closed, and what stands
/// between the first `<name …>` and its `</name>`.
struct Found {
    std::optional<std::string_view> attribute;
    std::optional<std::string_view> element;
    std::optional<std::size_t> opened;  ///< where the element's content starts, until its end is seen
};

/// One pass over the tags. No byte is looked at again once its tag is read, except that a quote's partner is
/// searched for ahead; that search remembers its answer, so it too passes over each byte once.
class Packet {
  public:
    explicit Packet(std::string_view text) : text_(text), prefixes_(text) {}

    const std::array<Found, kProperties.size()>& read() {
        std::size_t at = 0;
        while ((at = text_.find('<', at)) != std::string_view::npos)
            at = tag(at + 1);
        return found_;
    }

  private:
    static constexpr std::size_t kNone = std::string_view::npos;

    char peek(std::size_t at) const { return at < text_.size() ? text_[at] : '\0'; }

    /// A name, which may be empty; `at` is left behind it.
    std::string_view token(std::size_t& at) const {
        const std::size_t start = at;
        at = std::min(text_.find_first_of(" \t\r\n=<>/\"'", start), text_.size());
        return text_.substr(start, at - start);
    }

    /// Behind `<`. Where to look for the next tag.
    std::size_t tag(std::size_t at) {
        const bool closes = peek(at) == '/';
        if (closes) ++at;
        const std::string_view name = token(at);
        if (closes) {
            close(name, at);
            return at;
        }
        bool empty = false;  // <name/>
        while (at < text_.size() && text_[at] != '<') {
            const char c = text_[at];
            if (c == '>') {
                if (!empty) open(name, at + 1);
                return at + 1;
            }
            empty = c == '/';
            const std::size_t before = at;
            const std::string_view attribute = token(at);
            if (peek(at) == '=' && (peek(at + 1) == '"' || peek(at + 1) == '\''))
                at = value(attribute, at + 1);
            else if (at == before)
                ++at;
        }
        return at;
    }

    /// At an opening quote. Behind the closing one, or behind the opening one where nothing closes it.
    std::size_t value(std::string_view name, std::size_t quote) {
        const std::size_t end = partner(quote);
        if (end == kNone) return quote + 1;
        const auto property = prefixes_.property_named(name);
        if (property && !found_[*property].attribute && end - quote <= kMaxElement)
            found_[*property].attribute = text_.substr(quote + 1, end - quote - 1);
        return end + 1;
    }

    std::size_t partner(std::size_t quote) {
        std::size_t& next = text_[quote] == '"' ? next_double_ : next_single_;
        if (next != kNone && next <= quote) next = text_.find(text_[quote], quote + 1);
        return next;
    }

    void open(std::string_view name, std::size_t content) {
        const auto property = prefixes_.property_named(name);
        if (!property) return;
        Found& found = found_[*property];
        if (!found.opened || content - *found.opened > kMaxElement) found.opened = content;
    }

    /// `end` is behind the closing tag's name.
    void close(std::string_view name, std::size_t end) {
        const auto property = prefixes_.property_named(name);
        if (!property) return;
        Found& found = found_[*property];
        if (!found.opened || found.element) return;
        const std::size_t content_end = end - name.size() - 2;
        if (content_end - *found.opened <= kMaxElement)
            found.element = text_.substr(*found.opened, content_end - *found.opened);
        found.opened.reset();
    }

    std::string_view text_;
    Prefixes prefixes_;
    std::array<Found, kProperties.size()> found_{};
    std::size_t next_double_ = 0;  ///< the nearest quote that is known behind the place that was asked about
    std::size_t next_single_ = 0;
};

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

namespace {

/// One property's value to where it belongs. `items` are those of a list; otherwise there is one.
void report(const Property& property, std::vector<std::string> items, Metadata& into, XmpFacts& facts) {
    if (items.empty()) return;
    facts.add(property.name, items.front());
    if (property.tells == Property::fact) return;
    const bool location = property.tells == Property::place;
    const std::string name = "xmp." + std::string(property.name);
    if (items.size() == 1)
        add_raw(into, {name, std::move(items.front()), location});
    else
        add_raw(into, {name, std::move(items), location});
}

}  // namespace

void scan_xmp(BytesView packet, Metadata& into, XmpFacts& facts, WorkBudget& budget) {
    const std::string_view text = head_text(packet, kMaxPacket);
    if (!budget.charge(5 * text.size())) return;  // prefixes, tags, attributes, two kinds of quotes
    Packet reader(text);
    const auto& found = reader.read();
    for (std::size_t i = 0; i < kProperties.size(); ++i) {
        if (found[i].attribute) {
            report(kProperties[i], {text_of(*found[i].attribute)}, into, facts);
            continue;
        }
        const auto body = found[i].element;
        if (!body || !budget.charge(body->size())) continue;
        std::vector<std::string> items = list_items(*body);
        if (items.empty() && body->find('<') == std::string_view::npos) items.push_back(text_of(*body));
        report(kProperties[i], std::move(items), into, facts);
    }
}

}  // namespace photogate::imaging
