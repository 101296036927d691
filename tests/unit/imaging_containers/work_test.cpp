// Files that are cheap to send and dear to read: what reading them costs, in units and in processor time.
#include <algorithm>
#include <cctype>
#include <chrono>
#include <cstdio>
#include <limits>

#include <time.h>

#include "imaging/containers/metadata.hpp"
#include "imaging/containers/metadata_verifier.hpp"
#include "imaging/work_budget.hpp"
#include "pictures.hpp"

namespace photogate::imaging {
namespace {

using std::chrono::duration;

/// Of this thread, in seconds: other work on the machine does not count.
double processor_time() {
    timespec now{};
    ::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return static_cast<double>(now.tv_sec) + static_cast<double>(now.tv_nsec) / 1e9;
}

Bytes costly(std::string_view name) {
    return testing::read_file(std::filesystem::path(PHOTOGATE_COSTLY_PICTURES) / name);
}

std::vector<std::string> costly_pictures() {
    std::vector<std::string> names;
    for (const auto& entry : std::filesystem::directory_iterator(PHOTOGATE_COSTLY_PICTURES))
        names.push_back(entry.path().filename());
    std::sort(names.begin(), names.end());
    return names;
}

/// All that is done to a file apart from decoding and encoding it.
tl::expected<Inspection, Rejection> read_all(BytesView file, WorkBudget& budget) {
    auto found = inspect(file, Limits{}, budget);
    for (const Format format : kAllFormats) {
        Inspection as = found ? *found : Inspection{};
        as.format = format;
        (void)strip(file, as, budget);
    }
    (void)metadata_remaining(file, budget);
    if (found) (void)to_json(read_metadata(file, *found, budget), ExifDetail::full, GpsPolicy::report);
    return found;
}

class CostlyPicture : public ::testing::TestWithParam<std::string> {};

TEST_P(CostlyPicture, takes_at_most_two_seconds_for_each_megabyte) {
    const Bytes file = costly(GetParam());
    WorkBudget budget = WorkBudget::for_file(file.size());
    const double start = processor_time();
    (void)read_all(file, budget);
    const double spent = processor_time() - start;
    const double megabytes = std::max(1.0, static_cast<double>(file.size()) / 1e6);
    EXPECT_LE(spent, 2.0 * megabytes) << budget.spent() << " units of " << budget.limit();
    RecordProperty("milliseconds", static_cast<int>(spent * 1000));
    RecordProperty("units", std::to_string(budget.spent()));
    std::printf("%-26s %6.0f ms %12llu units of %llu\n", GetParam().c_str(), spent * 1000,
                static_cast<unsigned long long>(budget.spent()),
                static_cast<unsigned long long>(budget.limit()));
}

INSTANTIATE_TEST_SUITE_P(All, CostlyPicture, ::testing::ValuesIn(costly_pictures()),
                         [](const auto& instance) {
                             std::string name = instance.param;
                             std::replace_if(
                                 name.begin(), name.end(),
                                 [](unsigned char c) { return std::isalnum(c) == 0; }, '_');
                             return name;
                         });

TEST(WorkBudget, refuses_once_its_limit_is_passed) {
    WorkBudget budget(100);
    EXPECT_TRUE(budget.charge(100));
    EXPECT_FALSE(budget.exhausted());
    EXPECT_TRUE(budget.charge(0));
    EXPECT_FALSE(budget.charge(1));
    EXPECT_FALSE(budget.charge(0));
    EXPECT_TRUE(budget.exhausted());
    WorkBudget other(100);
    EXPECT_FALSE(other.charge(std::numeric_limits<std::uint64_t>::max()));
}

TEST(WorkBudget, a_sound_picture_uses_a_small_part_of_it) {
    for (const std::string& name : testing::camera_pictures()) {
        const Bytes file = testing::picture(name);
        // Without the constant, which is there for small files.
        WorkBudget budget = WorkBudget::for_file(file.size());
        const auto found = inspect(file, Limits{}, budget);
        ASSERT_TRUE(found) << name;
        (void)strip(file, *found, budget);
        (void)strip(file, *found, budget);
        (void)metadata_remaining(file, budget);
        (void)read_metadata(file, *found, budget);
        EXPECT_LE(budget.spent(), 32 * file.size()) << name;
        EXPECT_FALSE(budget.exhausted());
    }
}

TEST(WorkBudget, a_file_that_needs_more_is_corrupt_and_says_why) {
    for (const std::string name : {"pages-share-strips.tif", "strips-share-bytes.tif"}) {
        const auto found = inspect(costly(name), Limits{});
        ASSERT_FALSE(found) << name;
        EXPECT_EQ(found.error().code, RejectionCode::corrupt) << name;
        EXPECT_EQ(found.error().detail, kTooMuchWork) << name;
    }
    for (const std::string& name : testing::camera_pictures()) {
        const Bytes file = testing::picture(name);
        WorkBudget budget(kEntryWork);
        const auto found = inspect(file, Limits{}, budget);
        ASSERT_FALSE(found) << name;
        EXPECT_EQ(found.error().code, RejectionCode::corrupt) << name;
        if (name == "camera.tif") continue;
        WorkBudget none(0);
        const auto stripped = strip(file, testing::inspected(file), none);
        ASSERT_FALSE(stripped) << name;
        EXPECT_EQ(stripped.error().code, RejectionCode::corrupt) << name;
    }
}

TEST(WorkBudget, a_verifier_that_may_not_read_on_calls_the_rest_unreadable) {
    for (const std::string name : {"plain.jpg", "plain.png", "plain.webp", "plain.gif"}) {
        const Bytes file = testing::picture(name);
        WorkBudget budget(file.size() + kEntryWork);
        const auto left = metadata_remaining(file, budget);
        EXPECT_NE(std::find(left.begin(), left.end(), "unreadable"), left.end()) << name;
    }
}

TEST(WorkBudget, metadata_beyond_it_is_left_out_and_the_picture_stays) {
    const Bytes file = testing::picture("camera.jpg");
    const Inspection found = testing::inspected(file);
    WorkBudget some(400);
    const Metadata part = read_metadata(file, found, some);
    const Metadata all = read_metadata(file, found);
    EXPECT_EQ(part.make, all.make);
    EXPECT_LT(part.raw.size(), all.raw.size());
    EXPECT_TRUE(some.exhausted());
}

TEST(CostlyPictures, pixels_that_inflate_to_far_more_than_the_picture_needs_are_corrupt) {
    EXPECT_EQ(testing::refusal(costly("pixels-1-gib.png")), RejectionCode::corrupt);
}

TEST(CostlyPictures, scans_times_pixels_are_bounded) {
    EXPECT_EQ(testing::refusal(costly("scans.jpg")), RejectionCode::too_many_scans);
}

TEST(CostlyPictures, a_picture_put_together_from_too_many_pixels_is_refused) {
    EXPECT_EQ(testing::refusal(costly("grid.heic")), RejectionCode::too_many_pixels);
}

TEST(CostlyPictures, a_photo_with_tags_without_end_in_its_metadata_stays_a_photo) {
    for (const std::string name : {"xmp-open-tags.png", "xmp-less-than.png", "xmp-many-kinds.png"})
        EXPECT_EQ(testing::inspected(costly(name)).width, 8U) << name;
}

}  // namespace
}  // namespace photogate::imaging
