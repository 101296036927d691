#include "delivery/make_variants.hpp"

#include <algorithm>
#include <map>
#include <utility>

#include "base/failpoint.hpp"
#include "base/log.hpp"
#include "pipeline/jobs/persist.hpp"

namespace photogate::delivery {
namespace {

namespace jobs = pipeline::jobs;
using storage::records::StoredVersion;
using storage::records::VersionElsewhere;

/// After that what lacks is left out.
constexpr std::uint32_t kMostAttempts = 5;
/// For a worker process to become free.
constexpr std::chrono::seconds kVariantPatience{60};
/// Of a backfill's job that this gateway's configuration is not right for.
constexpr std::chrono::milliseconds kForOthers{30'000};

/// The payload of a backfill's job: `<recipe> <name, or nothing>`.
struct Backfilling {
    std::string recipe;
    std::optional<std::string> variant;
};

std::optional<Backfilling> backfilling(const model::Job& job) {
    if (job.slot.empty()) return std::nullopt;
    Backfilling read;
    const auto space = job.payload.find(' ');
    read.recipe = job.payload.substr(0, space);
    if (space != std::string::npos && space + 1 < job.payload.size())
        read.variant = job.payload.substr(space + 1);
    return read;
}

std::shared_ptr<const model::Profile> profile_of(const model::LiveApps& live, const model::Upload& upload) {
    const auto apps = live.now();
    const auto app = apps->find(upload.app);
    if (app == apps->end()) return nullptr;
    const auto profile = app->second.profiles.find(upload.profile);
    if (profile == app->second.profiles.end()) return nullptr;
    return {apps, &profile->second};
}

}  // namespace

struct MakeVariants::Made {
    std::vector<model::Variant> variants;
    std::optional<Error> lacking;  ///< why, of the first one
};

MakeVariants::MakeVariants(Dependencies dependencies)
    : JobHandler(model::JobKind::make_variants, jobs::Lane::cpu), dependencies_(std::move(dependencies)) {}

MakeVariants::Made MakeVariants::make(const model::Job& job, const model::Profile& profile,
                                      const LocatedImage& located, const pipeline::StopSignal& stop) const {
    Made made;
    std::map<std::string, model::PublishedImage> there;
    const auto source = source_of(*job.upload.image, job.upload.facts ? job.upload.facts->exif_json : "");
    if (!source) {
        made.lacking = source.error();
        return made;
    }
    const auto backfill = backfilling(job);
    std::vector<ChosenVariant> others;
    for (const auto& variant : choose_variants(profile.delivery, *source)) {
        if (backfill && backfill->variant && *backfill->variant != variant.name) {
            others.push_back(variant);
            continue;
        }
        if (!variant.spec) {
            made.variants.push_back({variant.name, *job.upload.image});
            continue;
        }
        const auto key = variant.spec->key();
        if (const auto found = there.find(key); found != there.end()) {
            made.variants.push_back({variant.name, found->second});
            continue;
        }
        if (stop.stopped()) {
            made.lacking = Error{ErrorCode::unavailable, "the worker stops", {}, std::nullopt};
            return made;
        }
        auto outcome = dependencies_.attempt({located, *variant.spec},
                                             std::chrono::steady_clock::now() + kVariantPatience);
        if (auto* stored = std::get_if<StoredVersion>(&outcome)) {
            there.emplace(key, stored->image);
            made.variants.push_back({variant.name, std::move(stored->image)});
            failpoint::pass(failpoint::Point::after_variant_made);
        } else if (const auto* elsewhere = std::get_if<VersionElsewhere>(&outcome)) {
            const auto wait = std::chrono::ceil<std::chrono::seconds>(elsewhere->until);
            if (!made.lacking)
                made.lacking = Error{ErrorCode::unavailable, "another gateway makes it", {}, wait};
        } else if (auto* error = std::get_if<Error>(&outcome); error != nullptr && !made.lacking) {
            made.lacking = std::move(*error);
        }
    }
    if (auto added = add_others(job, others, made.variants); !added && !made.lacking)
        made.lacking = std::move(added.error());
    return made;
}

Result<> MakeVariants::add_others(const model::Job& job, const std::vector<ChosenVariant>& others,
                                  std::vector<model::Variant>& into) const {
    if (others.empty()) return {};
    std::vector<storage::records::VersionName> names;
    for (auto& key : keys_of(others))
        names.push_back({job.upload.id, std::move(key)});
    const auto there = dependencies_.variants.find_all(names);
    if (!there) return fail(there.error());
    for (const auto& variant : others) {
        if (!variant.spec) {
            into.push_back({variant.name, *job.upload.image});
        } else if (const auto found = there->find({job.upload.id, variant.spec->key()});
                   found != there->end()) {
            into.push_back({variant.name, found->second});
        }
    }
    std::sort(into.begin(), into.end(), [](const auto& a, const auto& b) { return a.name < b.name; });
    return {};
}

jobs::JobOutcome MakeVariants::run(const model::Job& job, const pipeline::StopSignal& stop) {
    const auto& upload = job.upload;
    if (upload.state != model::UploadState::published || !upload.image) return jobs::Finished{};
    const auto profile = profile_of(dependencies_.apps, upload);
    if (profile == nullptr || profile->delivery.variants.empty()) return jobs::Finished{};
    if (const auto backfill = backfilling(job);
        backfill && recipe_of(profile->delivery, backfill->variant) != backfill->recipe)
        return jobs::Retry{
            Error{ErrorCode::unavailable, "the profile has other variants here", {}, std::nullopt},
            model::Postponement::Cost::free, kForOthers};
    const auto located = dependencies_.images.locate(upload.public_id.str());
    const auto is_over = [](const Error& error) {
        return error.code == ErrorCode::gone || error.code == ErrorCode::not_published;
    };
    if (!located && is_over(located.error())) return jobs::Finished{};
    if (!located) return jobs::Retry{located.error()};

    const auto made = make(job, *profile, *located, stop);
    if (made.lacking && is_over(*made.lacking)) return jobs::Finished{};
    if (stop.stopped() && made.lacking) return jobs::Retry{*made.lacking};
    if (made.lacking && job.attempt < kMostAttempts)
        return jobs::Retry{*made.lacking, model::Postponement::Cost::attempt};
    using Ending = storage::records::VariantStore::Made;
    const auto ending = made.lacking ? Ending::some : Ending::all;
    const auto announced = jobs::persist(
        stop, [&] { return dependencies_.variants.announce(job.lease, made.variants, ending); });
    if (!announced) return jobs::Unrecorded{"announce", announced.error()};
    log::info("variants.ready", {{"upload", upload.id.str()},
                                 {"variants", made.variants.size()},
                                 {"wanted", profile->delivery.variants.size()}});
    return jobs::Recorded{};
}

}  // namespace photogate::delivery
