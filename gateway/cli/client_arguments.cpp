#include "gateway/cli/client_arguments.hpp"

#include <algorithm>
#include <atomic>
#include <csignal>
#include <fstream>
#include <iostream>
#include <iterator>
#include <optional>
#include <utility>

#include <CLI/CLI.hpp>
#include <fmt/format.h>
#include <unistd.h>

#include "base/ascii.hpp"
#include "base/result.hpp"
#include "gateway/cli/program.hpp"

namespace photogate::gateway::cli {
namespace {

constexpr const char* kGateway = "http://127.0.0.1:8080";
constexpr std::size_t kLongestSecret = 4'096;

std::string client_variable(const ProcessContext& context, const char* name) {
    const auto found = context.environment.find(name);
    return found == context.environment.end() ? std::string{} : found->second;
}

Result<Secret> first_line(std::istream& from, const std::string& name) {
    std::string line;
    line.reserve(kLongestSecret);
    for (char c = 0; from.get(c) && c != '\n';) {
        if (line.size() == kLongestSecret)
            return fail(ErrorCode::invalid_field, name + ": its line is too long");
        line += c;
    }
    while (!line.empty() && (line.back() == '\r' || line.back() == ' '))
        line.pop_back();
    if (line.empty()) return fail(ErrorCode::invalid_field, name + ": there is nothing in its first line");
    return Secret{std::move(line)};
}

/// `-` is standard input.
Result<Secret> secret_in(const ProcessContext& context, const std::string& file) {
    if (file == "-") return first_line(context.in, "standard input");
    std::ifstream stream{file};
    if (!stream) return fail(ErrorCode::file_error, fmt::format("{} can't be read", file));
    return first_line(stream, file);
}

Result<Secret> client_key(const ProcessContext& context, const std::string& file) {
    if (!file.empty()) return secret_in(context, file);
    auto key = client_variable(context, "PHOTOGATE_KEY");
    if (key.empty()) {
        return fail(
            ErrorCode::invalid_field,
            "no key: --key-file FILE names a file with it (- is standard input), or PHOTOGATE_KEY holds it; "
            "`photogate all` puts the first into var/key");
    }
    return Secret{std::move(key)};
}

bool is_local(const Endpoint& endpoint) {
    return endpoint.host == "localhost" || endpoint.host == "[::1]" || endpoint.host.starts_with("127.");
}

/// CLI11's own say what they are in the help, behind the option's name.
std::function<std::string(const std::string&)> one_of(std::vector<std::string_view> words) {
    return [words = std::move(words)](const std::string& given) -> std::string {
        if (std::find(words.begin(), words.end(), given) != words.end()) return {};
        return fmt::format("'{}' is none of {}", given, fmt::join(words, ", "));
    };
}

std::function<std::string(const std::string&)> between(std::uint64_t least, std::uint64_t most) {
    return [least, most](const std::string& given) -> std::string {
        const auto number = ascii::parse_whole<std::uint64_t>(given);
        if (number && *number >= least && *number <= most) return {};
        return fmt::format("'{}' is no number from {} to {}", given, least, most);
    };
}

class ClientCommands {
  public:
    ClientCommands(ClientArguments& a, const ProcessContext& context, std::function<ExitCode()>& chosen)
        : a_(a), context_(context), chosen_(chosen) {}

    void add_uploads(CLI::App& root) {
        auto* parent = root.add_subcommand("uploads", "List, show, retry and delete uploads of a gateway");
        parent->require_subcommand(1);
        auto* list =
            command(*parent, "list", "Uploads, newest first", [this](const auto& api, const auto& output) {
                return client::list_uploads(api, a_.uploads, output);
            });
        list->add_option("--state", a_.uploads.state, "Only in this state: created, published, rejected, …")
            ->type_name("STATE");
        list->add_option("--profile", a_.uploads.profile, "Only of this profile")->type_name("NAME");
        list->add_option("--app", a_.uploads.app, "Only this app's, for an operator's key")
            ->type_name("NAME");
        list->add_option("--created-after", a_.uploads.created_after, "Only created later")
            ->type_name("2026-11-20T00:00:00Z");
        add_metadata(*list, "Only with this metadata; may be repeated");
        list->add_option("--similar-to", a_.uploads.similar_to,
                         "Published pictures that look like this upload's")
            ->type_name("ID");
        add_limit(*list, a_.uploads.limit);
        add_ids(*command(*parent, "show", "All that is known of uploads",
                         [this](const auto& api, const auto& output) {
                             return client::show_uploads(api, a_.ids, output);
                         }),
                "Of an upload: upl_…");
        add_ids(*command(*parent, "timeline", "What happened to an upload, and when",
                         [this](const auto& api, const auto& output) {
                             return client::show_timeline(api, a_.ids.at(0), output);
                         }),
                "Of an upload: upl_…", 1);
        add_ids(*command(*parent, "retry", "Process rejected or failed uploads once more",
                         [this](const auto& api, const auto& output) {
                             return client::retry_uploads(api, a_.ids, output);
                         }),
                "Of an upload: upl_…");
        add_ids(*command(*parent, "delete", "Cancel uploads, or erase them with their pictures",
                         [this](const auto& api, const auto& output) {
                             return client::delete_uploads(api, a_.ids, output);
                         }),
                "Of an upload: upl_…");
    }

