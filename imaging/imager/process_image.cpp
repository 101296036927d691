#include "imaging/imager/process_image.hpp"

#include <algorithm>
#include <array>
#include <limits>
#include <numeric>
#include <utility>
#include <vector>

#include "imaging/containers/inspect.hpp"
#include "imaging/containers/metadata.hpp"
#include "imaging/containers/metadata_verifier.hpp"
#include "imaging/containers/sniff.hpp"
#include "imaging/containers/strip.hpp"
#include "imaging/imager/decode.hpp"
#include "imaging/imager/dominant_color.hpp"
#include "imaging/imager/encode.hpp"
#include "imaging/imager/orient.hpp"
#include "imaging/imager/perceptual_hash.hpp"
#include "imaging/imager/pixels.hpp"
#include "imaging/imager/small_copy.hpp"
#include "imaging/imager/smaller.hpp"
#include "imaging/imager/task_marks.hpp"
#include "imaging/imager/test_pictures.hpp"
#include "imaging/imager/thumb_hash.hpp"
#include "imaging/imager/version.hpp"
#include "imaging/imager/watermark.hpp"
#include "imaging/processing_cost.hpp"

namespace photogate::imaging {
namespace {

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

/// A moving picture that is cropped is made of its first frame.
bool stays_moving(const VersionSpec& version, const Inspection& inspection) {
    return moves(inspection) && !version.crop;
}

Format output_format(const VersionSpec& version, const Inspection& inspection, VipsImage* base) {
    if (version.format) return *version.format;
    return stays_moving(version, inspection) || is_see_through(base) ? Format::webp : Format::jpeg;
}

std::string hex(std::uint64_t number) {
    std::array<std::uint8_t, 8> bytes{};
    for (std::size_t i = 0; i < bytes.size(); ++i)
        bytes[i] = static_cast<std::uint8_t>(number >> (56 - 8 * i));
    return hex_lower(bytes);
}

/// All frames anew. Where that fails, the frames are decoded once more by themselves, to tell whose fault it
/// is.
tl::expected<Published, Answer> encode_moving(const Decoding& decoding, const Encoding& how,
                                              const Watermark* watermark, const Marks& marks) {
    auto roll = open_animation(decoding);
    if (!roll) return tl::unexpected(Answer(Outcome(roll.error())));
    if (decoding.inspection->orientation != 1) {
        auto upright = make_frames_upright(std::move(*roll), decoding.inspection->orientation);
        if (!upright) return tl::unexpected(Answer(Outcome(upright.error())));
        roll = std::move(*upright);
    }
    if (watermark != nullptr && watermark->source == Watermark::Source::clean) {
        auto over = marked_roll(roll->get(), *watermark, marks);
        if (!over) return tl::unexpected(Answer(fail(over.error())));
        roll = std::move(*over);
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
                                          VipsImage* base, const Encoding& how, const Marks& marks) {
    const bool animation = stays_moving(version, *decoding.inspection) && can_move(how.format);
    if (moves(*decoding.inspection) && !animation) {
        if (auto proof = prove_animation(decoding); !proof)
            return tl::unexpected(Answer(Outcome(proof.error())));
    }
    Decoding moving = decoding;
    moving.max_edge = decode_edge(version, *decoding.inspection);
    const Watermark* watermark = version.watermark ? &*version.watermark : nullptr;
    auto picture = animation ? encode_moving(moving, how, watermark, marks) : encode_still(base, how);
    if (!picture) return picture;
    auto clean = clean_container(picture->bytes, how.format);
    if (!clean) return tl::unexpected(Answer(broken("what was encoded is no sound file of its format")));
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
    const Marks& marks;
    const std::optional<Metadata>& metadata;  ///< where facts are asked for
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

/// How many bytes a version may have, whatever it looks like.
std::size_t most_bytes(const Work& work, const VersionSpec& version) {
    std::size_t most = std::numeric_limits<std::size_t>::max();
    if (version.growth == Growth::avoid) most = work.file.size();
    if (version.max_bytes != 0) most = std::min<std::size_t>(most, version.max_bytes);
    return most;
}

/// The first of the smaller encodings that has no more bytes than it may; else the smallest of all.
tl::expected<Published, Answer> made_smaller(const Work& work, const VersionSpec& version, VipsImage* base,
                                             Published picture, const Encoding& first) {
    const auto quality =
        work.inspection.format == Format::jpeg ? jpeg_quality(work.decoding.bytes) : std::nullopt;
    const bool animation = stays_moving(version, work.inspection) && can_move(first.format);
    const auto plan = animation ? smaller_animations(version, first, attempts_left(work, picture))
                                : smaller_encodings(version, work.inspection, first, quality);
    const auto time = animation ? std::chrono::milliseconds::max() : kLongestShrinking;
    const std::size_t most = most_bytes(work, version);
    Attempts attempts(plan, std::uint64_t{picture.width} * picture.height, most, time);
    Encoding before = first;
    std::size_t size = picture.bytes.size();
    while (auto how = attempts.next(before, size)) {
        how->space = first.space;
        auto other = reencoded(work.decoding, version, base, *how, work.marks);
        if (!other) return other;
        before = *how;
        size = other->bytes.size();
        if (size < picture.bytes.size()) picture = std::move(*other);
        if (picture.bytes.size() <= most) break;
    }
    return picture;
}

tl::expected<Published, Answer> made_anew(const Work& work, const VersionSpec& version, VipsImage* base) {
    Encoding how{.format = output_format(version, work.inspection, base),
                 .quality = version.quality,
                 .space = work.decoded.space};
    Image plain;
    if (how.space != ColourSpace::srgb && (version.gamut == Gamut::srgb || !can_be_display_p3(how.format))) {
        plain = to_space(base, how.space, ColourSpace::srgb);
        if (!plain) return tl::unexpected(Answer(broken("the picture's colours can't be made sRGB")));
        base = plain.get();
        how.space = ColourSpace::srgb;
    }
    auto picture = reencoded(work.decoding, version, base, how, work.marks);
    if (!picture || picture->bytes.size() <= most_bytes(work, version)) return picture;
    return made_smaller(work, version, base, std::move(*picture), how);
}

/// One picture, read again before it is given out.
tl::expected<Published, Answer> make_version(const Work& work, const VersionSpec& version, Scales& scales) {
    auto base = version_of(scales, version, work.marks);
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
            Answer(fail(ErrorCode::internal,
                        "the picture is withheld: after cleaning it still holds " + remaining.front())));
    }
    // Of an animation the first frame alone is looked at, so it counts as if any other did.
    picture->has_alpha = picture->format != Format::jpeg &&
                         (stays_moving(version, work.inspection) || is_see_through(base->get()));
    return picture;
}

Result<> add_facts(const Work& work, const FactsPolicy& policy, Processed& into) {
    auto averages = small_copy(work.decoded.base.get());
    if (!averages) return fail(averages.error());
    const auto small = to_srgb(std::move(*averages), work.decoded.space);
    if (!small) return fail(small.error());
    Metadata metadata = *work.metadata;
    if (work.decoded.damaged_intervals > 0) metadata.damaged_intervals = work.decoded.damaged_intervals;
    into.exif_json = to_json(metadata, policy.exif, policy.gps);
    // With anything remaining, make_version() does not give a picture out.
    into.privacy_json = privacy_json(metadata_found(work.inspection, metadata), {});
    into.thumb_hash = base64(thumb_hash(*small));
    into.perceptual_hash = hex(perceptual_hash(*small));
    into.dominant_color = dominant_color(*small);
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
        return refuse("the picture has too many pixels for a file of its kind and size");
    std::uint64_t largest = 0;
    for (const VersionSpec& version : task.versions) {
        if (keeps_its_pixels(version, inspection)) continue;
        const std::uint64_t pixels = output_pixels(version, inspection);
        const Format format = version.format.value_or(inspection.has_alpha ? Format::webp : Format::jpeg);
        const Cost encoding = encoding_cost(format, pixels);
        const bool moving = stays_moving(version, inspection) && (!version.format || can_move(format));
        cost.time += moving
                         ? animation_time(version.format.value_or(Format::webp), pixels * inspection.frames)
                         : encoding.time;
        Cost marking;
        if (version.watermark)
            marking = marking_cost(*version.watermark, pixels, moving ? inspection.frames : 1);
        cost.time += marking.time;
        largest = std::max(largest, encoding.memory + marking.memory);
    }
    const Cost marks = reading_cost_of_marks(task);
    cost.memory += marks.memory;
    cost.time += marks.time;
    cost.memory += largest;
    if (cost.memory > task.limits.max_memory) {
        return refuse("the picture takes about " + std::to_string(cost.memory >> 20) + " MiB of memory, " +
                      std::to_string(task.limits.max_memory >> 20) + " are allowed");
    }
    if (cost.time > task.limits.max_work) {
        return refuse("the picture takes about " + std::to_string(cost.time.count() / 1000) +
                      " s to process, " + std::to_string(task.limits.max_work.count() / 1000) +
                      " are allowed");
    }
    return {};
}

/// The order in which versions are made, so that small ones can be made of larger ones.
std::vector<std::size_t> from_large_to_small(const std::vector<VersionSpec>& versions,
                                             const Inspection& inspection) {
    std::vector<std::size_t> order(versions.size());
    std::iota(order.begin(), order.end(), std::size_t{0});
    std::stable_sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) {
        return decode_edge(versions[a], inspection) > decode_edge(versions[b], inspection);
    });
    return order;
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
                        .perceptual_hash = {},
                        .dominant_color = {}};
    const auto& versions = work.order.task.versions;
    processed.pictures.resize(versions.size());
    Scales scales(work.decoded.base.get(), {work.decoded.width, work.decoded.height});
    std::uint64_t size = 0;
    for (const std::size_t number : from_large_to_small(versions, work.inspection)) {
        auto picture = make_version(work, versions[number], scales);
        if (!picture) return std::move(picture.error());
        size += picture->bytes.size();
        if (size > work.order.max_output) {
            return Outcome(
                Rejection{RejectionCode::too_large, "the published picture would be larger than allowed"});
        }
        processed.pictures[number] = std::move(*picture);
    }
    if (const auto& facts = work.order.task.facts) {
        if (auto added = add_facts(work, *facts, processed); !added) return fail(added.error());
    }
    return Outcome(std::move(processed));
}

