#include "gateway/cli/setup_command.hpp"

#include <algorithm>
#include <array>
#include <istream>
#include <optional>
#include <ostream>
#include <sstream>

#include <CLI/CLI.hpp>
#include <fmt/format.h>
#include <unistd.h>

#include "base/child_process.hpp"
#include "base/encoding.hpp"
#include "base/file.hpp"
#include "base/owned_folder.hpp"
#include "client/minio/minio_setup.hpp"
#include "gateway/config/first_configuration.hpp"

namespace photogate::gateway::cli {
namespace {

using client::minio::Standing;
using client::minio::Step;
using client::minio::Wanted;

constexpr const char* kRegion = "regions.default";
constexpr const char* kSource = "events.minio";

std::string setup_variable(const ProcessContext& context, const char* name) {
    const auto found = context.environment.find(name);
    return found == context.environment.end() ? std::string{} : found->second;
}

/// The one text of a literal, or of a list's first item.
std::string unquoted(std::string_view literal) {
    const auto begin = literal.find('"');
    const auto end = begin == std::string_view::npos ? begin : literal.find('"', begin + 1);
    return end == std::string_view::npos ? std::string{literal}
                                         : std::string{literal.substr(begin + 1, end - begin - 1)};
}

std::string value_of(const config::Loaded& loaded, const std::string& key) {
    for (const auto& setting : loaded.settings) {
        if ((setting.table.empty() ? setting.key : setting.table + "." + setting.key) != key) continue;
        if (setting.secret.empty()) return unquoted(setting.literal);
        const auto text = setting.secret.reveal();
        return std::string{text.substr(0, text.find_first_of(",\n"))};
    }
    return {};
}

/// MinIO's `mc`, not Midnight Commander's.
Result<std::filesystem::path> find_tool(const SetupArguments& arguments, const ProcessContext& context) {
    std::vector<std::filesystem::path> candidates;
    if (!arguments.tool.empty()) {
        candidates.push_back(std::filesystem::absolute(arguments.tool));
    } else {
        std::istringstream folders{setup_variable(context, "PATH")};
        for (std::string folder; std::getline(folders, folder, ':');) {
            if (folder.starts_with('/')) candidates.push_back(std::filesystem::path{folder} / "mc");
        }
    }
    for (const auto& candidate : candidates) {
        if (::access(candidate.c_str(), X_OK) != 0) continue;
        Command command;
        command.arguments = {candidate.string(), "--version"};
        command.environment = {"HOME=/nonexistent", "PATH=/usr/bin:/bin"};
        const auto version = run_command(command);
        if (version && version->output.find("MinIO") != std::string::npos) return candidate;
    }
    return fail(ErrorCode::file_error,
                arguments.tool.empty() ? "MinIO's program mc is not in PATH: install it, or name it with --mc"
                                       : fmt::format("{} is not MinIO's program mc", arguments.tool));
}

class Setup {
  public:
    Setup(const SetupArguments& arguments, const ProcessContext& context, const Commands& commands)
        : arguments_(arguments), context_(context), commands_(commands) {}

    ExitCode run() {
        const auto access = setup_variable(context_, "AWS_ACCESS_KEY_ID");
        const auto secret = setup_variable(context_, "AWS_SECRET_ACCESS_KEY");
        if (access.empty() || secret.empty()) {
            context_.err << "photogate: AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY must hold the key of an "
                            "administrator "
                            "of the store\n";
            return ExitCode::usage;
        }
        const auto tool = find_tool(arguments_, context_);
        if (!tool) return ended(tool.error());
        const auto loaded = configured();
        if (!loaded) return loaded.error();
        auto wanted = wanted_of(*loaded);
        if (!wanted) return ended(wanted.error());
        wanted->administrator = {access, Secret{secret}};
        const auto setup = client::minio::MinioSetup::open(std::move(*wanted), *tool);
        if (!setup) return ended(setup.error());
        auto planned = setup->plan();
        if (!planned) return ended(planned.error());
        planned->insert(planned->begin(), configuration_step());
        show(*planned);
        const auto to_do = std::count_if(planned->begin(), planned->end(),
                                         [](const Step& step) { return step.standing == Standing::to_do; });
        if (arguments_.consent == SetupArguments::Consent::dry_run) return ExitCode::ok;
        if (to_do > 0 && !agreed()) {
            context_.err << "photogate: nothing was changed\n";
            return ExitCode::failure;
        }
        for (const auto& step : *planned) {
            if (step.standing != Standing::to_do) continue;
            if (const auto done = step.apply(); !done) {
                context_.err << fmt::format("photogate: {}: {}\n", step.what, done.error().detail);
                return exit_code_of(done.error().code);
            }
            context_.out << fmt::format("{:<12}  {}\n", "done", step.what) << std::flush;
        }
        return prove(std::any_of(planned->begin(), planned->end(),
                                 [](const Step& step) { return step.standing == Standing::later; }));
    }

