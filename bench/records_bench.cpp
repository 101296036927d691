// How many creations, observations and claims a second the records take, each committed before it is
// answered.
//
//   scripts/stack.py exec -- records_bench [--seconds N] [--submitters N]
//
// It uses the database of PHOTOGATE_TEST_DATABASE_URL, migrates it, and leaves its rows there: give it a
// throw-away one.
#include <algorithm>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <functional>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "base/run_mode.hpp"
#include "storage/records/migrate.hpp"
#include "storage/records/records.hpp"

namespace {

using namespace photogate;
using namespace photogate::storage::records;
using Steady = std::chrono::steady_clock;

class Composer final : public model::CallbackComposer {
  public:
    std::optional<model::ComposedCallback> compose(model::CallbackType type, const model::Upload& upload,
                                                   Timestamp now) const override {
        SystemRandom random;
        return model::ComposedCallback{make_callback_id(now, random),
                                       "https://app.example/hook/" + upload.app.str(),
                                       std::string{to_string(type)} + std::string(600, 'x')};
    }
};

struct Settings {
    int seconds = 3;
    int submitters = 64;
    std::string url;
};

NewUpload new_upload(Random& random, const std::string& app) {
    const auto now = SystemClock{}.now();
    NewUpload item;
    auto& u = item.upload;
    u.id = make_upload_id(now, random);
    u.public_id = make_public_id(random);
    u.app = AppName::trusted(app);
    u.profile = ProfileName::trusted("doorstep");
    u.region = "local";
    u.bucket = Bucket::trusted("incoming");
    u.key = ObjectKey::trusted("u/" + format_minute(now) + "/" + u.id.str());
    u.filename = "pickup 42.jpg";
    u.declared_type = "image/jpeg";
    u.declared_size = 345'678;
    u.metadata = {{"order_id", "A-1001"}};
    u.request_id = "01j0abcdefghjkmnpqrstvwxyz";
    u.created_at = now;
    u.expires_at = now + std::chrono::minutes{15};
    return item;
}

/// Keeps `submitters` submissions waiting for `seconds`: each completion submits the next.
template <class Submit>
double sustained(const Settings& settings, Submit submit) {
    std::mutex mutex;
    std::condition_variable ended;
    int running = settings.submitters;
    std::atomic<std::uint64_t> done{0};
    const auto start = Steady::now();
    const auto stop = start + std::chrono::seconds{settings.seconds};
    std::function<void()> next = [&] {
        submit([&](bool ok) {
            if (!ok) std::fprintf(stderr, "a submission failed\n");
            ++done;
            if (Steady::now() < stop && ok) return next();
            const std::lock_guard lock{mutex};
            --running;
            ended.notify_all();
        });
    };
    for (int i = 0; i < settings.submitters; ++i)
        next();
    std::unique_lock lock{mutex};
    ended.wait(lock, [&] { return running == 0; });
    return static_cast<double>(done) / std::chrono::duration<double>(Steady::now() - start).count();
}

void measure_claims(Records& records, const char* what, std::size_t most) {
    std::vector<double> times;
    std::size_t claimed = 0;
    const auto start = Steady::now();
    for (int i = 0; i < 100; ++i) {
        const auto before = Steady::now();
        const auto jobs = records.jobs.claim({"bench", most, std::chrono::seconds{60}});
        times.push_back(std::chrono::duration<double, std::milli>(Steady::now() - before).count());
        if (!jobs) return (void)std::fprintf(stderr, "claim: %s\n", jobs.error().detail.c_str());
        claimed += jobs->size();
    }
    const double seconds = std::chrono::duration<double>(Steady::now() - start).count();
    std::sort(times.begin(), times.end());
    std::printf("%-34s %9.0f /s   p50 %6.2f ms   p99 %6.2f ms\n", what,
                static_cast<double>(claimed) / seconds, times[50], times[98]);
}

int run(const Settings& settings) {
    if (const auto migrated = migrate(settings.url, RunMode::apply); !migrated) {
        std::fprintf(stderr, "migrate: %s\n", migrated.error().detail.c_str());
        return 1;
    }
    Composer composer;
    SystemClock clock;
    SystemRandom random;
    RecordsOptions options;
    options.database_url = settings.url;
    auto opened = Records::open(options, composer, clock, random);
    if (!opened) return std::fprintf(stderr, "open: %s\n", opened.error().detail.c_str()), 1;
    Records& records = **opened;

    std::mutex mutex;
    std::vector<model::Upload> created;
    const auto create = [&](bool with_key) {
        return sustained(settings, [&, with_key](auto done) {
            auto item = new_upload(random, "app" + std::to_string(random.below(4)));
            if (with_key) item.idempotency = IdempotencyKey{item.upload.id.str(), std::string(64, 'a')};
            records.uploads.create(std::move(item), [&, done](Result<Created> result) {
                if (result) {
                    const std::lock_guard lock{mutex};
                    created.push_back(result->upload);
                }
                done(result.has_value());
            });
        });
    };
    std::printf("%-34s %9.0f /s\n", "create", create(false));
    std::printf("%-34s %9.0f /s\n", "create with idempotency key", create(true));

    std::size_t next = 0;
    std::atomic<bool> out{false};
    std::printf("%-34s %9.0f /s\n", "observe (job, callback, timeline)", sustained(settings, [&](auto done) {
                    Observation seen;
                    {
                        const std::lock_guard lock{mutex};
                        if (next >= created.size()) out = true;
                        const auto& upload = created[std::min(next++, created.size() - 1)];
                        seen.region = upload.region;
                        seen.bucket = upload.bucket;
                        seen.key = upload.key;
                        seen.event_id = upload.id.str() + std::to_string(next);
                    }
                    seen.source = "minio";
                    seen.object.etag = ETag::trusted("0123456789abcdef");
                    records.arrivals.observe(
                        std::move(seen), [done](Result<ObserveOutcome> result) { done(result.has_value()); });
                }));
    if (out) std::printf("  (there were fewer uploads than observations)\n");
    const auto backlog = records.gauges.backlog();
    if (backlog) std::printf("jobs queued: %zu\n", backlog->jobs_ready);
    measure_claims(records, "claim 1", 1);
    measure_claims(records, "claim 50", 50);
    std::size_t sent = 0;
    const auto start = Steady::now();
    for (int i = 0; i < 50; ++i) {
        const auto callbacks = records.outbox.claim(100, 1'000'000, std::chrono::seconds{60});
        if (callbacks) sent += callbacks->size();
    }
    std::printf("%-34s %9.0f /s\n", "claim 100 callbacks",
                static_cast<double>(sent) / std::chrono::duration<double>(Steady::now() - start).count());
    return 0;
}

}  // namespace

int main(int argc, char** argv) {
    Settings settings;
    for (int i = 1; i + 1 < argc; i += 2) {
        if (std::strcmp(argv[i], "--seconds") == 0) settings.seconds = std::atoi(argv[i + 1]);
        if (std::strcmp(argv[i], "--submitters") == 0) settings.submitters = std::atoi(argv[i + 1]);
    }
    const char* url = std::getenv("PHOTOGATE_TEST_DATABASE_URL");
    if (url == nullptr) return std::fprintf(stderr, "PHOTOGATE_TEST_DATABASE_URL is not set\n"), 2;
    settings.url = url;
    return run(settings);
}
