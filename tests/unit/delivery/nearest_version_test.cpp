// What stands in for a version that is being made: the same picture in the nearest size, and nothing else.
#include "delivery/nearest_version.hpp"

#include <gtest/gtest.h>

namespace photogate::delivery {
namespace {

using storage::records::ReadyVersion;

imaging::VersionSpec spec(std::uint32_t edge, int quality = 82) {
    imaging::VersionSpec made;
    made.max_edge = edge;
    made.quality = quality;
    made.format = imaging::Format::webp;
    return made;
}

std::vector<ReadyVersion> ready(const std::vector<imaging::VersionSpec>& specs) {
    std::vector<ReadyVersion> all;
    for (const auto& each : specs)
        all.push_back({each.key(), {}});
    return all;
}

std::string nearest(const imaging::VersionSpec& wanted, const std::vector<imaging::VersionSpec>& specs,
                    std::optional<std::uint32_t> whole = {}) {
    const auto all = ready(specs);
    const auto* found = nearest_version(wanted, all, whole);
    return found == nullptr ? "none" : found->spec_key;
}

TEST(NearestVersion, is_the_nearest_by_proportion_and_the_larger_of_two) {
    EXPECT_EQ(nearest(spec(640), {spec(160), spec(480), spec(1'280)}), spec(480).key());
    EXPECT_EQ(nearest(spec(640), {spec(320), spec(1'280)}), spec(1'280).key());
    EXPECT_EQ(nearest(spec(640), {spec(1'280), spec(320)}), spec(1'280).key());
    EXPECT_EQ(nearest(spec(640), {spec(320, 60)}), spec(320, 60).key());
    EXPECT_EQ(nearest(spec(640), {}), "none");
}

TEST(NearestVersion, is_the_image_itself_where_that_is_nearer) {
    EXPECT_EQ(nearest(spec(1'600), {spec(320)}, 2'048), "none");
    EXPECT_EQ(nearest(spec(480), {spec(320)}, 2'048), spec(320).key());
}

TEST(NearestVersion, differs_in_size_and_quality_alone) {
    const auto wanted = spec(640);
    auto other = spec(320);
    EXPECT_EQ(edge_of_sibling(wanted, other.key()), 320U);
    other.format = imaging::Format::avif;
    EXPECT_EQ(edge_of_sibling(wanted, other.key()), std::nullopt);
    other = spec(320);
    other.crop = imaging::Aspect{4, 3};
    EXPECT_EQ(edge_of_sibling(wanted, other.key()), std::nullopt);
    other = spec(320);
    other.max_bytes = 1'000;
    EXPECT_EQ(edge_of_sibling(wanted, other.key()), std::nullopt);
    other = spec(320);
    other.gamut = imaging::Gamut::kept;
    EXPECT_EQ(edge_of_sibling(wanted, other.key()), std::nullopt);
    other = spec(320);
    other.watermark.emplace();
    other.watermark->sha256 = std::string(64, 'a');
    EXPECT_EQ(edge_of_sibling(wanted, other.key()), std::nullopt);
    auto marked = wanted;
    marked.watermark = other.watermark;
    EXPECT_EQ(edge_of_sibling(marked, other.key()), 320U);
    for (const char* key :
         {"", "2", "2.reencode.x.inside.-.webp.82.-", "2.reencode.320.inside.-.webp", "key"})
        EXPECT_EQ(edge_of_sibling(wanted, key), std::nullopt) << key;
}

}  // namespace
}  // namespace photogate::delivery
