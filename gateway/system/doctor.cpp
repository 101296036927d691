#include "gateway/system/doctor.hpp"

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <optional>
#include <string_view>
#include <thread>

#include <fmt/format.h>

#include "gateway/local/private_postgres.hpp"
#include "gateway/system/event_proof.hpp"
#include "gateway/system/imagers.hpp"
#include "gateway/system/provided.hpp"
#include "gateway/system/stores.hpp"
#include "storage/records/migrate.hpp"
#include "storage/records/records.hpp"

namespace photogate::gateway::system {
namespace {

namespace records = storage::records;
using storage::objects::Verdict;

/// A target with a queue sends within three seconds. A RADOS Gateway looks for new topics every half minute
/// (`queues_update_period_ms` in its rgw_notify.cc).
std::chrono::seconds event_patience(const config::Config& config, const std::string& region) {
    const bool is_ceph = std::any_of(config.events.begin(), config.events.end(), [&](const auto& named) {
        const auto& source = named.second;
        return source.dialect == notifier::events::Dialect::ceph &&
               std::find(source.regions.begin(), source.regions.end(), region) != source.regions.end();
    });
    return std::chrono::seconds{is_ceph ? 45 : 5};
}

/// No callbacks: doctor opens the records only to see whether they can be opened.
class NoCallbacks final : public model::CallbackComposer {
  public:
    std::optional<model::ComposedCallback> compose(model::CallbackType, const model::Upload&,
                                                   Timestamp) const override {
        return std::nullopt;
    }
};

/// One line a finding; what is wrong is followed by what to do.
class DoctorReport {
  public:
    explicit DoctorReport(std::ostream& out) : out_(out) {}

