// Internal: the tables of a JPEG that its scans use, written once each and exactly.
//
// A table segment may hold anything: tables that no scan uses, or that are replaced before one does. What is written
// before a scan is what this scan needs and what was not written already.
//
// Thread safety: a value of one thread; the views live as long as the file.
#pragma once

#include <array>
#include <cstdint>

#include "base/encoding.hpp"

namespace photogate::imaging {

class JpegTables {
  public:
    /// The body of a DQT, DHT, DAC or DRI segment. False where it does not consist of whole tables.
    bool read(std::uint8_t marker, BytesView body);
    /// The body of a frame header of the right length.
    void frame(std::uint8_t marker, BytesView body);

    /// Of the frame: quantisation tables of the scan's components, where they have none yet (T.81, B.2.4.1).
    void put_quantisation(BytesView scan_header, Bytes& out);
    /// Of the scan: Huffman tables or arithmetic conditioning, and the restart interval.
    void put_coding(BytesView scan_header, Bytes& out);

  private:
    struct Slot {
        BytesView current;  ///< with the byte that names it
        BytesView written;
    };
    struct Component {
        std::uint8_t id = 0;
        std::uint8_t quantisation = 0;
        bool has_table = false;
    };
    bool read_quantisation(BytesView body);
    bool read_huffman(BytesView body);
    bool read_conditioning(BytesView body);
    static void put(Slot& slot, std::uint8_t marker, Bytes& out);

    std::array<Slot, 4> quantisation_{};
    std::array<std::array<Slot, 4>, 2> huffman_{};  ///< DC and AC
    std::array<std::array<Slot, 4>, 2> conditioning_{};
    Slot restart_interval_;
    std::array<Component, 4> components_{};
    std::size_t count_ = 0;
    bool progressive_ = false;
    bool arithmetic_ = false;
};

}  // namespace photogate::imaging
