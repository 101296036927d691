#include "storage/builtin/crc.hpp"

#include <array>
#include <cstring>

#include <zlib.h>

namespace photogate::storage::builtin {

namespace {

struct Shape {
    std::uint64_t polynomial;  ///< reflected: the highest bit is x^0
    std::uint64_t ones;
    int bits;
};

constexpr Shape shape(Crc which) {
    switch (which) {
        case Crc::crc32:
            return {0xEDB88320U, 0xFFFFFFFFU, 32};
        case Crc::crc32c:
            return {0x82F63B78U, 0xFFFFFFFFU, 32};
        case Crc::crc64nvme:
            return {0x9A6C9329AC4BC9B5U, UINT64_MAX, 64};
    }
    return {};
}

/// tables[k][byte]: the byte with k zero bytes after it, so that one step processes eight bytes.
using Tables = std::array<std::array<std::uint64_t, 256>, 8>;

Tables make_tables(Crc which) {
    Tables tables{};
    const auto polynomial = shape(which).polynomial;
    for (std::size_t byte = 0; byte < 256; ++byte) {
        std::uint64_t value = byte;
        for (int bit = 0; bit < 8; ++bit)
            value = value >> 1 ^ ((value & 1) != 0 ? polynomial : 0);
        tables[0][byte] = value;
    }
    for (std::size_t k = 1; k < 8; ++k)
        for (std::size_t byte = 0; byte < 256; ++byte)
            tables[k][byte] = tables[k - 1][byte] >> 8 ^ tables[0][tables[k - 1][byte] & 0xFF];
    return tables;
}

/// Of the two that zlib does not have.
const Tables& tables_of(Crc which) {
    static const Tables crc32c = make_tables(Crc::crc32c);
    static const Tables crc64nvme = make_tables(Crc::crc64nvme);
    return which == Crc::crc32c ? crc32c : crc64nvme;
}

#if defined(__x86_64__)
__attribute__((target("sse4.2"))) std::uint64_t crc32c_by_instruction(std::uint64_t value, BytesView bytes) {
    for (; bytes.size() >= 8; bytes = bytes.subspan(8)) {
        std::uint64_t word = 0;
        std::memcpy(&word, bytes.data(), 8);
        value = __builtin_ia32_crc32di(value, word);
    }
    for (const auto byte : bytes)
        value = __builtin_ia32_crc32qi(static_cast<std::uint32_t>(value), byte);
    return value;
}

bool has_instruction() {
    static const bool has = __builtin_cpu_supports("sse4.2") != 0;
    return has;
}
#endif

/// a times b modulo the polynomial, both reflected.
std::uint64_t multiply(const Shape& of, std::uint64_t a, std::uint64_t b) {
    std::uint64_t product = 0;
    for (int bit = of.bits - 1; bit >= 0; --bit) {
        if ((a >> bit & 1) != 0) product ^= b;
        b = b >> 1 ^ ((b & 1) != 0 ? of.polynomial : 0);
    }
    return product;
}

}  // namespace

std::uint64_t extend_crc(Crc which, std::uint64_t crc, BytesView bytes) {
    // zlib takes no null pointer for no bytes: it would start anew.
    if (which == Crc::crc32)
        return bytes.empty() ? crc : ::crc32_z(static_cast<uLong>(crc), bytes.data(), bytes.size());
    const auto ones = shape(which).ones;
    std::uint64_t value = crc ^ ones;
#if defined(__x86_64__)
    if (which == Crc::crc32c && has_instruction()) return crc32c_by_instruction(value, bytes) ^ ones;
#endif
    const Tables& tables = tables_of(which);
    for (; bytes.size() >= 8; bytes = bytes.subspan(8)) {
        std::uint64_t word = 0;
        for (std::size_t i = 0; i < 8; ++i)
            word |= static_cast<std::uint64_t>(bytes[i]) << (8 * i);
        word ^= value;
        value = 0;
        for (std::size_t i = 0; i < 8; ++i)
            value ^= tables[7 - i][word >> (8 * i) & 0xFF];
    }
    for (const auto byte : bytes)
        value = value >> 8 ^ tables[0][(value ^ byte) & 0xFF];
    return value ^ ones;
}

std::uint64_t join_crcs(Crc which, std::uint64_t a, std::uint64_t b, std::uint64_t length_of_b) {
    // a moves up by b's bits: times x^(8·length), by repeated squaring.
    const Shape of = shape(which);
    std::uint64_t power = std::uint64_t{1} << (of.bits - 1);  // x^0
    std::uint64_t square = power >> 8;                        // x^8
    for (auto left = length_of_b; left > 0; left >>= 1) {
        if ((left & 1) != 0) power = multiply(of, power, square);
        square = multiply(of, square, square);
    }
    return multiply(of, power, a) ^ b;
}

}  // namespace photogate::storage::builtin
