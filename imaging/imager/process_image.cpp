#include "imaging/imager/process_image.hpp"

#include <algorithm>
#include <array>
#include <utility>

#include "imaging/containers/inspect.hpp"
#include "imaging/containers/metadata.hpp"
#include "imaging/containers/metadata_verifier.hpp"
#include "imaging/containers/sniff.hpp"
#include "imaging/containers/strip.hpp"
#include "imaging/imager/decode.hpp"
#include "imaging/imager/encode.hpp"
#include "imaging/imager/orient.hpp"
#include "imaging/imager/perceptual_hash.hpp"
#include "imaging/imager/pixels.hpp"
#include "imaging/imager/smaller.hpp"
#include "imaging/imager/test_pictures.hpp"
#include "imaging/imager/thumb_hash.hpp"
#include "imaging/imager/version.hpp"
#include "imaging/processing_cost.hpp"

namespace photogate::imaging {
namespace {

constexpr std::uint32_t kHashEdge = 100;  ///< ThumbHash takes no larger picture

tl::unexpected<Error> broken(const char* what) {
    return fail(ErrorCode::internal, what);
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

bool keeps_its_pixels(const VersionSpec& version, const Inspection& inspection) {
    const auto inside = [&](Format format) {
        return format == Format::jpeg || format == Format::png || format == Format::webp ||
               format == Format::gif;
    };
    const std::uint32_t edge = version.fit == Fit::inside ? std::max(inspection.width, inspection.height)
                                                          : std::min(inspection.width, inspection.height);
    return version.mode == PublishMode::strip && !version.crop && !version.watermark &&
           inside(inspection.format) && is_proved_whole(inspection) && can_strip(inspection) &&
           (!version.format || *version.format == inspection.format) && edge <= version.max_edge;
}

bool can_move(Format format) {
    return format == Format::webp || format == Format::gif;
}

/// A moving picture that is cropped or has something laid over it is made of its first frame.
bool stays_moving(const VersionSpec& version, const Inspection& inspection) {
    return moves(inspection) && !version.crop && !version.watermark;
}

Format output_format(const VersionSpec& version, const Inspection& inspection, VipsImage* base) {
    if (version.format) return *version.format;
    return stays_moving(version, inspection) || is_see_through(base) ? Format::webp : Format::jpeg;
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
    if (decoding.inspection->orientation != 1) {
        auto upright = make_frames_upright(std::move(*roll), decoding.inspection->orientation);
        if (!upright) return tl::unexpected(Answer(Outcome(upright.error())));
        roll = std::move(*upright);
    }
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

/// The picture made anew, its container reduced to what draws it. `base` is the version's own.
tl::expected<Published, Answer> reencoded(const Decoding& decoding, const VersionSpec& version,
                                          VipsImage* base, const Encoding& how) {
    const bool animation = stays_moving(version, *decoding.inspection) && can_move(how.format);
    if (moves(*decoding.inspection) && !animation) {
        if (auto proof = prove_animation(decoding); !proof)
            return tl::unexpected(Answer(Outcome(proof.error())));
    }
    Decoding moving = decoding;
    moving.max_edge = decode_edge(version, *decoding.inspection);
    auto picture = animation ? encode_moving(moving, how) : encode_still(base, how);
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

/// What all versions of a file share.
struct Work {
    const TaskOrder& order;
    BytesView file;
    const Inspection& inspection;
    const Decoding& decoding;
    const Decoded& decoded;
    VipsImage* watermark;  ///< null where there is none
    WorkBudget& budget;
};

/// How often an animation may be tried again within the task's time, once at least.
std::size_t attempts_left(const Work& work, const Published& picture) {
    const Cost once = decoding_cost(shape_of(work.inspection));
    const auto frames = std::uint64_t{picture.width} * picture.height * work.inspection.frames;
    const auto each = std::max<std::int64_t>(1, (once.time + animation_time(picture.format, frames)).count());
    return static_cast<std::size_t>(
        std::max<std::int64_t>(1, work.order.task.limits.max_work.count() / each - 1));
}

/// What the attempts at a smaller still may take together, as estimated. The last of the plan is always tried.
constexpr std::chrono::milliseconds kLongestShrinking{2'500};

/// The first of the smaller encodings that has no more bytes than the file; else the smallest of all.
tl::expected<Published, Answer> made_smaller(const Work& work, const VersionSpec& version, VipsImage* base,
                                             Published picture, const Encoding& first) {
    const auto quality =
        work.inspection.format == Format::jpeg ? jpeg_quality(work.decoding.bytes) : std::nullopt;
    const bool animation = stays_moving(version, work.inspection) && can_move(first.format);
    const auto plan = animation ? smaller_animations(version, first, attempts_left(work, picture))
                                : smaller_encodings(version, work.inspection, first, quality);
    const auto time = animation ? std::chrono::milliseconds::max() : kLongestShrinking;
    Attempts attempts(plan, std::uint64_t{picture.width} * picture.height, work.file.size(), time);
    Encoding before = first;
    std::size_t size = picture.bytes.size();
    while (const auto how = attempts.next(before, size)) {
        auto other = reencoded(work.decoding, version, base, *how);
        if (!other) return other;
        before = *how;
        size = other->bytes.size();
        if (size < picture.bytes.size()) picture = std::move(*other);
        if (picture.bytes.size() <= work.file.size()) break;
    }
    return picture;
}

tl::expected<Published, Answer> made_anew(const Work& work, const VersionSpec& version, VipsImage* base) {
    const Encoding how{.format = output_format(version, work.inspection, base), .quality = version.quality};
    auto picture = reencoded(work.decoding, version, base, how);
    if (!picture || version.growth == Growth::accept || picture->bytes.size() <= work.file.size())
        return picture;
    return made_smaller(work, version, base, std::move(*picture), how);
}

/// One picture, read again before it is given out.
tl::expected<Published, Answer> make_version(const Work& work, const VersionSpec& version) {
    auto base = version_of(work.decoded.base.get(), version, work.watermark);
    if (!base) return tl::unexpected(Answer(fail(base.error())));
    const bool keeps = keeps_its_pixels(version, work.inspection) && work.decoded.damaged_intervals == 0;
    auto picture = keeps ? stripped(work.decoding, work.file, work.decoded, work.budget)
                         : made_anew(work, version, base->get());
    // Foreign data in places that can't be stripped (a table, say) stays with the coded pixels.
    if (picture && keeps && !metadata_remaining(picture->bytes).empty())
        picture = made_anew(work, version, base->get());
    if (!picture) return picture;
    if (const auto remaining = metadata_remaining(picture->bytes); !remaining.empty()) {
        return tl::unexpected(
            Answer(fail(ErrorCode::internal, "The picture is withheld: after cleaning it still holds " +
                                                 remaining.front() + ".")));
    }
    return picture;
}

/// The watermark is treated like an untrusted picture: walked, stripped, decoded.
tl::expected<Image, Answer> decode_watermark(BytesView bytes, const Limits& limits) {
    const auto unusable = [] {
        return tl::unexpected(
            Answer(fail(ErrorCode::invalid_configuration, "The watermark is no picture that can be read.")));
    };
    const auto inspection = inspect(bytes, limits);
    if (!inspection || inspection->format == Format::tiff) return unusable();
    WorkBudget budget = WorkBudget::for_file(bytes.size());
    const auto bare = strip_for_decoder(bytes, *inspection, budget);
    if (!bare) return unusable();
    auto decoded = decode(
        {.bytes = *bare, .inspection = &*inspection, .limits = &limits, .max_edge = kMaxWatermarkEdge});
    if (!decoded) return unusable();
    return std::move(decoded->base);
}

/// Whether one of the versions needs it.
bool wants_watermark(const Task& task) {
    return std::any_of(task.versions.begin(), task.versions.end(),
                       [](const VersionSpec& version) { return version.watermark.has_value(); });
}

Result<> add_facts(const Work& work, const FactsPolicy& policy, Processed& into) {
    const auto small = small_copy(work.decoded.base.get());
    if (!small) return fail(small.error());
    Metadata metadata = read_metadata(work.file, work.inspection, work.budget);
    if (work.decoded.damaged_intervals > 0) metadata.damaged_intervals = work.decoded.damaged_intervals;
    into.exif_json = to_json(metadata, policy.exif, policy.gps);
    // With anything remaining, make_version() does not give a picture out.
    into.privacy_json = privacy_json(metadata_found(work.inspection, metadata), {});
    into.thumb_hash = base64(thumb_hash(*small));
    into.perceptual_hash = hex(perceptual_hash(*small));
    return {};
}

/// The pixels of a version, of one frame.
std::uint64_t output_pixels(const VersionSpec& version, const Inspection& inspection) {
    const std::uint64_t pixels = std::uint64_t{inspection.width} * inspection.height;
    const std::uint64_t longer = std::max({inspection.width, inspection.height, 1U});
    const std::uint64_t edge = std::min<std::uint64_t>(longer, decode_edge(version, inspection));
    return pixels / longer * edge / longer * edge;
}

/// Time for decoding. A still of a format that packs any number of equal pixels into a few bytes gets it by its
/// bytes: 2 s for each MiB, and for HEIC and AVIF, whose estimate is that of a noisy photo, 4 s for the first.
/// Photographs are below that: 48 megapixels pass at any size, with 10 bits from a MiB on.
std::chrono::milliseconds decoding_allowed(const Task& task, const Inspection& inspection) {
    const bool packs = inspection.format == Format::png || inspection.format == Format::webp ||
                       inspection.format == Format::gif || inspection.format == Format::tiff;
    const bool packs_well = inspection.format == Format::heic || inspection.format == Format::avif;
    if ((!packs && !packs_well) || moves(inspection)) return task.limits.max_work;
    constexpr std::uint64_t kMiB = 1U << 20;
    const std::uint64_t shares = task.size / kMiB + (packs_well ? 2 : 1);
    const std::chrono::milliseconds by_size(kShortestWork.count() * static_cast<std::int64_t>(shares));
    return std::min(task.limits.max_work, by_size);
}

/// Whether the worker process has the memory and the time for it. Asked before anything is decoded.
tl::expected<void, Rejection> is_affordable(const Task& task, const Inspection& inspection) {
    const auto refuse = [](const std::string& why) {
        return tl::unexpected(Rejection{RejectionCode::too_many_pixels, why});
    };
    Cost cost = decoding_cost(shape_of(inspection));
    if (cost.time > decoding_allowed(task, inspection))
        return refuse("The picture has too many pixels for a file of its kind and size.");
    std::uint64_t largest = 0;
    for (const VersionSpec& version : task.versions) {
        if (keeps_its_pixels(version, inspection)) continue;
        const std::uint64_t pixels = output_pixels(version, inspection);
        const Format format = version.format.value_or(inspection.has_alpha ? Format::webp : Format::jpeg);
        const Cost encoding = encoding_cost(format, pixels);
        largest = std::max(largest, encoding.memory);
        cost.time += stays_moving(version, inspection) && (!version.format || can_move(format))
                         ? animation_time(version.format.value_or(Format::webp), pixels * inspection.frames)
                         : encoding.time;
    }
    cost.memory += largest;
    if (cost.memory > task.limits.max_memory) {
        return refuse("The picture takes about " + std::to_string(cost.memory >> 20) + " MiB of memory, " +
                      std::to_string(task.limits.max_memory >> 20) + " are allowed.");
    }
    if (cost.time > task.limits.max_work) {
        return refuse("The picture takes about " + std::to_string(cost.time.count() / 1000) +
                      " s to process, " + std::to_string(task.limits.max_work.count() / 1000) +
                      " are allowed.");
    }
    return {};
}

Answer make_all(const Work& work) {
    Processed processed{.pictures = {},
                        .original_format = work.inspection.format,
                        .width = work.decoded.width,
                        .height = work.decoded.height,
                        .frames = work.inspection.frames,
                        .exif_json = {},
                        .privacy_json = {},
                        .thumb_hash = {},
                        .perceptual_hash = {}};
    std::uint64_t size = 0;
    for (const VersionSpec& version : work.order.task.versions) {
        auto picture = make_version(work, version);
        if (!picture) return std::move(picture.error());
        size += picture->bytes.size();
        if (size > work.order.max_output) {
            return Outcome(
                Rejection{RejectionCode::too_large, "The published picture would be larger than allowed."});
        }
        processed.pictures.push_back(std::move(*picture));
    }
    if (const auto& facts = work.order.task.facts) {
        if (auto added = add_facts(work, *facts, processed); !added) return fail(added.error());
    }
    return Outcome(std::move(processed));
}

Answer process(const TaskOrder& order, const TaskInput& input) {
    const Task& task = order.task;
    const BytesView file = input.file;
    std::uint32_t edge = 1;
    for (const VersionSpec& version : task.versions) {
        if (version.format && !can_encode(*version.format)) {
            return fail(ErrorCode::invalid_configuration,
                        "Pictures can't be written as " + std::string(to_string(*version.format)) + " here.");
        }
    }
    const Admission admission{.declared_type = task.declared_type, .accepted = task.accepted};
    if (auto admitted = admit(file, admission); !admitted) return Outcome(admitted.error());
    WorkBudget budget = WorkBudget::for_file(file.size());  // for everything but pixels
    const auto inspection = inspect(file, task.limits, budget);
    if (!inspection) return Outcome(inspection.error());
    if (auto fits = is_affordable(task, *inspection); !fits) return Outcome(fits.error());
    for (const VersionSpec& version : task.versions)
        edge = std::max(edge, decode_edge(version, *inspection));

    Bytes bare;
    if (inspection->format != Format::tiff) {
        auto without = strip_for_decoder(file, *inspection, budget);
        if (!without) return Outcome(without.error());
        bare = std::move(*without);
    }
    const Decoding decoding{.bytes = inspection->format == Format::tiff ? file : BytesView(bare),
                            .inspection = &*inspection,
                            .limits = &task.limits,
                            .max_edge = edge};
    auto decoded = decode(decoding);
    if (!decoded) return Outcome(decoded.error());
    Image watermark;
    if (wants_watermark(task)) {
        auto mark = decode_watermark(input.watermark, task.limits);
        if (!mark) return std::move(mark.error());
        watermark = std::move(*mark);
    }
    return make_all({.order = order,
                     .file = file,
                     .inspection = *inspection,
                     .decoding = decoding,
                     .decoded = *decoded,
                     .watermark = watermark.get(),
                     .budget = budget});
}

/// Whether a sound picture is processed as the order says.
bool is_fulfillable(TaskOrder order, const TaskInput& input) {
    order.task.declared_type.reset();
    order.task.accepted = {kAllFormats.begin(), kAllFormats.end()};
    order.task.limits = {};
    return process(order, {.file = kTinyAvif, .watermark = input.watermark}).has_value();
}

}  // namespace

Answer process_image(const TaskOrder& order, const TaskInput& input) {
    Answer answer = process(order, input);
    if (answer || answer.error().code != ErrorCode::internal || !is_fulfillable(order, input)) return answer;
    // A sound picture passes, so the failure is this one's: nothing here is broken, and trying again is no use.
    return Outcome(Rejection{RejectionCode::corrupt, answer.error().detail});
}

}  // namespace photogate::imaging
