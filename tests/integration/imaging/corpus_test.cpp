// The corpus of PHOTOGATE_CORPUS: every photo gives its facts and comes out clean in every format, every
// hostile file gets its verdict in bounded time and memory.
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <iostream>
#include <set>
#include <sstream>

#include <nlohmann/json.hpp>

#include "imaging/containers/metadata_verifier.hpp"
#include "support.hpp"

namespace photogate::imaging::testing {
namespace {

using nlohmann::json;
namespace fs = std::filesystem;

json expected_photos() {
    return json::parse(std::ifstream(*corpus() / "photos" / "dev" / "expected.json"));
}

struct HostileFile {
    std::string name;
    std::string declared_type;
    std::string verdict;
    std::set<std::string> reasons;
    std::string post;
};

std::vector<std::string> split(const std::string& text, char at) {
    std::vector<std::string> parts;
    std::istringstream stream(text);
    for (std::string part; std::getline(stream, part, at);)
        parts.push_back(part);
    return parts;
}

std::vector<HostileFile> hostile_files() {
    std::vector<HostileFile> files;
    std::ifstream manifest(*corpus() / "hostile" / "dev" / "MANIFEST.tsv");
    for (std::string line; std::getline(manifest, line);) {
        if (line.empty() || line[0] == '#' || line.starts_with("name\t")) continue;
        const auto cells = split(line, '\t');
        HostileFile file{.name = cells.at(0),
                         .declared_type = cells.at(3),
                         .verdict = cells.at(5),
                         .reasons = {},
                         .post = cells.at(8)};
        file.reasons.insert(cells.at(6));
        for (const auto& also : split(cells.at(7), ','))
            file.reasons.insert(also);
        files.push_back(std::move(file));
    }
    return files;
}

bool holds(BytesView bytes, std::string_view token) {
    return as_text(bytes).find(token) != std::string_view::npos;
}

TEST(Corpus, reports_same_facts_as_exiftool) {
    PHOTOGATE_NEEDS_CORPUS();
    const json photos = expected_photos();
    int seen = 0;
    for (const auto& [name, expected] : photos.items()) {
        SCOPED_TRACE(name);
        Order order;
        order.recipe.version.max_edge = 512;
        if (expected["mime"].is_string()) order.declared_type = expected["mime"].get<std::string>();
        const auto outcome = run(shared_pool(), read_file(*corpus() / "photos" / "dev" / name), order);
        if (expected["expected_verdict"] != "accept") {
            EXPECT_EQ(verdict(outcome), expected["expected_reason"].get<std::string>());
            continue;
        }
        EXPECT_EQ(verdict(outcome), "published");
        if (!outcome || !std::holds_alternative<Processed>(*outcome)) continue;
        ++seen;
        const auto& processed = std::get<Processed>(*outcome);
        EXPECT_EQ(processed.width, expected["display_size"][0].get<std::uint32_t>());
        EXPECT_EQ(processed.height, expected["display_size"][1].get<std::uint32_t>());
        const json exif = json::parse(processed.exif_json);
        for (const char* field : {"make", "model"}) {
            if (expected[field].is_null()) continue;
            EXPECT_EQ(exif.value(field, ""), expected[field].get<std::string>()) << field;
        }
        if (expected["datetime_original"].is_string()) {
            std::string taken = expected["datetime_original"].get<std::string>();
            taken[4] = taken[7] = '-';
            taken[10] = 'T';
            EXPECT_EQ(exif.value("taken_at", "").substr(0, 19), taken.substr(0, 19));
        }
        if (expected["orientation"].is_number()) {
            EXPECT_EQ(exif.value("orientation", 1), expected["orientation"].get<int>());
        }
        // exiftool's facts are of Exif alone, and count a blanked position of 0, 0.
        const bool in_exif =
            expected["gps_lat"].is_number() && (expected["gps_lat"] != 0 || expected["gps_lon"] != 0);
        const bool in_xmp = exif.contains("raw") && exif["raw"].contains("xmp.exif:GPSLatitude");
        ASSERT_EQ(exif.contains("gps"), in_exif || in_xmp);
        if (in_exif) {
            EXPECT_NEAR(exif["gps"]["latitude"].get<double>(), expected["gps_lat"].get<double>(), 1e-6);
            EXPECT_NEAR(exif["gps"]["longitude"].get<double>(), expected["gps_lon"].get<double>(), 1e-6);
        }
        EXPECT_FALSE(processed.thumb_hash.empty());
        EXPECT_EQ(processed.perceptual_hash.size(), 16U);
        EXPECT_TRUE(processed.dominant_color.empty() || processed.dominant_color.size() == 7)
            << processed.dominant_color;
    }
    RecordProperty("photos", seen);
}

/// A table of bench/README.md, printed where PHOTOGATE_SIZE_TABLE is set.
TEST(Corpus, publishes_no_photo_with_more_bytes_than_it_came_with) {
    PHOTOGATE_NEEDS_CORPUS();
    const bool print = std::getenv("PHOTOGATE_SIZE_TABLE") != nullptr;
    std::set<fs::path> paths;
    for (const auto& entry : fs::directory_iterator(*corpus() / "photos" / "dev"))
        paths.insert(entry.path());
    std::size_t number = 0;
    for (const fs::path& path : paths) {
        const Bytes file = read_file(path);
        const std::string name = path.filename().string();
        SCOPED_TRACE(name);
        // The table has both edges; without it they take turns.
        ++number;
        for (const std::uint32_t edge : {2048U, 1024U}) {
            if (!print && (edge == 2048U) != (number % 2 == 0)) continue;
            Order order;
            order.recipe.version.max_edge = edge;
            const auto outcome = run(shared_pool(), file, order);
            if (!outcome || !std::holds_alternative<Processed>(*outcome)) break;
            const auto& processed = std::get<Processed>(*outcome);
            EXPECT_LE(processed.picture().bytes.size(), file.size()) << edge;
            if (print)
                std::cout << "| " << name << " | " << processed.width << " × " << processed.height << " | "
                          << file.size() << " | " << edge << " | " << to_string(processed.picture().format)
                          << " | " << processed.picture().bytes.size() << " |\n";
        }
    }
}

/// Groups and names that exiftool may show of a clean picture; all else is metadata.
bool is_technical(const std::string& tag) {
    static const std::set<std::string> groups = {"SourceFile", "ExifTool", "System",    "File",
                                                 "JFIF",       "Adobe",    "Composite", "ICC_Profile",
                                                 "ICC-header", "ICC-view", "ICC-meas",  "ICC-chrm"};
    static const std::set<std::string> names = {"ImageWidth",
                                                "ImageHeight",
                                                "BitDepth",
                                                "ColorType",
                                                "Compression",
                                                "Filter",
                                                "Interlace",
                                                "SRGBRendering",
                                                "PixelsPerUnitX",
                                                "PixelsPerUnitY",
                                                "PixelUnits",
                                                "BackgroundColor",
                                                "Gamma",
                                                "Palette",
                                                "Transparency",
                                                "VP8Version",
                                                "HorizontalScale",
                                                "VerticalScale",
                                                "WebP_Flags",
                                                "AlphaIsUsed",
                                                "AnimationLoopCount",
                                                "FrameCount",
                                                "Duration",
                                                "BackgroundColorIndex",
                                                "GIFVersion",
                                                "HasColorMap",
                                                "ColorResolutionDepth",
                                                "BitsPerPixel",
                                                "BackgroundColor",
                                                "AnimationIterations",
                                                "TransparentColor",
                                                "PixelAspectRatio",
                                                "LoopCount",
                                                "MajorBrand",
                                                "MinorVersion",
                                                "CompatibleBrands",
                                                "HandlerType",
                                                "PrimaryItemReference",
                                                "MetaImageSize",
                                                "ImageSpatialExtent",
                                                "ImagePixelDepth",
                                                "ColorProfiles",
                                                "ColorPrimaries",
                                                "TransferCharacteristics",
                                                "MatrixCoefficients",
                                                "VideoFullRangeFlag",
                                                "MediaDataSize",
                                                "MediaDataOffset",
                                                "AV1ConfigurationVersion",
                                                "ChromaFormat",
                                                "ChromaSamplePosition",
                                                "AlphaPreprocessing",
                                                "AlphaFiltering",
                                                "AlphaCompression",
                                                "AuxiliaryImageType",
                                                "ColorPrimaries",
                                                "AverageBitrate",
                                                "WhitePointX",
                                                "SignificantBits",
                                                "HighBitDepth",
                                                "InitialDelaySamples",
                                                "MediaData",
                                                "SeqLevelIdx0",
                                                "SeqProfile",
                                                "SeqTier0",
                                                "TwelveBit",
                                                "Monochrome"};
    const auto colon = tag.find(':');
    if (groups.contains(tag.substr(0, colon))) return true;
    return colon != std::string::npos && names.contains(tag.substr(colon + 1));
}

TEST(Corpus, publishes_every_photo_in_every_format_without_metadata) {
    PHOTOGATE_NEEDS_CORPUS();
    constexpr std::array kFormats{Format::jpeg, Format::webp, Format::png, Format::avif, Format::gif};
    const json photos = expected_photos();
    const Folder folder;
    for (const auto& [name, expected] : photos.items()) {
        SCOPED_TRACE(name);
        if (expected["expected_verdict"] != "accept") continue;
        Spooled photo(read_file(*corpus() / "photos" / "dev" / name));
        std::vector<VersionSpec> versions;
        for (const Format format : kFormats)
            versions.push_back({.max_edge = 320, .format = format});
        photo.task.publish({}, versions);
        const auto outcome = shared_pool().run(photo.task);
        ASSERT_EQ(verdict(outcome), "published");
        const auto& pictures = std::get<Processed>(*outcome).pictures;
        ASSERT_EQ(pictures.size(), kFormats.size());
        for (std::size_t i = 0; i < kFormats.size(); ++i) {
            EXPECT_EQ(pictures[i].format, kFormats[i]);
            EXPECT_FALSE(holds(pictures[i].bytes, "CANARYDEV"));
            EXPECT_EQ(metadata_remaining(pictures[i].bytes), std::vector<std::string>{});
            write_file(folder.path() / (name + "." + std::string(file_extension(kFormats[i]))),
                       pictures[i].bytes);
        }
    }
    const json seen = json::parse(shell("exiftool -a -u -G1 -ee -j -n '" + folder.path().string() + "'"));
    for (const json& picture : seen) {
        for (const auto& [tag, value] : picture.items()) {
            EXPECT_TRUE(is_technical(tag)) << picture["SourceFile"] << " " << tag << " " << value;
        }
    }
}

TEST(Corpus, publishes_stripped_photos_without_metadata) {
    PHOTOGATE_NEEDS_CORPUS();
    const json photos = expected_photos();
    for (const auto& [name, expected] : photos.items()) {
        SCOPED_TRACE(name);
        if (expected["expected_verdict"] != "accept") continue;
        Order order;
        order.recipe.version.mode = PublishMode::strip;
        order.recipe.version.max_edge = 20'000;
        const Processed processed = process_image(read_file(*corpus() / "photos" / "dev" / name), order);
        EXPECT_FALSE(holds(processed.picture().bytes, "CANARYDEV"));
        EXPECT_EQ(metadata_remaining(processed.picture().bytes), std::vector<std::string>{});
        EXPECT_EQ(processed.picture().width, processed.width);
        EXPECT_EQ(processed.picture().height, processed.height);
    }
}

/// CPU seconds and largest resident size of the only worker process, from /proc.
struct Usage {
    double cpu_seconds = 0;
    std::uint64_t peak_kib = 0;
};

std::optional<Usage> usage(pid_t process) {
    std::ifstream stat_file("/proc/" + std::to_string(process) + "/stat");
    std::string stat((std::istreambuf_iterator<char>(stat_file)), {});
    const auto close = stat.rfind(')');
    if (close == std::string::npos) return std::nullopt;
    const auto cells = split(stat.substr(close + 2), ' ');
    Usage found;
    found.cpu_seconds =
        (std::stod(cells.at(11)) + std::stod(cells.at(12))) / static_cast<double>(::sysconf(_SC_CLK_TCK));
    found.peak_kib = peak_kib(process);
    return found;
}

TEST(Corpus, judges_hostile_files_within_bounds) {
    PHOTOGATE_NEEDS_CORPUS();
    PoolOptions options = pool_options();
    options.max_tasks_per_process = 100'000;
    options.max_resident = 4ULL << 30;  // so that one worker process sees them all and its peak tells
    auto pool = ImagerPool::start(options);
    ASSERT_TRUE(pool) << pool.error().detail;
    const pid_t process = children("photogate-imager").back();
    int right = 0;
    for (const HostileFile& file : hostile_files()) {
        SCOPED_TRACE(file.name);
        const auto before = usage(process);
        const Bytes bytes = read_file(*corpus() / "hostile" / "dev" / file.name);
        const auto outcome = run(**pool, bytes, {.declared_type = file.declared_type});
        const std::string said = verdict(outcome);
        const auto after = usage(process);
        ASSERT_TRUE(before && after) << "the worker process is gone: " << said;
        EXPECT_LT(after->cpu_seconds - before->cpu_seconds, 10.0);
        bool fine = outcome.has_value();
        if (file.verdict == "accept") fine = said == "published";
        if (file.verdict == "reject") fine = file.reasons.contains(said);
        // All its pixels are there; only the second byte of the EOI is missing.
        if (file.name.ends_with("truncated_jpeg.jpg")) fine = said == "published";
        EXPECT_TRUE(fine) << said << " instead of " << file.verdict;
        right += fine ? 1 : 0;
        if (outcome && std::holds_alternative<Processed>(*outcome)) {
            const auto& processed = std::get<Processed>(*outcome);
            EXPECT_FALSE(holds(processed.picture().bytes, "DEVPOLYTOK"));
            EXPECT_TRUE(json::accept(processed.exif_json));
            EXPECT_TRUE(is_utf8(processed.exif_json));
        }
    }
#ifndef PHOTOGATE_SANITIZED
    EXPECT_LT(usage(process)->peak_kib, 512U * 1024);
#endif
    EXPECT_EQ((*pool)->counters().crashed, 0U);
    EXPECT_EQ((*pool)->counters().timed_out, 0U);
    RecordProperty("hostile", right);
    std::printf("hostile files with their verdict: %d; worker process's peak %llu MiB\n", right,
                static_cast<unsigned long long>(usage(process)->peak_kib / 1024));
}

}  // namespace
}  // namespace photogate::imaging::testing
