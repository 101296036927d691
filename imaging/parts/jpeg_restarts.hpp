// Internal: whether the restart markers of a JPEG's scans are all there and in order (ITU T.81, B.2.1 and E.1.4).
//
// Counted from the headers and the markers; no code is read. Thread safety: a value of one thread.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "base/encoding.hpp"

namespace photogate::imaging {

class JpegRestarts {
  public:
    /// The bodies of a frame header, of a DRI segment and of a scan header. `position`: where the scan's data begin.
    void frame(BytesView header);
    void interval(BytesView body);
    void scan(BytesView header, std::size_t position);
    /// A restart marker inside the scan; `position`: of its code.
    void marker(std::uint8_t code, std::size_t position);
    /// The scan's data end before `position`.
    void end_scan(std::size_t position);

    std::uint32_t intervals() const { return intervals_; }
    std::uint32_t faults() const { return faults_; }

  private:
    struct Component {
        std::uint8_t id = 0;
        std::uint32_t horizontal = 1;
        std::uint32_t vertical = 1;
    };
    std::uint64_t units(BytesView scan_header) const;
    void fault(std::uint64_t count);

    std::array<Component, 4> components_{};
    std::size_t count_ = 0;
    std::uint32_t width_ = 0;
    std::uint32_t height_ = 0;
    std::uint32_t interval_ = 0;
    std::uint64_t wanted_ = 0;        ///< markers of this scan
    std::vector<std::uint8_t> seen_;  ///< their numbers
    std::size_t last_marker_ = 0;
    std::uint32_t intervals_ = 0;
    std::uint32_t faults_ = 0;
};

}  // namespace photogate::imaging
