#include "gateway/cli/program.hpp"

#include <algorithm>
#include <exception>
#include <functional>
#include <iostream>
#include <list>
#include <optional>

#include <CLI/CLI.hpp>
#include <fmt/format.h>
#include <unistd.h>

#include "base/log.hpp"
#include "base/version.hpp"
#include "gateway/access/api_key.hpp"
#include "gateway/cli/app_arguments.hpp"
#include "gateway/cli/client_arguments.hpp"
#include "gateway/cli/config_flags.hpp"
#include "gateway/cli/setup_command.hpp"
#include "gateway/cli/sign_command.hpp"
#include "gateway/cli/sign_options.hpp"
#include "gateway/config/first_configuration.hpp"
#include "gateway/config/load.hpp"
#include "gateway/config/show.hpp"

namespace photogate::gateway::cli {
namespace {

constexpr const char* kAbout = "photogate: presigned uploads of pictures, cleaned, published and announced";

constexpr std::string_view kHelpAll = "--help-all";

/// Counts occurrences and takes no value. CLI11 2.1 distinguishes the description from a variable by its
/// constness.
CLI::Option* bare_flag(CLI::App& app, const std::string& name, const std::string& about) {
    return app.add_flag(name, about);
}

class Program {
  public:
    Program(const ProcessContext& context, const Commands& commands)
        : context_(context), commands_(commands) {
        const auto& given = context_.arguments;
        if (std::find(given.begin(), given.end(), kHelpAll) != given.end()) help_ = Help::all;
        app_.name("photogate");
        app_.description(kAbout);
        app_.require_subcommand(0, 1);
        app_.footer(
            "`photogate COMMAND --help` shows the options that matter most, and --help-all every one; "
            "docs/configuration.md explains them.");
        bare_flag(app_, "--check-config", "The same as `config check`");
        app_.add_option("--config", root_.file, "The configuration file, for --check-config")
            ->type_name("FILE");
        bare_flag(app_, "--version", "The same as `version`");
        app_.callback([this] {
            if (app_.count("--check-config") > 0) action_ = [this] { return check(root_); };
            if (app_.count("--version") > 0) action_ = [this] { return version(); };
        });
        add_running("all", "Serve and work in one process; without configuration, everything on this machine",
                    commands.all);
        add_running("serve", "Serve HTTP only", commands.serve);
        add_running("work", "Work only: process uploads, send callbacks", commands.work);
        add_migrate();
        if (commands.doctor)
            doctor_ = [&commands](const config::Config& config, const config::Reload&) {
                return commands.doctor(config);
            };
        add_running("doctor", "Check the database, the stores and the credentials", doctor_);
        add_sweep();
        add_policy();
        add_sign();
        add_config();
        add_key();
        add_apps();
        add_client_commands(app_, client_arguments_, context_, action_);
        add_setup_command(app_, setup_arguments_, help_, context_, commands_, action_);
        app_.add_subcommand("version", "Print the version")->callback([this] {
            action_ = [this] { return version(); };
        });
    }

    ExitCode run() {
        try {
            auto arguments = context_.arguments;
            std::replace(arguments.begin(), arguments.end(), std::string{kHelpAll}, std::string{"--help"});
            std::reverse(arguments.begin(), arguments.end());
            app_.parse(std::move(arguments));
        } catch (const CLI::ParseError& stop) {
            // Help ends parsing too, with code 0; CLI11's own codes for mistakes (100 and up) mean usage.
            return app_.exit(stop, context_.out, context_.err) == 0 ? ExitCode::ok : ExitCode::usage;
        }
        if (action_) return action_();
        context_.err << app_.help();
        return ExitCode::usage;
    }

  private:
    /// What a command does where nothing is configured: `all` makes a first configuration, and doctor
    /// examines what that would be.
    enum class First { none, supposed, made };

    ConfigFlags& flags() { return all_flags_.emplace_back(); }

