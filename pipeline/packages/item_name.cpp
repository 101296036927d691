#include "pipeline/packages/item_name.hpp"

#include <array>
#include <utility>

#include "base/ascii.hpp"
#include "base/time.hpp"

namespace photogate::pipeline::packages {
namespace {

using imaging::Format;

constexpr std::array<std::pair<std::string_view, Format>, 11> kExtensions = {{{"jpg", Format::jpeg},
                                                                              {"jpeg", Format::jpeg},
                                                                              {"jpe", Format::jpeg},
                                                                              {"png", Format::png},
                                                                              {"webp", Format::webp},
                                                                              {"gif", Format::gif},
                                                                              {"heic", Format::heic},
                                                                              {"heif", Format::heic},
                                                                              {"avif", Format::avif},
                                                                              {"tif", Format::tiff},
                                                                              {"tiff", Format::tiff}}};

std::optional<Format> format_of_extension(std::string_view extension) {
    const auto lower = ascii::to_lower(extension);
    for (const auto& [known, format] : kExtensions)
        if (known == lower) return format;
    return std::nullopt;
}

}  // namespace

std::string file_name_of(const storage::packages::FoundUpload& upload, Format format) {
    std::string_view name = upload.filename ? std::string_view{*upload.filename} : upload.id.str();
    const auto dot = name.rfind('.');
    if (dot != std::string_view::npos && dot > 0) {
        if (const auto named = format_of_extension(name.substr(dot + 1))) {
            if (*named == format) return std::string{name};
            name = name.substr(0, dot);
        }
    }
    return std::string{name}.append(".").append(imaging::file_extension(format));
}

std::optional<std::chrono::sys_seconds> moment_of(const std::optional<std::string>& taken_at) {
    constexpr std::size_t kToTheSecond = 19;  // `2024-03-10T12:34:56`
    if (!taken_at || taken_at->size() < kToTheSecond) return std::nullopt;
    const auto moment = parse_rfc3339(taken_at->substr(0, kToTheSecond) + "Z");
    if (!moment) return std::nullopt;
    return std::chrono::floor<std::chrono::seconds>(*moment);
}

}  // namespace photogate::pipeline::packages