    void add_callbacks(CLI::App& root) {
        auto* parent = root.add_subcommand("callbacks", "List, show and replay callbacks of a gateway");
        parent->require_subcommand(1);
        auto* list =
            command(*parent, "list", "Callbacks, newest first", [this](const auto& api, const auto& output) {
                return client::list_callbacks(api, a_.callbacks, output);
            });
        list->add_option("--state", a_.callbacks.state,
                         "Only in this state: waiting, delivered, dead, unsent")
            ->type_name("STATE");
        list->add_option("--upload", a_.callbacks.upload, "Only about this upload")->type_name("ID");
        list->add_option("--package", a_.callbacks.package, "Only about this package")->type_name("ID");
        list->add_option("--app", a_.callbacks.app, "Only this app's, for an operator's key")
            ->type_name("NAME");
        add_limit(*list, a_.callbacks.limit);
        add_ids(*command(*parent, "show", "Callbacks with their attempts",
                         [this](const auto& api, const auto& output) {
                             return client::show_callbacks(api, a_.ids, output);
                         }),
                "Of a callback: msg_…");
        auto* replay = command(*parent, "replay", "Send callbacks once more, by id or all of a time",
                               [this](const auto& api, const auto& output) {
                                   return a_.ids.empty() ? client::replay_range(api, a_.range, output)
                                                         : client::replay_callbacks(api, a_.ids, output);
                               });
        auto* ids = replay->add_option("ID", a_.ids, "Of a callback: msg_…");
        auto* since = replay->add_option("--since", a_.range.since, "All created from this time on")
                          ->type_name("2026-11-20T00:00:00Z")
                          ->excludes(ids);
        const std::tuple<const char*, std::string&, const char*, const char*> narrower[] = {
            {"--until", a_.range.until, "… and before this one [now]", "2026-11-21T00:00:00Z"},
            {"--state", a_.range.state, "… that are waiting, delivered or dead [dead]", "STATE"},
            {"--type", a_.range.type, "… of this type, such as upload.published", "TYPE"},
            {"--url", a_.range.url, "… to this URL", "URL"},
            {"--app", a_.range.app, "… of this app, for an operator's key", "NAME"}};
        for (const auto& [name, value, about, kind] : narrower)
            replay->add_option(name, value, about)->type_name(kind)->needs(since);
        replay->parse_complete_callback([ids, since] {
            if (ids->count() + since->count() == 0)
                throw CLI::ValidationError("callbacks replay",
                                           "which ones? Their ids, or --since with a time");
        });
    }