Answer process(const TaskOrder& order, BytesView file) {
    const Task& task = order.task;
    std::uint32_t edge = 1;
    for (const VersionSpec& version : task.versions) {
        if (version.format && !can_encode(*version.format)) {
            return fail(ErrorCode::invalid_configuration,
                        "pictures can't be written as " + std::string(to_string(*version.format)) + " here");
        }
    }
    const Admission admission{.declared_type = task.declared_type, .accepted = task.accepted};
    if (auto admitted = admit(file, admission); !admitted) return Outcome(admitted.error());
    WorkBudget budget = WorkBudget::for_file(file.size());  // for everything but pixels
    const auto inspection = inspect(file, task.limits, budget);
    if (!inspection) return Outcome(inspection.error());
    if (auto fits = is_affordable(task, *inspection); !fits) return Outcome(fits.error());
    Gamut gamut = Gamut::srgb;
    for (const VersionSpec& version : task.versions) {
        edge = std::max(edge, decode_edge(version, *inspection));
        if (!moves(*inspection) && version.gamut == Gamut::kept) gamut = Gamut::kept;
    }

    Bytes bare;
    if (inspection->format != Format::tiff) {
        auto without = strip_for_decoder(file, *inspection, budget);
        if (!without) return Outcome(without.error());
        bare = std::move(*without);
    }
    const Decoding decoding{.bytes = inspection->format == Format::tiff ? file : BytesView(bare),
                            .inspection = &*inspection,
                            .limits = &task.limits,
                            .max_edge = edge,
                            .gamut = gamut};
    auto decoded = decode(decoding);
    if (!decoded) return Outcome(decoded.error());
    std::optional<Metadata> metadata;
    if (task.facts) metadata = read_metadata(file, *inspection, budget);
    auto marks = marks_of(task, metadata);
    if (!marks) return std::move(marks.error());
    marks->over(decoded->space);
    return make_all({.order = order,
                     .file = file,
                     .inspection = *inspection,
                     .decoding = decoding,
                     .decoded = *decoded,
                     .marks = *marks,
                     .metadata = metadata,
                     .budget = budget});
}

/// Whether a sound picture is processed as the order says.
bool is_fulfillable(TaskOrder order) {
    order.task.declared_type.reset();
    order.task.accepted = {kAllFormats.begin(), kAllFormats.end()};
    order.task.limits = {};
    return process(order, kTinyAvif).has_value();
}

}  // namespace

Answer process_image(const TaskOrder& order, BytesView file) {
    Answer answer = process(order, file);
    if (answer || answer.error().code != ErrorCode::internal || !is_fulfillable(order)) return answer;
    // A sound picture passes, so the failure is this one's: nothing here is broken, and trying again is no use.
    return Outcome(Rejection{RejectionCode::corrupt, answer.error().detail});
}

}  // namespace photogate::imaging