    void add_running(const char* name, const char* about, const Commands::Service& command) {
        if (!command) return;
        auto* sub = app_.add_subcommand(name, about);
        auto& given = flags();
        add_config_flags(*sub, given, help_);
        auto* check_only = bare_flag(*sub, "--check-config", "Check the configuration and stop");
        const auto first = std::string_view{name} == "all"      ? First::made
                           : std::string_view{name} == "doctor" ? First::supposed
                                                                : First::none;
        sub->callback([this, &given, &command, check_only, first] {
            if (check_only->count() > 0) {
                action_ = [this, &given] { return check(given); };
            } else if (first != First::none) {
                action_ = [this, &given, &command, first] { return first_start(given, command, first); };
            } else {
                action_ = [this, &given, &command] {
                    return with_config(sources_of(given, context_),
                                       [&](const config::Config& config, const config::Reload& reload) {
                                           return command(config, reload);
                                       });
                };
            }
        });
    }

    void add_migrate() {
        if (!commands_.migrate) return;
        auto* sub = app_.add_subcommand("migrate", "Bring the database's schema up to date");
        auto& given = flags();
        add_config_flags(*sub, given, help_);
        auto* dry = bare_flag(*sub, "--dry-run", "Say what would be done");
        sub->callback([this, &given, dry] {
            const auto mode = dry->count() > 0 ? RunMode::dry_run : RunMode::apply;
            action_ = [this, &given, mode] {
                return with_config(
                    given, [&](const config::Config& config) { return commands_.migrate(config, mode); });
            };
        });
    }

    void add_sweep() {
        if (!commands_.sweep) return;
        auto* sub = app_.add_subcommand(
            "sweep", "Run orphan collection now: remove unreferenced objects, list unknown ones");
        auto& given = flags();
        add_config_flags(*sub, given, help_);
        auto* dry = bare_flag(*sub, "--dry-run", "Say what would be done");
        sub->callback([this, &given, dry] {
            const auto mode = dry->count() > 0 ? RunMode::dry_run : RunMode::apply;
            action_ = [this, &given, mode] {
                return with_config(
                    given, [&](const config::Config& config) { return commands_.sweep(config, mode); });
            };
        });
    }

    void add_policy() {
        if (!commands_.policy) return;
        auto* parent = app_.add_subcommand("policy", "Print the store's policy for a credential, as JSON");
        parent->require_subcommand(1);
        for (const auto whose : {model::StoreCredential::signer, model::StoreCredential::worker}) {
            auto* sub = whose == model::StoreCredential::signer
                            ? parent->add_subcommand("signer", "May put uploads, and nothing else")
                            : parent->add_subcommand("worker", "Reads, writes and removes");
            auto& given = flags();
            add_config_flags(*sub, given, help_);
            sub->add_option("--region", region_, "The entry of [regions]")->type_name("NAME");
            sub->callback([this, &given, whose] {
                action_ = [this, &given, whose] {
                    return with_config(given, [&](const config::Config& config) {
                        return commands_.policy(config, whose, region_);
                    });
                };
            });
        }
    }

    void add_sign() {
        auto* parent = app_.add_subcommand(
            "sign", "Print a presigned URL, or a form's fields; credentials from the AWS_* variables");
        parent->require_subcommand(1);
        for (const char* method : {"get", "put", "head", "delete", "post"}) {
            const bool form = std::string_view{method} == "post";
            auto* sub = parent->add_subcommand(method, form ? "A form's fields as JSON" : "A presigned URL");
            auto& a = sign_arguments_.emplace_back();
            a.method = method;
            add_sign_options(*sub, a, form ? SignedAs::form : SignedAs::url);
            sub->callback([this, &a] { action_ = [this, &a] { return print_signed(a); }; });
        }
    }

    void add_config() {
        auto* parent = app_.add_subcommand("config", "Check, show or document the configuration");
        parent->require_subcommand(1);
        auto* check_command = parent->add_subcommand("check", "Report every mistake at once, with its line");
        auto& checked = flags();
        add_config_flags(*check_command, checked, help_);
        check_command->callback([this, &checked] { action_ = [this, &checked] { return check(checked); }; });

        auto* show_command =
            parent->add_subcommand("show", "Print the effective values, without the secrets");
        auto& shown = flags();
        add_config_flags(*show_command, shown, help_);
        auto* origin = bare_flag(*show_command, "--origin", "Print the origin of each value");
        show_command->callback([this, &shown, origin] {
            const auto origins = origin->count() > 0 ? config::Origins::shown : config::Origins::hidden;
            action_ = [this, &shown, origins] { return show(shown, origins); };
        });
        auto* get_command =
            parent->add_subcommand("get", "Print one effective value, even if it is a secret");
        auto& got = flags();
        add_config_flags(*get_command, got, help_);
        get_command->add_option("KEY", key_, "regions.default.signer_secret_key")->required();
        get_command->callback([this, &got] { action_ = [this, &got] { return get(got); }; });
        parent->add_subcommand("docs", "Print docs/configuration.md")->callback([this] {
            action_ = [this] {
                context_.out << config::reference_markdown();
                return ExitCode::ok;
            };
        });
    }

