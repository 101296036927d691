#include "imaging/format.hpp"

#include <algorithm>
#include <string>

namespace photogate::imaging {

std::string_view to_string(Format format) {
    switch (format) {
        case Format::jpeg:
            return "jpeg";
        case Format::png:
            return "png";
        case Format::webp:
            return "webp";
        case Format::gif:
            return "gif";
        case Format::heic:
            return "heic";
        case Format::avif:
            return "avif";
        case Format::tiff:
            return "tiff";
    }
    return "jpeg";
}

std::optional<Format> parse_format(std::string_view word) {
    const auto* found = std::find_if(kAllFormats.begin(), kAllFormats.end(),
                                     [&](Format format) { return to_string(format) == word; });
    if (found == kAllFormats.end()) return std::nullopt;
    return *found;
}

std::string_view media_type(Format format) {
    switch (format) {
        case Format::jpeg:
            return "image/jpeg";
        case Format::png:
            return "image/png";
        case Format::webp:
            return "image/webp";
        case Format::gif:
            return "image/gif";
        case Format::heic:
            return "image/heic";
        case Format::avif:
            return "image/avif";
        case Format::tiff:
            return "image/tiff";
    }
    return "application/octet-stream";
}

std::optional<Format> format_of_media_type(std::string_view media_type_text) {
    std::string word(media_type_text);
    std::transform(word.begin(), word.end(), word.begin(),
                   [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; });
    if (word == "image/jpg") return Format::jpeg;
    if (word == "image/heif") return Format::heic;
    const auto* found = std::find_if(kAllFormats.begin(), kAllFormats.end(),
                                     [&](Format format) { return media_type(format) == word; });
    if (found == kAllFormats.end()) return std::nullopt;
    return *found;
}

std::string_view file_extension(Format format) {
    switch (format) {
        case Format::jpeg:
            return "jpg";
        case Format::png:
            return "png";
        case Format::webp:
            return "webp";
        case Format::gif:
            return "gif";
        case Format::heic:
            return "heic";
        case Format::avif:
            return "avif";
        case Format::tiff:
            return "tif";
    }
    return "bin";
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
