#include "gateway/system/system.hpp"

#include <optional>
#include <thread>
#include <utility>

#include "base/log.hpp"
#include "gateway/system/foundation.hpp"
#include "gateway/system/probes.hpp"
#include "gateway/system/reloader.hpp"
#include "gateway/system/serve_module.hpp"
#include "gateway/system/service_notify.hpp"
#include "gateway/system/work_module.hpp"

namespace photogate::gateway::system {

// The members are in the order of their lives: each uses only what is above it.
struct System::State {
    Foundation foundation;
    std::optional<WorkModule> work;
    std::optional<Probes> probes;
    std::optional<ServeModule> serve;
    std::optional<Reloader> reloader;
    bool stopped = false;

    State(const config::Config& config, ProcessRole role) : foundation(config, role) {}

    Result<> start(config::Reload reload) {
        if (auto opened = foundation.open(); !opened) return opened;
        if (auto safe = foundation.verify_safety(); !safe) return safe;
        foundation.region_watch->start();
        if (auto started = foundation.start_imagers(); !started) return started;
        if (foundation.works()) {
            work.emplace(foundation);
            work->start();
        }
        WorkModule* const works = work ? &*work : nullptr;
        probes.emplace(foundation);
        serve.emplace(foundation, works, *probes);
        reloader.emplace(foundation, *serve, std::move(reload));
        return serve->start();
    }

    void stop() {
        if (stopped) return;
        stopped = true;
        notify_service_manager("STOPPING=1");
        const auto& server = foundation.config.server;
        if (probes) probes->stopping();
        if (serve && serve->listens()) {
            // Load balancers see /readyz first; then no new connection is accepted, and what waits is
            // answered.
            std::this_thread::sleep_for(server.drain_delay);
            serve->stop_accepting();
            if (foundation.builtin) foundation.builtin->stop_accepting();
        }
        if (work) work->request_stop();
        if (foundation.waiters) foundation.waiters->release_all();
        if (foundation.package_waiters) foundation.package_waiters->release_all();
        if (serve) {
            if (const auto cut = serve->drain(server.drain_timeout); cut > 0)
                log::warn("server.connections_cut", {{"connections", cut}});
        }
        if (work) work->join();
        if (foundation.builtin) {
            if (const auto cut = foundation.builtin->drain(server.drain_timeout); cut > 0)
                log::warn("store.connections_cut", {{"connections", cut}});
        }
    }
};

System::System(std::unique_ptr<State> state) : state_(std::move(state)) {}

System::~System() {
    stop();
}

Result<> System::reload() {
    return state_->reloader->reload();
}

void System::stop() {
    if (state_) state_->stop();
}

Result<std::unique_ptr<System>> System::start(const config::Config& config, ProcessRole role,
                                              config::Reload reload) {
    std::unique_ptr<System> system{new System(std::make_unique<State>(config, role))};
    if (auto started = system->state_->start(std::move(reload)); !started)
        return fail(std::move(started.error()));
    return system;
}

std::vector<std::uint16_t> System::ports() const {
    return state_->serve->ports();
}

}  // namespace photogate::gateway::system
