#include "gateway/cli/setup_command.hpp"

#include <algorithm>
#include <istream>
#include <ostream>
#include <string>

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include "base/json/writer.hpp"
#include "gateway/cli/setup_configuration.hpp"
#include "gateway/cli/setup_stores.hpp"

namespace photogate::gateway::cli {
namespace {

using client::setup::Standing;
using client::setup::Step;

/// Where the steps are told: lines for people, or an object a line.
class Teller {
  public:
    Teller(const ProcessContext& context, client::Format format) : context_(context), format_(format) {}

    void tell(const Step& step) const { tell(to_string(step.standing), step.what, step.how); }
    void done(const Step& step) const { tell("done", step.what, {}); }

    void proven(bool passed) const {
        if (format_ == client::Format::people) return;
        json::Writer text;
        text.begin_object();
        text.name("doctor");
        text.text(passed ? "passed" : "failed");
        text.end_object();
        context_.out << text.take() << "\n" << std::flush;
    }

    /// Of what is no step: people read it between them, programs do not.
    std::ostream& aside() const { return format_ == client::Format::people ? context_.out : context_.err; }

  private:
    void tell(std::string_view standing, const std::string& what, const std::string& how) const {
        if (format_ == client::Format::people) {
            context_.out << fmt::format("{:<12}  {}\n", standing, what);
            if (!how.empty()) context_.out << fmt::format("{:<12}    {}\n", "", how);
        } else {
            json::Writer text;
            text.begin_object();
            text.name("step");
            text.text(what);
            text.name("standing");
            text.text(standing);
            if (!how.empty()) {
                text.name("how");
                text.text(how);
            }
            text.end_object();
            context_.out << text.take() << "\n";
        }
        context_.out << std::flush;
    }

    const ProcessContext& context_;
    client::Format format_;
};

/// What `doctor` prints goes to another stream meanwhile.
class Diverted {
  public:
    Diverted(std::ostream& from, std::ostream& to) : from_(from), before_(from.rdbuf(to.rdbuf())) {}
    Diverted(const Diverted&) = delete;
    Diverted& operator=(const Diverted&) = delete;
    ~Diverted() { from_.rdbuf(before_); }

  private:
    std::ostream& from_;
    std::streambuf* before_;
};

class Setup {
  public:
    Setup(const SetupStore& store, const SetupParts& parts, const Commands& commands)
        : store_(store),
          arguments_(parts.arguments),
          context_(parts.context),
          parts_(parts),
          commands_(commands),
          teller_(parts.context, parts.arguments.format) {}

    ExitCode run() {
        auto given = store_.given(parts_);
        if (!given)
            return given.error().code == ErrorCode::invalid_field ? refused(given.error())
                                                                  : ended(given.error());
        auto configuration = SetupConfiguration::open(store_.kind(), std::move(*given), context_);
        if (!configuration) return configuration.error();
        const auto setup = store_.open(parts_, *configuration);
        if (!setup) return ended(setup.error());
        auto planned = (*setup)->plan(configuration_step(*configuration, **setup));
        if (!planned) return ended(planned.error());
        add_missing_source(*planned, *configuration, **setup);
        for (const auto& step : *planned)
            teller_.tell(step);
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
            teller_.done(step);
        }
        return prove(*configuration, std::any_of(planned->begin(), planned->end(), [](const Step& step) {
            return step.standing == Standing::later;
        }));
    }

  private:
    ExitCode ended(const Error& error) const {
        context_.err << "photogate: " << error.detail << "\n";
        return exit_code_of(error.code);
    }

    /// The command line or the environment lacks something.
    ExitCode refused(const Error& error) const {
        (void)ended(error);
        return ExitCode::usage;
    }

    static Step configuration_step(SetupConfiguration& configuration,
                                   const client::setup::StoreSetup& setup) {
        if (!configuration.is_first()) return {"configuration", Standing::already, {}, {}};
        return {fmt::format("configuration {}", configuration.file()), Standing::to_do,
                "with the secrets, an app's key and an operator's in files beside it",
                [&configuration, &setup] { return configuration.write(setup.facts()); }};
    }

    /// A configuration that is there is not changed, so its owner has to.
    void add_missing_source(std::vector<Step>& steps, const SetupConfiguration& configuration,
                            const client::setup::StoreSetup& setup) const {
        if (configuration.is_first() || configuration.has_source() ||
            store_.kind().event_token == StoreKind::EventToken::made_here)
            return;
        const auto facts = setup.facts();
        steps.push_back({fmt::format("[events.{}] in the configuration", facts.source),
                         Standing::later,
                         fmt::format("add it: {}", fmt::join(facts.source_lines, "; ")),
                         {}});
    }

    bool agreed() const {
        if (arguments_.consent == SetupArguments::Consent::given) return true;
        teller_.aside() << "Do this? [y/N] " << std::flush;
        std::string answer;
        std::getline(context_.in, answer);
        return answer == "y" || answer == "Y" || answer == "yes";
    }

