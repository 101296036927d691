#include "gateway/system/commands.hpp"

#include <iostream>
#include <optional>
#include <string_view>

#include <fmt/format.h>

#include "base/log.hpp"
#include "gateway/local/private_postgres.hpp"
#include "gateway/system/recipients.hpp"
#include "gateway/system/service_notify.hpp"
#include "gateway/system/signals.hpp"
#include "gateway/system/stores.hpp"
#include "storage/records/records.hpp"

namespace photogate::gateway::system {
namespace {

namespace records = storage::records;
using storage::objects::Verdict;

/// Tells nobody: doctor opens the records only to see whether they can be opened.
class NoCallbacks final : public model::CallbackComposer {
  public:
    std::optional<model::ComposedCallback> compose(model::CallbackType, const model::Upload&,
                                                   Timestamp) const override {
        return std::nullopt;
    }
};

/// One line a finding; what is wrong is followed by what to do.
class Sheet {
  public:
    explicit Sheet(std::ostream& out) : out_(out) {}

    void line(std::string_view verdict, std::string_view check, std::string_view detail,
              std::string_view remedy = {}) {
        out_ << fmt::format("{:<8} {:<36} {}\n", verdict, check, detail);
        if (!remedy.empty()) out_ << fmt::format("{:<8} mend it with: {}\n", "", remedy);
    }

    void failed(std::string_view check, const Error& error, std::string_view remedy = {}) {
        line("FAILED", check, error.detail, remedy);
        if (!first_) first_ = Error{error.code, fmt::format("{}: {}", check, error.detail), {}, std::nullopt};
    }

    Result<> conclusion() const {
        if (first_) return fail(*first_);
        return {};
    }

