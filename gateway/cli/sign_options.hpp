// The options of `photogate sign`.
//
// Thread safety: on the main thread.
#pragma once

#include "gateway/cli/sign_command.hpp"

namespace CLI {
class App;
}

namespace photogate::gateway::cli {

enum class SignedAs { url, form };

/// `arguments` outlives `sub`.
void add_sign_options(CLI::App& sub, SignArguments& arguments, SignedAs what);

}  // namespace photogate::gateway::cli
