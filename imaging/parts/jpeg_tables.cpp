#include "imaging/parts/jpeg_tables.hpp"

#include <algorithm>

#include "imaging/byte_reader.hpp"
#include "imaging/parts/write_bytes.hpp"

namespace photogate::imaging {

namespace {

constexpr std::uint8_t kHuffman = 0xC4;
constexpr std::uint8_t kConditioning = 0xCC;
constexpr std::uint8_t kQuantisation = 0xDB;
constexpr std::uint8_t kRestartInterval = 0xDD;

bool same(BytesView one, BytesView other) {
    return std::equal(one.begin(), one.end(), other.begin(), other.end());
}

}  // namespace

bool JpegTables::read(std::uint8_t marker, BytesView body) {
    switch (marker) {
        case kQuantisation:
            return read_quantisation(body);
        case kHuffman:
            return read_huffman(body);
        case kConditioning:
            return read_conditioning(body);
        default:
            restart_interval_.current = body;
            return body.size() == 2;
    }
}

bool JpegTables::read_quantisation(BytesView body) {
    while (!body.empty()) {
        const std::size_t size = body[0] >> 4 == 0 ? 65 : 129;
        if (body[0] >> 4 > 1 || (body[0] & 15U) > 3 || size > body.size()) return false;
        quantisation_[body[0] & 3U].current = body.first(size);
        body = body.subspan(size);
    }
    return true;
}

bool JpegTables::read_huffman(BytesView body) {
    while (!body.empty()) {
        if (body[0] >> 4 > 1 || (body[0] & 15U) > 3 || body.size() < 17) return false;
        std::size_t size = 17;
        for (std::size_t i = 1; i <= 16; ++i)
            size += body[i];
        if (size > body.size()) return false;
        huffman_[body[0] >> 4][body[0] & 3U].current = body.first(size);
        body = body.subspan(size);
    }
    return true;
}

/// T.81, B.2.4.3: for DC a lower and an upper bound, for AC a threshold of 1 to 63.
bool JpegTables::read_conditioning(BytesView body) {
    if (body.size() % 2 != 0) return false;
    for (std::size_t at = 0; at < body.size(); at += 2) {
        const std::uint8_t which = body[at];
        const std::uint8_t value = body[at + 1];
        const bool sound = which >> 4 == 0 ? (value & 15U) <= value >> 4 : value >= 1 && value <= 63;
        if (which >> 4 > 1 || (which & 15U) > 3 || !sound) return false;
        conditioning_[which >> 4][which & 3U].current = body.subspan(at, 2);
    }
    return true;
}

void JpegTables::frame(std::uint8_t marker, BytesView body) {
    progressive_ = marker == 0xC2 || marker == 0xCA;
    arithmetic_ = marker >= 0xC9;
    ByteReader reader(body);
    reader.skip(5);
    count_ = std::min<std::size_t>(reader.u8(), components_.size());
    for (std::size_t i = 0; i < count_; ++i) {
        const std::uint8_t id = reader.u8();
        reader.skip(1);
        components_[i] = {id, static_cast<std::uint8_t>(reader.u8() & 3U), false};
    }
}

void JpegTables::put_quantisation(BytesView scan_header, Bytes& out) {
    for (std::size_t i = 1; i + 4 < scan_header.size(); i += 2) {
        for (std::size_t c = 0; c < count_; ++c) {
            Component& component = components_[c];
            if (component.id != scan_header[i] || component.has_table) continue;
            component.has_table = true;
            put(quantisation_[component.quantisation], kQuantisation, out);
        }
    }
}

void JpegTables::put_coding(BytesView scan_header, Bytes& out) {
    auto& tables = arithmetic_ ? conditioning_ : huffman_;
    const std::uint8_t marker = arithmetic_ ? kConditioning : kHuffman;
    const BytesView last = scan_header.last(3);  // first and last coefficient, bits
    const bool dc = !progressive_ || (last[0] == 0 && last[2] >> 4 == 0);
    const bool ac = !progressive_ || last[0] != 0;
    for (std::size_t i = 2; i + 3 < scan_header.size(); i += 2) {
        if (dc) put(tables[0][scan_header[i] >> 4 & 3U], marker, out);
        if (ac) put(tables[1][scan_header[i] & 3U], marker, out);
    }
    // Without a DRI there are no restart markers.
    const bool none = restart_interval_.written.empty() && !restart_interval_.current.empty() &&
                      restart_interval_.current[0] == 0 && restart_interval_.current[1] == 0;
    if (!none) put(restart_interval_, kRestartInterval, out);
}

void JpegTables::put(Slot& slot, std::uint8_t marker, Bytes& out) {
    if (slot.current.empty() || same(slot.current, slot.written)) return;
    slot.written = slot.current;
    const std::size_t length = slot.current.size() + 2;
    out.insert(out.end(),
               {0xFF, marker, static_cast<std::uint8_t>(length >> 8), static_cast<std::uint8_t>(length)});
    append(out, slot.current);
}

}  // namespace photogate::imaging
