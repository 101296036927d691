// The configuration of a gateway whose store is made ready: the one that there is, or the first one, which is written when the store's
// keys are known.
//
// A configuration that is there is never changed.
//
// Thread safety: on the main thread.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include <tl/expected.hpp>

#include "base/secret.hpp"
#include "client/setup/store_setup.hpp"
#include "gateway/cli/config_flags.hpp"
#include "gateway/cli/exit_code.hpp"
#include "gateway/config/first_configuration.hpp"
#include "gateway/config/load.hpp"

namespace photogate::gateway::cli {

struct ProcessContext;

/// What a store of some kind needs of a configuration.
struct StoreKind {
    const char* name;  ///< `minio`: of the subcommand and of the events' table
    enum class Keys { made_here, made_by_the_store } keys;
    enum class EventToken { made_here, none } event_token;
    const char* needs;  ///< what says where the store is
};

class SetupConfiguration {
  public:
    struct Given {
        ConfigFlags flags;
        std::string endpoint;  ///< as it was given; the configuration that there is must say the same
        std::string name;      ///< --name; empty: by the buckets, or `photogate`
        std::map<std::string, std::string> standards;  ///< flags of a first configuration that were not given
    };
    /// Mistakes are printed.
    static tl::expected<SetupConfiguration, ExitCode> open(const StoreKind& kind, Given given,
                                                           const ProcessContext& context);

    bool is_first() const { return first_.has_value(); }
    /// Without the administrator. Errors: invalid_configuration.
    Result<client::setup::Wanted> wanted() const;
    /// `events.ceph.authentication`; empty where there is none.
    std::string value(const std::string& key) const;
    bool has_source() const { return loaded_.config.events.contains(kind_.name); }

    /// The file of a first configuration.
    std::string file() const { return first_ ? first_->file.string() : std::string{}; }
    /// Writes it, and the secrets beside it. Errors: file_error, store_full.
    Result<> write(const client::setup::Facts& facts);
    /// What the gateway will read now.
    tl::expected<config::Loaded, std::vector<config::Mistake>> read() const { return config::load(sources_); }

  private:
    SetupConfiguration(const StoreKind& kind, std::string name) : kind_(kind), name_(std::move(name)) {}

    const StoreKind& kind_;
    std::string name_;
    config::Sources sources_;
    config::Loaded loaded_;
    std::optional<config::FirstConfiguration> first_;
    Secret event_token_;  ///< of a first configuration
};

}  // namespace photogate::gateway::cli
