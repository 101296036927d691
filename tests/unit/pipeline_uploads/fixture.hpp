// An upload service over records and a store in memory.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "pipeline/uploads/upload_service.hpp"
#include "tests/support/fake_records.hpp"
#include "tests/support/fake_store.hpp"
#include "tests/support/unowned.hpp"

namespace photogate::pipeline::uploads::test {

class UploadServiceTest : public ::testing::Test {
  protected:
    UploadServiceTest() {
        model::Profile profile;
        profile.name = ProfileName::trusted("photos");
        profile.limits.max_bytes = 1'000;
        profile.default_expiry = std::chrono::seconds{900};
        profile.longest_expiry = std::chrono::seconds{3'600};
        for (const auto* name : {"shop", "other"}) {
            model::App app;
            app.name = AppName::trusted(name);
            app.profiles.emplace(profile.name, profile);
            apps.emplace(app.name, std::move(app));
        }
    }

    Stores make_stores() {
        model::StoreRegion region;
        region.internal = *parse_endpoint("http://10.0.0.1:9000");
        region.external = *parse_endpoint("https://store.example");
        region.incoming = Bucket::trusted("incoming");
        region.signer = {"SIGNERKEY", Secret{"signer-secret"}, std::nullopt};
        auto objects = std::make_unique<photogate::test::FakeStore>();
        store = objects.get();
        std::map<std::string, Store> all;
        all.emplace("default",
                    Store{region, signer::Signer(region.signer, region.signing_region), std::move(objects)});
        return Stores{std::move(all)};
    }

    static Caller app(const char* name = "shop") { return {AppName::trusted(name), nullptr}; }
    static Caller the_operator() { return {}; }
    static Caller bearer(const std::string& id = "tok_a", std::uint64_t most = 10,
                         Timestamp expires_at = *parse_rfc3339("2026-11-27T00:00:00Z")) {
        model::ClientToken token;
        token.id = id;
        token.app = AppName::trusted("shop");
        token.profile = ProfileName::trusted("photos");
        token.max_uploads = most;
        token.expires_at = expires_at;
        token.metadata = {{"order", "A-1"}};
        return {token.app, std::make_shared<const model::ClientToken>(std::move(token))};
    }

    static CreateRequest request() {
        CreateRequest wanted;
        wanted.grant.size = 24;
        wanted.grant.content_type = "image/jpeg";
        return wanted;
    }

    Result<Created> store_planned(PlannedUpload planned) {
        std::vector<Result<Created>> answers;
        service.create(std::move(planned),
                       [&](Result<Created> answer) { answers.push_back(std::move(answer)); });
        EXPECT_EQ(answers.size(), 1U) << "exactly one answer";
        return answers.at(0);
    }
    model::Upload created(const Caller& caller) {
        auto planned = service.plan(caller, request()).value();
        const auto id = planned.granted.upload.id;
        EXPECT_TRUE(store_planned(std::move(planned)));
        return records.find(std::nullopt, id).value();
    }
    /// The upload as another part of the program has left it.
    model::Upload changed(const Caller& caller, model::UploadState state) {
        const auto upload = created(caller);
        records.change(upload.id, [&](model::Upload& stored) {
            stored.state = state;
            if (state != model::UploadState::created && state != model::UploadState::expired)
                stored.pinned = model::PinnedObject{ETag::trusted("e1"), 24, std::nullopt};
            if (state == model::UploadState::published) stored.image.emplace();
        });
        return records.find(std::nullopt, upload.id).value();
    }
    template <class T>
    static ErrorCode code_of(const Result<T>& result) {
        if (result) {
            ADD_FAILURE() << "it was not refused";
            return ErrorCode::internal;
        }
        return result.error().code;
    }

    ManualClock clock{*parse_rfc3339("2026-11-20T12:34:56.789Z")};
    SeededRandom random{1};
    photogate::test::FakeRecords records{clock};
    photogate::test::FakeStore* store = nullptr;
    Stores stores = make_stores();
    model::Apps apps;
    const model::LiveApps live_apps{photogate::test::unowned(apps)};
    Catalog catalog{live_apps, stores};
    Intake intake{records, records, stores, clock};
    notifier::callbacks::CallbackUrlPolicy callback_urls;
    Parts parts{records, stores};
    UploadService service{{records, intake, parts, catalog, callback_urls, clock, random}};
};

}  // namespace photogate::pipeline::uploads::test
