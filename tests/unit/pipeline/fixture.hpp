// The handlers over records and a store in memory, and a decoder that answers what a test says.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "base/encoding.hpp"
#include "model/object_layout.hpp"
#include "pipeline/jobs/dispose_original.hpp"
#include "pipeline/jobs/find_object.hpp"
#include "pipeline/jobs/job_runner.hpp"
#include "pipeline/jobs/publish_upload.hpp"
#include "pipeline/jobs/remove_published.hpp"
#include "signer/digest.hpp"
#include "tests/support/fake_records.hpp"
#include "tests/support/fake_store.hpp"
#include "tests/support/fake_versions.hpp"
#include "tests/support/unowned.hpp"

namespace photogate::pipeline::test {

inline constexpr std::string_view kOriginal = "the bytes of an original";
inline constexpr std::string_view kClean = "the bytes made here";

class PipelineTest : public testing::Test {
  protected:
    PipelineTest() {
        model::Profile profile;
        profile.name = ProfileName::trusted("photos");
        profile.limits.max_bytes = 10'000;
        profile.original = model::OriginalAction::keep;
        profile.rejected = model::OriginalAction::quarantine;
        model::App app;
        app.name = AppName::trusted("shop");
        app.profiles.emplace(profile.name, profile);
        apps.emplace(app.name, app);
    }

    Stores make_stores() {
        model::StoreRegion region;
        region.name = "default";
        region.incoming = incoming;
        region.published = published;
        region.originals = originals;
        region.signer = {"SIGNERKEY", Secret{"signer-secret"}, std::nullopt};
        auto objects = std::make_unique<photogate::test::FakeStore>();
        store = objects.get();
        std::map<std::string, Store> all;
        all.emplace("default",
                    Store{region, signer::Signer(region.signer, region.signing_region), std::move(objects)});
        return Stores{std::move(all)};
    }

    model::Upload created(const std::function<void(model::Upload&)>& how = {}) {
        storage::records::NewUpload item;
        auto& upload = item.upload;
        upload.id = make_upload_id(clock.now(), random);
        upload.public_id = make_public_id(random);
        upload.app = AppName::trusted("shop");
        upload.profile = ProfileName::trusted("photos");
        upload.region = "default";
        upload.bucket = incoming;
        upload.key = model::incoming_key(clock.now(), upload.id);
        upload.created_at = clock.now();
        upload.expires_at = clock.now() + std::chrono::minutes{15};
        if (how) how(upload);
        const auto id = upload.id;
        records.create(std::move(item), [](auto outcome) { EXPECT_TRUE(outcome); });
        return records.find(std::nullopt, id).value();
    }

    /// With its object in the store, seen there.
    model::Upload received(const std::function<void(model::Upload&)>& how = {},
                           std::string_view bytes = kOriginal) {
        const auto upload = created(how);
        const auto etag = store->write(upload.bucket, upload.key, std::string{bytes});
        storage::records::Observation seen;
        seen.region = upload.region;
        seen.bucket = upload.bucket;
        seen.key = upload.key;
        seen.object = {etag, bytes.size(), std::nullopt};
        records.observe(seen, [](auto outcome) {
            EXPECT_EQ(outcome.value(), storage::records::ObserveOutcome::received);
        });
        return records.find(std::nullopt, upload.id).value();
    }

    model::Job claim() {
        records.all_due();
        auto jobs = records.claim({.worker = "w"}).value();
        if (jobs.size() != 1) throw std::runtime_error{"no job to claim"};
        return jobs.front();
    }
    /// Claims the next job and runs it.
    void run_one() { run(claim()); }
    void run(const model::Job& job) { jobs::JobRunner{real_handlers, records, random, stop}.run(job); }

    jobs::Handlers make_handlers() {
        jobs::Handlers made;
        made.add(std::make_unique<jobs::PublishUpload>(jobs::PublishUpload::Dependencies{
            records, records, stores, live_apps,
            [this](const imaging::Task& task) {
                const auto decoder = process_image;  // which may replace itself
                return decoder(task);
            },
            [this](const model::Upload& upload, const jobs::StageTimes&) {
                finished.push_back(upload.state);
            }}));
        const auto done = [this](const UploadId&) { ++settled; };
        made.add(std::make_unique<jobs::DisposeOriginal>(records, stores, done));
        made.add(std::make_unique<jobs::FindObject>(
            [this](const model::Upload& upload) { return look_at_store(upload); }));
        made.add(std::make_unique<jobs::RemovePublished>(versions, stores, done));
        return made;
    }

    static imaging::Processed clean_picture() {
        imaging::Processed processed;
        const auto bytes = as_bytes(kClean);
        processed.pictures.emplace_back();
        processed.pictures.front().bytes.assign(bytes.begin(), bytes.end());
        processed.pictures.front().width = 20;
        processed.pictures.front().height = 10;
        processed.width = 40;
        processed.height = 20;
        processed.exif_json = "{}";
        processed.privacy_json = "{}";
        return processed;
    }

    ObjectKey image_key(const model::Upload& upload) const {
        return model::published_key(upload.public_id, hex_lower(signer::sha256(kClean)), "jpg");
    }
    model::Upload now(const UploadId& id) { return records.find(std::nullopt, id).value(); }
    model::UploadState state_of(const UploadId& id) { return now(id).state; }
    std::optional<model::JobKind> job_of(const UploadId& id) const {
        const auto jobs = records.jobs_of(id);
        return jobs.empty() ? std::nullopt : std::make_optional(jobs.front().kind);
    }

    /// Another worker takes the job after this one's lease ran out.
    void lose_lease() {
        records.expire_leases();
        ASSERT_TRUE(records.reap());
        records.all_due();
        ASSERT_EQ(records.claim({.worker = "another"}).value().size(), 1U);
    }

    const Bucket incoming = Bucket::trusted("incoming"), published = Bucket::trusted("public"),
                 originals = Bucket::trusted("originals");
    ManualClock clock{*parse_rfc3339("2026-11-20T12:34:56Z")};
    SeededRandom random{1};
    photogate::test::FakeRecords records{clock};
    photogate::test::FakeVersions versions{clock};
    photogate::test::FakeStore* store = nullptr;
    Stores stores = make_stores();
    model::Apps apps;
    const model::LiveApps live_apps{photogate::test::unowned(apps)};
    std::function<Result<imaging::Outcome>(const imaging::Task&)> process_image = [](const imaging::Task&) {
        return imaging::Outcome{clean_picture()};
    };
    std::function<Result<bool>(const model::Upload&)> look_at_store = [](const model::Upload&) {
        return false;
    };
    std::vector<model::UploadState> finished;  ///< as the observer received it
    int settled = 0;
    StopSignal stop;
    jobs::Handlers real_handlers = make_handlers();
};

}  // namespace photogate::pipeline::test
