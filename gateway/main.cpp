// photogate: what each command does, and the exit code that says how it went.
#include <iostream>

#include "gateway/cli/program.hpp"
#include "gateway/system/commands.hpp"
#include "gateway/system/doctor.hpp"
#include "gateway/system/start_check.hpp"

namespace {

using namespace photogate;
using gateway::cli::ExitCode;
using gateway::config::Config;
using gateway::system::ProcessRole;

ExitCode ended(const Result<>& result) {
    if (result) return ExitCode::ok;
    std::cerr << "photogate: " << to_string(result.error().code) << ": " << result.error().detail << '\n';
    return gateway::cli::exit_code_of(result.error().code);
}

auto running(ProcessRole role) {
    return [role](const Config& config) { return ended(gateway::system::run_until_signal(config, role)); };
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
    commands.migrate = [](const Config& config, gateway::cli::MigrateMode mode) {
        const auto how = mode == gateway::cli::MigrateMode::apply ? storage::records::MigrateMode::apply
                                                                  : storage::records::MigrateMode::dry_run;
        return ended(gateway::system::migrate(config, how, std::cout));
    };
    commands.doctor = [](const Config& config) { return ended(gateway::system::doctor(config, std::cout)); };
    commands.sweep = [](const Config& config, gateway::cli::SweepMode mode) {
        const auto how = mode == gateway::cli::SweepMode::apply ? pipeline::SweepMode::apply
                                                                : pipeline::SweepMode::dry_run;
        return ended(gateway::system::sweep(config, how, std::cout));
    };
    commands.policy = [](const Config& config, gateway::cli::PolicyOf whose, const std::string& region) {
        const auto of = whose == gateway::cli::PolicyOf::signer ? gateway::system::PolicyOf::signer
                                                                : gateway::system::PolicyOf::worker;
        return ended(gateway::system::print_policy(config, of, region, std::cout));
    };
    return gateway::cli::run_process(argc, argv, commands);
}
