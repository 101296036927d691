#include "delivery/backfill_feeder.hpp"

#include <memory>

#include "base/log.hpp"
#include "delivery/variants.hpp"

namespace photogate::delivery {

using storage::variants::BackfillOrder;
using storage::variants::VariantBackfills;

VariantBackfills::Feeding BackfillFeeder::feeding(const BackfillOrder& order) const {
    VariantBackfills::Feeding feeding;
    feeding.keys_of = [](const model::Upload&) { return std::vector<std::string>{}; };
    const auto apps = dependencies_.apps.now();
    const auto app = apps->find(order.app);
    if (app == apps->end()) return feeding;
    const auto profile = app->second.profiles.find(order.profile);
    if (profile == app->second.profiles.end()) return feeding;
    const std::shared_ptr<const model::DeliveryPolicy> policy{apps, &profile->second.delivery};
    feeding.recipe = recipe_of(*policy, order.variant);
    feeding.keys_of = [policy, variant = order.variant](const model::Upload& upload) {
        if (!upload.image) return std::vector<std::string>{};
        const auto source = source_of(*upload.image, upload.facts ? upload.facts->exif_json : "");
        if (!source) return std::vector<std::string>{};
        auto chosen = choose_variants(*policy, *source);
        if (variant) std::erase_if(chosen, [&](const ChosenVariant& each) { return each.name != *variant; });
        return keys_of(chosen);
    };
    return feeding;
}

Result<std::chrono::milliseconds> BackfillFeeder::feed() {
    const auto running = dependencies_.backfills.running(options_.most);
    if (!running) return fail(running.error());
    auto wait = running->empty() ? options_.ask_every : options_.go_on;
    for (const auto& backfill : *running) {
        if (stop_.stopped()) break;
        const auto fed = dependencies_.backfills.feed(backfill.id, feeding(backfill.order));
        if (!fed) return fail(fed.error());
        looked_at_ += fed->looked_at;
        queued_ += fed->queued;
        if (fed->has_more) wait = std::chrono::milliseconds{0};
    }
    return wait;
}

void BackfillFeeder::run() {
    for (;;) {
        auto wait = feed();
        if (!wait) {
            ++failures_;
            log::warn("backfills.not_fed",
                      {{"code", photogate::to_string(wait.error().code)}, {"detail", wait.error().detail}});
        }
        if (stop_.wait_for(wait.value_or(options_.ask_every))) return;
    }
}

}  // namespace photogate::delivery
