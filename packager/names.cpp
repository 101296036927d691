#include "packager/names.hpp"

#include <algorithm>
#include <array>
#include <cstdlib>
#include <memory>
#include <optional>
#include <vector>

#include <fmt/format.h>
#include <utf8proc.h>

#include "base/ascii.hpp"
#include "base/encoding.hpp"

namespace photogate::packager {

namespace {

/// Longer wishes are read up to here: enough for the longest name however it is composed.
constexpr std::size_t kMostRead = 8'192;
/// An extension longer than that is a part of the name.
constexpr std::size_t kLongestExtension = 16;
/// Of ` (4294967295)`.
constexpr std::size_t kNumberRoom = 13;
constexpr std::string_view kNothingLeft = "unnamed";

/// utf8proc_map() over valid UTF-8.
std::string mapped(std::string_view text, int options) {
    utf8proc_uint8_t* result = nullptr;
    const auto length = utf8proc_map(reinterpret_cast<const utf8proc_uint8_t*>(text.data()),
                                     static_cast<utf8proc_ssize_t>(text.size()), &result,
                                     static_cast<utf8proc_option_t>(options));
    const std::unique_ptr<utf8proc_uint8_t, decltype(&std::free)> owned{result, &std::free};
    if (length < 0) return std::string{text};  // memory is out, or the text is no UTF-8
    return {reinterpret_cast<const char*>(owned.get()), static_cast<std::size_t>(length)};
}

std::string composed(std::string_view text) {
    return mapped(text, UTF8PROC_STABLE | UTF8PROC_COMPOSE);
}

/// The same for names that some system takes for one: case, composition and invisible characters do not count.
std::string without_case(std::string_view text) {
    return mapped(text, UTF8PROC_STABLE | UTF8PROC_COMPOSE | UTF8PROC_CASEFOLD | UTF8PROC_IGNORE);
}

bool is_bidirectional_control(utf8proc_int32_t c) {
    return c == 0x061C || c == 0x200E || c == 0x200F || (c >= 0x202A && c <= 0x202E) ||
           (c >= 0x2066 && c <= 0x2069);
}

bool is_replaced(utf8proc_int32_t c) {
    if (c < 0x80)
        return c < 0x20 || c == 0x7F ||
               std::string_view{"<>:\"|?*"}.find(static_cast<char>(c)) != std::string_view::npos;
    if (c == 0xFFFD || (c & 0xFFFE) == 0xFFFE || (c >= 0xFDD0 && c <= 0xFDEF)) return true;
    const auto category = utf8proc_category(c);
    return category == UTF8PROC_CATEGORY_CC || category == UTF8PROC_CATEGORY_ZL ||
           category == UTF8PROC_CATEGORY_ZP;
}

/// The code point at the beginning of valid UTF-8 that is not empty, and its length.
std::pair<utf8proc_int32_t, std::size_t> first_of(std::string_view text) {
    utf8proc_int32_t point = -1;
    const auto length = utf8proc_iterate(reinterpret_cast<const utf8proc_uint8_t*>(text.data()),
                                         static_cast<utf8proc_ssize_t>(text.size()), &point);
    return length > 0 ? std::pair{point, static_cast<std::size_t>(length)}
                      : std::pair{0xFFFD, std::size_t{1}};
}

/// Not longer than `most`, and not ending inside a character.
std::string_view cut(std::string_view text, std::size_t most) {
    if (text.size() <= most) return text;
    std::size_t end = most;
    while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xC0) == 0x80)
        --end;
    return text.substr(0, end);
}

bool is_space(utf8proc_int32_t c) {
    return utf8proc_category(c) == UTF8PROC_CATEGORY_ZS;
}

/// Windows drops spaces and full stops at a name's end, so that `a.` and `a` are one file.
std::string_view trimmed_end(std::string_view text) {
    while (!text.empty()) {
        std::size_t last = text.size() - 1;
        while (last > 0 && (static_cast<unsigned char>(text[last]) & 0xC0) == 0x80)
            --last;
        if (text[last] != '.' && !is_space(first_of(text.substr(last)).first)) break;
        text.remove_suffix(text.size() - last);
    }
    return text;
}

std::string_view trimmed(std::string_view text) {
    while (!text.empty()) {
        const auto [point, length] = first_of(text);
        if (!is_space(point)) break;
        text.remove_prefix(length);
    }
    return trimmed_end(text);
}

struct Split {
    std::string_view stem;
    std::string_view extension;  // with its full stop
};

Split split(std::string_view name) {
    const auto dot = name.rfind('.');
    if (dot == std::string_view::npos || dot == 0 || name.size() - dot > kLongestExtension) return {name, {}};
    return {name.substr(0, dot), name.substr(dot)};
}

/// Within `most` bytes, by its stem where it has an extension.
std::string shortened(std::string_view name, std::size_t most) {
    if (name.size() <= most) return std::string{name};
    const auto [stem, extension] = split(name);
    const auto kept = trimmed_end(cut(stem, most - extension.size()));
    return kept.empty() ? std::string{kNothingLeft} : std::string{kept} + std::string{extension};
}

