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
                   .max_metadata_blocks = 8,
                   .damaged_intervals = DamagedIntervals::publish};
    task.publish({.exif = ExifDetail::basic, .gps = GpsPolicy::drop},
                 {{.mode = PublishMode::strip, .max_edge = 99, .format = Format::webp, .quality = 61}});
    return task;
}

Watermark mark(char digit, Bytes picture) {
    Watermark mark;
    mark.sha256 = std::string(64, digit);
    mark.picture = std::make_shared<const Bytes>(std::move(picture));
    mark.gravity = Gravity::north_west;
    mark.size = 30;
    mark.opacity = 40;
    mark.offset_x = 5;
    mark.offset_y = 6;
    mark.tiling = Tiling::tiled;
    mark.source = Watermark::Source::marked;
    return mark;
}

Processed full_picture() {
    return {.pictures = {{.bytes = {'R', 'I', 'F', 'F', 4, 0, 0, 0, 'W', 'E', 'B', 'P'},
                          .format = Format::webp,
                          .width = 4,
                          .height = 5,
                          .has_alpha = true}},
            .original_format = Format::heic,
            .width = 6,
            .height = 7,
            .frames = 8,
            .exif_json = R"({"make":"K\u00f6"})",
            .privacy_json = "{}",
            .thumb_hash = "AAAA",
            .perceptual_hash = "0123456789abcdef",
            .dominant_color = "#0a141e"};
}

TEST(ImagerWire, delivers_order_unchanged) {
    const auto order = read_order(write_order(full_task(), 12345), {});
    ASSERT_TRUE(order) << order.error().detail;
    const Task sent = full_task();
    EXPECT_EQ(order->max_output, 12345U);
    EXPECT_EQ(order->task.size, sent.size);
    EXPECT_EQ(order->task.declared_type, sent.declared_type);
    EXPECT_EQ(order->task.accepted, sent.accepted);
    EXPECT_EQ(order->task.limits.max_metadata_blocks, 8U);
    EXPECT_EQ(order->task.limits.damaged_intervals, DamagedIntervals::publish);
    EXPECT_EQ(order->task.limits.max_total_pixels, 5U);
    EXPECT_EQ(order->task.versions, sent.versions);
    EXPECT_EQ(order->task.facts, sent.facts);
}

