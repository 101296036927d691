#include <gtest/gtest.h>

#include "imaging/imager_wire.hpp"

namespace photogate::imaging {
namespace {

Task full_task() {
    Task task;
    task.size = 4711;
    task.declared_type = "image/jpeg";
    task.accepted = {Format::jpeg, Format::heic};
    task.limits = {.max_bytes = 1,
                   .max_pixels = 2,
                   .max_side = 3,
                   .max_frames = 4,
                   .max_total_pixels = 5,
                   .max_scans = 6,
                   .max_metadata = 7,
                   .max_metadata_blocks = 8};
    task.recipe = {.mode = PublishMode::strip,
                   .max_edge = 99,
                   .output = Format::webp,
                   .quality = 61,
                   .exif = ExifDetail::basic,
                   .gps = GpsPolicy::drop};
    return task;
}

Processed full_picture() {
    return {.picture = {.bytes = {'R', 'I', 'F', 'F', 4, 0, 0, 0, 'W', 'E', 'B', 'P'},
                        .format = Format::webp,
                        .width = 4,
                        .height = 5},
            .original_format = Format::heic,
            .width = 6,
            .height = 7,
            .frames = 8,
            .exif_json = R"({"make":"K\u00f6"})",
            .privacy_json = "{}",
            .thumb_hash = "AAAA",
            .perceptual_hash = "0123456789abcdef"};
}

TEST(ImagerWire, delivers_order_unchanged) {
    const auto order = read_order(write_order(full_task(), 12345));
    ASSERT_TRUE(order) << order.error().detail;
    const Task sent = full_task();
    EXPECT_EQ(order->max_output, 12345U);
    EXPECT_EQ(order->task.size, sent.size);
    EXPECT_EQ(order->task.declared_type, sent.declared_type);
    EXPECT_EQ(order->task.accepted, sent.accepted);
    EXPECT_EQ(order->task.limits.max_metadata_blocks, 8U);
    EXPECT_EQ(order->task.limits.max_total_pixels, 5U);
    EXPECT_EQ(order->task.recipe.mode, PublishMode::strip);
    EXPECT_EQ(order->task.recipe.output, Format::webp);
    EXPECT_EQ(order->task.recipe.quality, 61);
    EXPECT_EQ(order->task.recipe.exif, ExifDetail::basic);
    EXPECT_EQ(order->task.recipe.gps, GpsPolicy::drop);
}

TEST(ImagerWire, delivers_arbitrary_bytes_as_declared_type) {
    Task task = full_task();
    task.declared_type = std::string(100'000, '\xFF') + "\"\\\n";
    EXPECT_TRUE(read_order(write_order(task, 1)));
}

TEST(ImagerWire, delivers_picture_unchanged) {
    const Processed sent = full_picture();
    const auto read = read_answer(write_answer(Outcome(sent)), sent.picture.bytes, full_task());
    ASSERT_EQ(read.sense, ReadAnswer::Sense::sound);
    const auto& got = std::get<Processed>(*read.answer);
    EXPECT_EQ(got.picture.bytes, sent.picture.bytes);
    EXPECT_EQ(got.picture.format, Format::webp);
    EXPECT_EQ(got.height, 7U);
    EXPECT_EQ(got.frames, 8U);
    EXPECT_EQ(got.exif_json, sent.exif_json);
    EXPECT_EQ(got.perceptual_hash, sent.perceptual_hash);
}

TEST(ImagerWire, rejects_picture_in_another_format_than_requested) {
    Task task = full_task();
    task.recipe.output = Format::jpeg;
    const auto read = read_answer(write_answer(Outcome(full_picture())), full_picture().picture.bytes, task);
    EXPECT_EQ(read.sense, ReadAnswer::Sense::nonsense);
}

TEST(ImagerWire, preserves_rejection_and_error_texts) {
    const auto rejected =
        read_answer(write_answer(Outcome(Rejection{RejectionCode::truncated, "cut"})), {}, full_task());
    EXPECT_EQ(std::get<Rejection>(*rejected.answer).code, RejectionCode::truncated);
    EXPECT_EQ(std::get<Rejection>(*rejected.answer).detail, "cut");
    const auto failed = read_answer(write_answer(fail(ErrorCode::internal, "withheld")), {}, full_task());
    EXPECT_EQ(failed.sense, ReadAnswer::Sense::sound);
    EXPECT_EQ(failed.answer.error().code, ErrorCode::internal);
}

TEST(ImagerWire, reports_why_a_worker_process_can_not_work) {
    const JailReport jail{.opening_files = Attempt::failed,
                          .making_sockets = Attempt::failed,
                          .starting_programs = Attempt::failed,
                          .landlock = 7,
                          .missing = "a word"};
    const auto ready = read_hello(write_hello(jail));
    ASSERT_TRUE(ready);
    EXPECT_TRUE(ready->is_tight());
    EXPECT_EQ(ready->landlock, 7U);
    EXPECT_EQ(ready->missing, "a word");
    const auto refused = read_hello(write_hello(fail(ErrorCode::imager_unavailable, "no HEIC")));
    ASSERT_FALSE(refused);
    EXPECT_NE(refused.error().detail.find("no HEIC"), std::string::npos);
    for (const char* nonsense : {"", "[]", "{}", R"({"ready":1})", R"({"ready":"yes"})", "null"}) {
        EXPECT_FALSE(read_hello(nonsense)) << nonsense;
    }
}

TEST(ImagerWire, is_tight_only_if_every_escape_attempt_failed) {
    for (int open = 0; open < 3; ++open) {
        JailReport jail{Attempt::failed, Attempt::failed, Attempt::failed, 7, {}};
        (open == 0   ? jail.opening_files
         : open == 1 ? jail.making_sockets
                     : jail.starting_programs) = Attempt::succeeded;
        const auto read = read_hello(write_hello(jail));
        ASSERT_TRUE(read);
        EXPECT_FALSE(read->is_tight()) << open;
        EXPECT_EQ(describe(*read), describe(jail));
    }
    EXPECT_FALSE(read_hello(R"({"ready":true})").value().is_tight());
    for (const char* nonsense : {R"({"ready":true,"jail":1})", R"({"ready":true,"jail":{}})"})
        EXPECT_FALSE(read_hello(nonsense)) << nonsense;
}

}  // namespace
}  // namespace photogate::imaging
