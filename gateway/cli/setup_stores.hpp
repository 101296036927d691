// The stores that `photogate setup` knows: where the administrator's key of each comes from, and how its steps are made.
//
// Thread safety: on the main thread.
#pragma once

#include <memory>
#include <string>

#include "client/setup/store_setup.hpp"
#include "gateway/cli/setup_command.hpp"
#include "gateway/cli/setup_configuration.hpp"

namespace photogate::gateway::cli {

/// What the command line and the environment say, and the parts that a store's steps are made of.
struct SetupParts {
    const SetupArguments& arguments;
    const ProcessContext& context;
};

class SetupStore {
  public:
    SetupStore(const SetupStore&) = delete;
    SetupStore& operator=(const SetupStore&) = delete;
    virtual ~SetupStore() = default;

    virtual const StoreKind& kind() const = 0;
    /// Before anything is read. Errors: invalid_field, where the command line or the environment lacks something.
    virtual Result<SetupConfiguration::Given> given(const SetupParts& parts) const = 0;
    /// Errors: as those of the store's open().
    virtual Result<std::unique_ptr<client::setup::StoreSetup>> open(
        const SetupParts& parts, const SetupConfiguration& configuration) const = 0;

  protected:
    SetupStore() = default;
};

/// `minio`, `aws`, `ceph` or `r2`.
const SetupStore& setup_store(const std::string& name);

}  // namespace photogate::gateway::cli
