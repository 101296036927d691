// Pictures whose end is not marked: whole ones pass and are stripped to sound files, cut ones do not.
#include <map>

#include "imaging/containers/metadata_verifier.hpp"
#include "imaging/parts/jpeg_scans.hpp"
#include "pictures.hpp"

namespace photogate::imaging {
namespace {

using namespace std::string_view_literals;
using testing::bytes_of;
using testing::inspected;
using testing::picture;
using testing::refusal;

const std::vector<std::string>& jpegs() {
    static const std::vector<std::string> names = {"plain.jpg",
                                                   "grey.jpg",
                                                   "baseline.jpg",
                                                   "baseline-restarts.jpg",
                                                   "separate.jpg",
                                                   "progressive.jpg",
                                                   "grey-progressive.jpg",
                                                   "progressive-restarts.jpg",
                                                   "separate-restarts.jpg",
                                                   "cmyk-baseline.jpg",
                                                   "camera.jpg",
                                                   "large-baseline.jpg",
                                                   "large-separate.jpg",
                                                   "large-progressive.jpg"};
    return names;
}

Bytes joined(BytesView front, BytesView back) {
    Bytes out(front.begin(), front.end());
    out.insert(out.end(), back.begin(), back.end());
    return out;
}

Bytes box(std::string_view type, BytesView body) {
    const std::size_t size = body.size() + 8;
    Bytes out = {0, 0, static_cast<std::uint8_t>(size >> 8), static_cast<std::uint8_t>(size)};
    return joined(joined(out, as_bytes(type)), body);
}

/// Bytes of every value, markers among them.
Bytes noise(std::size_t size) {
    Bytes out(size);
    std::uint32_t state = 7;
    for (std::uint8_t& byte : out) {
        state = state * 1664525 + 1013904223;
        byte = static_cast<std::uint8_t>(state >> 24);
    }
    return out;
}

/// What cameras, phones, transfers and disks leave behind a picture.
const std::map<std::string, Bytes>& trailers() {
    static const std::map<std::string, Bytes> all = {
        {"nothing", {}},
        {"half an end", {0xFF}},
        {"zeros", Bytes(5000, 0)},
        {"line end", bytes_of("\r\n")},
        {"fill bytes", Bytes(300, 0xFF)},
        {"spaces", Bytes(64, ' ')},
        {"samsung",
         bytes_of("\0\0\x01\x0A\x0E\0\0\0Image_UTC_Data1700000000000SEFH\x6A\0\0\0\x01\0\0\0\0\0\x01\x0A"
                  "\x23\0\0\0\x23\0\0\0\x18\0\0\0SEFT"sv)},
        {"samsung with a distance that leads before its block",
         bytes_of("\0\0\x01\x0A\x0E\0\0\0Image_UTC_Data1700000000000SEFH\x6A\0\0\0\x01\0\0\0\0\0\x01\x0A"
                  "\x29\0\0\0\x29\0\0\0\x18\0\0\0SEFT"sv)},
        {"film", joined(joined(box("ftyp", as_bytes("mp42\0\0\0\0mp42isom"sv)), box("mdat", noise(20'000))),
                        box("moov", as_bytes("CANARY\xA9xyz+47.0-008.0/"sv)))},
        {"second picture", picture("camera.jpg")},
        {"noise", noise(3000)},
    };
    return all;
}

Bytes unended(std::string_view name) {
    Bytes file = picture(name);
    file.resize(static_cast<std::size_t>(inspected(file).trailer.offset));
    if (inspected(picture(name)).trailer.size == 0) file = picture(name);
    EXPECT_TRUE(as_text(file).ends_with("\xFF\xD9"));
    file.resize(file.size() - 2);
    return file;
}

TEST(MissingEnd, whole_jpeg_passes_whatever_follows_and_loses_it) {
    for (const std::string& name : jpegs()) {
        const Bytes whole = joined(unended(name), as_bytes("\xFF\xD9"sv));
        const auto wanted = strip(whole, inspected(whole));
        ASSERT_TRUE(wanted.has_value()) << name;
        for (const auto& [what, trailer] : trailers()) {
            const Bytes file = joined(unended(name), trailer);
            const Inspection found = inspected(file);
            EXPECT_EQ(found.trailer.size, trailer.size()) << name << ", " << what;
            EXPECT_EQ(found.restart_faults, 0U) << name;
            const auto published = strip(file, found);
            ASSERT_TRUE(published.has_value()) << name << ", " << what;
            EXPECT_EQ(*published, *wanted) << name << ", " << what;
            EXPECT_EQ(metadata_remaining(*published), std::vector<std::string>{}) << name << ", " << what;
            WorkBudget budget = WorkBudget::for_file(file.size());
            const auto decoded = strip_for_decoder(file, found, budget);
            ASSERT_TRUE(decoded.has_value()) << name << ", " << what;
            EXPECT_TRUE(as_text(*decoded).ends_with("\xFF\xD9"));
            EXPECT_EQ(decoded->size(), strip_for_decoder(whole, inspected(whole), budget)->size());
        }
    }
}

TEST(MissingEnd, jpeg_without_all_pixels_is_truncated_whatever_follows) {
    for (const std::string& name : jpegs()) {
        const Bytes whole = unended(name);
        const std::size_t first = as_text(whole).rfind("\xFF\xDA") + 14;
        for (const std::size_t percent : {0U, 25U, 50U, 75U}) {
            const Bytes cut(
                whole.begin(),
                whole.begin() + static_cast<std::ptrdiff_t>(first + (whole.size() - first) * percent / 100));
            for (const auto& [what, trailer] : trailers()) {
                // Whatever looks like codes fills up the little that is missing of a small picture.
                if (what == "noise" && !name.starts_with("large")) continue;
                EXPECT_EQ(refusal(joined(cut, trailer)), RejectionCode::truncated)
                    << name << " cut at " << percent << " %, " << what;
            }
        }
    }
}

TEST(MissingEnd, progressive_jpeg_without_its_last_scans_is_truncated) {
    const Bytes whole = unended("progressive.jpg");
    for (std::size_t at = as_text(whole).find("\xFF\xDA") + 2; at != std::string_view::npos + 2;
         at = as_text(whole).find("\xFF\xDA", at) + 2)
        EXPECT_EQ(refusal(BytesView(whole).first(at - 2)), RejectionCode::truncated) << at;
}

TEST(MissingEnd, scans_end_at_their_last_code) {
    for (const std::string& name : jpegs()) {
        const Bytes file = unended(name);
        WorkBudget budget = WorkBudget::for_file(file.size());
        const JpegScans scans = read_jpeg_scans(joined(file, as_bytes("\xFF\xD9"sv)), budget);
        EXPECT_TRUE(scans.complete) << name;
        EXPECT_EQ(scans.end(), file.size()) << name;
    }
}

TEST(MissingEnd, strip_removes_bytes_behind_the_last_code_of_each_scan) {
    for (const std::string& name : jpegs()) {
        const Bytes whole = picture(name);
        const auto wanted = strip(whole, inspected(whole));
        WorkBudget budget = WorkBudget::for_file(whole.size());
        Bytes file = whole;
        const JpegScans scans = read_jpeg_scans(whole, budget);
        for (auto scan = scans.data.rbegin(); scan != scans.data.rend(); ++scan) {
            const auto end = static_cast<std::ptrdiff_t>(scan->offset + scan->size);
            const std::string_view hidden = "CANARY at 47.1, 8.5";
            file.insert(file.begin() + end, hidden.begin(), hidden.end());
        }
        const auto published = strip(file, inspected(file));
        ASSERT_TRUE(published.has_value()) << name;
        EXPECT_EQ(*published, *wanted) << name;
    }
}

TEST(MissingEnd, gif_that_ends_between_blocks_passes) {
    for (const char* name : {"plain.gif", "camera.gif"}) {
        Bytes file = picture(name);
        file.resize(static_cast<std::size_t>(as_text(file).rfind("\0;", std::string_view::npos, 2)) + 1);
        const Inspection found = inspected(file);
        const auto wanted = strip(picture(name), inspected(picture(name)));
        for (const char* trailer : {"", "\r\n", " ", "\xFF\xFF"}) {
            const Bytes padded = joined(file, as_bytes(std::string_view(trailer)));
            const auto published = strip(padded, inspected(padded));
            ASSERT_TRUE(published.has_value()) << name;
            EXPECT_EQ(*published, *wanted) << name;
        }
        EXPECT_EQ(found.frames, inspected(picture(name)).frames);
    }
}

TEST(MissingEnd, gif_that_ends_behind_a_control_has_lost_a_frame) {
    Bytes file = picture("plain.gif");
    file.pop_back();
    EXPECT_EQ(refusal(joined(file, as_bytes("\x21\xF9\x04\x04\x0A\0\0\0"sv))), RejectionCode::truncated);
    const Bytes comment = joined(file, as_bytes("\x21\xFE\1x\0"sv));
    EXPECT_TRUE(inspect(comment, Limits{}).has_value());
}

TEST(MissingEnd, png_without_its_last_chunk_passes_once_pixels_are_complete) {
    for (const char* name : {"plain.png", "animated.png", "camera.png"}) {
        const Bytes file = picture(name);
        const std::size_t last = as_text(file).rfind("IEND") - 4;
        const auto wanted = strip(file, inspected(file));
        for (const std::size_t size : {last, last + 1, last + 8, last + 11}) {
            for (const char* trailer : {"", "\r\n", "\xFF\xD8\xFF\xE0 and another picture"}) {
                const Bytes cut = joined(BytesView(file).first(size), as_bytes(std::string_view(trailer)));
                if (size != last && *trailer != 0) continue;
                const auto published = strip(cut, inspected(cut));
                ASSERT_TRUE(published.has_value()) << name << " cut to " << size;
                EXPECT_EQ(*published, *wanted) << name << " cut to " << size;
            }
        }
        const Bytes zeros = joined(BytesView(file).first(last), Bytes(512, 0));
        EXPECT_TRUE(inspect(zeros, Limits{}).has_value()) << name;
    }
}

/// The picture's data in two chunks, of which the second is lost.
TEST(MissingEnd, png_that_lost_a_data_chunk_is_truncated) {
    const Bytes file = picture("two-data-chunks.png");
    ASSERT_TRUE(inspect(file, Limits{}).has_value());
    const std::size_t second = as_text(file).rfind("IDAT") - 4;
    EXPECT_EQ(refusal(BytesView(file).first(second)), RejectionCode::truncated);
    const Bytes animated = picture("animated.png");
    const std::size_t control = as_text(animated).rfind("fcTL") - 4;
    EXPECT_EQ(refusal(BytesView(animated).first(control)), RejectionCode::truncated) << "a frame is missing";
    const std::size_t data = as_text(animated).rfind("fdAT") - 4;
    EXPECT_EQ(refusal(BytesView(animated).first(data)), RejectionCode::truncated) << "its pixels are missing";
}

Bytes with_restart(std::string_view name, std::size_t number, std::string_view replacement) {
    Bytes file = picture(name);
    std::size_t at = as_text(file).find("\xFF\xDA");
    for (std::size_t seen = 0;; ++at) {
        at = as_text(file).find('\xFF', at);
        if (file[at + 1] < 0xD0 || file[at + 1] > 0xD7 || seen++ != number) continue;
        file.erase(file.begin() + static_cast<std::ptrdiff_t>(at),
                   file.begin() + static_cast<std::ptrdiff_t>(at) + 2);
        file.insert(file.begin() + static_cast<std::ptrdiff_t>(at), replacement.begin(), replacement.end());
        return file;
    }
}

TEST(RestartMarkers, one_that_is_wrong_or_missing_is_counted) {
    for (const char* name : {"baseline-restarts.jpg", "progressive-restarts.jpg", "separate-restarts.jpg"}) {
        const Inspection sound = inspected(picture(name));
        EXPECT_EQ(sound.restart_faults, 0U) << name;
        EXPECT_GT(sound.restart_intervals, 2U) << name;
        EXPECT_EQ(inspected(with_restart(name, 1, "")).restart_faults, 1U) << name << ", missing";
        EXPECT_EQ(inspected(with_restart(name, 1, "\xFF\xD0")).restart_faults, 1U)
            << name << ", the one before";
        EXPECT_EQ(inspected(with_restart(name, 1, "\xFF\xD6")).restart_faults, 1U) << name << ", another";
        EXPECT_GE(inspected(with_restart(name, 1, "\xFF\xD1\xFF\xD1")).restart_faults, 1U)
            << name << ", twice";
        EXPECT_EQ(inspected(with_restart(name, 1, "\xFF\xFF\xD1")).restart_faults, 0U)
            << name << ", a fill byte";
    }
}

TEST(RestartMarkers, one_more_at_the_end_is_no_fault) {
    const Bytes file = joined(unended("baseline-restarts.jpg"), as_bytes("\xFF\xD2\xFF\xD9"sv));
    EXPECT_EQ(inspected(file).restart_faults, 0U);
    EXPECT_EQ(inspected(picture("baseline.jpg")).restart_intervals, 0U);
}

}  // namespace
}  // namespace photogate::imaging
