// Real photos with the facts that another program found in them, and hostile files with their verdicts. Both
// stay where they are: these tests run where PHOTOGATE_CORPUS names their folder.
#include <array>
#include <cstdlib>
#include <map>
#include <set>
#include <sstream>

#include <nlohmann/json.hpp>
#include <unistd.h>

#include "imaging/containers/metadata.hpp"
#include "imaging/containers/metadata_verifier.hpp"
#include "imaging/containers/sniff.hpp"
#include "pictures.hpp"

namespace photogate::imaging {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::json;
using testing::contains;
using testing::read_file;

class Corpus : public ::testing::Test {
  protected:
    void SetUp() override {
        const char* folder = std::getenv("PHOTOGATE_CORPUS");
        if (folder == nullptr) GTEST_SKIP() << "PHOTOGATE_CORPUS is not set";
        folder_ = folder;
        const Bytes text = read_file(photos() / "expected.json");
        expected_ = Json::parse(as_text(text));
    }
    fs::path photos() const { return folder_ / "photos" / "dev"; }
    fs::path hostile() const { return folder_ / "hostile" / "dev"; }

    /// Facts by file name; lives as long as the test.
    const Json& expected() const { return expected_; }

  private:
    fs::path folder_;
    Json expected_;
};

/// What a command prints; nullopt where it is not installed or fails.
std::optional<std::string> output_of(const std::string& command) {
    FILE* pipe = ::popen((command + " 2>/dev/null").c_str(), "r");
    if (pipe == nullptr) return std::nullopt;
    std::string out;
    std::array<char, 65536> buffer;
    for (std::size_t n = 0; (n = std::fread(buffer.data(), 1, buffer.size(), pipe)) > 0;)
        out.append(buffer.data(), n);
    if (::pclose(pipe) != 0) return std::nullopt;
    return out;
}

/// A folder that is gone with its test.
class Scratch {
  public:
    Scratch() : path_(fs::temp_directory_path() / ("photogate-containers-" + std::to_string(::getpid()))) {
        fs::create_directories(path_);
    }
    ~Scratch() { fs::remove_all(path_); }
    Scratch(const Scratch&) = delete;
    Scratch& operator=(const Scratch&) = delete;
    const fs::path& path() const { return path_; }
    fs::path write(const std::string& name, BytesView bytes) const {
        std::ofstream(path_ / name, std::ios::binary)
            .write(reinterpret_cast<const char*>(bytes.data()), static_cast<std::streamsize>(bytes.size()));
        return path_ / name;
    }