    /// What the gateway will see. Before its first start there is no database, and no event reaches it.
    ExitCode prove(const SetupConfiguration& configuration, bool something_is_left) const {
        const auto loaded = configuration.read();
        if (!loaded || !commands_.doctor) return loaded ? ExitCode::ok : ExitCode::bad_configuration;
        teller_.aside() << "\nphotogate doctor:\n" << std::flush;
        const auto proven = [&] {
            if (arguments_.format == client::Format::people) return commands_.doctor(loaded->config);
            const Diverted diverted{context_.out, context_.err};
            return commands_.doctor(loaded->config);
        }();
        teller_.proven(proven == ExitCode::ok);
        if (proven == ExitCode::bad_configuration && loaded->config.unsafe != config::UnsafeStore::reject) {
            teller_.aside()
                << "\n`unsafe = true` of the configuration accepts what failed here; read it all the same.\n";
            return ExitCode::ok;
        }
        if (!something_is_left) return proven;
        teller_.aside()
            << "\nThe rest needs the gateway: start it (`photogate all`), then run this command once more.\n";
        return ExitCode::ok;
    }

    const SetupStore& store_;
    const SetupArguments& arguments_;
    const ProcessContext& context_;
    const SetupParts& parts_;
    const Commands& commands_;
    Teller teller_;
};

struct Subcommand {
    const char* store;
    const char* about;
    const char* events_url;  ///< what is assumed; null: the store posts to nobody
};

constexpr Subcommand kSubcommands[] = {
    {"minio", "Buckets, users, policies and events of a MinIO, and the configuration",
     "http://LISTEN/v1/events/minio, on the same machine"},
    {"aws", "Buckets, IAM users, an SNS topic and its subscription on AWS, and the configuration",
     "PUBLIC_URL/v1/events/aws"},
    {"ceph", "Users, buckets, policies and events of a Ceph RADOS Gateway, and the configuration",
     "http://LISTEN/v1/events/ceph, on the same machine"},
    {"r2", "Buckets, tokens and a queue of events on Cloudflare R2, and the configuration", nullptr}};

void add_endpoint(CLI::App& sub, SetupArguments& a, const std::string& store) {
    if (store == "aws") {
        sub.add_option("--region", a.region, "The region [AWS_REGION]")->type_name("REGION");
        sub.add_option("--endpoint", a.endpoint, "S3's endpoint [https://s3.REGION.amazonaws.com]")
            ->type_name("URL");
    } else if (store == "r2") {
        sub.add_option("--account", a.account, "The account's id [CLOUDFLARE_ACCOUNT_ID]")->type_name("ID");
        sub.add_option("--endpoint", a.endpoint, "R2's endpoint [https://ACCOUNT.r2.cloudflarestorage.com]")
            ->type_name("URL");
    } else {
        sub.add_option("--endpoint", a.endpoint, "The store: http(s)://host[:port]")
            ->required()
            ->type_name("URL");
    }
}

}  // namespace

void add_setup_command(CLI::App& root, SetupArguments& a, Help help, const ProcessContext& context,
                       const Commands& commands, std::function<ExitCode()>& chosen) {
    auto* parent = root.add_subcommand("setup", "Make a store ready, with its administrator's key");
    parent->require_subcommand(1);
    for (const auto& each : kSubcommands) {
        const std::string store = each.store;
        auto* sub = parent->add_subcommand(store, each.about);
        add_config_flags(*sub, a.configuration, help);
        add_endpoint(*sub, a, store);
        sub->add_option("--name", a.name,
                        "What the names of buckets, users and topics begin with [photogate]")
            ->type_name("NAME");
        if (each.events_url != nullptr)
            sub->add_option("--events-url", a.events_url,
                            fmt::format("Where the store reaches the gateway [{}]", each.events_url))
                ->type_name("URL");
        if (store == "minio") {
            sub->add_option("--events-dir", a.events_dir,
                            "A folder of MinIO's for events that wait; '' for none [/var/lib/minio/events]")
                ->type_name("FOLDER");
            sub->add_option("--mc", a.tool, "MinIO's program mc [in PATH]")->type_name("FILE");
        }
        sub->add_flag_callback(
            "--yes", [&a] { a.consent = SetupArguments::Consent::given; }, "Do not ask");
        sub->add_flag_callback(
            "--dry-run", [&a] { a.consent = SetupArguments::Consent::dry_run; }, "Say what would be done");
        sub->add_flag_callback(
            "--json", [&a] { a.format = client::Format::json; }, "JSON, one object a line");
        sub->final_callback([&a, &context, &commands, &chosen, store] {
            chosen = [&a, &context, &commands, store] {
                const SetupParts parts{a, context};
                return Setup{setup_store(store), parts, commands}.run();
            };
        });
    }
}

}  // namespace photogate::gateway::cli
