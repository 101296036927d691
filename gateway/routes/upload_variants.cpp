#include "gateway/routes/upload_variants.hpp"

#include <utility>

#include "delivery/variants.hpp"

namespace photogate::gateway::routes {
namespace {

std::shared_ptr<const model::DeliveryPolicy> policy_of(const Api& api, const model::Upload& upload) {
    const auto apps = api.apps.now();
    const auto app = apps->find(upload.app);
    if (app == apps->end()) return nullptr;
    const auto profile = app->second.profiles.find(upload.profile);
    if (profile == app->second.profiles.end()) return nullptr;
    return {apps, &profile->second.delivery};
}

bool is_published(const model::Upload& upload) {
    return upload.state == model::UploadState::published && upload.image;
}

std::vector<delivery::ChosenVariant> chosen_of(const Api& api, const model::Upload& upload) {
    if (!is_published(upload)) return {};
    const auto policy = policy_of(api, upload);
    if (policy == nullptr || policy->variants.empty()) return {};
    const auto source = delivery::source_of(*upload.image, upload.facts ? upload.facts->exif_json : "");
    if (!source) return {};
    return delivery::choose_variants(*policy, *source);
}

}  // namespace

bool has_variants(const Api& api, const model::Upload& upload) {
    if (!is_published(upload)) return false;
    const auto policy = policy_of(api, upload);
    return policy != nullptr && !policy->variants.empty();
}

Result<> look_up_variants(const Api& api, std::vector<model::Upload>& uploads) {
    std::vector<std::vector<delivery::ChosenVariant>> chosen;
    std::vector<storage::records::VersionName> names;
    for (const auto& upload : uploads) {
        chosen.push_back(chosen_of(api, upload));
        for (auto& key : delivery::keys_of(chosen.back()))
            names.push_back({upload.id, std::move(key)});
    }
    const auto there = api.variants.find_all(names);
    if (!there) return fail(there.error());
    for (std::size_t i = 0; i < uploads.size(); ++i) {
        auto& upload = uploads[i];
        upload.variants.clear();
        for (const auto& variant : chosen[i]) {
            if (!variant.spec) {
                upload.variants.push_back({variant.name, *upload.image});
            } else if (const auto found = there->find({upload.id, variant.spec->key()});
                       found != there->end()) {
                upload.variants.push_back({variant.name, found->second});
            }
        }
    }
    return {};
}

Result<model::Upload> with_variants(const Api& api, Result<model::Upload> upload) {
    if (!upload || !has_variants(api, *upload)) return upload;
    std::vector<model::Upload> one{std::move(*upload)};
    if (auto filled = look_up_variants(api, one); !filled) return fail(std::move(filled.error()));
    return std::move(one.front());
}

}  // namespace photogate::gateway::routes
