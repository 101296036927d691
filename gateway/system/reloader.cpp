#include "gateway/system/reloader.hpp"

#include <chrono>
#include <map>
#include <optional>
#include <utility>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "base/log.hpp"
#include "gateway/access/token_secrets.hpp"
#include "gateway/config/changes.hpp"
#include "gateway/system/imagers.hpp"
#include "gateway/system/link_keys.hpp"
#include "gateway/system/stores.hpp"

namespace photogate::gateway::system {
namespace {

telemetry::SeriesName reloads(const char* result) {
    return {"photogate_config_reloads_total",
            "Times that the configuration was read again while running, by what came of it.",
            {{"result", result}}};
}

bool same(const signer::Credentials& one, const signer::Credentials& other) {
    const auto token = [](const signer::Credentials& of) {
        return of.session_token ? of.session_token->reveal() : std::string_view{};
    };
    return one.access_key_id == other.access_key_id &&
           one.secret_access_key.reveal() == other.secret_access_key.reveal() && token(one) == token(other);
}

/// The keys that the configuration gives the store; where it gives none they are the built-in store's own, which stay.
std::optional<pipeline::StoreKeys> changed_keys(const config::Config& next, const std::string& name,
                                                const pipeline::Store& store) {
    const auto configured = next.regions.find(name);
    if (configured == next.regions.end() || name == next.store.region) return std::nullopt;
    const auto in_force = store.keys->now();
    const auto& [signer, worker] = *in_force;
    if (same(signer, configured->second.signer) && same(worker, configured->second.worker))
        return std::nullopt;
    return pipeline::StoreKeys{configured->second.signer, configured->second.worker};
}

}  // namespace

Reloader::Reloader(Foundation& foundation, ServeModule& serve, config::Reload reload)
    : base_(foundation),
      serve_(serve),
      reload_(std::move(reload)),
      applied_(foundation.metrics.counter(reloads("applied"))),
      refused_(foundation.metrics.counter(reloads("refused"))),
      applied_at_(foundation.metrics.gauge({"photogate_config_applied_timestamp_seconds",
                                            "When the configuration in force was taken over.",
                                            {}})),
      succeeded_(foundation.metrics.gauge({"photogate_config_last_reload_successful",
                                           "Whether the last reading of the configuration was taken over.",
                                           {}})) {
    applied_at_.set(static_cast<double>(
        std::chrono::duration_cast<std::chrono::seconds>(SystemClock{}.now().time_since_epoch()).count()));
    succeeded_.set(1);
}

Result<> Reloader::reload() {
    auto loaded = read();
    auto adopted = loaded ? adopt(*loaded) : Result<>{fail(std::move(loaded.error()))};
    succeeded_.set(adopted ? 1 : 0);
    if (!adopted) {
        refused_.add();
        log::error("config.not_reloaded", {{"code", to_string(adopted.error().code)},
                                           {"detail", adopted.error().detail},
                                           {"in_force", "the configuration that was read before"}});
        return adopted;
    }
    const auto changes = config::changes_between(reload_.in_force, loaded->settings);
    log::info("config.reloaded", {{"changed", fmt::format("{}", fmt::join(changes.at_once, ", "))}});
    if (!changes.need_restart.empty())
        log::warn("config.needs_restart",
                  {{"options", fmt::format("{}", fmt::join(changes.need_restart, ", "))}});
    // What needs a restart is not in force, and is named again next time.
    for (auto& setting : loaded->settings) {
        if (config::holds_at_once(setting.table, setting.key)) continue;
        for (const auto& old : reload_.in_force) {
            if (old.table == setting.table && old.key == setting.key) setting = old;
        }
    }
    reload_.in_force = std::move(loaded->settings);
    applied_.add();
    applied_at_.set(static_cast<double>(
        std::chrono::duration_cast<std::chrono::seconds>(SystemClock{}.now().time_since_epoch()).count()));
    return {};
}

Result<config::Loaded> Reloader::read() const {
    auto loaded = reload_.read();
    if (loaded) {
        for (const auto& warning : loaded->warnings)
            log::warn("config.warning", {{"detail", warning.text()}});
        return std::move(*loaded);
    }
    std::vector<std::string> mistakes;
    for (const auto& mistake : loaded.error())
        mistakes.push_back(mistake.text());
    return fail(ErrorCode::invalid_configuration, fmt::format("{}", fmt::join(mistakes, "; ")));
}

Result<> Reloader::adopt(const config::Loaded& loaded) {
    const auto& next = loaded.config;
    if (base_.imagers) {
        if (auto proved = prove_watermarks(*base_.imagers, next.apps); !proved) return proved;
    }
    std::map<std::string, pipeline::StoreKeys> changed;
    for (const auto& [name, store] : base_.stores.all()) {
        if (auto keys = changed_keys(next, name, store)) changed.emplace(name, std::move(*keys));
    }
    const bool becomes_private =
        model::have_private_profile(next.apps) && !model::have_private_profile(*base_.apps.now());
    if (!changed.empty() || becomes_private) {
        if (auto safe = prove_stores(next, changed, becomes_private); !safe) return safe;
    }
    if (auto opened = base_.region_finder->reopen(); !opened) return opened;
    const auto roots = [&] {
        if (!next.server.token_secrets.empty()) return next.server.token_secrets;
        std::map<std::string, Secret> workers;
        for (const auto& [name, store] : base_.stores.all()) {
            const auto found = changed.find(name);
            workers.emplace(name, found == changed.end() ? store.keys->now()->worker.secret_access_key
                                                         : found->second.worker.secret_access_key);
        }
        return access::derive_token_secrets(workers, base_.config.default_region);
    }();
    // From here on nothing fails.
    for (auto& [name, keys] : changed)
        base_.stores.of(name)->replace_keys(std::move(keys));
    if (!roots.empty()) serve_.use_token_secrets(roots);
    base_.registry.use(next, roots);
    log::configure(next.log.format.value_or(base_.log_format), next.log.level);
    return {};
}

/// Only what was not tried before is tried here: the stores with the credentials that are to come, and whether the public bucket is
/// closed where a profile is private now that was not.
Result<> Reloader::prove_stores(const config::Config& next,
                                const std::map<std::string, pipeline::StoreKeys>& changed,
                                bool becomes_private) const {
    auto config = base_.config;
    for (auto& [name, region] : config.regions) {
        const auto found = next.regions.find(name);
        if (found == next.regions.end()) continue;
        region.signer = found->second.signer;
        region.worker = found->second.worker;
    }
    const auto stores = make_stores(config, base_.s3_dependencies);
    if (!stores) return fail(stores.error());
    const auto reports = probe_stores(config, next.apps, *stores, base_.s3_dependencies);
    if (!reports) return fail(reports.error());
    for (const auto& [region, report, away] : *reports) {
        if (away && (becomes_private || changed.contains(region))) return fail(*away);
    }
    const auto failures = failures_of(*reports);
    if (failures.empty() || base_.config.unsafe == config::UnsafeStore::allow) return {};
    return fail(ErrorCode::unsafe_configuration,
                "the store is not safe for this configuration (--unsafe allows it):" + failures);
}

}  // namespace photogate::gateway::system
