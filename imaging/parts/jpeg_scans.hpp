// Where the coded data of a JPEG's scans end, to the byte, and whether they hold the whole picture.
//
// Markers alone do not tell: the end of image may be missing, and bytes that are no picture may stand between the
// last code and the next marker. The codes are read, no pixel is made. Stricter than decoders: a code that is in no
// table, a run that leaves its block, a restart marker that is missing or out of order end the reading.
//
// Reads baseline, extended sequential and progressive pictures with Huffman codes (ITU T.81, annexes F and G), not
// arithmetic coding. Memory: 8 bytes a block of a progressive picture. Thread safety: a pure function.
#pragma once

#include <cstddef>
#include <vector>

#include "base/encoding.hpp"
#include "imaging/byte_reader.hpp"
#include "imaging/work_budget.hpp"

namespace photogate::imaging {

struct JpegScans {
    /// The coded data of each scan that was read to its last code, restart markers included.
    std::vector<ByteRange> data;
    /// Every coefficient of every component was coded, to its last bit.
    bool complete = false;

    /// Behind the last scan.
    std::size_t end() const {
        return data.empty() ? 0 : static_cast<std::size_t>(data.back().offset + data.back().size);
    }
};

JpegScans read_jpeg_scans(BytesView file, WorkBudget& budget);

/// Whether the data of a picture that seems complete run into what follows them: its decoder reads a filling, as an
/// interrupted download leaves it, or a film or Samsung's blocks, as phones append them, as if they were pixels. Then
/// pixels are missing.
bool runs_into_trailer(BytesView file, const JpegScans& scans);

}  // namespace photogate::imaging