  private:
    ExitCode ended(const Error& error) const {
        context_.err << "photogate: " << error.detail << "\n";
        return exit_code_of(error.code);
    }

    /// The configuration that there is, or the first one, not written yet.
    tl::expected<config::Loaded, ExitCode> configured() {
        auto given = arguments_.configuration;
        const auto endpoint = std::exchange(given.store, {});
        auto sources = sources_of(given, context_);
        sources_ = sources;
        if (!config::anything_configured(sources)) {
            auto first = sources;
            first.flags["--s3-endpoint"] = {endpoint};
            first.flags["--store-folder"] = {""};
            const std::pair<const char*, const char*> users[] = {
                {"--s3-signer-access-key", "photogate-signer"},
                {"--s3-worker-access-key", "photogate-worker"}};
            for (const auto& [flag, user] : users) {
                if (auto& given_user = first.flags[flag]; given_user.empty()) given_user = {user};
            }
            auto plan = config::plan_first_configuration(first, context_.random);
            if (!plan) return tl::unexpected(ended(plan.error()));
            first_ = std::move(*plan);
            if (first_) sources = std::move(first);
        }
        if (first_) {
            sources.first_text = first_->text;
            files_ = {{"signer_secret", random_hex<20>()},
                      {"worker_secret", random_hex<20>()},
                      {"event_tokens", random_hex<32>()}};
            sources.environment["PHOTOGATE_S3_SIGNER_SECRET_KEY"] = files_.at("signer_secret");
            sources.environment["PHOTOGATE_S3_WORKER_SECRET_KEY"] = files_.at("worker_secret");
            sources.environment["PHOTOGATE_EVENTS_TOKENS"] = files_.at("event_tokens");
        }
        auto loaded = config::load(sources);
        if (!loaded) {
            for (const auto& mistake : loaded.error())
                context_.err << mistake.text() << "\n";
            return tl::unexpected(ExitCode::bad_configuration);
        }
        const auto configured = value_of(*loaded, fmt::format("{}.endpoint", kRegion));
        if (configured != endpoint) {
            context_.err << fmt::format(
                "photogate: {}.endpoint of the configuration is '{}', and --endpoint is '{}'\n", kRegion,
                configured, endpoint);
            return tl::unexpected(ExitCode::bad_configuration);
        }
        return std::move(*loaded);
    }

    template <std::size_t Bytes>
    std::string random_hex() {
        std::array<std::uint8_t, Bytes> bytes{};
        context_.random.fill(std::as_writable_bytes(std::span{bytes}));
        return hex_lower(bytes);
    }

    Result<Wanted> wanted_of(const config::Loaded& loaded) const {
        const auto of_region = [&](const char* key) {
            return value_of(loaded, fmt::format("{}.{}", kRegion, key));
        };
        Wanted wanted;
        wanted.endpoint = of_region("endpoint");
        const std::pair<Bucket&, const char*> buckets[] = {{wanted.incoming, "incoming_bucket"},
                                                           {wanted.published, "public_bucket"},
                                                           {wanted.originals, "originals_bucket"}};
        for (const auto& [bucket, key] : buckets) {
            auto named = parse_bucket(of_region(key));
            if (!named)
                return fail(ErrorCode::invalid_configuration,
                            fmt::format("{}: {}", key, named.error().detail));
            bucket = std::move(*named);
        }
        wanted.signer = {of_region("signer_access_key"), Secret{of_region("signer_secret_key")}};
        wanted.worker = {of_region("worker_access_key"), Secret{of_region("worker_secret_key")}};
        wanted.event_token = Secret{value_of(loaded, fmt::format("{}.tokens", kSource))};
        if (wanted.event_token.empty()) return wanted;
        wanted.events_url = arguments_.events_url;
        wanted.events_dir = arguments_.events_dir;
        if (wanted.events_url.empty()) {
            auto listen = value_of(loaded, "server.listen");
            for (const auto* everywhere : {"0.0.0.0:", "[::]:"}) {
                if (listen.starts_with(everywhere)) listen = "127.0.0.1" + listen.substr(listen.rfind(':'));
            }
            wanted.events_url = fmt::format("http://{}/v1/events/minio", listen);
        }
        return wanted;
    }

