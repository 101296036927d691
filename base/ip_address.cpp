#include "base/ip_address.hpp"

#include <algorithm>
#include <cstring>

#include <arpa/inet.h>

namespace photogate {

namespace {

constexpr std::array<std::uint8_t, 12> kMapped{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
constexpr int kMappedBits = 96;

}  // namespace

bool IpAddress::is_v4() const {
    return std::equal(kMapped.begin(), kMapped.end(), bytes.begin());
}

std::string IpAddress::text() const {
    if (is_v4()) {
        // inet_ntop() costs a sprintf(), and this is asked for with every request.
        std::string text;
        for (std::size_t i = kMapped.size(); i < bytes.size(); ++i)
            (text += text.empty() ? "" : ".") += std::to_string(bytes[i]);
        return text;
    }
    char text[INET6_ADDRSTRLEN] = {};
    const char* written = ::inet_ntop(AF_INET6, bytes.data(), text, sizeof text);
    return written ? written : "";
}

IpAddress IpAddress::subscriber() const {
    if (is_v4()) return *this;
    IpAddress network = *this;
    std::fill(network.bytes.begin() + 8, network.bytes.end(), std::uint8_t{0});
    return network;
}

std::optional<IpAddress> parse_ip_address(std::string_view text) {
    char terminated[INET6_ADDRSTRLEN + 1] = {};
    if (text.empty() || text.size() >= sizeof terminated || text.find('\0') != std::string_view::npos)
        return std::nullopt;
    std::memcpy(terminated, text.data(), text.size());
    IpAddress address;
    if (::inet_pton(AF_INET6, terminated, address.bytes.data()) == 1) return address;
    std::copy(kMapped.begin(), kMapped.end(), address.bytes.begin());
    if (::inet_pton(AF_INET, terminated, address.bytes.data() + kMapped.size()) == 1) return address;
    return std::nullopt;
}

bool IpBlock::contains(const IpAddress& other) const {
    if (bits < kMappedBits && other.is_v4()) return false;
    const auto whole = static_cast<std::size_t>(bits / 8);
    if (!std::equal(other.bytes.begin(), other.bytes.begin() + static_cast<std::ptrdiff_t>(whole),
                    address.bytes.begin()))
        return false;
    const int rest = bits % 8;
    if (rest == 0) return true;
    return ((other.bytes[whole] ^ address.bytes[whole]) >> (8 - rest)) == 0;
}

bool IpBlock::has_host_bits() const {
    for (int bit = bits; bit < 128; ++bit) {
        if ((address.bytes[static_cast<std::size_t>(bit / 8)] >> (7 - bit % 8) & 1) != 0) return true;
    }
    return false;
}

Result<IpBlock> parse_ip_block(std::string_view text) {
    const std::size_t slash = text.find('/');
    const auto address = parse_ip_address(text.substr(0, slash));
    if (!address)
        return fail(ErrorCode::invalid_field, "an address, or a block such as 10.0.0.0/8 or 2001:db8::/32");
    IpBlock block{*address, 128};
    if (slash == std::string_view::npos) return block;
    const std::string_view digits = text.substr(slash + 1);
    const int most = address->is_v4() ? 32 : 128;
    int bits = 0;
    for (char c : digits) {
        if (c < '0' || c > '9' || digits.size() > 3)
            return fail(ErrorCode::invalid_field, "a block's length is a number of bits");
        bits = bits * 10 + (c - '0');
    }
    if (digits.empty() || bits > most)
        return fail(ErrorCode::invalid_field, "a block has at most " + std::to_string(most) + " bits");
    block.bits = bits + 128 - most;
    return block;
}

}  // namespace photogate
