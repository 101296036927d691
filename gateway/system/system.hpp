// The composition root: every module's parts, made in order, run, and taken down in reverse.
//
// Thread safety: start(), reload() and stop() on one thread.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "base/result.hpp"
#include "gateway/config/config.hpp"
#include "gateway/config/load.hpp"

namespace photogate::gateway::system {

enum class ProcessRole {
    all,    ///< serve and work
    serve,  ///< the REST interface, events in, images out
    work,   ///< the worker loop, the reconciler, callbacks out
};

class System {
  public:
    /// Connects, proves the store's credentials safe, starts the worker processes and threads, and listens.
    /// Errors: database_unavailable and store_* (a part that is not there), unsafe_configuration,
    /// imager_unavailable, cannot_bind, invalid_configuration (the schema is another than this program's).
    /// `config` outlives the System.
    static Result<std::unique_ptr<System>> start(const config::Config& config, ProcessRole role,
                                                 config::Reload reload);

    /// Drains: not ready, then no new connections, then what is under way is finished or given back.
    ~System();
    System(const System&) = delete;
    System& operator=(const System&) = delete;

    /// The ports that the client listeners really got, in order; then the metrics listener's.
    std::vector<std::uint16_t> ports() const;
    /// Reads the configuration again and takes over what can be. Errors: as Reloader::reload().
    Result<> reload();
    void stop();

  private:
    struct State;
    explicit System(std::unique_ptr<State> state);
    std::unique_ptr<State> state_;
};

}  // namespace photogate::gateway::system
