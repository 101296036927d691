#include "pipeline/packages/item_name.hpp"

#include <gtest/gtest.h>

namespace photogate::pipeline::packages {
namespace {

using imaging::Format;

std::string named(const char* filename, Format format = Format::jpeg) {
    storage::packages::FoundUpload upload;
    upload.id = UploadId::trusted("upl_1");
    if (filename) upload.filename = filename;
    return file_name_of(upload, format);
}

TEST(ItemName, has_the_extension_of_what_is_in_the_archive) {
    EXPECT_EQ(named("IMG_1.HEIC"), "IMG_1.jpg");
    EXPECT_EQ(named("scan.tiff", Format::png), "scan.png");
    EXPECT_EQ(named("holiday.2024"), "holiday.2024.jpg");
    EXPECT_EQ(named("photo"), "photo.jpg");
    EXPECT_EQ(named(".jpg"), ".jpg.jpg");
    EXPECT_EQ(named(nullptr), "upl_1.jpg");
}

TEST(ItemName, keeps_an_extension_that_is_right_as_it_is_written) {
    EXPECT_EQ(named("A.JPG"), "A.JPG");
    EXPECT_EQ(named("A.jpeg"), "A.jpeg");
    EXPECT_EQ(named("A.tif", Format::tiff), "A.tif");
}

TEST(ItemName, takes_the_cameras_own_clock) {
    const auto noon = std::chrono::sys_days{std::chrono::year{2024} / 3 / 10} + std::chrono::hours{12};
    EXPECT_EQ(moment_of("2024-03-10T12:00:00+02:00"), noon);
    EXPECT_EQ(moment_of("2024-03-10T12:00:00"), noon);
    EXPECT_EQ(moment_of("2024-03-10"), std::nullopt);
    EXPECT_EQ(moment_of("2024-13-10T12:00:00"), std::nullopt);
    EXPECT_EQ(moment_of(std::nullopt), std::nullopt);
}

}  // namespace
}  // namespace photogate::pipeline::packages