    void add_key() {
        auto* parent = key_commands_ = app_.add_subcommand("key", "API keys");
        parent->require_subcommand(1);
        auto* sub = parent->add_subcommand("new", "Create an API key, and its line for the configuration");
        sub->add_option("--app", app_name_, "The app's name, as in [apps.NAME]")
            ->required()
            ->type_name("NAME");
        sub->callback([this] { action_ = [this] { return new_key(); }; });
    }

    void add_apps() {
        if (!commands_.apps) return;
        add_app_commands(app_, *key_commands_, app_arguments_,
                         [this](CLI::App& sub, access::AppCommand::What what) {
                             auto& given = flags();
                             add_config_flags(sub, given, help_);
                             sub.callback([this, &given, what] {
                                 action_ = [this, &given, what] { return run_app_command(given, what); };
                             });
                         });
    }

    ExitCode run_app_command(const ConfigFlags& given, access::AppCommand::What what) {
        const auto command = read(app_arguments_, what);
        if (!command) {
            context_.err << "photogate: " << command.error().detail << "\n";
            return ExitCode::usage;
        }
        return with_config(given,
                           [&](const config::Config& config) { return commands_.apps(config, *command); });
    }

    /// Without configuration: everything on this machine, in one folder. The first configuration is written
    /// once it is known to be valid and nothing is in the way of a start.
    ExitCode first_start(const ConfigFlags& given, const Commands::Service& command, First first) {
        auto sources = sources_of(given, context_);
        std::optional<config::FirstConfiguration> planned;
        if (!sources.folder.empty() && !config::anything_configured(sources)) {
            auto plan = config::plan_first_configuration(sources, context_.random);
            if (!plan) return failed(plan.error());
            planned = std::move(*plan);
            if (planned) sources.first_text = planned->text;
        }
        const auto loaded = load(sources);
        if (!loaded) return ExitCode::bad_configuration;
        configure_log(*loaded);
        if (first == First::made && commands_.before_all) {
            if (const auto ready = commands_.before_all(loaded->config); ready != ExitCode::ok) return ready;
        }
        if (planned && first == First::made) {
            if (const auto made = config::write(*planned); !made) return failed(made.error());
            context_.err << fmt::format("photogate: made {}; the first API key is in {}\n",
                                        planned->file.string(), planned->key_file.string());
        }
        return command(loaded->config, reload_of(std::move(sources), *loaded));
    }

    /// The same sources once more: by then a first configuration is a file.
    static config::Reload reload_of(config::Sources sources, const config::Loaded& loaded) {
        sources.first_text.reset();
        return {loaded.settings, [sources = std::move(sources)] { return config::load(sources); }};
    }

    ExitCode failed(const Error& error) {
        context_.err << "photogate: " << error.detail << "\n";
        return exit_code_of(error.code);
    }

    std::optional<config::Loaded> load(const ConfigFlags& given) { return load(sources_of(given, context_)); }

    std::optional<config::Loaded> load(const config::Sources& sources) {
        auto loaded = config::load(sources);
        if (!loaded) {
            for (const auto& mistake : loaded.error())
                context_.err << mistake.text() << "\n";
            const auto count = loaded.error().size();
            context_.err << fmt::format("photogate: {} mistake{} in the configuration\n", count,
                                        count == 1 ? "" : "s");
            return std::nullopt;
        }
        for (const auto& warning : loaded->warnings)
            context_.err << "warning: " << warning.text() << "\n";
        return std::move(*loaded);
    }

    ExitCode with_config(const ConfigFlags& given, const Commands::Run& command) {
        return with_config(
            sources_of(given, context_),
            [&](const config::Config& config, const config::Reload&) { return command(config); });
    }

