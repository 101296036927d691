// Several pictures of one decode, pictures rendered without facts, crops and watermarks, through the real
// worker process; and the lanes that share the processes.
#include <algorithm>
#include <chrono>
#include <future>
#include <thread>

#include "fake_imager.hpp"
#include "support.hpp"

namespace photogate::imaging::testing {
namespace {

using namespace std::chrono_literals;
using Steady = std::chrono::steady_clock;

/// A task about bytes in memory, with the files that it borrows.
struct Spooled {
    MemoryFile file;
    std::optional<MemoryFile> watermark;
    Task task;

    explicit Spooled(BytesView bytes, BytesView mark = {}) : file(spool(bytes)) {
        task.file = file.descriptor();
        task.size = file.size();
        if (mark.empty()) return;
        watermark = spool(mark);
        task.watermark = watermark->descriptor();
        task.watermark_size = watermark->size();
    }
    static MemoryFile spool(BytesView bytes) {
        auto file = MemoryFile::create("test");
        EXPECT_TRUE(file && file->append(bytes));
        return std::move(*file);
    }
};

Processed processed(const Task& task) {
    auto outcome = shared_pool().run(task);
    if (outcome && std::holds_alternative<Processed>(*outcome))
        return std::get<Processed>(std::move(*outcome));
    ADD_FAILURE() << verdict(outcome);
    return {.pictures = {{}}};
}

class Versions : public ::testing::Test {
  protected:
    Bytes photo_as(const std::string& name, int width, int height) {
        vips("copy " + make_photo(folder, width, height) + " " + folder.file(name));
        return read_file(folder.file(name));
    }
    Folder folder;
};

TEST_F(Versions, of_one_decode_come_as_many_pictures_as_were_asked_for) {
    const Bytes photo = photo_as("p.jpg", 1600, 1000);
    Spooled spooled(photo);
    spooled.task.publish({}, {{.max_edge = 1024},
                              {.max_edge = 400, .format = Format::webp},
                              {.max_edge = 100, .format = Format::png}});
    const Processed all = processed(spooled.task);
    ASSERT_EQ(all.pictures.size(), 3U);
    EXPECT_EQ(all.pictures[0].format, Format::jpeg);
    EXPECT_EQ(all.pictures[1].format, Format::webp);
    EXPECT_EQ(all.pictures[2].format, Format::png);
    const std::uint32_t widths[] = {1024, 400, 100};
    for (std::size_t i = 0; i < 3; ++i) {
        EXPECT_EQ(all.pictures[i].width, widths[i]);
        const Pixels pixels = pixels_of(all.pictures[i]);
        EXPECT_EQ(pixels.width, static_cast<int>(widths[i]));
        EXPECT_EQ(pixels.height, static_cast<int>(all.pictures[i].height));
    }
    EXPECT_EQ(all.width, 1600U);
    EXPECT_FALSE(all.thumb_hash.empty());
    // Each looks like the one that is made alone.
    for (std::size_t i = 0; i < 3; ++i) {
        Spooled alone(photo);
        alone.task.publish({}, {spooled.task.versions[i]});
        EXPECT_LE(mean_difference(pixels_of(all.pictures[i]), pixels_of(processed(alone.task).picture())),
                  3.0);
    }
}

TEST_F(Versions, of_a_render_there_are_no_facts) {
    Spooled spooled(photo_as("p.jpg", 320, 240));
    spooled.task.render({.max_edge = 100});
    const Processed rendered = processed(spooled.task);
    EXPECT_EQ(rendered.picture().width, 100U);
    EXPECT_EQ(rendered.exif_json, "");
    EXPECT_EQ(rendered.thumb_hash, "");
}

TEST_F(Versions, are_cropped_to_proportions_about_the_centre_and_never_enlarged) {
    Spooled spooled(photo_as("p.png", 800, 400));
    spooled.task.publish({}, {{.max_edge = 2048, .crop = Aspect{1, 1}, .format = Format::png},
                              {.max_edge = 100, .fit = Fit::outside, .format = Format::png},
                              {.max_edge = 100, .crop = Aspect{3, 4}, .format = Format::png},
                              {.max_edge = 1000, .fit = Fit::outside, .format = Format::png}});
    const Processed all = processed(spooled.task);
    ASSERT_EQ(all.pictures.size(), 4U);
    EXPECT_EQ(all.pictures[0].width, 400U);
    EXPECT_EQ(all.pictures[0].height, 400U);
    EXPECT_EQ(all.pictures[1].width, 200U);
    EXPECT_EQ(all.pictures[1].height, 100U);
    EXPECT_EQ(all.pictures[2].width, 75U);
    EXPECT_EQ(all.pictures[2].height, 100U);
    EXPECT_EQ(all.pictures[3].width, 800U);
    vips("extract_area " + folder.file("p.png") + " " + folder.file("c.png") + " 200 0 400 400");
    EXPECT_LE(mean_difference(pixels_of(all.pictures[0]), pixels_of_file(folder.file("c.png"))), 0.1);
}

TEST_F(Versions, are_cropped_where_they_are_asked_to) {
    Spooled spooled(photo_as("p.png", 800, 400));
    struct Asked {
        Gravity gravity;
        const char* left;
    };
    const Asked asked[] = {{Gravity::west, "0"},
                           {Gravity::north_west, "0"},
                           {Gravity::east, "400"},
                           {Gravity::south_east, "400"},
                           {Gravity::north, "200"}};
    std::vector<VersionSpec> specs;
    for (const auto& each : asked)
        specs.push_back({.crop = Aspect{1, 1}, .gravity = each.gravity, .format = Format::png});
    spooled.task.publish({}, specs);
    const Processed all = processed(spooled.task);
    ASSERT_EQ(all.pictures.size(), specs.size());
    for (std::size_t i = 0; i < specs.size(); ++i) {
        vips("extract_area " + folder.file("p.png") + " " + folder.file("c.png") + " " + asked[i].left +
             " 0 400 400");
        EXPECT_LE(mean_difference(pixels_of(all.pictures[i]), pixels_of_file(folder.file("c.png"))), 0.1)
            << to_string(asked[i].gravity);
    }
}

TEST_F(Versions, are_cropped_to_where_something_is) {
    vips("black " + folder.file("dark.v") + " 300 100 --bands 3");
    vips("copy " + make_photo(folder, 100, 100) + " " + folder.file("busy.png"));
    vips("insert " + folder.file("dark.v") + " " + folder.file("busy.png") + " " + folder.file("p.png") +
         " 200 0");
    const Bytes file = read_file(folder.file("p.png"));
    for (const Gravity gravity : {Gravity::attention, Gravity::entropy}) {
        Spooled spooled(file);
        spooled.task.render({.crop = Aspect{1, 1}, .gravity = gravity, .format = Format::png});
        const Pixels kept = pixels_of(processed(spooled.task).picture());
        EXPECT_EQ(kept.width, 100);
        EXPECT_EQ(kept.height, 100);
        EXPECT_LE(mean_difference(kept, pixels_of_file(folder.file("busy.png"))), 40.0) << to_string(gravity);
    }
}

TEST_F(Versions, are_stretched_whole_and_never_beyond_an_edge) {
    Spooled spooled(photo_as("p.png", 800, 400));
    const auto stretch = [](std::uint32_t edge, Aspect aspect) {
        return VersionSpec{
            .max_edge = edge, .crop = aspect, .reshape = Reshape::stretch, .format = Format::png};
    };
    spooled.task.publish({}, {stretch(100, {1, 1}), stretch(2048, {1, 1}), stretch(90, {1, 3})});
    const Processed all = processed(spooled.task);
    ASSERT_EQ(all.pictures.size(), 3U);
    EXPECT_EQ(all.pictures[0].width, 100U);
    EXPECT_EQ(all.pictures[0].height, 100U);
    EXPECT_EQ(all.pictures[1].width, 400U);
    EXPECT_EQ(all.pictures[1].height, 400U);
    EXPECT_EQ(all.pictures[2].width, 30U);
    EXPECT_EQ(all.pictures[2].height, 90U);
    vips("resize " + folder.file("p.png") + " " + folder.file("s.png") + " 0.5 --vscale 1");
    EXPECT_LE(mean_difference(pixels_of(all.pictures[1]), pixels_of_file(folder.file("s.png"))), 3.0);
}

TEST_F(Versions, of_an_orientation_that_turns_are_cropped_as_they_are_seen) {
    vips("copy " + make_photo(folder, 400, 200) + " " + folder.file("p.jpg"));
    (void)shell("exiftool -q -n -Orientation=6 " + folder.file("p.jpg"));
    Spooled spooled(read_file(folder.file("p.jpg")));
    spooled.task.publish({}, {{.max_edge = 2048}, {.max_edge = 90, .crop = Aspect{1, 3}}});
    const Processed all = processed(spooled.task);
    ASSERT_EQ(all.pictures.size(), 2U);
    EXPECT_EQ(all.pictures[0].height, 400U);
    EXPECT_EQ(all.pictures[1].height, 90U);
    EXPECT_EQ(all.pictures[1].width, 30U);
}

TEST_F(Versions, carry_a_watermark_in_its_corner_and_nowhere_else) {
    const Bytes photo = photo_as("p.png", 400, 300);
    vips("black " + folder.file("b.v") + " 60 30 --bands 3");
    vips("linear " + folder.file("b.v") + " " + folder.file("red.png") + " '1 1 1' '255 0 0' --uchar");
    Spooled spooled(photo, read_file(folder.file("red.png")));
    const auto marked = [&](Corner corner, std::uint32_t opacity) {
        return VersionSpec{.format = Format::png,
                           .watermark = Watermark{std::string(64, 'a'), corner, 20, opacity}};
    };
    spooled.task.publish(
        {}, {{.format = Format::png}, marked(Corner::bottom_right, 100), marked(Corner::top_left, 50)});
    const Processed all = processed(spooled.task);
    ASSERT_EQ(all.pictures.size(), 3U);
    const Pixels plain = pixels_of(all.pictures[0]);
    const Pixels full = pixels_of(all.pictures[1]);
    const Pixels half = pixels_of(all.pictures[2]);
    ASSERT_EQ(plain.bytes.size(), full.bytes.size());
    ASSERT_EQ(plain.bytes.size(), half.bytes.size());
    const auto at = [&](const Pixels& pixels, int x, int y, int band) {
        return int{pixels.bytes[static_cast<std::size_t>((y * pixels.width + x) * pixels.bands + band)]};
    };
    // 20 percent of 300 pixels are 60 by 30, 6 pixels from the edges.
    EXPECT_GE(at(full, 400 - 36, 300 - 21, 0), 250);
    EXPECT_LE(at(full, 400 - 36, 300 - 21, 1), 5);
    EXPECT_EQ(at(full, 30, 20, 0), at(plain, 30, 20, 0));
    EXPECT_EQ(at(full, 200, 150, 1), at(plain, 200, 150, 1));
    EXPECT_NEAR(at(half, 36, 21, 0), (at(plain, 36, 21, 0) + 255) / 2, 3);
    EXPECT_NEAR(at(half, 36, 21, 1), at(plain, 36, 21, 1) / 2, 3);
    EXPECT_EQ(at(half, 400 - 36, 300 - 21, 0), at(plain, 400 - 36, 300 - 21, 0));
}

TEST_F(Versions, that_can_not_be_made_are_an_error_and_not_the_pictures_fault) {
    const Bytes photo = photo_as("p.jpg", 320, 240);
    const auto code = [](Spooled& spooled) {
        const auto outcome = shared_pool().run(spooled.task);
        return outcome ? ErrorCode::internal : outcome.error().code;
    };
    Spooled none(photo);
    none.task.versions.clear();
    EXPECT_EQ(code(none), ErrorCode::invalid_configuration);
    Spooled unmarked(photo);
    unmarked.task.versions.front().watermark = Watermark{std::string(64, 'a')};
    EXPECT_EQ(code(unmarked), ErrorCode::invalid_configuration);
    Spooled nonsense(photo, as_bytes("no picture at all"));
    nonsense.task.versions.front().watermark = Watermark{std::string(64, 'a')};
    EXPECT_EQ(code(nonsense), ErrorCode::invalid_configuration);
}

// --- lanes

class Lanes : public ::testing::Test {
  protected:
    Lanes() {
        PoolOptions options = pool_options();
        options.program = PHOTOGATE_BINARY_DIR "/tests/tools/imaging_fake_imager";
        options.address_space = static_cast<std::uint64_t>(Lie::takes_a_while);
        options.on_demand.most_waiting = 3;
        auto started = ImagerPool::start(options);
        if (started) pool = std::move(*started);
    }
    Result<Outcome> ask(Lane lane, Steady::duration patience, Priority priority = Priority::normal) {
        Spooled spooled(as_bytes("any bytes"));
        return pool->try_run(spooled.task,
                             {.lane = lane, .priority = priority, .deadline = Steady::now() + patience});
    }
    std::future<Result<Outcome>> later(Lane lane, Steady::duration patience = 1h) {
        return std::async(std::launch::async, [this, lane, patience] { return ask(lane, patience); });
    }
    static bool is_overloaded(const Result<Outcome>& outcome) {
        return !outcome && outcome.error().code == ErrorCode::overloaded;
    }
    std::unique_ptr<ImagerPool> pool;
};

TEST_F(Lanes, a_deadline_that_the_tasks_ahead_do_not_leave_time_for_is_refused_at_once) {
    ASSERT_TRUE(pool);
    ASSERT_TRUE(ask(Lane::on_demand, 1h));  // now it is known how long one takes
    std::vector<std::future<Result<Outcome>>> ahead;
    for (int i = 0; i < 3; ++i)
        ahead.push_back(later(Lane::on_demand));
    std::this_thread::sleep_for(50ms);
    const auto start = Steady::now();
    EXPECT_TRUE(is_overloaded(ask(Lane::on_demand, 250ms)));
    EXPECT_LT(Steady::now() - start, 240ms);  // and not when the time had passed
    EXPECT_EQ(pool->counters().overloaded, 1U);
    for (auto& task : ahead)
        EXPECT_EQ(verdict(task.get()), "published");
}

TEST_F(Lanes, who_waits_longer_than_the_deadline_is_refused_and_leaves_no_task_behind) {
    ASSERT_TRUE(pool);
    std::vector<std::future<Result<Outcome>>> uploads;
    for (int i = 0; i < 8; ++i)
        uploads.push_back(later(Lane::uploads));
    std::this_thread::sleep_for(50ms);
    EXPECT_TRUE(is_overloaded(ask(Lane::on_demand, 20ms)));  // nothing is known yet of how long one takes
    for (auto& task : uploads)
        EXPECT_EQ(verdict(task.get()), "published");
    EXPECT_EQ(verdict(ask(Lane::on_demand, 1h)), "published");
    EXPECT_EQ(pool->counters().timed_out, 0U);
}

TEST_F(Lanes, no_more_wait_than_the_lane_has_places_for) {
    ASSERT_TRUE(pool);
    std::vector<std::future<Result<Outcome>>> ahead;
    ahead.push_back(later(Lane::on_demand));
    std::this_thread::sleep_for(50ms);  // it is under way, or done
    for (int i = 0; i < 7; ++i)
        ahead.push_back(later(Lane::on_demand));
    int refused = 0;
    for (auto& task : ahead)
        refused += is_overloaded(task.get()) ? 1 : 0;
    EXPECT_GE(refused, 1);
    EXPECT_LE(refused, 4);  // one under way, three wait
    EXPECT_EQ(verdict(ask(Lane::uploads, 1h)), "published");
}

TEST_F(Lanes, serves_an_on_demand_picture_before_waiting_uploads) {
    ASSERT_TRUE(pool);
    std::vector<std::future<Result<Outcome>>> uploads;
    for (int i = 0; i < 12; ++i)
        uploads.push_back(later(Lane::uploads));
    std::this_thread::sleep_for(50ms);
    EXPECT_EQ(verdict(ask(Lane::on_demand, 1h)), "published");
    const auto done = std::count_if(uploads.begin(), uploads.end(), [](auto& task) {
        return task.wait_for(0s) == std::future_status::ready;
    });
    EXPECT_LE(done, 6);  // two or three as a rule
    for (auto& task : uploads)
        EXPECT_EQ(verdict(task.get()), "published");
}

}  // namespace
}  // namespace photogate::imaging::testing
