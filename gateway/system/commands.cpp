#include "gateway/system/commands.hpp"

#include <csignal>
#include <cstdlib>
#include <iostream>
#include <optional>
#include <string_view>

#include <fmt/format.h>

#include "base/log.hpp"
#include "gateway/system/next_steps.hpp"
#include "gateway/system/provided.hpp"
#include "gateway/system/recipients.hpp"
#include "gateway/system/service_notify.hpp"
#include "gateway/system/signals.hpp"
#include "gateway/system/start_check.hpp"
#include "gateway/system/stores.hpp"
#include "model/object_layout.hpp"
#include "pipeline/orphan_collector.hpp"
#include "storage/objects/policies.hpp"
#include "storage/packages/package_builds.hpp"
#include "storage/records/migrate.hpp"
#include "storage/records/records.hpp"

namespace photogate::gateway::system {

namespace records = storage::records;

Result<> run_until_signal(const config::Config& configured, ProcessRole role, const config::Reload& reload) {
    StopSignals signals;
    if (auto clear = check_start(configured, role); !clear) return clear;
    const auto provided = provide(configured, local::PrivatePostgres::Sharing::refused);
    if (!provided) return fail(provided.error());
    const auto& config = provided->config;
    if (provided->postgres) {
        // Nobody else keeps this schema in step.
        const auto migrated = records::migrate(config.database.database_url, RunMode::apply);
        if (!migrated) return fail(migrated.error());
    }
    auto system = System::start(config, role, reload);
    if (!system) return fail(std::move(system.error()));
    for (const auto port : (*system)->ports())
        log::info("server.listening", {{"port", port}});
    notify_service_manager("READY=1");
    // A service manager's log is no place for it.
    if (role == ProcessRole::all && std::getenv("NOTIFY_SOCKET") == nullptr)
        std::cout << next_steps(config) << std::flush;
    int number = signals.wait();
    for (; number == SIGHUP; number = signals.wait()) {
        notify_service_manager(reloading_notice());
        // What is wrong is in the log; the gateway goes on as it was.
        const auto reloaded = (*system)->reload();
        notify_service_manager(reloaded ? "READY=1\nSTATUS=Running, the configuration was reloaded"
                                        : "READY=1\nSTATUS=Running, the changed configuration was refused");
    }
    log::info("server.stopping", {{"signal", number}});
    (*system)->stop();
    system->reset();
    log::info("server.stopped");
    return {};
}

Result<> migrate(const config::Config& configured, RunMode mode, std::ostream& out) {
    const auto provided = provide(configured, local::PrivatePostgres::Sharing::allowed);
    if (!provided) return fail(provided.error());
    const auto& database = provided->config.database;
    const auto migrations = records::migrate(database.database_url, mode, database.pooler);
    if (!migrations) return fail(migrations.error());
    const std::string_view verb = mode == RunMode::apply ? "applied" : "would apply";
    for (const auto& migration : *migrations)
        out << fmt::format("{} {:04} {}\n", verb, migration.version, migration.name);
    if (!migrations->empty()) return {};
    const auto later = records::later_migrations(database.database_url, database.pooler);
    if (!later) return fail(later.error());
    if (later->empty()) {
        out << "the schema is up to date\n";
    } else {
        out << fmt::format(
            "nothing to do: the schema is ahead of this program (newest migration {}), and permits it\n",
            later->back().name);
    }
    return {};
}

Result<> print_policy(const config::Config& config, model::StoreCredential whose, const std::string& region,
                      std::ostream& out) {
    const auto found = config.regions.find(region.empty() ? config.default_region : region);
    if (found == config.regions.end())
        return fail(ErrorCode::unknown_region, "choose a region of the configuration with --region");
    const auto& of = found->second;
    out << (whose == model::StoreCredential::signer
                ? storage::objects::signer_policy(of.incoming, std::string{model::kIncomingPrefix})
                : storage::objects::worker_policy({of.incoming, of.published, of.originals}));
    return {};
}

Result<> sweep(const config::Config& configured, RunMode mode, std::ostream& out) {
    const auto provided = provide(configured, local::PrivatePostgres::Sharing::allowed);
    if (!provided) return fail(provided.error());
    const auto& config = provided->config;
    CommandMachine around;
    const model::LiveApps apps{config.apps};
    const notifier::callbacks::UploadCallbacks composer(image_base_of(config), around.random,
                                                        recipients(apps));
    const auto opened = records::Records::open(config.database, composer, around.clock, around.random);
    if (!opened) return fail(opened.error());
    const auto stores = make_stores(config, around.dependencies);
    if (!stores) return fail(stores.error());
    pipeline::OrphanCollectorOptions options;
    options.every = config.worker.sweep_interval;
    options.min_age = config.worker.sweep_age;
    auto& services = **opened;
    storage::packages::PackageBuilds packages(*services.database);
    pipeline::OrphanCollector collector(
        options, {services.upkeep, services.arrivals, services.publications, *stores, around.clock,
                  [&](const Bucket& bucket, const std::vector<ObjectKey>& keys) {
                      return packages.named_among(bucket, keys);
                  }});
    const auto swept = collector.sweep_now(mode, [&](const pipeline::Swept& found) {
        out << fmt::format("{:<13} {} {}\n", to_string(found.finding), found.bucket.str(),
                           found.object.key.str());
    });
    if (!swept) return fail(swept.error());
    out << fmt::format("{} objects seen, {} removed or given to jobs that remove them, {} unknown\n",
                       swept->seen, swept->removed, swept->unknown);
    return {};
}

}  // namespace photogate::gateway::system
