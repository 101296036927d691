// Several pictures of one decode, pictures rendered without facts, and crops, through the real
// worker process; and the lanes that share the processes.
#include <algorithm>
#include <atomic>
#include <chrono>
#include <future>

#include <fcntl.h>
#include <sys/file.h>

#include "fake_imager.hpp"
#include "support.hpp"

namespace photogate::imaging::testing {
namespace {

using namespace std::chrono_literals;
using Steady = std::chrono::steady_clock;

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

TEST_F(Versions, that_can_not_be_made_are_an_error_and_not_the_pictures_fault) {
    const Bytes photo = photo_as("p.jpg", 320, 240);
    const auto code = [](Spooled& spooled) {
        const auto outcome = shared_pool().run(spooled.task);
        return outcome ? ErrorCode::internal : outcome.error().code;
    };
    Spooled none(photo);
    none.task.versions.clear();
    EXPECT_EQ(code(none), ErrorCode::invalid_configuration);
}

// --- lanes

/// A file that worker processes wait for until the test lets them go on.
class Gate {
  public:
    explicit Gate(int file)
        : lock_(::open(("/proc/self/fd/" + std::to_string(file)).c_str(), O_RDONLY | O_CLOEXEC)) {
        EXPECT_EQ(::flock(lock_.get(), LOCK_EX), 0);
    }
    void open() { lock_.reset(); }

  private:
    Descriptor lock_;
};

class Lanes : public ::testing::Test {
  protected:
    void start(Lie what) {
        PoolOptions options = pool_options();
        options.program = PHOTOGATE_BINARY_DIR "/tests/tools/imaging_fake_imager";
        options.address_space = static_cast<std::uint64_t>(what);
        options.on_demand.most_waiting = 3;
        auto started = ImagerPool::start(options);
        ASSERT_TRUE(started) << started.error().detail;
        pool = std::move(*started);
    }
    Result<Outcome> ask(Lane lane, Steady::duration patience) {
        return pool->try_run(spooled.task, {.lane = lane, .deadline = Steady::now() + patience});
    }
    std::future<Result<Outcome>> later(Lane lane, Steady::duration patience = 1h) {
        return std::async(std::launch::async, [this, lane, patience] { return ask(lane, patience); });
    }
    bool begins(Lane lane) {
        return eventually([&] { return pool->load(lane).running == 1; });
    }
    static bool is_ready(const std::future<Result<Outcome>>& task) {
        return task.wait_for(0s) == std::future_status::ready;
    }
    static bool is_overloaded(const Result<Outcome>& outcome) {
        return !outcome && outcome.error().code == ErrorCode::overloaded;
    }
    Spooled spooled{as_bytes("any bytes")};
    std::unique_ptr<ImagerPool> pool;
};

TEST_F(Lanes, a_deadline_sooner_than_a_task_takes_is_refused_before_it_waits) {
    ASSERT_NO_FATAL_FAILURE(start(Lie::takes_a_while));
    ASSERT_TRUE(ask(Lane::on_demand, 1h));  // now it is known how long one takes
    std::vector<std::future<Result<Outcome>>> ahead;
    for (int i = 0; i < 3; ++i)
        ahead.push_back(later(Lane::on_demand));
    const auto refused = ask(Lane::on_demand, 20ms);
    ASSERT_TRUE(is_overloaded(refused)) << verdict(refused);
    // Not that no process was free in time, which is said when the time has passed.
    EXPECT_EQ(refused.error().detail, "too many pictures wait to be done by then");
    EXPECT_EQ(pool->counters().overloaded, 1U);
    for (auto& task : ahead)
        EXPECT_EQ(verdict(task.get()), "published");
}

TEST_F(Lanes, who_waits_longer_than_the_deadline_is_refused_and_leaves_no_task_behind) {
    Gate gate{spooled.task.file};
    ASSERT_NO_FATAL_FAILURE(start(Lie::waits_for_its_file));
    auto upload = later(Lane::uploads);
    ASSERT_TRUE(begins(Lane::uploads));
    EXPECT_TRUE(is_overloaded(ask(Lane::on_demand, 20ms)));  // nothing is known yet of how long one takes
    EXPECT_EQ(pool->load(Lane::on_demand).waiting, 0U);
    gate.open();
    EXPECT_EQ(verdict(upload.get()), "published");
    EXPECT_EQ(verdict(ask(Lane::on_demand, 1h)), "published");
    EXPECT_EQ(pool->counters().timed_out, 0U);
}

TEST_F(Lanes, no_more_wait_than_the_lane_has_places_for) {
    Gate gate{spooled.task.file};
    ASSERT_NO_FATAL_FAILURE(start(Lie::waits_for_its_file));
    std::vector<std::future<Result<Outcome>>> tasks;
    tasks.push_back(later(Lane::on_demand));
    ASSERT_TRUE(begins(Lane::on_demand));
    for (int i = 0; i < 7; ++i)
        tasks.push_back(later(Lane::on_demand));
    // One is under way, three wait.
    EXPECT_TRUE(eventually([&] { return std::count_if(tasks.begin(), tasks.end(), is_ready) == 4; }));
    EXPECT_EQ(pool->load(Lane::on_demand).waiting, 3U);
    gate.open();
    int refused = 0;
    for (auto& task : tasks)
        refused += is_overloaded(task.get()) ? 1 : 0;
    EXPECT_EQ(refused, 4);
    EXPECT_EQ(verdict(ask(Lane::uploads, 1h)), "published");
}

TEST_F(Lanes, serves_an_on_demand_picture_before_waiting_uploads) {
    Gate gate{spooled.task.file};
    ASSERT_NO_FATAL_FAILURE(start(Lie::waits_for_its_file));
    std::atomic<int> begun{0};
    int begun_before = -1;
    const auto upload = [&] {
        return std::async(std::launch::async, [&] {
            return pool->try_run(spooled.task,
                                 {.lane = Lane::uploads, .wanted = [&] { return ++begun > 0; }});
        });
    };
    std::vector<std::future<Result<Outcome>>> uploads;
    uploads.push_back(upload());
    ASSERT_TRUE(begins(Lane::uploads));
    for (int i = 1; i < 12; ++i)
        uploads.push_back(upload());
    auto picture = std::async(std::launch::async, [&] {
        return pool->try_run(spooled.task, {.lane = Lane::on_demand, .wanted = [&] {
                                                begun_before = begun;
                                                return true;
                                            }});
    });
    EXPECT_TRUE(eventually(
        [&] { return pool->load(Lane::uploads).waiting == 11 && pool->load(Lane::on_demand).waiting == 1; }));
    gate.open();
    EXPECT_EQ(verdict(picture.get()), "published");
    EXPECT_GE(begun_before, 1);
    EXPECT_LE(begun_before, 3);
    for (auto& task : uploads)
        EXPECT_EQ(verdict(task.get()), "published");
}

}  // namespace
}  // namespace photogate::imaging::testing
