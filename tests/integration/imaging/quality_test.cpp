// How good the pictures are, not only that they decode: versions against the same filter in floating point, applied to the
// whole picture at once, by SSIMULACRA (libjxl-devtools; 0 is the same, and less is better).
#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstdlib>
#include <numbers>
#include <vector>

#include "support.hpp"

namespace photogate::imaging::testing {
namespace {

/// Nobody sees a difference. Both were measured: the filter alone is at 0.0001, made of a larger version at 0.001.
constexpr double kFiltered = 0.0005;
constexpr double kFilteredTwice = 0.002;
/// What shrinking by libjpeg costs, at most, about what encoding costs: of this picture's hard lines 0.025 at a quarter of
/// the size with a factor of 1.5 left to the filter, 0.019 at an eighth with a factor of two. Of photographs 0.001 to 0.004.
constexpr double kShrunkOnLoad = 0.028;
/// At the default quality: 0.022 to 0.030.
constexpr double kEncoded = 0.036;

double at_random(std::uint32_t x, std::uint32_t y, std::uint32_t seed) {
    std::uint32_t h = x * 374'761'393U + y * 668'265'263U + seed * 2'246'822'519U;
    h = (h ^ (h >> 13)) * 1'274'126'177U;
    return static_cast<double>((h ^ (h >> 16)) & 0xFFFFU) / 65'535.0;
}

/// Between 0 and 1: noise of a lattice whose cells have that size.
double cells(double x, double y, double size, std::uint32_t seed) {
    const double u = x / size, v = y / size;
    const auto left = static_cast<std::uint32_t>(u), top = static_cast<std::uint32_t>(v);
    const auto ease = [](double t) { return t * t * (3 - 2 * t); };
    const double a = ease(u - left), b = ease(v - top);
    const double upper = std::lerp(at_random(left, top, seed), at_random(left + 1, top, seed), a);
    const double lower = std::lerp(at_random(left, top + 1, seed), at_random(left + 1, top + 1, seed), a);
    return std::lerp(upper, lower, b);
}

/// With the spectrum of a photograph, hard edges of any direction, and fine lines.
Pixels landscape(int width, int height) {
    Pixels made{width, height, 3, {}};
    for (int y = 0; y < height; ++y) {
        for (int x = 0; x < width; ++x) {
            double light = 0;
            for (int octave = 0; octave < 8; ++octave)
                light += (cells(x, y, 256 >> octave, static_cast<std::uint32_t>(octave)) - 0.5) *
                         (110 >> (octave / 2 + octave % 2));
            if (std::hypot(x - width / 3, y - height / 2) < height / 5.0) light += 60;
            if (x > width * 2 / 3 && (x + y) % 23 < 2) light -= 80;
            const double warm = (cells(x, y, 200, 90) - 0.5) * 80;
            for (const double tint : {warm, 0.0, -warm})
                made.bytes.push_back(static_cast<std::uint8_t>(std::clamp(128 + light + tint, 0.0, 255.0)));
        }
    }
    return made;
}

void write_ppm(const std::string& path, const Pixels& pixels) {
    const std::string head =
        "P6 " + std::to_string(pixels.width) + " " + std::to_string(pixels.height) + " 255\n";
    Bytes file(head.begin(), head.end());
    file.insert(file.end(), pixels.bytes.begin(), pixels.bytes.end());
    write_file(path, file);
}

double lanczos(double x) {
    if (x == 0) return 1;
    if (std::abs(x) >= 3) return 0;
    const double angle = std::numbers::pi * x;
    return 3 * std::sin(angle) * std::sin(angle / 3) / (angle * angle);
}

struct Share {
    std::size_t at;
    double weight;
};

std::vector<std::vector<Share>> shares(int from, int to) {
    const double scale = std::max(1.0, static_cast<double>(from) / to);
    std::vector<std::vector<Share>> all;
    for (int i = 0; i < to; ++i) {
        const double centre = (i + 0.5) * from / to - 0.5;
        std::vector<Share> own;
        double sum = 0;
        for (int at = static_cast<int>(std::floor(centre - 3 * scale)); at <= centre + 3 * scale; ++at) {
            own.push_back(
                {static_cast<std::size_t>(std::clamp(at, 0, from - 1)), lanczos((at - centre) / scale)});
            sum += own.back().weight;
        }
        for (Share& share : own)
            share.weight /= sum;
        all.push_back(std::move(own));
    }
    return all;
}

/// The reference.
Pixels resized(const Pixels& whole, int width, int height) {
    const auto down = shares(whole.height, height), across = shares(whole.width, width);
    const auto line = static_cast<std::size_t>(whole.width * 3);
    Pixels made{width, height, 3, {}};
    std::vector<float> row(line);
    for (const auto& rows : down) {
        std::fill(row.begin(), row.end(), 0.0F);
        for (const Share& share : rows) {
            const std::uint8_t* from = whole.bytes.data() + share.at * line;
            const auto weight = static_cast<float>(share.weight);
            for (std::size_t x = 0; x < line; ++x)
                row[x] += weight * static_cast<float>(from[x]);
        }
        for (const auto& columns : across) {
            for (std::size_t band = 0; band < 3; ++band) {
                double sum = 0;
                for (const Share& share : columns)
                    sum += share.weight * static_cast<double>(row[share.at * 3 + band]);
                made.bytes.push_back(static_cast<std::uint8_t>(std::clamp(std::lround(sum), 0L, 255L)));
            }
        }
    }
    return made;
}

class Quality : public ::testing::Test {
  protected:
    double distance(const Pixels& wanted, const Published& picture) {
        write_ppm(folder.file("wanted.ppm"), wanted);
        write_file(folder.file("made"), picture.bytes);
        vips("copy " + folder.file("wanted.ppm") + " " + folder.file("wanted.png"));
        vips("copy " + folder.file("made") + " " + folder.file("made.png"));
        return std::strtod(
            shell("ssimulacra_main " + folder.file("wanted.png") + " " + folder.file("made.png")).c_str(),
            nullptr);
    }
    double distance_of(const Pixels& source, const Published& picture) {
        return distance(resized(source, static_cast<int>(picture.width), static_cast<int>(picture.height)),
                        picture);
    }
    Bytes as(const Pixels& source, const std::string& name) {
        write_ppm(folder.file("source.ppm"), source);
        vips("copy " + folder.file("source.ppm") + " '" + folder.file("source." + name) + "'");
        return read_file(folder.file("source." + name.substr(0, name.find('['))));
    }
    static std::vector<Published> made(BytesView file, std::vector<VersionSpec> versions) {
        auto spooled = MemoryFile::create("test");
        EXPECT_TRUE(spooled && spooled->append(file));
        Task task;
        task.file = spooled->descriptor();
        task.size = spooled->size();
        task.publish({}, std::move(versions));
        auto outcome = shared_pool().run(task);
        if (outcome && std::holds_alternative<Processed>(*outcome))
            return std::get<Processed>(std::move(*outcome)).pictures;
        ADD_FAILURE() << verdict(outcome);
        return std::vector<Published>(task.versions.size());
    }
    static VersionSpec of(std::uint32_t edge, Format format) {
        VersionSpec spec;
        spec.max_edge = edge;
        spec.format = format;
        spec.growth = Growth::accept;
        return spec;
    }
    Folder folder;
};

TEST_F(Quality, of_a_resize_is_that_of_the_filter_in_floating_point) {
    const Pixels source = landscape(1600, 1067);
    const Bytes png = as(source, "png[compression=1]");
    for (const std::uint32_t edge : {1599U, 1100U, 640U, 320U, 90U}) {
        const Published picture = made(png, {of(edge, Format::png)}).front();
        const double d = distance_of(source, picture);
        EXPECT_LE(d, kFiltered) << edge;
    }
}

TEST_F(Quality, of_small_versions_does_not_suffer_from_being_made_of_larger_ones) {
    const Pixels source = landscape(1600, 1067);
    const std::vector<std::uint32_t> edges = {1280, 960, 640, 320, 160};
    std::vector<VersionSpec> versions;
    for (const std::uint32_t edge : edges)
        versions.push_back(of(edge, Format::png));
    const auto pictures = made(as(source, "png[compression=1]"), versions);
    for (std::size_t i = 0; i < edges.size(); ++i) {
        const double d = distance_of(source, pictures[i]);
        EXPECT_LE(d, kFilteredTwice) << edges[i];
    }
}

/// What the default quality costs in each format.
TEST_F(Quality, of_each_format_is_what_its_settings_promise) {
    const Pixels source = landscape(1600, 1067);
    const Bytes png = as(source, "png[compression=1]");
    for (const Format format : {Format::jpeg, Format::webp, Format::avif}) {
        for (const std::uint32_t edge : {1280U, 640U, 320U}) {
            const Published picture = made(png, {of(edge, format)}).front();
            const double d = distance_of(source, picture);
            EXPECT_LE(d, kEncoded) << to_string(format) << " " << edge;
        }
    }
}

/// Twice the difference of each pixel from its neighbours, on average: what sharpening raises.
double contrast(const Pixels& pixels) {
    const auto line = static_cast<std::size_t>(pixels.width * pixels.bands);
    const auto next = static_cast<std::size_t>(pixels.bands);
    double sum = 0;
    for (std::size_t i = 0; i + line < pixels.bytes.size(); ++i)
        sum += std::abs(int{pixels.bytes[i]} - int{pixels.bytes[i + line]}) +
               std::abs(int{pixels.bytes[i]} - int{pixels.bytes[i + next]});
    return sum / static_cast<double>(pixels.bytes.size());
}

/// Why it is off unless a profile asks for it: the picture is less like the one that it is made of, and has more bytes.
TEST_F(Quality, of_a_sharpened_version_is_more_contrast_and_less_likeness_for_more_bytes) {
    const Pixels source = landscape(1600, 1067);
    const Bytes png = as(source, "png[compression=1]");
    const auto both = [&](Format format, std::uint32_t edge) {
        VersionSpec mild = of(edge, format);
        mild.sharpening = Sharpening::mild;
        return made(png, {of(edge, format), mild});
    };
    for (const std::uint32_t edge : {320U, 160U}) {
        SCOPED_TRACE(edge);
        const auto exact = both(Format::png, edge);
        const double plain = contrast(pixels_of(exact[0])), sharp = contrast(pixels_of(exact[1]));
        EXPECT_GE(sharp, 1.01 * plain);
        EXPECT_LE(sharp, 1.5 * plain) << "mild";
        EXPECT_GE(distance_of(source, exact[1]), 4 * distance_of(source, exact[0]));
        for (const Format format : {Format::jpeg, Format::webp}) {
            const auto pictures = both(format, edge);
            EXPECT_GE(pictures[1].bytes.size(), pictures[0].bytes.size()) << to_string(format);
        }
    }
}

TEST_F(Quality, is_touched_by_sharpening_only_where_the_reduction_is_strong_and_the_result_small) {
    const auto same = [&](const Bytes& file, std::uint32_t edge) {
        VersionSpec mild = of(edge, Format::png);
        mild.sharpening = Sharpening::mild;
        const auto pictures = made(file, {of(edge, Format::png), mild});
        return pictures[0].bytes == pictures[1].bytes;
    };
    const Bytes large = as(landscape(1600, 1067), "png[compression=1]");
    EXPECT_FALSE(same(large, 320));
    EXPECT_TRUE(same(large, 321));
    EXPECT_TRUE(same(large, 640));
    const Bytes small = as(landscape(600, 400), "png[compression=1]");
    EXPECT_FALSE(same(small, 300));
    EXPECT_TRUE(same(small, 301)) << "less than by half";
}

/// Where libjpeg shrinks first, by its own filter, and ours does the rest.
TEST_F(Quality, of_a_jpeg_that_is_shrunk_while_it_is_decoded_is_nearly_that_of_the_filter) {
    const Bytes jpeg = as(landscape(1600, 1067), "jpg[Q=97]");
    const Pixels decoded = pixels_of_file(folder.file("source.jpg"));
    for (const std::uint32_t edge : {530U, 500U, 390U, 260U, 200U, 100U}) {
        const Published picture = made(jpeg, {of(edge, Format::png)}).front();
        const double d = distance_of(decoded, picture);
        EXPECT_LE(d, kShrunkOnLoad) << edge;
    }
}

/// Photographs as phones and cameras write them.
TEST_F(Quality, of_photographs_is_what_the_settings_promise) {
    PHOTOGATE_NEEDS_CORPUS();
    for (const char* name : {"is-jolla.jpg", "dn-Nikon_D40.jpg"}) {
        const auto path = *corpus() / "photos" / "dev" / name;
        vips("autorot '" + path.string() + "' '" + folder.file("upright.png") + "[compression=1]'");
        const Pixels source = pixels_of_file(folder.file("upright.png"));
        const auto pictures = made(read_file(path), {of(640, Format::png), of(640, Format::jpeg),
                                                     of(640, Format::webp), of(640, Format::avif)});
        for (const Published& picture : pictures) {
            const double d = distance_of(source, picture);
            EXPECT_LE(d, picture.format == Format::png ? kShrunkOnLoad : kShrunkOnLoad + kEncoded)
                << name << " " << to_string(picture.format);
        }
    }
}

}  // namespace
}  // namespace photogate::imaging::testing
