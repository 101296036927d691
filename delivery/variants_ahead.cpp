#include "delivery/variants_ahead.hpp"

#include <algorithm>
#include <future>
#include <map>
#include <utility>

#include "base/failpoint.hpp"
#include "base/log.hpp"
#include "delivery/version_object.hpp"
#include "imaging/memory_file.hpp"

namespace photogate::delivery {
namespace {

/// Each version once, with its key.
std::map<std::string, imaging::VersionSpec> distinct(const std::vector<ChosenVariant>& chosen) {
    std::map<std::string, imaging::VersionSpec> specs;
    for (const auto& variant : chosen)
        if (variant.spec) specs.emplace(variant.spec->key(), *variant.spec);
    return specs;
}

}  // namespace

Result<std::vector<imaging::Published>> VariantsAhead::render(
    const Source& source, const std::vector<imaging::VersionSpec>& specs) const {
    auto file = imaging::MemoryFile::create("variants");
    if (!file) return fail(file.error());
    if (auto kept = file->append(source.bytes); !kept) return fail(kept.error());
    if (auto sealed = file->seal(); !sealed) return fail(sealed.error());
    imaging::Task task;
    task.file = file->descriptor();
    task.size = file->size();
    task.limits.max_bytes = std::max(task.limits.max_bytes, task.size);
    task.limits.max_work = budget_;
    task.facts.reset();
    task.versions = specs;
    task.party = source.party;
    auto outcome = imagers_.run(task);
    if (!outcome) return fail(outcome.error());
    if (const auto* rejection = std::get_if<imaging::Rejection>(&*outcome))
        return fail(ErrorCode::unavailable, rejection->detail);
    return std::move(std::get<imaging::Processed>(*outcome).pictures);
}

model::MadeAhead VariantsAhead::make(const Source& source) {
    model::MadeAhead made;
    const auto of = source_of(source.image, source.exif_json);
    if (!of) return made;
    const auto chosen = choose_variants(source.profile.delivery, *of);
    const auto wanted = distinct(chosen);
    std::vector<imaging::VersionSpec> specs;
    for (const auto& [key, spec] : wanted)
        specs.push_back(spec);

    std::vector<std::pair<std::string, imaging::Published>> pictures;
    if (!specs.empty()) {
        auto rendered = render(source, specs);
        if (!rendered)
            log::info("variants.left", {{"upload", source.upload.id.str()},
                                        {"code", photogate::to_string(rendered.error().code)},
                                        {"detail", rendered.error().detail}});
        for (std::size_t i = 0; rendered && i < rendered->size(); ++i)
            pictures.emplace_back(specs[i].key(), std::move((*rendered)[i]));
    }
    std::vector<std::future<Result<model::VersionAhead>>> puts;
    for (const auto& [key, picture] : pictures)
        puts.push_back(std::async(std::launch::async, [&source, &key, &picture] {
            return put_version(source.store, source.upload.public_id, key, picture);
        }));
    std::map<std::string, model::PublishedImage> stored;
    for (auto& put : puts) {
        auto version = put.get();
        if (!version) {
            log::info("variants.left", {{"upload", source.upload.id.str()},
                                        {"code", photogate::to_string(version.error().code)},
                                        {"detail", version.error().detail}});
            continue;
        }
        stored.emplace(version->spec_key, version->image);
        made.versions.push_back(std::move(*version));
    }
    failpoint::pass(failpoint::Point::after_variants_put);
    for (const auto& variant : chosen) {
        if (!variant.spec) {
            made.variants.push_back({variant.name, source.image});
        } else if (const auto found = stored.find(variant.spec->key()); found != stored.end()) {
            made.variants.push_back({variant.name, found->second});
        }
    }
    if (stored.size() < wanted.size()) made.rest = model::MadeAhead::Rest::later;
    made_ += stored.size();
    left_ += wanted.size() - stored.size();
    return made;
}

}  // namespace photogate::delivery
