// Internal: what the six walkers share. Not for other modules.
#pragma once

#include <array>
#include <optional>
#include <string>
#include <utility>

#include <tl/expected.hpp>

#include "imaging/containers/inspect.hpp"
#include "imaging/work_budget.hpp"

namespace photogate::imaging::walk {

using Walked = tl::expected<Inspection, Rejection>;

/// A walk's state: steps return false once `fault` says why the file is refused.
struct State {
    BytesView file;
    const Limits& limits;
    WorkBudget& budget;
    Inspection found;
    std::optional<Rejection> fault;
    std::array<std::size_t, kCarrierKinds> listed = {};  ///< carriers, by kind

    bool reject(RejectionCode code, std::string detail) {
        if (!fault) fault = Rejection{code, std::move(detail)};
        return false;
    }
    bool corrupt(std::string detail) { return reject(RejectionCode::corrupt, std::move(detail)); }
    bool truncated(std::string detail) { return reject(RejectionCode::truncated, std::move(detail)); }

    /// False, with the file refused, where its budget does not allow that much work.
    bool work(std::uint64_t units) { return budget.charge(units) || corrupt(kTooMuchWork); }
    /// One frame, page or tile: sides and pixels.
    bool check_size(std::uint64_t width, std::uint64_t height);
    /// The same, remembered as the picture's size, with its raster in memory.
    bool set_size(std::uint64_t width, std::uint64_t height);
    /// One more frame of that many pixels.
    bool add_frame(std::uint64_t pixels);
    /// One more block that draws nothing, of that many bytes as stored.
    bool add_metadata(std::uint64_t bytes);
    void add_carrier(CarrierKind kind, ByteRange range, CarrierCoding coding = CarrierCoding::plain);
    /// The last carrier of that kind goes on there; nothing where there is none.
    void continue_carrier(CarrierKind kind, ByteRange range);
    /// Whether the memory that decoding one frame takes, as `channels` and `bits_per_channel` say, is allowed.
    bool check_raster();

    Walked finish();
};

Walked jpeg(BytesView file, const Limits& limits, WorkBudget& budget);
Walked png(BytesView file, const Limits& limits, WorkBudget& budget);
Walked webp(BytesView file, const Limits& limits, WorkBudget& budget);
Walked gif(BytesView file, const Limits& limits, WorkBudget& budget);
Walked bmff(BytesView file, const Limits& limits, WorkBudget& budget, Format format);
Walked tiff(BytesView file, const Limits& limits, WorkBudget& budget);

}  // namespace photogate::imaging::walk