    ExitCode with_config(config::Sources sources, const Commands::Service& command) {
        const auto loaded = load(sources);
        if (!loaded) return ExitCode::bad_configuration;
        configure_log(*loaded);
        return command(loaded->config, reload_of(std::move(sources), *loaded));
    }

    static void configure_log(const config::Loaded& loaded) {
        const auto standard = ::isatty(STDERR_FILENO) == 1 ? log::Format::text : log::Format::json;
        log::configure(loaded.config.log.format.value_or(standard), loaded.config.log.level);
    }

    ExitCode check(const ConfigFlags& given) {
        if (!load(given)) return ExitCode::bad_configuration;
        context_.out << "the configuration is valid\n";
        return ExitCode::ok;
    }

    ExitCode show(const ConfigFlags& given, config::Origins origins) {
        const auto loaded = load(given);
        if (!loaded) return ExitCode::bad_configuration;
        context_.out << config::show(*loaded, origins);
        return ExitCode::ok;
    }

    ExitCode get(const ConfigFlags& given) {
        const auto loaded = load(given);
        if (!loaded) return ExitCode::bad_configuration;
        for (const auto& setting : loaded->settings) {
            if ((setting.table.empty() ? setting.key : setting.table + "." + setting.key) != key_) continue;
            const bool secret = !setting.secret.empty();
            if (!secret && setting.literal.empty()) break;
            const auto text = secret ? std::string{setting.secret.reveal()} : setting.literal;
            context_.out << text << "\n";
            return ExitCode::ok;
        }
        context_.err << "photogate: " << key_ << " is not set; `photogate config show` prints what is\n";
        return ExitCode::failure;
    }

    ExitCode print_signed(const SignArguments& arguments) {
        const auto text = sign(arguments, context_.environment, context_.clock.now());
        if (!text) {
            context_.err << "photogate sign: " << text.error().detail << "\n";
            return ExitCode::usage;
        }
        context_.out << *text;
        return ExitCode::ok;
    }

    ExitCode new_key() {
        const auto name = parse_app_name(app_name_);
        if (!name) {
            context_.err << "photogate key new: --app: " << name.error().detail << "\n";
            return ExitCode::usage;
        }
        const auto key = access::make_api_key(*name, context_.random);
        context_.out << "key  " << key.reveal() << "\nkeys = [\"" << access::api_key_line(key) << "\"]\n";
        context_.err << fmt::format(
            "The key is shown only once. The second line belongs to [apps.{}] in the configuration.\n",
            app_name_);
        return ExitCode::ok;
    }

    ExitCode version() {
        context_.out << "photogate " << kVersion << "\n";
        return ExitCode::ok;
    }

    const ProcessContext& context_;
    const Commands& commands_;
    Help help_ = Help::most_used;
    CLI::App app_;
    ConfigFlags root_;
    // std::list, because CLI11 keeps references to the elements.
    std::list<ConfigFlags> all_flags_;
    std::list<SignArguments> sign_arguments_;
    CLI::App* key_commands_ = nullptr;
    AppArguments app_arguments_;
    ClientArguments client_arguments_;
    SetupArguments setup_arguments_;
    std::string app_name_;
    std::string key_;     ///< of `config get`
    std::string region_;  ///< of `policy`
    Commands::Service doctor_;
    std::function<ExitCode()> action_;
};

}  // namespace

ExitCode run(const ProcessContext& context, const Commands& commands) {
    try {
        const auto code = Program{context, commands}.run();
        context.out.flush();
        if (context.out) return code;
        context.err << "photogate: the output could not be written\n";
    } catch (const std::exception& error) {
        context.err << "photogate: " << log::redact(error.what()) << "\n";
    }
    return ExitCode::failure;
}

int run_process(int argc, const char* const* argv, const Commands& commands) {
    SystemClock clock;
    SystemRandom random;
    std::error_code unreadable;
    const ProcessContext context{.arguments = {argv + (argc > 0 ? 1 : 0), argv + argc},
                                 .environment = config::environment_of_process(),
                                 .executable = config::executable_of_process(),
                                 .out = std::cout,
                                 .err = std::cerr,
                                 .clock = clock,
                                 .random = random,
                                 .folder = std::filesystem::current_path(unreadable)};
    return static_cast<int>(run(context, commands));
}

}  // namespace photogate::gateway::cli
