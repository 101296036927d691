#include "imaging/containers/carrier_bytes.hpp"

#include <algorithm>

#include "base/ascii.hpp"
#include "imaging/parts/inflate.hpp"

namespace photogate::imaging {

namespace {

/// ImageMagick's text: `\nexif\n    1126\n45786966…`, digits broken into lines.
Bytes from_raw_profile(BytesView text) {
    ByteReader reader(text);
    int lines = 0;
    while (reader.ok() && !reader.at_end() && lines < 3)
        if (reader.u8() == '\n') ++lines;
    Bytes out;
    int high = -1;
    for (const std::uint8_t c : reader.rest()) {
        const int digit = ascii::hex_value(static_cast<char>(c));
        if (digit < 0) continue;
        if (high < 0) {
            high = digit;
        } else {
            out.push_back(static_cast<std::uint8_t>(high << 4 | digit));
            high = -1;
        }
    }
    return out;
}

std::optional<Bytes> joined(BytesView file, const Carrier& carrier, WorkBudget& budget) {
    std::uint64_t size = carrier.range.size;
    for (const ByteRange& part : carrier.further) {
        size += std::min<std::uint64_t>(part.size, kMaxUnpacked + 1);
        if (size > kMaxUnpacked) return std::nullopt;
    }
    if (!budget.charge(size + kEntryWork * carrier.further.size())) return std::nullopt;
    Bytes out;
    out.reserve(static_cast<std::size_t>(size));
    const auto add = [&](ByteRange range) {
        const BytesView part = slice(file, range);
        out.insert(out.end(), part.begin(), part.end());
    };
    add(carrier.range);
    for (const ByteRange& part : carrier.further)
        add(part);
    return out;
}

}  // namespace

std::optional<BytesView> carried_bytes(BytesView file, const Carrier& carrier, Bytes& storage,
                                       WorkBudget& budget) {
    BytesView bytes = slice(file, carrier.range);
    if (!carrier.further.empty()) {
        std::optional<Bytes> whole = joined(file, carrier, budget);
        if (!whole) return std::nullopt;
        storage = std::move(*whole);
        bytes = storage;
    }
    if (carrier.coding == CarrierCoding::zlib || carrier.coding == CarrierCoding::zlib_hex_text) {
        std::optional<Bytes> whole = inflate(bytes, kMaxUnpacked);
        if (!budget.charge(bytes.size() + (whole ? whole->size() : kMaxUnpacked)) || !whole)
            return std::nullopt;
        storage = std::move(*whole);
        bytes = storage;
    }
    if (carrier.coding == CarrierCoding::hex_text || carrier.coding == CarrierCoding::zlib_hex_text) {
        if (!budget.charge(bytes.size())) return std::nullopt;
        Bytes plain = from_raw_profile(bytes);
        storage = std::move(plain);
        bytes = storage;
    }
    return bytes;
}

}  // namespace photogate::imaging