  private:
    std::ostream& out_;
    std::optional<Error> first_;
};

void examine_database(const config::Config& config, const Clock& clock, Random& random, Sheet& sheet) {
    const auto missing =
        records::migrate(config.database.database_url, records::MigrateMode::dry_run, config.database.pooler);
    if (!missing) return sheet.failed("database", missing.error());
    if (!missing->empty()) {
        const Error behind{ErrorCode::invalid_configuration,
                           fmt::format("{} migrations are missing", missing->size()),
                           {},
                           std::nullopt};
        return sheet.failed("database.schema", behind, "photogate migrate");
    }
    const NoCallbacks nobody;
    const auto opened = records::Records::open(config.database, nobody, clock, random);
    if (!opened) return sheet.failed("database", opened.error());
    sheet.line("ok", "database", "answers, and its schema is this program's");
}

void examine_stores(const config::Config& config, const storage::objects::S3Dependencies& parts,
                    Sheet& sheet) {
    const auto stores = make_stores(config, parts);
    if (!stores) return sheet.failed("store", stores.error());
    if (!config.store.region.empty())
        sheet.line("warning", config.store.region + ": store.built_in",
                   "objects are in a folder of this machine: no second gateway can share them",
                   "configure [regions.NAME] with an endpoint, once one machine is not enough");
    const auto reports = probe_stores(*stores, parts);
    if (!reports) return sheet.failed("store", reports.error());
    for (const auto& [region, report] : *reports) {
        for (const auto& finding : report.findings) {
            const auto check = fmt::format("{}: {}", region, finding.check);
            switch (finding.verdict) {
                case Verdict::passed:
                    sheet.line("ok", check, finding.detail);
                    break;
                case Verdict::warning:
                    sheet.line("warning", check, finding.detail, finding.remedy);
                    break;
                case Verdict::failed:
                    sheet.failed(check,
                                 Error{ErrorCode::unsafe_configuration, finding.detail, {}, std::nullopt},
                                 finding.remedy);
                    break;
            }
        }
    }
}

void examine_capabilities(const config::Config& config, const storage::objects::S3Dependencies& parts,
                          Sheet& sheet) {
    const auto stores = make_stores(config, parts);
    if (!stores) return;  // said already
    const auto regions = probe_capabilities(config, *stores, parts);
    if (!regions) return sheet.failed("store.capabilities", regions.error());
    for (const auto& [region, capabilities] : *regions) {
        for (const auto& each : capabilities)
            sheet.line(each.wanted ? "has" : "lacks", fmt::format("{}: {}", region, each.name),
                       each.effect.empty() ? each.found : fmt::format("{}: {}", each.found, each.effect),
                       each.remedy);
    }
}

void examine_imager(const config::Config& config, Sheet& sheet) {
    auto options = config.imaging;
    options.processes = 1;
    // Tolerated here, so that a hole is named rather than the start refused.
    options.sandbox = imaging::Sandbox::best_effort;
    const auto started = imaging::ImagerPool::start(options);
    if (!started) return sheet.failed("imager", started.error());
    sheet.line("ok", "imager", "the image worker process starts and can read and write every format");
    const auto jail = (*started)->jail();
    if (jail.is_tight()) return sheet.line("ok", "imager.jail", imaging::describe(jail));
    sheet.failed("imager.jail",
                 Error{ErrorCode::imager_unavailable, imaging::describe(jail), {}, std::nullopt},
                 "a kernel with seccomp, and a container runtime that allows it");
}

/// The machine, as a command uses it that does its work and ends.
struct Surroundings {
    SystemClock clock;
    SystemRandom random;
    storage::http::HttpClient http{storage::http::ClientOptions{}};
    storage::objects::SystemPacer pacer;
    const storage::objects::S3Dependencies parts{http, clock, random, pacer};
};

/// A configuration whose database is there: the one it names, or one of our own that runs as long as this.
struct Provided {
    std::unique_ptr<local::PrivatePostgres> postgres;
    config::Config config;
};

Result<Provided> provide(const config::Config& config, local::PrivatePostgres::Sharing sharing) {
    Provided provided{nullptr, config};
    if (config.postgres_folder.empty()) return provided;
    auto postgres = local::PrivatePostgres::start(config.postgres_folder, sharing);
    if (!postgres) return fail(std::move(postgres.error()));
    provided.postgres = std::move(*postgres);
    provided.config.database.database_url = provided.postgres->url();
    return provided;
}

}  // namespace

Result<> run_until_signal(const config::Config& configured, ProcessRole role) {
    StopSignals signals;
    const auto provided = provide(configured, local::PrivatePostgres::Sharing::refused);
    if (!provided) return fail(provided.error());
    const auto& config = provided->config;
    if (provided->postgres) {
        // Nobody else keeps this schema in step.
        const auto migrated = records::migrate(config.database.database_url, records::MigrateMode::apply);
        if (!migrated) return fail(migrated.error());
    }
    auto system = System::start(config, role);
    if (!system) return fail(std::move(system.error()));
    for (const auto port : (*system)->ports())
        log::info("server.listening", {{"port", port}});
    notify_service_manager("READY=1");
    const int number = signals.wait();
    log::info("server.stopping", {{"signal", number}});
    (*system)->stop();
    system->reset();
    log::info("server.stopped");
    return {};
}

Result<> migrate(const config::Config& configured, records::MigrateMode mode, std::ostream& out) {
    const auto provided = provide(configured, local::PrivatePostgres::Sharing::allowed);
    if (!provided) return fail(provided.error());
    const auto& database = provided->config.database;
    const auto migrations = records::migrate(database.database_url, mode, database.pooler);
    if (!migrations) return fail(migrations.error());
    const std::string_view verb = mode == records::MigrateMode::apply ? "applied" : "would apply";
    for (const auto& migration : *migrations)
        out << fmt::format("{} {:04} {}\n", verb, migration.version, migration.name);
    if (migrations->empty()) out << "the schema is up to date\n";
    return {};
}

Result<> sweep(const config::Config& configured, pipeline::SweepMode mode, std::ostream& out) {
    const auto provided = provide(configured, local::PrivatePostgres::Sharing::allowed);
    if (!provided) return fail(provided.error());
    const auto& config = provided->config;
    Surroundings around;
    const notifier::callbacks::UploadCallbacks composer(image_base_of(config), around.random,
                                                        recipients(config));
    const auto opened = records::Records::open(config.database, composer, around.clock, around.random);
    if (!opened) return fail(opened.error());
    const auto stores = make_stores(config, around.parts);
    if (!stores) return fail(stores.error());
    pipeline::OrphanCollectorOptions options;
    options.every = config.worker.sweep_interval;
    options.min_age = config.worker.sweep_age;
    auto& services = **opened;
    pipeline::OrphanCollector collector(
        options, {services.upkeep, services.arrivals, services.publications, *stores, around.clock});
    const auto swept = collector.sweep_now(mode, [&](const pipeline::Swept& found) {
        out << fmt::format("{:<13} {} {}\n", to_string(found.finding), found.bucket.str(),
                           found.object.key.str());
    });
    if (!swept) return fail(swept.error());
    out << fmt::format("{} objects seen, {} removed or given to jobs that remove them, {} unknown\n",
                       swept->seen, swept->removed, swept->unknown);
    return {};
}

Result<> doctor(const config::Config& configured, std::ostream& out) {
    const auto provided = provide(configured, local::PrivatePostgres::Sharing::allowed);
    if (!provided) return fail(provided.error());
    const auto& config = provided->config;
    Surroundings around;
    Sheet sheet(out);
    examine_database(config, around.clock, around.random, sheet);
    examine_stores(config, around.parts, sheet);
    examine_capabilities(config, around.parts, sheet);
    examine_imager(config, sheet);
    return sheet.conclusion();
}

}  // namespace photogate::gateway::system
