#include "imaging/imager_wire.hpp"

#include <algorithm>
#include <utility>

#include "imaging/members_wire.hpp"
#include "imaging/version_wire.hpp"

namespace photogate::imaging {
namespace {

using members::choice;
using members::dump;
using members::flag;
using members::format_member;
using members::json;
using members::member;
using members::number;
using members::parse;
using members::ProtocolError;
using members::text;

constexpr std::size_t kMaxDetail = 1024;  ///< bytes of a sentence
constexpr std::uint32_t kMaxReportedSide = 1U << 20;
constexpr std::uint32_t kMaxReportedFrames = 1U << 20;
constexpr std::size_t kMaxThumbHash = 64;  ///< bytes; the format needs at most 25

std::string_view word(Attempt attempt) {
    switch (attempt) {
        case Attempt::succeeded:
            return "succeeded";
        case Attempt::failed:
            return "failed";
    }
    return "";
}

std::string_view word(ExifDetail detail) {
    switch (detail) {
        case ExifDetail::none:
            return "none";
        case ExifDetail::basic:
            return "basic";
        case ExifDetail::full:
            return "full";
    }
    return "none";
}

std::string_view word(HdrPolicy policy) {
    return policy == HdrPolicy::refuse ? "refuse" : "tone_map";
}

std::string_view word(GpsPolicy policy) {
    switch (policy) {
        case GpsPolicy::drop:
            return "drop";
        case GpsPolicy::report:
            return "report";
    }
    return "drop";
}

template <class Choice>
std::string_view word_of(Choice each) {
    return word(each);
}

std::string shortened(std::string_view detail) {
    return to_valid_utf8(detail.substr(0, std::min(detail.size(), kMaxDetail / 4)));
}

json limits_to_json(const Limits& limits) {
    return json{{"max_bytes", limits.max_bytes},
                {"max_pixels", limits.max_pixels},
                {"max_side", limits.max_side},
                {"max_frames", limits.max_frames},
                {"max_total_pixels", limits.max_total_pixels},
                {"max_scans", limits.max_scans},
                {"max_metadata", limits.max_metadata},
                {"max_metadata_blocks", limits.max_metadata_blocks},
                {"damaged_intervals", to_string(limits.damaged_intervals)},
                {"hdr", word(limits.hdr)},
                {"max_memory", limits.max_memory},
                {"max_work", limits.max_work.count()}};
}

Limits limits_from_json(const json& from) {
    Limits limits;
    limits.max_bytes = number<ByteSize>(from, "max_bytes");
    limits.max_pixels = number<std::uint64_t>(from, "max_pixels");
    limits.max_side = number<std::uint32_t>(from, "max_side");
    limits.max_frames = number<std::uint32_t>(from, "max_frames");
    limits.max_total_pixels = number<std::uint64_t>(from, "max_total_pixels");
    limits.max_scans = number<std::uint32_t>(from, "max_scans");
    limits.max_metadata = number<ByteSize>(from, "max_metadata");
    limits.max_metadata_blocks = number<std::uint32_t>(from, "max_metadata_blocks");
    limits.max_memory = number<ByteSize>(from, "max_memory");
    limits.max_work = std::chrono::milliseconds(number<std::uint32_t>(from, "max_work"));
    limits.hdr = choice(from, "hdr", {HdrPolicy::tone_map, HdrPolicy::refuse}, word_of<HdrPolicy>);
    limits.damaged_intervals =
        choice(from, "damaged_intervals", {DamagedIntervals::refuse, DamagedIntervals::publish});
    return limits;
}

Published picture_from_json(const json& from, const VersionSpec& spec) {
    Published picture;
    picture.format = format_member(from, "format");
    if (spec.format && *spec.format != picture.format)
        throw ProtocolError{"picture.format is another than asked for"};
    picture.width = number<std::uint32_t>(from, "width", 1, kMaxReportedSide);
    picture.height = number<std::uint32_t>(from, "height", 1, kMaxReportedSide);
    picture.has_alpha = flag(from, "alpha");
    return picture;
}

Published picture_of(const json& from, const VersionSpec& spec, Bytes bytes) {
    Published picture = picture_from_json(from, spec);
    picture.bytes = std::move(bytes);
    // A worker process that was taken over may publish what it likes, but nothing that is at first sight a page or
    // a script.
    if (!begins_as(picture.format, picture.bytes))
        throw ProtocolError{"the picture does not begin as its format does"};
    return picture;
}

/// The body is the pictures' bytes, one behind the other; `size` says where each ends.
std::vector<Published> pictures_from_json(const json& from, Bytes body, const Task& task) {
    if (!from.is_array() || from.size() != task.versions.size())
        throw ProtocolError{"there are not as many pictures as were asked for"};
    std::vector<std::size_t> ends;
    for (const auto& each : from) {
        const auto at = ends.empty() ? 0 : ends.back();
        const auto size = number<std::uint64_t>(each, "size", 1);
        if (size > body.size() - at) throw ProtocolError{"a picture has not all of its bytes"};
        ends.push_back(at + static_cast<std::size_t>(size));
    }
    if ((ends.empty() ? 0 : ends.back()) != body.size()) throw ProtocolError{"there are bytes of no picture"};
    std::vector<Published> pictures;
    if (from.size() == 1) {
        pictures.push_back(picture_of(from[0], task.versions[0], std::move(body)));
        return pictures;
    }
    auto start = body.cbegin();
    for (std::size_t i = 0; i < from.size(); ++i) {
        const auto end = body.cbegin() + static_cast<std::ptrdiff_t>(ends[i]);
        pictures.push_back(picture_of(from[i], task.versions[i], Bytes(start, end)));
        start = end;
    }
    return pictures;
}

void facts_from_json(const json& from, Processed& processed) {
    processed.exif_json = members::object_text(from, "exif", kMaxAnswerHeader);
    processed.privacy_json = members::object_text(from, "privacy", kMaxAnswerHeader);
    processed.thumb_hash = text(from, "thumb_hash", kMaxThumbHash * 2);
    const auto thumb = from_base64(processed.thumb_hash);
    if (!thumb || thumb->empty() || thumb->size() > kMaxThumbHash)
        throw ProtocolError{"thumb_hash is no base64"};
    processed.perceptual_hash = text(from, "perceptual_hash", 16);
    if (processed.perceptual_hash.size() != 16 || !from_hex(processed.perceptual_hash)) {
        throw ProtocolError{"perceptual_hash is not 16 hex digits"};
    }
    processed.dominant_color = text(from, "dominant_color", 7);
    const std::string_view colour = processed.dominant_color;
    if (!colour.empty() && (colour.size() != 7 || colour[0] != '#' || !from_hex(colour.substr(1))))
        throw ProtocolError{"dominant_color is no #rrggbb"};
}

Processed processed_from_json(const json& from, Bytes body, const Task& task) {
    Processed processed;
    processed.pictures = pictures_from_json(member(from, "pictures"), std::move(body), task);
    processed.original_format = format_member(from, "original_format");
    processed.width = number<std::uint32_t>(from, "width", 1, kMaxReportedSide);
    processed.height = number<std::uint32_t>(from, "height", 1, kMaxReportedSide);
    processed.frames = number<std::uint32_t>(from, "frames", 1, kMaxReportedFrames);
    if (task.facts) facts_from_json(member(from, "facts"), processed);
    return processed;
}

Answer answer_from_json(const json& from, Bytes body, const Task& task) {
    if (from.contains("processed")) {
        return Outcome(processed_from_json(from["processed"], std::move(body), task));
    }
    if (!body.empty()) throw ProtocolError{"only a published picture has bytes"};
    if (from.contains("rejected")) {
        const json& rejected = from["rejected"];
        const auto code = parse_rejection_code(text(rejected, "code", 64));
        if (!code) throw ProtocolError{"rejected.code is unknown"};
        return Outcome(Rejection{*code, text(rejected, "detail", kMaxDetail)});
    }
    const json& failed = member(from, "failed");
    const auto said = text(failed, "code", 64);
    // The two faults that a worker process may report; anything else would let it choose how the gateway behaves.
    for (const ErrorCode code : {ErrorCode::internal, ErrorCode::invalid_configuration}) {
        if (photogate::to_string(code) == said) return fail(code, text(failed, "detail", kMaxDetail));
    }
    throw ProtocolError{"failed.code is unknown"};
}

JailReport jail_from_json(const json& hello) {
    const auto told = hello.find("jail");
    if (told == hello.end()) return {};
    const auto attempt = [&](const char* name) {
        return text(*told, name, 16) == word(Attempt::failed) ? Attempt::failed : Attempt::succeeded;
    };
    return {.opening_files = attempt("files"),
            .making_sockets = attempt("sockets"),
            .starting_programs = attempt("programs"),
            .landlock = number<std::uint32_t>(*told, "landlock", 0, 1000),
            .missing = text(*told, "missing", kMaxDetail)};
}

/// Each picture of the task's watermarks once, in the order of its first version.
std::vector<const Watermark*> with_pictures(const Task& task) {
    std::vector<const Watermark*> all;
    for (const VersionSpec& version : task.versions) {
        if (!version.watermark || !version.watermark->picture) continue;
        const auto is_there = std::any_of(all.begin(), all.end(), [&](const Watermark* other) {
            return other->sha256 == version.watermark->sha256;
        });
        if (!is_there) all.push_back(&*version.watermark);
    }
    return all;
}

}  // namespace

WatermarkBody::WatermarkBody(const Task& task) {
    for (const Watermark* mark : with_pictures(task))
        parts_.push_back(mark->picture);
    if (parts_.size() < 2) return;
    for (const auto& part : parts_)
        joined_.insert(joined_.end(), part->begin(), part->end());
}

std::size_t watermark_pictures(const Task& task) {
    return with_pictures(task).size();
}

std::string write_order(const Task& task, std::uint64_t max_output) {
    json accepted = json::array();
    for (const Format format : task.accepted)
        accepted.push_back(to_string(format));
    json versions = json::array();
    for (const VersionSpec& version : task.versions)
        versions.push_back(version_to_json(version));
    json order{{"size", task.size},
               {"max_output", max_output},
               {"accepted", std::move(accepted)},
               {"limits", limits_to_json(task.limits)},
               {"versions", std::move(versions)}};
    json watermarks = json::array();
    for (const Watermark* mark : with_pictures(task))
        watermarks.push_back({{"sha256", mark->sha256}, {"size", mark->picture->size()}});
    order["watermarks"] = std::move(watermarks);
    if (task.facts) order["facts"] = {{"exif", word(task.facts->exif)}, {"gps", word(task.facts->gps)}};
    // A media type that long or no text at all contradicts every format, which is all that its reader asks.
    if (task.declared_type) order["declared_type"] = shortened(*task.declared_type);
    return dump(order);
}

Result<TaskOrder> read_order(std::string_view header, BytesView body) {
    try {
        const json from = parse(header);
        TaskOrder order;
        order.task.size = number<ByteSize>(from, "size");
        order.max_output = number<std::uint64_t>(from, "max_output");
        order.task.limits = limits_from_json(member(from, "limits"));
        const json& accepted = member(from, "accepted");
        if (!accepted.is_array()) throw ProtocolError{"accepted is no list"};
        order.task.accepted.clear();
        for (const json& entry : accepted) {
            const auto format = entry.is_string() ? parse_format(entry.get<std::string>()) : std::nullopt;
            if (!format) throw ProtocolError{"accepted names no format"};
            order.task.accepted.push_back(*format);
        }
        order.task.facts.reset();
        if (from.contains("facts")) {
            const json& facts = from["facts"];
            order.task.facts =
                FactsPolicy{choice(facts, "exif", {ExifDetail::none, ExifDetail::basic, ExifDetail::full},
                                   word_of<ExifDetail>),
                            choice(facts, "gps", {GpsPolicy::drop, GpsPolicy::report}, word_of<GpsPolicy>)};
        }
        const json& versions = member(from, "versions");
        if (!versions.is_array() || versions.empty() || versions.size() > kMaxVersions)
            throw ProtocolError{"versions is no list of 1 to " + std::to_string(kMaxVersions)};
        order.task.versions.clear();
        const Pictures pictures = pictures_of_order(member(from, "watermarks"), body);
        for (const json& version : versions)
            order.task.versions.push_back(version_from_json(version, pictures));
        if (from.contains("declared_type"))
            order.task.declared_type = text(from, "declared_type", kMaxDetail);
        return order;
    } catch (const ProtocolError& nonsense) {
        return fail(ErrorCode::internal, "the order makes no sense: " + nonsense.what);
    }
}

std::string write_hello(const Result<JailReport>& start_up) {
    if (start_up) {
        return dump(json{{"ready", true},
                         {"jail",
                          {{"files", word(start_up->opening_files)},
                           {"sockets", word(start_up->making_sockets)},
                           {"programs", word(start_up->starting_programs)},
                           {"landlock", start_up->landlock},
                           {"missing", shortened(start_up->missing)}}}});
    }
    return dump(json{{"ready", false}, {"detail", shortened(start_up.error().detail)}});
}

Result<JailReport> read_hello(std::string_view header) {
    try {
        const json from = parse(header);
        const json& ready = member(from, "ready");
        if (ready == json(true)) return jail_from_json(from);
        return fail(ErrorCode::imager_unavailable,
                    "the image worker process can't work: " + text(from, "detail", kMaxDetail));
    } catch (const ProtocolError& nonsense) {
        return fail(ErrorCode::imager_unavailable,
                    "the image worker process's first words make no sense: it " + nonsense.what);
    }
}

std::string write_answer(const Answer& answer) {
    if (!answer) {
        return dump(json{{"failed",
                          {{"code", photogate::to_string(answer.error().code)},
                           {"detail", shortened(answer.error().detail)}}}});
    }
    if (const auto* rejection = std::get_if<Rejection>(&*answer)) {
        return dump(json{
            {"rejected", {{"code", to_string(rejection->code)}, {"detail", shortened(rejection->detail)}}}});
    }
    const auto& processed = std::get<Processed>(*answer);
    json pictures = json::array();
    for (const Published& picture : processed.pictures)
        pictures.push_back({{"format", to_string(picture.format)},
                            {"width", picture.width},
                            {"height", picture.height},
                            {"alpha", picture.has_alpha},
                            {"size", picture.bytes.size()}});
    json out{{"pictures", std::move(pictures)},
             {"original_format", to_string(processed.original_format)},
             {"width", processed.width},
             {"height", processed.height},
             {"frames", processed.frames}};
    if (!processed.exif_json.empty())
        out["facts"] = {{"exif", processed.exif_json},
                        {"privacy", processed.privacy_json},
                        {"thumb_hash", processed.thumb_hash},
                        {"perceptual_hash", processed.perceptual_hash},
                        {"dominant_color", processed.dominant_color}};
    return dump(json{{"processed", std::move(out)}});
}

Bytes body_of(const Answer& answer) {
    const Processed* processed = answer ? std::get_if<Processed>(&*answer) : nullptr;
    Bytes body;
    if (processed == nullptr) return body;
    std::size_t size = 0;
    for (const Published& picture : processed->pictures)
        size += picture.bytes.size();
    body.reserve(size);
    for (const Published& picture : processed->pictures)
        body.insert(body.end(), picture.bytes.begin(), picture.bytes.end());
    return body;
}

ReadAnswer read_answer(std::string_view header, Bytes body, const Task& task) {
    try {
        return {answer_from_json(parse(header), std::move(body), task), ReadAnswer::Sense::sound};
    } catch (const ProtocolError& nonsense) {
        return {fail(ErrorCode::imager_crashed,
                     "the image worker process's answer made no sense: " + nonsense.what),
                ReadAnswer::Sense::nonsense};
    }
}

}  // namespace photogate::imaging
