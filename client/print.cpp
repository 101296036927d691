#include "client/print.hpp"

#include <algorithm>
#include <ostream>

#include <fmt/format.h>

#include "base/encoding.hpp"

namespace photogate::client {
namespace {

/// Characters of well-formed UTF-8.
std::size_t width_of(std::string_view text) {
    return static_cast<std::size_t>(std::count_if(
        text.begin(), text.end(), [](char c) { return (static_cast<unsigned char>(c) & 0xC0U) != 0x80U; }));
}

/// The length of what must not reach a terminal at the start of `rest`; 0: nothing.
std::size_t unwanted(std::string_view rest) {
    const auto byte = [&](std::size_t at) {
        return at < rest.size() ? static_cast<unsigned char>(rest[at]) : 0U;
    };
    if (byte(0) < 0x20 || byte(0) == 0x7F) return 1;
    if (byte(0) == 0xC2 && byte(1) >= 0x80 && byte(1) <= 0x9F) return 2;  // C1
    const bool general_punctuation = byte(0) == 0xE2 && (byte(1) == 0x80 || byte(1) == 0x81);
    if (!general_punctuation) return 0;
    const auto last = byte(2);
    // U+200E, 200F; U+2028 to 202E; U+2066 to 2069.
    if (byte(1) == 0x80 && (last == 0x8E || last == 0x8F || (last >= 0xA8 && last <= 0xAE))) return 3;
    return byte(1) == 0x81 && last >= 0xA6 && last <= 0xA9 ? 3 : 0;
}

}  // namespace

std::string printable(std::string_view text) {
    const auto valid = to_valid_utf8(text);
    std::string shown;
    shown.reserve(valid.size());
    for (std::size_t at = 0; at < valid.size();) {
        if (const auto length = unwanted(std::string_view{valid}.substr(at)); length > 0) {
            shown += '?';
            at += length;
        } else {
            shown += valid[at++];
        }
    }
    return shown;
}

std::string size_text(std::optional<std::int64_t> bytes) {
    if (!bytes) return {};
    if (*bytes < 1'000) return fmt::format("{} B", *bytes);
    auto value = static_cast<double>(*bytes);
    const char* unit = "";
    for (const char* next : {"kB", "MB", "GB", "TB"}) {
        if (value < 999.95) break;
        value /= 1'000;
        unit = next;
    }
    return fmt::format("{:.1f} {}", value, unit);
}

std::string time_text(std::string_view rfc3339) {
    if (rfc3339.size() < 20 || rfc3339[10] != 'T' || rfc3339.back() != 'Z') return std::string{rfc3339};
    return fmt::format("{} {}", rfc3339.substr(0, 10), rfc3339.substr(11, 8));
}

void Table::add(std::vector<std::string> cells) {
    for (auto& cell : cells)
        cell = cell.empty() ? "-" : printable(cell);
    rows_.push_back(std::move(cells));
}

void Table::print(std::ostream& out) const {
    std::vector<std::size_t> widths;
    for (const auto& row : rows_) {
        widths.resize(std::max(widths.size(), row.size()));
        for (std::size_t column = 0; column < row.size(); ++column)
            widths[column] = std::max(widths[column], width_of(row[column]));
    }
    for (const auto& row : rows_) {
        std::string line;
        for (std::size_t column = 0; column < row.size(); ++column) {
            line += row[column];
            if (column + 1 < row.size()) line.append(widths[column] - width_of(row[column]) + 2, ' ');
        }
        out << line << '\n';
    }
}

}  // namespace photogate::client