/// The devices of MS-DOS, which Windows finds in every folder and with every extension.
bool is_device(std::string_view name) {
    const std::string base = ascii::to_upper(trimmed_end(name.substr(0, name.find('.'))));
    constexpr std::array<std::string_view, 7> kDevices = {"CON",    "PRN",     "AUX",   "NUL",
                                                          "CONIN$", "CONOUT$", "CLOCK$"};
    if (std::find(kDevices.begin(), kDevices.end(), base) != kDevices.end()) return true;
    if (!base.starts_with("COM") && !base.starts_with("LPT")) return false;
    const std::string_view number = std::string_view{base}.substr(3);
    // The digits of Latin-1 that stand high count as digits here.
    return (number.size() == 1 && ascii::is_digit(number[0])) || number == "\xC2\xB9" ||
           number == "\xC2\xB2" || number == "\xC2\xB3";
}

/// One part of a path, safe and within its bounds; empty where nothing is left of it.
std::string safe_component(std::string_view part) {
    std::string filtered;
    filtered.reserve(part.size());
    while (!part.empty()) {
        const auto [point, length] = first_of(part);
        if (is_bidirectional_control(point) || point == 0xFEFF) {
            // left out: what is hidden would be shown if something stood in its place
        } else if (is_replaced(point)) {
            filtered += '_';
        } else {
            filtered += part.substr(0, length);
        }
        part.remove_prefix(length);
    }
    // No character becomes one that is replaced by being composed, so this is last.
    const std::string all = composed(filtered);
    std::string name = shortened(trimmed(all), kLongestComponent - 1);
    if (name.empty()) return name;
    if (without_case(name).empty()) return "_";
    // A file that most systems do not show is a photo that is missed.
    if (name.front() == '.') name.front() = '_';
    if (is_device(name)) name.insert(0, 1, '_');
    return name;
}

std::vector<std::string> safe_parts(std::string_view wished) {
    const std::string text = to_valid_utf8(cut(wished, kMostRead));
    std::vector<std::string> parts;
    for (std::size_t from = 0; from <= text.size();) {
        const auto end = std::min(text.find_first_of("/\\", from), text.size());
        if (std::string part = safe_component(std::string_view{text}.substr(from, end - from)); !part.empty())
            parts.push_back(std::move(part));
        from = end + 1;
    }
    if (parts.empty()) parts.emplace_back(kNothingLeft);
    std::size_t length = parts.size() - 1;
    for (const auto& part : parts)
        length += part.size();
    // Room for a number on each part.
    while (parts.size() > 1 &&
           (parts.size() - 1 > kMostFolders || length + kNumberRoom * parts.size() > kLongestPath)) {
        const auto innermost = parts.end() - 2;
        length -= innermost->size() + 1;
        parts.erase(innermost);
    }
    return parts;
}

}  // namespace

std::string safe_name(std::string_view wished) {
    std::string path;
    for (const auto& part : safe_parts(wished)) {
        if (!path.empty()) path += '/';
        path += part;
    }
    return path;
}

std::string as_component(std::string_view value) {
    std::string text{value};
    std::replace_if(
        text.begin(), text.end(), [](char c) { return c == '/' || c == '\\'; }, '_');
    return text;
}

std::string UniqueNames::add(std::string_view wished) {
    const auto parts = safe_parts(wished);
    std::string path;
    Folder folder = 0;
    for (std::size_t i = 0; i + 1 < parts.size(); ++i)
        folder = enter(folder, parts[i], path);
    std::string name = free_name(folder, parts.back());
    taken_.emplace(Place{folder, without_case(name)}, Taken{});
    return path + name;
}

/// The folder of that name, which is made where there is none; `path` goes on with it.
UniqueNames::Folder UniqueNames::enter(Folder parent, std::string_view name, std::string& path) {
    const Place wished{parent, without_case(name)};
    auto found = taken_.find(wished);
    if (found != taken_.end() && found->second.folder == 0) {
        const auto renamed = renamed_folders_.find(wished);
        found = renamed == renamed_folders_.end() ? taken_.end() : taken_.find(renamed->second);
    }
    if (found == taken_.end()) {
        std::string spelling = free_name(parent, name);
        const Place place{parent, without_case(spelling)};
        if (place != wished) renamed_folders_.emplace(wished, place);
        found = taken_.emplace(place, Taken{++last_folder_, std::move(spelling)}).first;
    }
    path += found->second.spelling;
    path += '/';
    return found->second.folder;
}

std::string UniqueNames::free_name(Folder folder, std::string_view name) {
    if (!taken_.contains({folder, without_case(name)})) return std::string{name};
    const auto [stem, extension] = split(name);
    // Names that are too long for a number lose their ends first: those that are one then share the count.
    const std::string kept{trimmed_end(cut(stem, kLongestComponent - kNumberRoom - extension.size()))};
    std::uint32_t& next =
        counters_.try_emplace({folder, without_case(kept + std::string{extension})}, 2).first->second;
    while (true) {
        std::string numbered = fmt::format("{} ({}){}", kept, next++, extension);
        if (!taken_.contains({folder, without_case(numbered)})) return numbered;
    }
}

}  // namespace photogate::packager