    Step configuration_step() {
        if (!first_) return {"configuration", Standing::already, {}, {}};
        return {fmt::format("configuration {}", first_->file.string()), Standing::to_do,
                "with the secrets, an app's key and an operator's in files beside it",
                [this] { return write_configuration(); }};
    }

    Result<> write_configuration() {
        const auto folder = first_->file.parent_path();
        if (const auto made = OwnedFolder::open(folder, {OwnedFolder::Missing::made, 0755, std::nullopt});
            !made)
            return fail(made.error());
        for (const auto& [name, text] : files_) {
            if (auto written = write_private_file(folder / name, text + "\n"); !written) return written;
        }
        const auto table = fmt::format("[{}]\n", kRegion);
        auto& text = first_->text;
        const auto at = text.find(table);
        if (at == std::string::npos)
            return fail(ErrorCode::internal, "the first configuration has no region");
        text.insert(
            at + table.size(),
            "signer_secret_key_file = \"signer_secret\"\nworker_secret_key_file = \"worker_secret\"\n");
        text += fmt::format("\n[{}]\ndialect = \"minio\"\ntokens_file = \"event_tokens\"\n", kSource);
        return config::write(*first_);
    }

    void show(const std::vector<Step>& steps) const {
        for (const auto& step : steps) {
            const auto* word = step.standing == Standing::already ? "already so"
                               : step.standing == Standing::to_do ? "to do"
                                                                  : "later";
            context_.out << fmt::format("{:<12}  {}\n", word, step.what);
            if (!step.how.empty()) context_.out << fmt::format("{:<12}    {}\n", "", step.how);
        }
        context_.out << std::flush;
    }

    bool agreed() const {
        if (arguments_.consent == SetupArguments::Consent::given) return true;
        context_.out << "Do this? [y/N] " << std::flush;
        std::string answer;
        std::getline(context_.in, answer);
        return answer == "y" || answer == "Y" || answer == "yes";
    }

    /// What the gateway will see. Before its first start there is no database, and no event reaches it.
    ExitCode prove(bool something_is_left) const {
        const auto loaded = config::load(sources_);
        if (!loaded || !commands_.doctor) return loaded ? ExitCode::ok : ExitCode::bad_configuration;
        context_.out << "\nphotogate doctor:\n" << std::flush;
        const auto proven = commands_.doctor(loaded->config);
        if (!something_is_left) return proven;
        context_.out
            << "\nThe rest needs the gateway: start it (`photogate all`), then run this command once more.\n";
        return ExitCode::ok;
    }

    const SetupArguments& arguments_;
    const ProcessContext& context_;
    const Commands& commands_;
    config::Sources sources_;
    std::optional<config::FirstConfiguration> first_;
    std::map<std::string, std::string> files_;  ///< beside the first configuration: secrets
};

}  // namespace

void add_setup_command(CLI::App& root, SetupArguments& a, Help help, const ProcessContext& context,
                       const Commands& commands, std::function<ExitCode()>& chosen) {
    auto* parent = root.add_subcommand("setup", "Make a store ready, with its administrator's key");
    parent->require_subcommand(1);
    auto* sub = parent->add_subcommand(
        "minio", "Buckets, users, policies and events of a MinIO, and the configuration");
    add_config_flags(*sub, a.configuration, help);
    sub->add_option("--endpoint", a.configuration.store, "The store: http(s)://host[:port]")
        ->required()
        ->type_name("URL");
    sub->add_option("--events-url", a.events_url,
                    "Where MinIO reaches the gateway [http://LISTEN/v1/events/minio, on the same machine]")
        ->type_name("URL");
    sub->add_option("--events-dir", a.events_dir,
                    "A folder of MinIO's for events that wait; '' for none [/var/lib/minio/events]")
        ->type_name("FOLDER");
    sub->add_option("--mc", a.tool, "MinIO's program mc [in PATH]")->type_name("FILE");
    sub->add_flag_callback(
        "--yes", [&a] { a.consent = SetupArguments::Consent::given; }, "Do not ask");
    sub->add_flag_callback(
        "--dry-run", [&a] { a.consent = SetupArguments::Consent::dry_run; }, "Say what would be done");
    sub->final_callback([&a, &context, &commands, &chosen] {
        chosen = [&a, &context, &commands] { return Setup{a, context, commands}.run(); };
    });
}

}  // namespace photogate::gateway::cli
