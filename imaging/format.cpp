#include "imaging/format.hpp"

#include <algorithm>
#include <string>

#include "base/ascii.hpp"
#include "base/text.hpp"

namespace photogate::imaging {

namespace {

struct Names {
    Format format;
    std::string_view word;
    std::string_view media_type;
    std::string_view extension;
};

constexpr std::array kNames = {
    Names{Format::jpeg, "jpeg", "image/jpeg", "jpg"},  Names{Format::png, "png", "image/png", "png"},
    Names{Format::webp, "webp", "image/webp", "webp"}, Names{Format::gif, "gif", "image/gif", "gif"},
    Names{Format::heic, "heic", "image/heic", "heic"}, Names{Format::avif, "avif", "image/avif", "avif"},
    Names{Format::tiff, "tiff", "image/tiff", "tif"},
};

constexpr bool names_are_in_order() {
    if (kNames.size() != kAllFormats.size()) return false;
    for (std::size_t i = 0; i < kNames.size(); ++i) {
        if (kNames[i].format != kAllFormats[i] || kNames[i].format != static_cast<Format>(i)) return false;
    }
    return true;
}
static_assert(names_are_in_order());

constexpr const Names& names_of(Format format) {
    return kNames[static_cast<std::size_t>(format)];
}

}  // namespace

std::string_view to_string(Format format) {
    return names_of(format).word;
}

std::optional<Format> parse_format(std::string_view word) {
    const auto* found = std::find_if(kAllFormats.begin(), kAllFormats.end(),
                                     [&](Format format) { return to_string(format) == word; });
    if (found == kAllFormats.end()) return std::nullopt;
    return *found;
}

std::string_view media_type(Format format) {
    return names_of(format).media_type;
}

DeclaredType read_media_type(std::string_view declared) {
    struct Alias {
        std::string_view type;
        Format format;
    };
    static constexpr std::array kAliases = {
        Alias{"image/jpg", Format::jpeg},
        Alias{"image/pjpeg", Format::jpeg},
        Alias{"image/jfif", Format::jpeg},
        Alias{"image/jpe", Format::jpeg},
        Alias{"image/x-jpeg", Format::jpeg},
        Alias{"image/x-jpg", Format::jpeg},
        Alias{"image/x-citrix-jpeg", Format::jpeg},
        Alias{"image/mpo", Format::jpeg},
        Alias{"image/x-png", Format::png},
        Alias{"image/apng", Format::png},
        Alias{"image/vnd.mozilla.apng", Format::png},
        Alias{"image/x-citrix-png", Format::png},
        Alias{"image/x-webp", Format::webp},
        Alias{"image/x-gif", Format::gif},
        Alias{"image/heif", Format::heic},
        Alias{"image/heic-sequence", Format::heic},
        Alias{"image/heif-sequence", Format::heic},
        Alias{"image/x-heic", Format::heic},
        Alias{"image/avif-sequence", Format::avif},
        Alias{"image/x-tiff", Format::tiff},
        Alias{"image/tif", Format::tiff},
        Alias{"image/x-tif", Format::tiff},
    };
    using Says = DeclaredType::Says;
    const std::string type = ascii::to_lower(trim(declared.substr(0, declared.find(';'))));
    if (type.empty() || type == "application/octet-stream" || type == "binary/octet-stream") return {};
    const auto* format = std::find_if(kAllFormats.begin(), kAllFormats.end(),
                                      [&](Format each) { return media_type(each) == type; });
    if (format != kAllFormats.end()) return {Says::format, *format};
    const auto* alias =
        std::find_if(kAliases.begin(), kAliases.end(), [&](const Alias& each) { return each.type == type; });
    if (alias != kAliases.end()) return {Says::format, alias->format};
    return {Says::other, std::nullopt};
}

std::string_view file_extension(Format format) {
    return names_of(format).extension;
}

bool begins_as(Format format, BytesView file) {
    using namespace std::string_view_literals;
    const std::string_view start = as_text(file.first(std::min<std::size_t>(file.size(), 12)));
    const auto at = [&](std::size_t offset, std::string_view word) {
        return start.size() >= offset + word.size() && start.substr(offset, word.size()) == word;
    };
    switch (format) {
        case Format::jpeg:
            return at(0, "\xFF\xD8\xFF");
        case Format::png:
            return at(0, "\x89PNG\r\n\x1A\n");
        case Format::webp:
            return at(0, "RIFF") && at(8, "WEBP");
        case Format::gif:
            return at(0, "GIF87a") || at(0, "GIF89a");
        case Format::heic:
            return at(4, "ftyp");
        case Format::avif:
            return at(4, "ftypavif");
        case Format::tiff:
            return at(0, "II*\0"sv) || at(0, "MM\0*"sv);
    }
    return false;
}

}  // namespace photogate::imaging