    void add_upload(CLI::App& root) {
        auto* sub = command(root, "upload", "Send files, and wait until they are published",
                            [this](const auto& api, const auto& output) { return upload(api, output); });
        sub->add_option("FILE", a_.files.files, "Pictures")->required();
        sub->add_option("--profile", a_.files.sending.profile, "The app's profile, if it has several")
            ->type_name("NAME");
        sub->add_option("--method", a_.way,
                        "auto, put, form, multipart or resumable [auto: multipart over 100 MB, else put, and "
                        "resumable "
                        "after a cut]")
            ->check(one_of({"auto", "put", "form", "multipart", "resumable"}))
            ->type_name("METHOD");
        sub->add_option("--content-type", a_.files.sending.content_type,
                        "The declared type [by the file's name]")
            ->type_name("TYPE");
        add_metadata(*sub, "Metadata of the upload; may be repeated");
        sub->add_option("--parallel", a_.files.parallel, "So many files at once [4]")
            ->check(between(1, 64))
            ->type_name("COUNT");
        sub->add_flag_callback(
            "--no-wait", [this] { a_.files.sending.until = client::Until::sent; },
            "End once the files have arrived");
        sub->add_option("--patience", a_.patience, "Give up after so many seconds without progress [120]")
            ->check(between(1, 86'400))
            ->type_name("SECONDS");
        sub->add_option("--progress", a_.progress, "always, never or auto: on a terminal [auto]")
            ->check(one_of({"auto", "always", "never"}))
            ->type_name("WHEN");
    }

    void add_listen(CLI::App& root) {
        auto* sub =
            command(root, "listen", "Forward callbacks to an app server on this machine, as they happen",
                    [this](const auto& api, const auto& output) { return listen(api, output); });
        sub->add_option("--forward", a_.listening.forward, "The app server: http(s)://host[:port]/path")
            ->required()
            ->check([](const std::string& url) {
                return url.starts_with("http://") || url.starts_with("https://")
                           ? std::string{}
                           : std::string{"is no http:// or https:// URL"};
            })
            ->type_name("URL");
        sub->add_option("--type", a_.listening.types,
                        "Forward this type alone, such as upload.published; may be repeated")
            ->allow_extra_args(false)
            ->type_name("TYPE");
        sub->add_option("--app", a_.listening.app, "Whose, for an operator's key")->type_name("NAME");
        sub->add_option("--secret-file", a_.secret_file,
                        "A file with the secret to sign with, whsec_… [PHOTOGATE_CALLBACK_SECRET, else one "
                        "that is made and "
                        "printed]")
            ->type_name("FILE");
        sub->add_option("--state-file", a_.state_file,
                        "Where to keep what was forwarded [below ~/.local/state/photogate]")
            ->type_name("FILE");
        sub->add_flag_callback(
            "--from-oldest", [this] { a_.listening.begin = client::Begin::oldest; },
            "Begin with the oldest event that is kept, at the first start");
    }

  private:
    using Call = std::function<client::Outcome(const client::GatewayApi&, const client::Output&)>;

    CLI::App* command(CLI::App& parent, const char* name, const char* about, Call call) {
        auto* sub = parent.add_subcommand(name, about);
        sub->add_option("--gateway", a_.gateway,
                        fmt::format("http(s)://host[:port] [PHOTOGATE_GATEWAY, else {}]", kGateway))
            ->type_name("URL");
        sub->add_option("--key-file", a_.key_file,
                        "A file with the API key, - for standard input [the key in PHOTOGATE_KEY]")
            ->type_name("FILE");
        sub->add_option("--ca-file", a_.ca_file, "Trust these certificates (PEM) [the system's]")
            ->type_name("FILE");
        sub->add_flag_callback(
            "--json", [this] { a_.format = client::Format::json; }, "Print JSON, one object a line");
        sub->final_callback([this, call = std::move(call)] { chosen_ = [this, call] { return run(call); }; });
        return sub;
    }

    void add_ids(CLI::App& sub, const char* about, int most = 0) {
        auto* ids = sub.add_option("ID", a_.ids, about)->required();
        if (most > 0) ids->expected(1, most);
    }

    void add_metadata(CLI::App& sub, const char* about) {
        sub.add_option("--metadata", a_.metadata, about)
            ->allow_extra_args(false)
            ->check([](const std::string& pair) {
                const auto equals = pair.find('=');
                return equals == std::string::npos || equals == 0 ? std::string{"is not NAME=VALUE"}
                                                                  : std::string{};
            })
            ->type_name("NAME=VALUE");
    }

    static void add_limit(CLI::App& sub, std::size_t& limit) {
        sub.add_option("--limit", limit, "At most so many [50]")
            ->check(between(1, 1'000'000))
            ->type_name("COUNT");
        sub.add_flag_callback(
            "--all", [&limit] { limit = 0; }, "All of them");
    }

    std::vector<std::pair<std::string, std::string>> metadata() const {
        std::vector<std::pair<std::string, std::string>> pairs;
        for (const auto& pair : a_.metadata) {
            const auto equals = pair.find('=');
            pairs.emplace_back(pair.substr(0, equals), pair.substr(equals + 1));
        }
        return pairs;
    }

    ExitCode run(const Call& call) {
        a_.uploads.metadata = a_.files.sending.metadata = metadata();
        auto url = a_.gateway.empty() ? client_variable(context_, "PHOTOGATE_GATEWAY") : a_.gateway;
        if (url.empty()) url = kGateway;
        auto key = client_key(context_, a_.key_file);
        if (!key) return wrong(key.error());
        const auto api = client::GatewayApi::open({std::move(url), std::move(*key), a_.ca_file});
        if (!api) return wrong(api.error());
        if (api->endpoint().scheme == "http" && !is_local(api->endpoint()))
            context_.err << "photogate: warning: the key goes to " << api->endpoint().origin()
                         << " unencrypted; use https://\n";
        const client::Output output{context_.out, context_.err, a_.format};
        const auto outcome = call(*api, output);
        return outcome ? exit_code_of(*outcome) : ExitCode::ok;
    }

    ExitCode wrong(const Error& error) const {
        context_.err << "photogate: " << error.detail << "\n";
        return ExitCode::usage;
    }

    client::Outcome upload(const client::GatewayApi& api, const client::Output& output) {
        using client::Way;
        static const std::map<std::string, Way> kWays{{"auto", Way::automatic},
                                                      {"put", Way::put},
                                                      {"form", Way::form},
                                                      {"multipart", Way::multipart},
                                                      {"resumable", Way::resumable}};
        a_.files.sending.way = kWays.at(a_.way);
        a_.files.sending.patience = std::chrono::seconds{static_cast<std::int64_t>(a_.patience)};
        const bool terminal = &context_.err == &std::cerr && ::isatty(STDERR_FILENO) == 1;
        if (a_.progress == "always" || (a_.progress == "auto" && terminal))
            a_.files.progress = client::Progress::shown;
        return client::upload_files(api, a_.files, context_.random, output);
    }

    client::Outcome listen(const client::GatewayApi& api, const client::Output& output);

    ClientArguments& a_;
    const ProcessContext& context_;
    std::function<ExitCode()>& chosen_;
};

/// What Ctrl-C sets. Lock-free, so that a handler may.
std::atomic<bool> stop_listening{false};
static_assert(std::atomic<bool>::is_always_lock_free);

void on_stop(int) {
    stop_listening = true;
}

client::Outcome ClientCommands::listen(const client::GatewayApi& api, const client::Output& output) {
    const auto refused = [&](const Error& error) {
        output.err << "photogate: " << error.detail << "\n";
        return client::Outcome{error.code};
    };
    if (!a_.secret_file.empty()) {
        auto secret = secret_in(context_, a_.secret_file);
        if (!secret) return refused(secret.error());
        a_.listening.secret = std::move(*secret);
    } else {
        a_.listening.secret = Secret{client_variable(context_, "PHOTOGATE_CALLBACK_SECRET")};
    }
    a_.listening.kept = a_.state_file;
    if (a_.state_file.empty()) {
        std::filesystem::path folder = client_variable(context_, "XDG_STATE_HOME");
        const auto home = client_variable(context_, "HOME");
        if (folder.empty() && home.empty())
            return refused({ErrorCode::file_error,
                            "there is no HOME: --state-file says where to keep what was forwarded",
                            {},
                            std::nullopt});
        if (folder.empty()) folder = std::filesystem::path{home} / ".local" / "state";
        a_.listening.kept = client::listening_file(folder / "photogate", api, a_.listening);
    }
    // A second one ends the program at once.
    struct sigaction action {};
    action.sa_handler = on_stop;
    action.sa_flags = static_cast<int>(SA_RESETHAND);
    for (const int signal : {SIGINT, SIGTERM}) {
        if (::sigaction(signal, &action, nullptr) != 0)
            return refused({ErrorCode::internal, "the signals can't be caught", {}, std::nullopt});
    }
    return client::listen(api, a_.listening, {context_.clock, context_.random, stop_listening}, output);
}

}  // namespace

void add_client_commands(CLI::App& root, ClientArguments& arguments, const ProcessContext& context,
                         std::function<ExitCode()>& chosen) {
    // CLI11 calls back while it parses, when this function has ended: what is called lives as long as the arguments.
    auto commands = std::make_shared<ClientCommands>(arguments, context, chosen);
    arguments.keeper = commands;
    commands->add_uploads(root);
    commands->add_callbacks(root);
    commands->add_upload(root);
    commands->add_listen(root);
}

}  // namespace photogate::gateway::cli
