// photogate: what each command does, and the exit code that says how it went.
#include <algorithm>
#include <iostream>
#include <thread>

#include <malloc.h>

#include "gateway/cli/program.hpp"
#include "gateway/system/app_commands.hpp"
#include "gateway/system/commands.hpp"
#include "gateway/system/doctor.hpp"
#include "gateway/system/start_check.hpp"

namespace {

using namespace photogate;
using gateway::cli::ExitCode;
using gateway::config::Config;
using gateway::config::Reload;
using gateway::system::ProcessRole;

ExitCode ended(const Result<>& result) {
    if (result) return ExitCode::ok;
    std::cerr << "photogate: " << to_string(result.error().code) << ": " << result.error().detail << '\n';
    return gateway::cli::exit_code_of(result.error().code);
}

/// glibc gives its threads eight heaps a core, each of which keeps what was freed in it. With four nothing is slower, and
/// 50 downloads of packages take half of the memory.
void limit_heaps() {
#ifdef M_ARENA_MAX
    ::mallopt(M_ARENA_MAX, static_cast<int>(std::max(4U, 4 * std::thread::hardware_concurrency())));
#endif
}

auto running(ProcessRole role) {
    return [role](const Config& config, const Reload& reload) {
        limit_heaps();
        return ended(gateway::system::run_until_signal(config, role, reload));
    };
}

}  // namespace

int main(int argc, char** argv) {
    gateway::cli::Commands commands;
    commands.all = running(ProcessRole::all);
    commands.before_all = [](const Config& config) {
        return ended(gateway::system::check_start(config, ProcessRole::all));
    };
    commands.serve = running(ProcessRole::serve);
    commands.work = running(ProcessRole::work);
    commands.migrate = [](const Config& config, RunMode mode) {
        return ended(gateway::system::migrate(config, mode, std::cout));
    };
    commands.doctor = [](const Config& config) { return ended(gateway::system::doctor(config, std::cout)); };
    commands.apps = [](const Config& config, const gateway::access::AppCommand& command) {
        return ended(gateway::system::run_app_command(config, command, std::cout));
    };
    commands.sweep = [](const Config& config, RunMode mode) {
        return ended(gateway::system::sweep(config, mode, std::cout));
    };
    commands.policy = [](const Config& config, model::StoreCredential whose, const std::string& region) {
        return ended(gateway::system::print_policy(config, whose, region, std::cout));
    };
    return gateway::cli::run_process(argc, argv, commands);
}
