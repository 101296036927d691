#include "notifier/callbacks/host_spelling.hpp"

#include <algorithm>
#include <cstring>
#include <vector>

#include "base/ascii.hpp"
#include "base/encoding.hpp"

namespace photogate::notifier::callbacks {
namespace {

IpAddress mapped(std::uint32_t address) {
    IpAddress out{{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xFF, 0xFF}};
    for (std::size_t i = 0; i < 4; ++i)
        out.bytes[12 + i] = static_cast<std::uint8_t>(address >> (24 - 8 * i));
    return out;
}

std::optional<std::string> percent_decode(std::string_view in) {
    std::string out;
    for (std::size_t i = 0; i < in.size(); ++i) {
        if (in[i] != '%') {
            out += in[i];
            continue;
        }
        const auto byte = from_hex(in.substr(i + 1, 2));
        if (!byte || byte->empty()) return std::nullopt;
        out += static_cast<char>(byte->front());
        i += 2;
    }
    return out;
}

/// One code point of well-formed UTF-8, and its length.
std::pair<char32_t, std::size_t> code_point(std::string_view text) {
    const auto at = [&](std::size_t i) { return static_cast<char32_t>(static_cast<std::uint8_t>(text[i])); };
    const auto tail = [&](std::size_t i) { return at(i) & 0x3F; };
    if (at(0) < 0x80) return {at(0), 1};
    if (at(0) < 0xE0) return {(at(0) & 0x1F) << 6 | tail(1), 2};
    if (at(0) < 0xF0) return {(at(0) & 0x0F) << 12 | tail(1) << 6 | tail(2), 3};
    return {(at(0) & 0x07) << 18 | tail(1) << 12 | tail(2) << 6 | tail(3), 4};
}

struct Range {
    char32_t first, last;
    char ascii;  ///< what `first` folds to; the others follow
};
constexpr Range kFolds[] = {
    {0xFF01, 0xFF5E, '!'},  // full width
    {0x2460, 0x2468, '1'},  // circled 1 to 9
    {0x24EA, 0x24EA, '0'},  // circled 0
    {0x24FF, 0x24FF, '0'},  // negative circled 0
    {0x2776, 0x277E, '1'},  // negative circled digits
    {0x2780, 0x2788, '1'},  // circled sans-serif digits
    {0x278A, 0x2792, '1'},  // negative circled sans-serif digits
    {0x24F5, 0x24FD, '1'},  // double circled digits
    {0x24B6, 0x24CF, 'a'},  // circled capitals
    {0x24D0, 0x24E9, 'a'},  // circled small letters
    {0x2070, 0x2070, '0'},  // superscripts
    {0x00B9, 0x00B9, '1'},   {0x00B2, 0x00B3, '2'},   {0x2074, 0x2079, '4'},
    {0x2080, 0x2089, '0'},    // subscripts
    {0x1FBF0, 0x1FBF9, '0'},  // segmented digits
    {0x1D7CE, 0x1D7D7, '0'},  // mathematical digits, five faces
    {0x1D7D8, 0x1D7E1, '0'}, {0x1D7E2, 0x1D7EB, '0'}, {0x1D7EC, 0x1D7F5, '0'},
    {0x1D7F6, 0x1D7FF, '0'}, {0x3002, 0x3002, '.'},  // full stops that IDNA reads as dots
    {0xFF61, 0xFF61, '.'},   {0x2024, 0x2024, '.'},
};
/// Left out of a name by IDNA mapping: soft hyphen, zero-width characters, variation selectors.
bool vanishes(char32_t c) {
    return c == 0xAD || (c >= 0x200B && c <= 0x200D) || c == 0x2060 || c == 0xFEFF ||
           (c >= 0xFE00 && c <= 0xFE0F);
}

std::optional<std::string> fold(std::string_view text) {
    std::string out;
    while (!text.empty()) {
        const auto [c, length] = code_point(text);
        text.remove_prefix(length);
        if (vanishes(c)) continue;
        if (c < 0x80) {
            out += static_cast<char>(c);
        } else if (c >= 0x2488 && c <= 0x2490) {  // digit with full stop
            out += static_cast<char>('1' + (c - 0x2488));
            out += '.';
        } else {
            const auto range = std::find_if(std::begin(kFolds), std::end(kFolds),
                                            [c = c](const Range& r) { return c >= r.first && c <= r.last; });
            if (range == std::end(kFolds)) return std::nullopt;
            out += static_cast<char>(range->ascii + static_cast<char>(c - range->first));
        }
    }
    return out;
}

/// inet_aton's number: decimal, octal behind 0, hex behind 0x. Anything above 2^32 - 1 is none.
std::optional<std::uint32_t> number(std::string_view text) {
    std::uint64_t base = 10;
    if (text.starts_with("0x")) {
        base = 16;
        text.remove_prefix(2);
        if (text.empty()) return 0;  // as WHATWG has it
    } else if (text.size() > 1 && text.front() == '0') {
        base = 8;
    }
    if (text.empty()) return std::nullopt;
    std::uint64_t value = 0;
    for (char c : text) {
        std::uint64_t digit = 16;
        if (c >= '0' && c <= '9') digit = static_cast<std::uint64_t>(c - '0');
        if (c >= 'a' && c <= 'f') digit = static_cast<std::uint64_t>(c - 'a' + 10);
        if (digit >= base) return std::nullopt;
        value = value * base + digit;
        if (value > UINT32_MAX) return std::nullopt;
    }
    return static_cast<std::uint32_t>(value);
}

std::optional<IpAddress> inet_aton_address(std::string_view text) {
    std::vector<std::uint32_t> parts;
    while (true) {
        const auto dot = text.find('.');
        const auto part = number(text.substr(0, dot));
        if (!part || parts.size() == 4) return std::nullopt;
        parts.push_back(*part);
        if (dot == std::string_view::npos) break;
        text.remove_prefix(dot + 1);
    }
    std::uint64_t address = parts.back();
    if (address >= 1ULL << (8 * (5 - parts.size()))) return std::nullopt;
    for (std::size_t i = 0; i + 1 < parts.size(); ++i) {
        if (parts[i] > 255) return std::nullopt;
        address |= static_cast<std::uint64_t>(parts[i]) << (24 - 8 * i);
    }
    return mapped(static_cast<std::uint32_t>(address));
}

}  // namespace

std::optional<std::string> plain_host(std::string_view host) {
    if (host.starts_with('[')) {
        host.remove_prefix(1);
        if (host.ends_with(']')) host.remove_suffix(1);
        host = host.substr(0, host.find('%'));  // the zone
    }
    auto decoded = percent_decode(host);
    if (!decoded || !is_utf8(*decoded)) return std::nullopt;
    auto plain = fold(*decoded);
    if (!plain) return std::nullopt;
    *plain = ascii::to_lower(*plain);
    while (plain->ends_with('.'))
        plain->pop_back();
    return plain;
}

std::optional<IpAddress> address_of(const std::string& plain) {
    constexpr std::uint32_t kLoopback = 0x7F000001, kMetadata = 0xA9FEA9FE;
    for (std::string_view name : {"localhost", "localhost.localdomain", "localhost6",
                                  "localhost6.localdomain6", "ip6-localhost", "ip6-loopback", "loopback"}) {
        if (plain == name) return mapped(kLoopback);
    }
    if (plain.ends_with(".localhost")) return mapped(kLoopback);
    for (std::string_view name :
         {"metadata", "metadata.google.internal", "metadata.goog", "metadata.internal", "instance-data",
          "instance-data.ec2.internal", "metadata.azure.internal", "metadata.azure.com",
          "metadata.packet.net", "metadata.platformequinix.com", "metadata.tencentyun.com"}) {
        if (plain == name) return mapped(kMetadata);
    }
    if (plain.find(':') != std::string::npos) return parse_ip_address(plain);
    return inet_aton_address(plain);
}

bool is_plain_address(const std::string& host) {
    return parse_ip_address(host).has_value();
}

bool ends_in_number(std::string_view plain) {
    const auto dot = plain.rfind('.');
    const auto last = dot == std::string_view::npos ? plain : plain.substr(dot + 1);
    const bool digits = !last.empty() && std::all_of(last.begin(), last.end(), ascii::is_digit);
    return digits || number(last).has_value();
}

}  // namespace photogate::notifier::callbacks