    void line(std::string_view verdict, std::string_view check, std::string_view detail,
              std::string_view remedy = {}) {
        out_ << fmt::format("{:<8} {:<36} {}\n", verdict, check, detail);
        if (!remedy.empty()) out_ << fmt::format("{:<8} fix it with: {}\n", "", remedy);
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

void examine_database(const config::Config& config, const Clock& clock, Random& random,
                      DoctorReport& report) {
    const auto missing =
        records::migrate(config.database.database_url, RunMode::dry_run, config.database.pooler);
    if (!missing) return report.failed("database", missing.error());
    if (!missing->empty()) {
        const Error behind{ErrorCode::invalid_configuration,
                           fmt::format("{} migrations are missing", missing->size()),
                           {},
                           std::nullopt};
        return report.failed("database.schema", behind, "photogate migrate");
    }
    const NoCallbacks nobody;
    const auto opened = records::Records::open(config.database, nobody, clock, random);
    if (!opened) return report.failed("database", opened.error());
    const auto schema = records::schema_standing(*(*opened)->database);
    if (!schema) return report.failed("database", schema.error());
    if (schema->later.empty())
        return report.line("ok", "database", "answers, and its schema is this program's");
    report.line("warning", "database.schema",
                fmt::format("is ahead of this program ({:04}; newest migration {}), and permits it",
                            schema->program, schema->later.back().name),
                "the photogate that migrated it, once you do not go back any more");
}

void examine_stores(const config::Config& config, const storage::objects::S3Dependencies& dependencies,
                    DoctorReport& report) {
    const auto stores = make_stores(config, dependencies);
    if (!stores) return report.failed("store", stores.error());
    if (!config.store.region.empty())
        report.line("warning", config.store.region + ": store.built_in",
                    "objects are in a folder of this machine: no second gateway can share them",
                    "configure [regions.NAME] with an endpoint, once one machine is not enough");
    const auto reports = probe_stores(config, config.apps, *stores, dependencies);
    if (!reports) return report.failed("store", reports.error());
    for (const auto& [region, probed, away] : *reports) {
        if (away) {
            report.failed(region + ": store", *away,
                          "start the store again, or correct regions." + region + ".endpoint");
            continue;
        }
        for (const auto& finding : probed.findings) {
            const auto check = fmt::format("{}: {}", region, finding.check);
            switch (finding.verdict) {
                case Verdict::passed:
                    report.line("ok", check, finding.detail);
                    break;
                case Verdict::warning:
                    report.line("warning", check, finding.detail, finding.remedy);
                    break;
                case Verdict::unproved:
                    report.line("unproved", check, finding.detail);
                    break;
                case Verdict::failed:
                    report.failed(check,
                                  Error{ErrorCode::unsafe_configuration, finding.detail, {}, std::nullopt},
                                  finding.remedy);
                    break;
            }
        }
    }
}

/// A rule is no proof: doctor's own objects must be announced to the gateway that runs.
void examine_events(const config::Config& config, const std::string& region,
                    const storage::objects::Capability& rules, const std::optional<EventCounts>& before,
                    storage::http::HttpClient& http, DoctorReport& report) {
    using namespace std::chrono_literals;
    const auto check = fmt::format("{}: {}", region, rules.name);
    auto link = EventLink::no_gateway;
    const auto until = std::chrono::steady_clock::now() + event_patience(config, region);
    for (;;) {
        link = judge(before, read_event_counts(config.server, http), region);
        if (link != EventLink::lost && link != EventLink::refused) break;
        if (std::chrono::steady_clock::now() >= until) break;
        std::this_thread::sleep_for(100ms);
    }
    constexpr std::string_view kEffect =
        "uploads are found by listing, within a minute, unless the client calls /complete";
    switch (link) {
        case EventLink::arrived:
            return report.line("has", check, "an event came from the store to the gateway");
        case EventLink::no_gateway:
            return report.line(
                "unproved", check,
                fmt::format("{}, but no gateway answers at {}: start it, then run doctor again", rules.found,
                            operations_url(config.server)));
        case EventLink::refused:
            return report.line(
                "lacks", check,
                fmt::format("the gateway refuses the store's events (401), so the token of the "
                            "store's target is none of [events.NAME] tokens: {}",
                            kEffect),
                rules.remedy);
        case EventLink::lost:
            return report.line(
                "lacks", check,
                fmt::format("there is a rule, the gateway runs, and no event came: the store's "
                            "target does not lead to it, or [events.NAME] region names another "
                            "region: {}",
                            kEffect),
                rules.remedy);
    }
}

void examine_capabilities(const config::Config& config, CommandMachine& around,
                          const std::optional<EventCounts>& before, DoctorReport& report) {
    const auto stores = make_stores(config, around.dependencies);
    if (!stores) return;  // said already
    const auto regions = probe_capabilities(config, *stores, around.dependencies);
    if (!regions) return report.failed("store.capabilities", regions.error());
    for (const auto& [region, capabilities, away] : *regions) {
        if (away) continue;  // said already
        for (const auto& each : capabilities) {
            if (each.name == "events" && each.wanted && region != config.store.region) {
                examine_events(config, region, each, before, around.http, report);
                continue;
            }
            report.line(each.wanted ? "has" : "lacks", fmt::format("{}: {}", region, each.name),
                        each.effect.empty() ? each.found : fmt::format("{}: {}", each.found, each.effect),
                        each.wanted ? std::string{} : each.remedy);
        }
    }
}

void examine_imager(const config::Config& config, DoctorReport& report) {
    auto options = config.imaging;
    options.processes = 1;
    // Tolerated here, so that a hole is named rather than the start refused.
    options.sandbox = imaging::Sandbox::best_effort;
    const auto started = imaging::ImagerPool::start(options);
    if (!started) return report.failed("imager", started.error());
    report.line("ok", "imager", "the image worker process starts and can read and write every format");
    if (const auto proved = prove_watermarks(**started, config.apps); !proved)
        report.failed("imager.watermarks", proved.error());
    const auto jail = (*started)->jail();
    if (jail.is_tight()) return report.line("ok", "imager.jail", imaging::describe(jail));
    report.failed("imager.jail",
                  Error{ErrorCode::imager_unavailable, imaging::describe(jail), {}, std::nullopt},
                  "a kernel with seccomp, and a container runtime that allows it");
}

void examine_server(const config::Server& server, DoctorReport& report) {
    if (server.public_url) return report.line("ok", "server.public_url", server.public_url->origin());
    report.line("warning", "server.public_url",
                "is not set: links in answers and the image URLs in callbacks are paths without a host",
                "set server.public_url to the gateway's address as clients and app servers reach it");
}

}  // namespace

Result<> doctor(const config::Config& configured, std::ostream& out) {
    DoctorReport report(out);
    // Nothing is made here: a cluster or a store's folder that is not there yet is a start's to make.
    const bool fresh =
        !configured.postgres_folder.empty() && !local::PrivatePostgres::exists(configured.postgres_folder);
    const auto provided = fresh ? Result<Provided>{Provided{nullptr, configured}}
                                : provide(configured, local::PrivatePostgres::Sharing::allowed);
    if (!provided) return fail(provided.error());
    const auto& config = provided->config;
    CommandMachine around;
    examine_server(config.server, report);
    if (fresh) {
        report.line("none", "database", "the first start makes one in " + configured.postgres_folder);
    } else {
        examine_database(config, around.clock, around.random, report);
    }
    std::error_code ignored;
    if (!config.store.folder.empty() && !std::filesystem::exists(config.store.folder, ignored)) {
        report.line("none", "store", "the first start makes the built-in store in " + config.store.folder);
    } else {
        const auto before = read_event_counts(config.server, around.http);
        examine_stores(config, around.dependencies, report);
        examine_capabilities(config, around, before, report);
    }
    examine_imager(config, report);
    return report.conclusion();
}

}  // namespace photogate::gateway::system
