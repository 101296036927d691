// A profile's variants, made before the image is published: of the bytes that will be, in one decode.
//
// Never a reason for an upload to fail or to wait long: what the imager refuses within the budget, or what the store
// does not take, is left to the job `make_variants`.
//
// Thread safety: any number of threads; blocking.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>

#include "base/encoding.hpp"
#include "delivery/variants.hpp"
#include "imaging/image_processor.hpp"
#include "model/job.hpp"
#include "model/policy/profile.hpp"
#include "model/upload.hpp"
#include "pipeline/stores.hpp"

namespace photogate::delivery {

class VariantsAhead {
  public:
    /// Of an upload that is about to be published.
    struct Source {
        const model::Upload& upload;
        const model::Profile& profile;
        const pipeline::Store& store;
        const model::PublishedImage& image;
        const std::string& exif_json;  ///< of the original
        BytesView bytes;               ///< of the image
        std::string party;             ///< whom the work is for (imaging::Task::party)
    };
    /// Of pictures, since the start.
    struct Counts {
        std::uint64_t made = 0;
        std::uint64_t left = 0;  ///< to the job
    };

    /// `budget`: what decoding and encoding may take, as the imager estimates it. `imagers` outlives this.
    VariantsAhead(imaging::ImageProcessor& imagers, std::chrono::milliseconds budget)
        : imagers_(imagers), budget_(budget) {}

    /// The objects are put and no row refers to them yet.
    model::MadeAhead make(const Source& source);
    Counts counts() const { return {made_, left_}; }

  private:
    Result<std::vector<imaging::Published>> render(const Source& source,
                                                   const std::vector<imaging::VersionSpec>& specs) const;

    imaging::ImageProcessor& imagers_;
    const std::chrono::milliseconds budget_;
    std::atomic<std::uint64_t> made_{0}, left_{0};
};

}  // namespace photogate::delivery