  private:
    fs::path path_;
};

std::string text_of(const Json& value) {
    return value.is_string() ? value.get<std::string>() : value.dump();
}

TEST_F(Corpus, reports_same_size_as_exiftool) {
    for (const auto& [name, facts] : expected().items()) {
        const Bytes file = read_file(photos() / name);
        ASSERT_TRUE(admit(file, {.declared_type = facts["mime"].get<std::string>(), .accepted = kAllFormats})
                        .has_value())
            << name;
        const Inspection found = testing::inspected(file);
        EXPECT_EQ(found.width, facts["width"]) << name;
        EXPECT_EQ(found.height, facts["height"]) << name;
        EXPECT_EQ(found.upright_width(), facts["display_size"][0]) << name;
        EXPECT_EQ(found.upright_height(), facts["display_size"][1]) << name;
        EXPECT_EQ(found.has_icc, facts["has_icc"].get<bool>()) << name;
        EXPECT_EQ(found.has_mpf, facts["has_mpf"].get<bool>()) << name;
        if (facts["jpeg_trailer_bytes"].is_number()) {
            EXPECT_EQ(found.trailer.size, facts["jpeg_trailer_bytes"]) << name;
        }
        if (found.format == Format::heic || found.format == Format::avif) {
            EXPECT_EQ(found.orientation, 1) << name;
        } else if (facts["orientation"].is_number()) {
            EXPECT_EQ(found.orientation, facts["orientation"]) << name;
        }
    }
}

TEST_F(Corpus, reports_same_metadata_as_exiftool) {
    for (const auto& [name, facts] : expected().items()) {
        const Bytes file = read_file(photos() / name);
        const Metadata found = read_metadata(file, testing::inspected(file));
        const auto same = [&](const std::optional<std::string>& ours, const char* fact) {
            if (facts[fact].is_null()) {
                EXPECT_EQ(ours, std::nullopt) << name << ' ' << fact;
            } else {
                EXPECT_EQ(ours, text_of(facts[fact])) << name << ' ' << fact;
            }
        };
        same(found.make, "make");
        same(found.model, "model");
        if (facts["datetime_original"].is_string()) {
            std::string date = facts["datetime_original"].get<std::string>();
            date[4] = date[7] = '-';
            date[10] = 'T';
            ASSERT_TRUE(found.taken_at) << name;
            EXPECT_EQ(found.taken_at->substr(0, 19), date) << name;
        } else {
            EXPECT_EQ(found.taken_at, std::nullopt) << name;
        }
        if (facts["orientation"].is_number()) {
            EXPECT_EQ(found.orientation, facts["orientation"].get<int>()) << name;
        } else {
            EXPECT_EQ(found.orientation, std::nullopt) << name;
        }
        EXPECT_EQ(found.has_gps, facts["has_gps_ifd"].get<bool>()) << name;
        // exiftool's facts are of Exif alone, and count a blanked position of 0, 0.
        const bool has_position =
            facts["gps_lat"].is_number() && (facts["gps_lat"] != 0 || facts["gps_lon"] != 0);
        ASSERT_EQ(found.gps.has_value(), has_position || found.xmp_tells_place) << name;
        if (has_position) {
            EXPECT_NEAR(found.gps->latitude, facts["gps_lat"].get<double>(), 1e-6) << name;
            EXPECT_NEAR(found.gps->longitude, facts["gps_lon"].get<double>(), 1e-6) << name;
        }
        EXPECT_TRUE(Json::accept(to_json(found, ExifDetail::full, GpsPolicy::report))) << name;
    }
}

TEST_F(Corpus, removes_every_canary_that_was_there_before) {
    int canaries = 0;
    for (const auto& entry : fs::directory_iterator(photos())) {
        const std::string name = entry.path().filename();
        if (!name.starts_with("canary")) continue;
        ++canaries;
        const Bytes file = read_file(entry.path());
        ASSERT_TRUE(contains(file, "CANARYDEV")) << name;
        EXPECT_NE(metadata_remaining(file), std::vector<std::string>{}) << name;
        const Inspection found = testing::inspected(file);
        if (found.format == Format::tiff) continue;
        const auto out = strip(file, found);
        ASSERT_TRUE(out.has_value()) << name;
        EXPECT_FALSE(contains(*out, "CANARYDEV")) << name;
        EXPECT_EQ(metadata_remaining(*out), std::vector<std::string>{}) << name;
    }
    EXPECT_EQ(canaries, 6);
}

TEST_F(Corpus, keeps_pictures_without_metadata_when_stripping) {
    for (const auto& [name, facts] : expected().items()) {
        const Bytes file = read_file(photos() / name);
        const Inspection before = testing::inspected(file);
        if (before.format == Format::tiff) continue;
        const auto out = strip(file, before);
        ASSERT_TRUE(out.has_value()) << name;
        const Inspection after = testing::inspected(*out);
        EXPECT_EQ(after.width, before.width) << name;
        EXPECT_EQ(after.height, before.height) << name;
        EXPECT_EQ(after.frames, before.frames) << name;
        if (before.has_hidden_pictures) {
            EXPECT_FALSE(can_strip(before)) << name;
        } else {
            EXPECT_EQ(metadata_remaining(*out), std::vector<std::string>{}) << name;
        }
        if (before.format == Format::jpeg) {
            EXPECT_EQ(after.orientation, before.orientation) << name;
        }
    }
}

TEST_F(Corpus, leaves_only_rendering_tags_for_exiftool_after_strip) {
    ASSERT_TRUE(output_of("exiftool -ver"))
        << "exiftool is not installed (scripts/install-dependencies tests)";
    static const std::set<std::string> kAllowed = {"SourceFile", "ExifTool",  "System",   "File", "JFIF",
                                                   "Adobe",      "PNG",       "PNG-pHYs", "RIFF", "GIF",
                                                   "Composite",  "QuickTime", "Meta",     "MDAT"};
    const Scratch scratch;
    for (const auto& [name, facts] : expected().items()) {
        const Bytes file = read_file(photos() / name);
        const Inspection found = testing::inspected(file);
        if (found.format == Format::tiff || found.has_hidden_pictures) continue;
        const auto out = strip(file, found);
        ASSERT_TRUE(out.has_value()) << name;
        scratch.write(name, *out);
    }
    const auto text = output_of("exiftool -a -u -G1 -ee -json '" + scratch.path().string() + "'");
    ASSERT_TRUE(text);
    const Json photos = Json::parse(*text);
    EXPECT_GT(photos.size(), 40U);
    for (const Json& photo : photos) {
        for (const auto& [tag, value] : photo.items()) {
            const std::string group = tag.substr(0, tag.find(':'));
            const bool orientation = tag == "IFD0:Orientation" || tag == "File:ExifByteOrder";
            const bool profile = group.starts_with("ICC");
            EXPECT_TRUE(orientation || profile || kAllowed.contains(group))
                << photo["SourceFile"] << ": " << tag << " = " << value;
            EXPECT_EQ(tag.find("Comment"), std::string::npos) << photo["SourceFile"] << ": " << tag;
        }
    }
}

TEST_F(Corpus, keeps_pixels_of_stripped_jpegs) {
    ASSERT_TRUE(output_of("command -v djpeg"))
        << "djpeg is not installed (scripts/install-dependencies tests)";
    const Scratch scratch;
    int compared = 0;
    for (const auto& [name, facts] : expected().items()) {
        if (facts["mime"] != "image/jpeg") continue;
        const fs::path original = photos() / name;
        const Bytes file = read_file(original);
        const auto out = strip(file, testing::inspected(file));
        ASSERT_TRUE(out.has_value()) << name;
        const fs::path written = scratch.write(name, *out);
        const auto before = output_of("djpeg -pnm '" + original.string() + "' | md5sum");
        const auto after = output_of("djpeg -pnm '" + written.string() + "' | md5sum");
        ASSERT_TRUE(before && after) << name;
        EXPECT_EQ(*before, *after) << name;
        ++compared;
        fs::remove(written);
    }
    EXPECT_GT(compared, 30);
}

struct Verdict {
    std::string name, declared, verdict, post;
    std::set<std::string> codes;
};

std::vector<std::string> columns(const std::string& line, char separator) {
    std::vector<std::string> out;
    std::istringstream in(line);
    for (std::string cell; std::getline(in, cell, separator);)
        out.push_back(cell);
    return out;
}

std::vector<Verdict> verdicts(const fs::path& manifest) {
    std::ifstream in(manifest);
    std::vector<Verdict> out;
    for (std::string line; std::getline(in, line);) {
        const std::vector<std::string> cells = columns(line, '\t');
        if (line.starts_with('#') || cells.size() < 9 || cells[0] == "name") continue;
        Verdict verdict{cells[0], cells[3], cells[5], cells[8], {cells[6]}};
        for (const std::string& code : columns(cells[7], ','))
            verdict.codes.insert(code);
        out.push_back(verdict);
    }
    return out;
}

std::string word(RejectionCode code) {
    switch (code) {
        case RejectionCode::empty:
            return "empty";
        case RejectionCode::too_large:
            return "too_large";
        case RejectionCode::not_an_image:
            return "not_an_image";
        case RejectionCode::unsupported_format:
            return "unsupported_format";
        case RejectionCode::mime_mismatch:
            return "mime_mismatch";
        case RejectionCode::too_many_pixels:
            return "too_many_pixels";
        case RejectionCode::too_many_frames:
            return "too_many_frames";
        case RejectionCode::too_many_scans:
            return "too_many_scans";
        case RejectionCode::metadata_too_large:
            return "metadata_too_large";
        case RejectionCode::corrupt:
            return "corrupt";
        case RejectionCode::truncated:
            return "truncated";
        case RejectionCode::timeout:
            return "timeout";
        case RejectionCode::decoder_crashed:
            return "decoder_crashed";
    }
    return "";
}

tl::expected<Inspection, Rejection> judged(BytesView file, const std::string& declared) {
    const auto admitted = admit(file, {.declared_type = declared, .accepted = kAllFormats});
    if (!admitted) return tl::unexpected<Rejection>(admitted.error());
    return inspect(file, {.max_pixels = 50'000'000});  // as the manifest has it
}

TEST_F(Corpus, judges_hostile_files_without_decoding) {
    // Broken inside the compressed pixels, where only a decoder looks.
    static const std::set<std::string> kDecoders = {"png-bad-zlib.png", "png-short-idat.png"};
    // All its pixels are there; the second byte of the EOI is missing.
    static const std::set<std::string> kWhole = {"pub-pillow-9a83b1-truncated_jpeg.jpg"};
    const std::vector<Verdict> all = verdicts(hostile() / "MANIFEST.tsv");
    EXPECT_EQ(all.size(), 254U);
    for (const Verdict& verdict : all) {
        const auto found = judged(read_file(hostile() / verdict.name), verdict.declared);
        const std::string code = found ? "" : word(found.error().code);
        if (verdict.verdict == "accept" || kWhole.contains(verdict.name)) {
            EXPECT_TRUE(found.has_value()) << verdict.name << ": " << found.error().detail;
        }
        if (verdict.verdict == "reject" && !kDecoders.contains(verdict.name) &&
            !kWhole.contains(verdict.name)) {
            EXPECT_FALSE(found.has_value()) << verdict.name;
            if (!found) {
                EXPECT_TRUE(verdict.codes.contains(code)) << verdict.name << ": " << code;
            }
        }
        if (!found) {
            EXPECT_FALSE(found.error().detail.empty()) << verdict.name;
        }
    }
}

TEST_F(Corpus, reads_and_strips_accepted_hostile_files_within_bounds) {
    for (const Verdict& verdict : verdicts(hostile() / "MANIFEST.tsv")) {
        const Bytes file = read_file(hostile() / verdict.name);
        const auto found = judged(file, verdict.declared);
        if (!found) continue;
        const std::string exif = to_json(read_metadata(file, *found), ExifDetail::full, GpsPolicy::report);
        EXPECT_TRUE(is_utf8(exif) && Json::accept(exif)) << verdict.name;
        if (verdict.post.starts_with("orientation=")) {
            EXPECT_EQ(found->orientation, verdict.post.back() - '0') << verdict.name;
        }
        if (verdict.post == "orientation treated as 1") {
            EXPECT_EQ(found->orientation, 1) << verdict.name;
        }
        const auto out = strip(file, *found);
        if (!out) continue;
        if (verdict.post.starts_with("token must not survive")) {
            EXPECT_FALSE(contains(*out, "DEVPOLYTOK")) << verdict.name;
        }
        if (verdict.post.starts_with("icc dropped")) {
            EXPECT_FALSE(testing::inspected(*out).has_icc) << verdict.name;
        }
        if (verdict.verdict == "accept" && !found->has_hidden_pictures) {
            EXPECT_EQ(metadata_remaining(*out), std::vector<std::string>{}) << verdict.name;
        }
    }
}

}  // namespace
}  // namespace photogate::imaging
