#include "gateway/system/work_module.hpp"

#include <algorithm>
#include <string>
#include <utility>

#include <fmt/format.h>
#include <unistd.h>

#include "base/version.hpp"
#include "gateway/system/worker_setup.hpp"
#include "pipeline/metrics.hpp"
#include "signer/webhook_signature.hpp"

namespace photogate::gateway::system {
namespace {

notifier::callbacks::SecretsOf secrets(const config::Config& config) {
    return [&config](const AppName& name) {
        const auto app = config.apps.find(name);
        return app == config.apps.end() ? std::vector<signer::WebhookSecret>{} : app->second.callback_secrets;
    };
}

storage::http::ClientOptions callback_client(const config::Config& config) {
    storage::http::ClientOptions options;
    options.user_agent = kUserAgent;
    options.guard = [&config](const sockaddr& address) {
        return config.callbacks.policy.guard.permits(address);
    };
    options.ca_file = config.callbacks.ca_file;
    return options;
}

std::string worker_name() {
    char host[256] = "host";
    if (::gethostname(host, sizeof host - 1) != 0) return fmt::format("pid-{}", ::getpid());
    return fmt::format("{}-{}", host, ::getpid());
}

std::chrono::seconds longest_grant(const config::Config& config) {
    std::chrono::seconds longest{0};
    for (const auto& [name, app] : config.apps) {
        for (const auto& [profile_name, profile] : app.profiles)
            longest = std::max(longest, profile.longest_expiry);
    }
    return longest;
}

}  // namespace

WorkModule::WorkModule(Foundation& foundation)
    : base_(foundation), upload_metrics_(foundation.metrics), callback_metrics_(foundation.metrics) {}

WorkModule::~WorkModule() {
    request_stop();
    join();
}

void WorkModule::start() {
    make_worker();
    make_periodic_tasks();
    make_sender();
    loops_.emplace_back([this] { worker_->run(); });
    loops_.emplace_back([this] { reconciler_->run(); });
    loops_.emplace_back([this] { orphan_collector_->run(); });
    loops_.emplace_back([this] { base_.watch->run(); });
    loops_.emplace_back([this] { sender_->run(); });
}

void WorkModule::make_worker() {
    auto handlers =
        job_handlers({base_.records->publications, base_.records->uploads, base_.stores, base_.config.apps,
                      [this](const imaging::Task& task) { return base_.imagers->run(task); },
                      [this](const model::Upload& upload, const pipeline::jobs::StageTimes& times) {
                          upload_metrics_.finished(upload, times);
                          base_.waiters->finished(upload);
                      }},
                     base_.records->versions, [this](const UploadId& id) { base_.waiters->settled(id); });
    worker_.emplace(worker_options(base_.config.worker, worker_name()), base_.records->jobs,
                    std::move(handlers), base_.random);
}

void WorkModule::make_periodic_tasks() {
    pipeline::ReconcilerOptions rounds;
    rounds.list_every = base_.config.worker.reconcile_interval;
    rounds.look_every =
        std::min<std::chrono::milliseconds>(rounds.look_every, base_.config.worker.reconcile_interval);
    rounds.reap_every = base_.config.worker.reap_interval;
    rounds.grace = base_.config.worker.expiry_grace;
    rounds.longest_grant = longest_grant(base_.config);
    auto& records = *base_.records;
    reconciler_.emplace(
        rounds, pipeline::ReconcilerDependencies{records.upkeep, records.jobs, records.arrivals, base_.stores,
                                                 *base_.intake, base_.clock});
    pipeline::OrphanCollectorOptions sweeps;
    sweeps.every = base_.config.worker.sweep_interval;
    sweeps.ask_every = std::min(sweeps.ask_every, sweeps.every);
    sweeps.min_age = base_.config.worker.sweep_age;
    orphan_collector_.emplace(
        sweeps, pipeline::OrphanCollectorDependencies{records.upkeep, records.arrivals, records.publications,
                                                      base_.stores, base_.clock});
}

void WorkModule::make_sender() {
    callback_http_.emplace(callback_client(base_.config));
    sender_.emplace(base_.config.callbacks.sender, base_.records->outbox, *callback_http_,
                    secrets(base_.config), base_.clock, base_.random,
                    [this](const model::CallbackAttempt& attempt) { callback_metrics_.attempted(attempt); });
}

void WorkModule::request_stop() {
    if (worker_) worker_->stop();
    if (reconciler_) reconciler_->stop();
    if (orphan_collector_) orphan_collector_->stop();
    if (!loops_.empty()) base_.watch->stop();
    if (sender_) sender_->stop();
}

void WorkModule::join() {
    for (auto& loop : loops_)
        loop.join();
    loops_.clear();
}

void WorkModule::watch_all() const {
    pipeline::watch(base_.metrics, *reconciler_);
    pipeline::watch(base_.metrics, *orphan_collector_);
    pipeline::jobs::watch(base_.metrics, *worker_);
    notifier::callbacks::watch(base_.metrics, *sender_);
}

}  // namespace photogate::gateway::system
