// An app with one profile and one store, for tests of grants.
#pragma once

#include "pipeline/grant.hpp"

namespace photogate::pipeline {

inline const Timestamp kNow = *parse_rfc3339("2026-11-20T12:34:56.789Z");

inline Stores example_stores() {
    StoreRegion region;
    region.internal = *parse_endpoint("http://10.0.0.1:9000");
    region.external = *parse_endpoint("https://store.example");
    region.incoming = *parse_bucket("incoming");
    region.signer = {"SIGNERKEY", Secret{"signer-secret"}, std::nullopt};
    std::map<std::string, Store> stores;
    stores.emplace("default", Store{region, signer::Signer(region.signer, region.signing_region), nullptr});
    return Stores(std::move(stores));
}

inline App example_app() {
    App app;
    app.name = AppName::trusted("shop");
    Profile profile;
    profile.name = ProfileName::trusted("doorstep");
    profile.limits.max_bytes = 1'000'000;
    profile.formats = {imaging::Format::jpeg, imaging::Format::heic};
    app.profiles.emplace(profile.name, profile);
    return app;
}

struct Example {
    Stores stores = example_stores();
    App app = example_app();
    notifier::CallbackUrlPolicy callbacks;
    SeededRandom random{1};

    Result<storage::records::Upload> plan(const GrantRequest& request) {
        return plan_upload(request, app, stores, callbacks, kNow, random);
    }
    const Profile& profile() { return app.profiles.begin()->second; }
    const Store& store() { return *stores.of("default"); }
};

}  // namespace photogate::pipeline
