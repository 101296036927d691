#include "imaging/imager/develop.hpp"

#include <algorithm>
#include <array>
#include <utility>

#include "imaging/containers/inspect.hpp"
#include "imaging/containers/metadata.hpp"
#include "imaging/containers/residue.hpp"
#include "imaging/containers/sniff.hpp"
#include "imaging/containers/strip.hpp"
#include "imaging/imager/decode.hpp"
#include "imaging/imager/encode.hpp"
#include "imaging/imager/perceptual_hash.hpp"
#include "imaging/imager/pixels.hpp"
#include "imaging/imager/thumb_hash.hpp"

namespace photogate::imaging {
namespace {

constexpr std::uint32_t kHashEdge = 100;  ///< ThumbHash takes no larger picture

/// What the independent reader found in published bytes is always this: with anything else they are not given
/// out.
constexpr const char* kCleanReport = R"({"metadata_remaining":[],"gps_removed":true})";

tl::unexpected<Error> broken(const char* what) {
    return fail(ErrorCode::internal, what);
}

/// What the decoder gets. TIFF has no form without its tags; every other format does.
tl::expected<Bytes, Rejection> for_the_decoder(BytesView file, Inspection inspection, WorkBudget& budget) {
    // The turning is done from our own reading, so not even an orientation is left for a library to parse.
    inspection.orientation = 1;
    inspection.turned_sideways = false;
    return strip(file, inspection, budget);
}

/// Whether the decoder shows more than one frame. Of an animated PNG it shows the first alone.
bool moves(const Inspection& inspection) {
    return inspection.animated && inspection.frames > 1 &&
           (inspection.format == Format::gif || inspection.format == Format::webp);
}

/// Frames that no decoder of ours has seen are not published: an animated PNG loses them by being encoded
/// anew.
bool is_proved_whole(const Inspection& inspection) {
    return inspection.format != Format::png || !inspection.animated;
}

bool keeps_its_pixels(const Recipe& recipe, const Inspection& inspection) {
    const auto inside = [&](Format format) {
        return format == Format::jpeg || format == Format::png || format == Format::webp ||
               format == Format::gif;
    };
    return recipe.mode == PublishMode::strip && inside(inspection.format) && is_proved_whole(inspection) &&
           can_strip(inspection) && (!recipe.output || *recipe.output == inspection.format) &&
           std::max(inspection.width, inspection.height) <= recipe.max_edge;
}

bool can_move(Format format) {
    return format == Format::webp || format == Format::gif;
}

Format output_format(const Recipe& recipe, const Inspection& inspection, VipsImage* base) {
    if (recipe.output) return *recipe.output;
    return moves(inspection) || is_see_through(base) ? Format::webp : Format::jpeg;
}

/// Averages over boxes, straight from memory: the hashes want every pixel's share, not a resampling filter's.
Result<Rgba> small_copy(VipsImage* base) {
    const Image held(vips_image_copy_memory(base));
    if (!held) return broken("The picture can't be shrunk for its hashes.");
    const BytesView from = pixels_of(held.get());
    const auto width = static_cast<std::size_t>(vips_image_get_width(held.get()));
    const auto height = static_cast<std::size_t>(vips_image_get_height(held.get()));
    const auto bands = static_cast<std::size_t>(vips_image_get_bands(held.get()));
    const bool alpha = has_alpha(held.get());
    const std::size_t colours = alpha ? bands - 1 : bands;
    const std::size_t longer = std::max({width, height, std::size_t{kHashEdge}});
    const std::size_t columns = std::max<std::size_t>(1, (width * kHashEdge + longer / 2) / longer);
    const std::size_t rows = std::max<std::size_t>(1, (height * kHashEdge + longer / 2) / longer);
    Rgba rgba{.width = static_cast<std::uint32_t>(columns),
              .height = static_cast<std::uint32_t>(rows),
              .bytes = {}};
    rgba.bytes.reserve(columns * rows * 4);
    for (std::size_t row = 0; row < rows; ++row) {
        const std::size_t top = row * height / rows, bottom = std::max(top + 1, (row + 1) * height / rows);
        for (std::size_t column = 0; column < columns; ++column) {
            const std::size_t left = column * width / columns,
                              right = std::max(left + 1, (column + 1) * width / columns);
            std::array<std::uint64_t, 3> sums{};
            std::uint64_t weights = 0;
            for (std::size_t y = top; y < bottom; ++y) {
                const std::uint8_t* pixel = from.data() + (y * width + left) * bands;
                for (std::size_t x = left; x < right; ++x, pixel += bands) {
                    const std::uint64_t weight = alpha ? pixel[colours] : 255;
                    for (std::size_t channel = 0; channel < 3; ++channel)
                        sums[channel] += weight * pixel[std::min(channel, colours - 1)];
                    weights += weight;
                }
            }
            for (const auto sum : sums)
                rgba.bytes.push_back(
                    static_cast<std::uint8_t>(weights == 0 ? 0 : (sum + weights / 2) / weights));
            rgba.bytes.push_back(static_cast<std::uint8_t>(weights / ((bottom - top) * (right - left))));
        }
    }
    return rgba;
}

std::string hex(std::uint64_t number) {
    std::array<std::uint8_t, 8> bytes{};
    for (std::size_t i = 0; i < bytes.size(); ++i)
        bytes[i] = static_cast<std::uint8_t>(number >> (56 - 8 * i));
    return hex_lower(bytes);
}

/// All frames anew. Where that fails, the frames are decoded once more by themselves, to tell whose fault it
/// is.
tl::expected<Published, Answer> encode_moving(const Decoding& decoding, const Encoding& how) {
    auto roll = open_animation(decoding);
    if (!roll) return tl::unexpected(Answer(Outcome(roll.error())));
    Published picture{.bytes = {},
                      .format = how.format,
                      .width = static_cast<std::uint32_t>(vips_image_get_width(roll->get())),
                      .height = static_cast<std::uint32_t>(vips_image_get_page_height(roll->get()))};
    auto bytes = encode_animation(roll->get(), how);
    if (!bytes) {
        if (auto proof = prove_animation(decoding); !proof)
            return tl::unexpected(Answer(Outcome(proof.error())));
        return tl::unexpected(Answer(fail(bytes.error())));
    }
    picture.bytes = std::move(*bytes);
    return picture;
}

tl::expected<Published, Answer> encode_still(VipsImage* base, const Encoding& how) {
    // Alpha that hides nothing costs bytes and, in some viewers, speed.
    Image opaque;
    if (has_alpha(base) && !is_see_through(base)) {
        if (const Image colours = without_alpha(base)) opaque.reset(vips_image_copy_memory(colours.get()));
    }
    auto bytes = encode(opaque ? opaque.get() : base, how);
    if (!bytes) return tl::unexpected(Answer(fail(bytes.error())));
    return Published{.bytes = std::move(*bytes),
                     .format = how.format,
                     .width = static_cast<std::uint32_t>(vips_image_get_width(base)),
                     .height = static_cast<std::uint32_t>(vips_image_get_height(base))};
}

/// The picture made anew, its container reduced to what draws it.
tl::expected<Published, Answer> reencoded(const Decoding& decoding, const Recipe& recipe, VipsImage* base) {
    const Encoding how{.format = output_format(recipe, *decoding.inspection, base),
                       .quality = recipe.quality};
    const bool animation = moves(*decoding.inspection);
    if (animation && !can_move(how.format)) {
        if (auto proof = prove_animation(decoding); !proof)
            return tl::unexpected(Answer(Outcome(proof.error())));
    }
    auto picture = animation && can_move(how.format) ? encode_moving(decoding, how) : encode_still(base, how);
    if (!picture) return picture;
    auto clean = clean_container(picture->bytes, how.format);
    if (!clean) return tl::unexpected(Answer(broken("What was encoded is no sound file of its format.")));
    picture->bytes = std::move(*clean);
    return picture;
}

/// The original's own coded pixels, proved to be decodable in every frame.
tl::expected<Published, Answer> stripped(const Decoding& decoding, BytesView file, const Decoded& decoded,
                                         WorkBudget& budget) {
    if (moves(*decoding.inspection)) {
        if (auto proof = prove_animation(decoding); !proof)
            return tl::unexpected(Answer(Outcome(proof.error())));
    }
    auto bytes = strip(file, *decoding.inspection, budget);
    if (!bytes) return tl::unexpected(Answer(Outcome(bytes.error())));
    return Published{.bytes = std::move(*bytes),
                     .format = decoding.inspection->format,
                     .width = decoded.width,
                     .height = decoded.height};
}

}  // namespace

Answer develop(const TaskOrder& order, BytesView file) {
    const Recipe& recipe = order.task.recipe;
    if (recipe.output && !can_encode(*recipe.output)) {
        return fail(ErrorCode::invalid_configuration,
                    "Pictures can't be written as " + std::string(to_string(*recipe.output)) + " here.");
    }
    const Admission admission{.declared_type = order.task.declared_type, .accepted = order.task.accepted};
    if (auto admitted = admit(file, admission); !admitted) return Outcome(admitted.error());
    WorkBudget budget = WorkBudget::for_file(file.size());  // for everything but pixels
    const auto inspection = inspect(file, order.task.limits, budget);
    if (!inspection) return Outcome(inspection.error());

    Bytes bare;
    if (inspection->format != Format::tiff) {
        auto without = for_the_decoder(file, *inspection, budget);
        if (!without) return Outcome(without.error());
        bare = std::move(*without);
    }
    const Decoding decoding{.bytes = inspection->format == Format::tiff ? file : BytesView(bare),
                            .inspection = &*inspection,
                            .limits = &order.task.limits,
                            .max_edge = std::min(recipe.max_edge, kMaxEncodedEdge)};
    auto decoded = decode(decoding);
    if (!decoded) return Outcome(decoded.error());

    const bool keeps = keeps_its_pixels(recipe, *inspection);
    auto picture =
        keeps ? stripped(decoding, file, *decoded, budget) : reencoded(decoding, recipe, decoded->base.get());
    if (!picture) return std::move(picture.error());
    // What a stranger wrote where it can't be taken out (into a table, say) goes with the coded pixels.
    if (keeps && !metadata_remaining(picture->bytes).empty()) {
        picture = reencoded(decoding, recipe, decoded->base.get());
        if (!picture) return std::move(picture.error());
    }
    if (picture->bytes.size() > order.max_output) {
        return Outcome(
            Rejection{RejectionCode::too_large, "The published picture would be larger than allowed."});
    }
    if (const auto remaining = metadata_remaining(picture->bytes); !remaining.empty()) {
        return fail(ErrorCode::internal,
                    "The picture is withheld: after cleaning it still holds " + remaining.front() + ".");
    }
    const auto small = small_copy(decoded->base.get());
    if (!small) return fail(small.error());
    return Outcome(
        Processed{.picture = std::move(*picture),
                  .original_format = inspection->format,
                  .width = decoded->width,
                  .height = decoded->height,
                  .frames = inspection->frames,
                  .exif_json = to_json(read_metadata(file, *inspection, budget), recipe.exif, recipe.gps),
                  .privacy_json = kCleanReport,
                  .thumb_hash = base64(thumb_hash(*small)),
                  .perceptual_hash = hex(perceptual_hash(*small))});
}

}  // namespace photogate::imaging