TEST(ImagerWire, delivers_arbitrary_bytes_as_declared_type) {
    Task task = full_task();
    task.declared_type = std::string(100'000, '\xFF') + "\"\\\n";
    EXPECT_TRUE(read_order(write_order(task, 1), {}));
}

TEST(ImagerWire, delivers_picture_unchanged) {
    const Processed sent = full_picture();
    const auto read = read_answer(write_answer(Outcome(sent)), sent.picture().bytes, full_task());
    ASSERT_EQ(read.sense, ReadAnswer::Sense::sound);
    const auto& got = std::get<Processed>(*read.answer);
    EXPECT_EQ(got.picture().bytes, sent.picture().bytes);
    EXPECT_EQ(got.picture().format, Format::webp);
    EXPECT_EQ(got.height, 7U);
    EXPECT_EQ(got.frames, 8U);
    EXPECT_EQ(got.exif_json, sent.exif_json);
    EXPECT_EQ(got.perceptual_hash, sent.perceptual_hash);
    EXPECT_EQ(got.dominant_color, sent.dominant_color);
    EXPECT_TRUE(got.picture().has_alpha);
}

TEST(ImagerWire, delivers_render_with_crop_and_watermark_unchanged) {
    Task task = full_task();
    task.render({.max_edge = 640,
                 .fit = Fit::outside,
                 .crop = Aspect{4, 3},
                 .reshape = Reshape::stretch,
                 .gravity = Gravity::attention,
                 .format = Format::avif,
                 .quality = 50,
                 .max_bytes = 123'456,
                 .gamut = Gamut::kept,
                 .sharpening = Sharpening::mild,
                 .watermark = mark('a', {1, 2, 3})});
    const auto order = read_order(write_order(task, 1), WatermarkBody(task).bytes());
    ASSERT_TRUE(order) << order.error().detail;
    EXPECT_EQ(order->task.versions, task.versions);
    EXPECT_EQ(*order->task.versions.front().watermark->picture, (Bytes{1, 2, 3}));
    EXPECT_EQ(order->task.facts, std::nullopt);
}

TEST(ImagerWire, delivers_each_watermark_once) {
    Task task = full_task();
    const Bytes large(100'000, 7);
    task.versions = {
        {.watermark = mark('a', {1})}, {.watermark = mark('b', large)}, {.watermark = mark('a', {1})}, {}};
    EXPECT_EQ(watermark_pictures(task), 2U);
    const WatermarkBody body(task);
    EXPECT_EQ(body.bytes().size(), 1 + large.size());
    const auto order = read_order(write_order(task, 1), body.bytes());
    ASSERT_TRUE(order) << order.error().detail;
    EXPECT_EQ(order->task.versions, task.versions);
    EXPECT_EQ(*order->task.versions[1].watermark->picture, large);
    EXPECT_EQ(*order->task.versions[2].watermark->picture, (Bytes{1}));
}

TEST(ImagerWire, delivers_a_watermark_of_text) {
    Task task = full_task();
    Watermark text = mark('c', {});
    text.picture.reset();
    text.text = "© <b>shop</b> {taken_at:%Y}";
    text.font = "/usr/share/fonts/a.ttf";
    text.taken_at = "2024-03-10T12:34:56";
    task.versions = {{.watermark = text}};
    const auto order = read_order(write_order(task, 1), WatermarkBody(task).bytes());
    ASSERT_TRUE(order) << order.error().detail;
    EXPECT_EQ(order->task.versions, task.versions);
}

TEST(ImagerWire, rejects_orders_whose_watermarks_are_not_in_the_body) {
    Task task = full_task();
    task.versions = {{.watermark = mark('a', {1, 2, 3})}};
    const auto sound = write_order(task, 1);
    const Bytes body{1, 2, 3}, longer{1, 2, 3, 4}, shorter{1, 2};
    ASSERT_TRUE(read_order(sound, body));
    EXPECT_FALSE(read_order(sound, longer));
    EXPECT_FALSE(read_order(sound, shorter));
    EXPECT_FALSE(read_order(sound, {}));
    std::string other = sound;
    other.replace(other.find(std::string(64, 'a')), 64, std::string(64, 'b'));
    EXPECT_FALSE(read_order(other, body));
}

TEST(ImagerWire, delivers_several_pictures_in_one_body) {
    Task task = full_task();
    task.versions.assign(3, task.versions.front());
    Processed sent = full_picture();
    for (std::uint8_t i = 1; i < 3; ++i) {
        sent.pictures.push_back(sent.pictures.front());
        sent.pictures.back().bytes.push_back(i);
        sent.pictures.back().width = i;
    }
    const Answer answer = Outcome(sent);
    const auto read = read_answer(write_answer(answer), body_of(answer), task);
    ASSERT_EQ(read.sense, ReadAnswer::Sense::sound);
    const auto& got = std::get<Processed>(*read.answer);
    ASSERT_EQ(got.pictures.size(), 3U);
    for (std::size_t i = 0; i < 3; ++i) {
        EXPECT_EQ(got.pictures[i].bytes, sent.pictures[i].bytes);
        EXPECT_EQ(got.pictures[i].width, sent.pictures[i].width);
    }
}

TEST(ImagerWire, rejects_bodies_that_are_not_the_pictures_that_were_announced) {
    const Task task = full_task();
    const Answer answer = Outcome(full_picture());
    Bytes longer = body_of(answer);
    longer.push_back(0);
    Bytes shorter = body_of(answer);
    shorter.pop_back();
    Task two = full_task();
    two.versions.assign(2, two.versions.front());
    EXPECT_EQ(read_answer(write_answer(answer), longer, task).sense, ReadAnswer::Sense::nonsense);
    EXPECT_EQ(read_answer(write_answer(answer), shorter, task).sense, ReadAnswer::Sense::nonsense);
    EXPECT_EQ(read_answer(write_answer(answer), {}, task).sense, ReadAnswer::Sense::nonsense);
    EXPECT_EQ(read_answer(write_answer(answer), body_of(answer), two).sense, ReadAnswer::Sense::nonsense);
}

TEST(ImagerWire, rejects_a_dominant_colour_that_is_none) {
    Processed sent = full_picture();
    sent.dominant_color = "";  // of a picture that shows nothing
    EXPECT_EQ(read_answer(write_answer(Outcome(sent)), sent.picture().bytes, full_task()).sense,
              ReadAnswer::Sense::sound);
    for (const char* colour :
         {"#", "#12345", "#12345g", "123456", "1234567", "#1234567", "url(//x)", "<script>"}) {
        sent.dominant_color = colour;
        EXPECT_EQ(read_answer(write_answer(Outcome(sent)), sent.picture().bytes, full_task()).sense,
                  ReadAnswer::Sense::nonsense)
            << colour;
    }
}

TEST(ImagerWire, delivers_render_without_facts) {
    Task task = full_task();
    task.render(task.versions.front());
    Processed sent = full_picture();
    sent.exif_json = sent.privacy_json = sent.thumb_hash = sent.perceptual_hash = sent.dominant_color = "";
    const Answer answer = Outcome(sent);
    const auto read = read_answer(write_answer(answer), body_of(answer), task);
    ASSERT_EQ(read.sense, ReadAnswer::Sense::sound);
    EXPECT_EQ(std::get<Processed>(*read.answer).exif_json, "");
    // Facts that were asked for are not left out.
    EXPECT_EQ(read_answer(write_answer(answer), body_of(answer), full_task()).sense,
              ReadAnswer::Sense::nonsense);
}

TEST(ImagerWire, rejects_orders_for_versions_that_can_not_be_made) {
    const std::string sound = write_order(full_task(), 1);
    ASSERT_TRUE(read_order(sound, {}));
    const auto changed = [&](const std::string& from, const std::string& to) {
        std::string text = sound;
        const auto at = text.find(from);
        EXPECT_NE(at, std::string::npos) << from;
        return text.replace(at, from.size(), to);
    };
    EXPECT_FALSE(read_order(changed("\"max_edge\":99", "\"max_edge\":0"), {}));
    EXPECT_FALSE(read_order(changed("\"fit\":\"inside\"", "\"fit\":\"beside\""), {}));
    EXPECT_FALSE(read_order(changed("\"quality\":61", "\"quality\":101"), {}));
    Task none = full_task();
    none.versions.clear();
    EXPECT_FALSE(read_order(write_order(none, 1), {}));
    Task many = full_task();
    many.versions.assign(kMaxVersions + 1, many.versions.front());
    EXPECT_FALSE(read_order(write_order(many, 1), {}));
}

TEST(ImagerWire, rejects_picture_in_another_format_than_requested) {
    Task task = full_task();
    task.versions.front().format = Format::jpeg;
    const auto read =
        read_answer(write_answer(Outcome(full_picture())), full_picture().picture().bytes, task);
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
