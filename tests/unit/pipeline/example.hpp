// An app with one profile and one store, for tests of grants.
#pragma once

#include "pipeline/grant.hpp"

namespace photogate::pipeline {

inline const Timestamp kNow = *parse_rfc3339("2026-11-20T12:34:56.789Z");

inline Stores example_stores() {
    model::StoreRegion region;
    region.internal = *parse_endpoint("http://10.0.0.1:9000");
    region.external = *parse_endpoint("https://store.example");
    region.incoming = *parse_bucket("incoming");
    region.signer = {"SIGNERKEY", Secret{"signer-secret"}, std::nullopt};
    std::map<std::string, Store> stores;
    stores.emplace("default", Store{region, signer::Signer(region.signer, region.signing_region), nullptr});
    return Stores(std::move(stores));
}

inline model::App example_app() {
    model::App app;
    app.name = AppName::trusted("shop");
    model::Profile profile;
    profile.name = ProfileName::trusted("doorstep");
    profile.limits.max_bytes = 1'000'000;
    profile.formats = {imaging::Format::jpeg, imaging::Format::heic};
    app.profiles.emplace(profile.name, profile);
    return app;
}

struct Example {
    Stores stores = example_stores();
    model::App app = example_app();
    notifier::callbacks::CallbackUrlPolicy callbacks;
    SeededRandom random{1};

    Result<model::Upload> plan(const GrantRequest& request) {
        return plan_upload(request, app, stores, callbacks, kNow, random);
    }
    const model::Profile& profile() { return app.profiles.begin()->second; }
    const Store& store() { return *stores.of("default"); }
};

}  // namespace photogate::pipeline
