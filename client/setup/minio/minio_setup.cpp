#include "client/setup/minio/minio_setup.hpp"

#include <map>
#include <set>

#include <fmt/format.h>

#include "client/json_text.hpp"
#include "client/setup/minio/minio_tool.hpp"
#include "client/setup/policy_text.hpp"
#include "client/setup/signed_api.hpp"
#include "signer/password_seal.hpp"
#include "storage/objects/policies.hpp"

namespace photogate::client::setup::minio {
namespace {

class MinioSetup final : public StoreSetup {
  public:
    MinioSetup(Wanted wanted, Options options, MinioTool tool, Random& random)
        : wanted_(std::move(wanted)),
          options_(std::move(options)),
          tool_(std::move(tool)),
          admin_({.endpoint = wanted_.endpoint,
                  .style = signer::AddressingStyle::path,
                  .credentials = wanted_.administrator,
                  .region = wanted_.region,
                  .service = "s3"}),
          random_(random) {}

    Result<std::vector<Step>> plan(Step configuration) override;
    Facts facts() const override {
        return {wanted_.signer,
                wanted_.worker,
                "minio",
                {"dialect = \"minio\"", "tokens_file = \"event_tokens\""},
                {{"event_tokens", wanted_.event_token}},
                {}};
    }

  private:
    Result<> plan_buckets(std::vector<Step>& steps) const;
    Result<> plan_user(std::vector<Step>& steps, const std::string& role, const Key& user,
                       const std::string& policy) const;
    Result<> plan_events(std::vector<Step>& steps) const;
    bool target_is_set(const std::string& target) const;
    Result<> set_target(const std::string& target) const;
    std::string arn(const std::string& target) const;
    Result<> do_all(const std::vector<std::vector<std::string>>& commands) const;

    Wanted wanted_;
    Options options_;
    MinioTool tool_;
    SignedApi admin_;
    Random& random_;
};

/// A value of MinIO's settings, in its quotes.
std::string in_quotes(std::string_view value) {
    return fmt::format("\"{}\"", value);
}

Result<> MinioSetup::do_all(const std::vector<std::vector<std::string>>& commands) const {
    for (const auto& command : commands) {
        if (const auto done = tool_.run(command); !done) return fail(done.error());
    }
    return {};
}

Result<std::vector<Step>> MinioSetup::plan(Step configuration) {
    std::vector<Step> steps;
    // First: the keys are made here, and none is to be set that is written nowhere.
    steps.push_back(std::move(configuration));
    if (const auto planned = plan_buckets(steps); !planned) return fail(planned.error());
    const auto signer = storage::objects::signer_policy(wanted_.incoming, wanted_.prefix);
    const auto worker =
        storage::objects::worker_policy({wanted_.incoming, wanted_.published, wanted_.originals});
    if (const auto planned = plan_user(steps, "signer", wanted_.signer, signer); !planned)
        return fail(planned.error());
    if (const auto planned = plan_user(steps, "worker", wanted_.worker, worker); !planned)
        return fail(planned.error());
    if (wanted_.events_url.empty()) return steps;
    if (const auto planned = plan_events(steps); !planned) return fail(planned.error());
    return steps;
}

Result<> MinioSetup::plan_buckets(std::vector<Step>& steps) const {
    const auto listed = tool_.run({"ls", "store"});
    if (!listed) {
        return fail(listed.error().code, fmt::format("the administrator's key is refused by {}: {}",
                                                     wanted_.endpoint.origin(), listed.error().detail));
    }
    std::set<std::string> there;
    for (const auto& bucket : *listed)
        there.insert(text_at(bucket, "key"));
    for (const auto& bucket : {wanted_.incoming, wanted_.published, wanted_.originals}) {
        const auto place = "store/" + bucket.str();
        Step step{fmt::format("bucket {}", bucket.str()), Standing::already, {}, {}};
        if (!there.contains(bucket.str() + "/")) {
            step.standing = Standing::to_do;
            step.how = "mc mb " + place;
            step.apply = [this, place] { return do_all({{"mb", "--ignore-existing", place}}); };
        } else {
            const auto open = tool_.run({"anonymous", "get", place});
            if (!open) return fail(open.error());
            if (open->empty() || text_at(open->front(), "permission") != "private") {
                step.what += ", which anyone may read or write";
                step.standing = Standing::to_do;
                step.how = "mc anonymous set none " + place;
                step.apply = [this, place] { return do_all({{"anonymous", "set", "none", place}}); };
            }
        }
        steps.push_back(std::move(step));
    }
    return {};
}

Result<> MinioSetup::plan_user(std::vector<Step>& steps, const std::string& role, const Key& user,
                               const std::string& policy) const {
    const auto name = wanted_.name + "-" + role;
    const auto found = tool_.run({"admin", "policy", "info", "store", name});
    if (!found && !says(found.error(), "XMinioAdminNoSuchPolicy")) return fail(found.error());
    const auto* info = found && !found->empty() ? found->front().find("policyInfo") : nullptr;
    const auto* document = info != nullptr ? info->find("Policy") : nullptr;
    Step make{fmt::format("policy {}", name), Standing::already, {}, {}};
    if (document == nullptr || !same_policy(json::canonical(*document), policy)) {
        make.standing = Standing::to_do;
        make.how =
            fmt::format("photogate policy {} | mc admin policy create store {} /dev/stdin", role, name);
        make.apply = [this, name, policy]() -> Result<> {
            const auto made =
                tool_.run({"admin", "policy", "create", "store", name, "/dev/stdin"}, Secret{policy});
            if (!made) return fail(made.error());
            return {};
        };
    }
    steps.push_back(std::move(make));

    const auto facts = tool_.run({"admin", "user", "info", "store", user.access_key});
    if (!facts && !says(facts.error(), "XMinioAdminNoSuchUser")) return fail(facts.error());
    const auto attached = facts && !facts->empty() ? text_at(facts->front(), "policyName") : std::string{};
    const bool enabled = facts && !facts->empty() && text_at(facts->front(), "userStatus") == "enabled";
    const auto tried = tool_.run({"ls", role});
    const bool secret_is_right = tried || says(tried.error(), "AccessDenied");
    Step add{fmt::format("user {} with that policy alone", user.access_key), Standing::already, {}, {}};
    if (!enabled || !secret_is_right || attached != name) {
        add.standing = Standing::to_do;
        // A user that is removed loses whatever else it was allowed.
        const bool removed = facts.has_value() && attached != name && !attached.empty();
        add.how = fmt::format(
            "{1}mc admin user add store {0} && mc admin policy attach store {2} --user {0}", user.access_key,
            removed ? fmt::format("mc admin user remove store {} && ", user.access_key) : "", name);
        const bool attach = removed || attached != name;
        add.apply = [this, &user, name, removed, attach]() -> Result<> {
            if (removed) {
                if (const auto done = do_all({{"admin", "user", "remove", "store", user.access_key}}); !done)
                    return done;
            }
            const auto added = tool_.run({"admin", "user", "add", "store", user.access_key},
                                         Secret{std::string{user.secret_key.reveal()} + "\n"});
            if (!added) return fail(added.error());
            if (!attach) return {};
            return do_all({{"admin", "policy", "attach", "store", name, "--user", user.access_key}});
        };
    }
    steps.push_back(std::move(add));
    return {};
}

std::string MinioSetup::arn(const std::string& target) const {
    return fmt::format("arn:minio:sqs::{}:webhook", target);
}

bool MinioSetup::target_is_set(const std::string& target) const {
    const auto found = tool_.run({"admin", "config", "get", "store", "notify_webhook:" + target});
    if (!found || found->empty()) return false;
    for (const auto& entry : array_at(found->front(), "config")) {
        bool endpoint = false;
        bool token = true;
        for (const auto& pair : array_at(entry, "kv")) {
            const auto key = text_at(pair, "key");
            const auto value = text_at(pair, "value");
            if (key == "endpoint") endpoint = value == wanted_.events_url;
            // Some releases show no secret at all.
            if (key == "auth_token" && !value.empty() && value.find('*') == std::string::npos)
                token = value == wanted_.event_token.reveal();
        }
        if (endpoint && token) return true;
    }
    return false;
}

/// `mc admin config set` takes the token as an argument, which every process of the machine sees.
Result<> MinioSetup::set_target(const std::string& target) const {
    auto setting = fmt::format("notify_webhook:{} endpoint={} auth_token={}", target,
                               in_quotes(wanted_.events_url), in_quotes(wanted_.event_token.reveal()));
    if (target == "queued") setting += " queue_dir=" + in_quotes(options_.events_dir.string());
    const auto sealed = signer::seal_with_password(wanted_.administrator.secret_access_key, setting, random_);
    if (!sealed) return fail(sealed.error());
    const auto done = admin_.call({.method = "PUT",
                                   .bucket = Bucket::trusted("minio"),
                                   .key = ObjectKey::trusted("admin/v3/set-config-kv"),
                                   .query = {},
                                   .headers = {},
                                   .body = *sealed});
    if (!done) return fail(done.error());
    return {};
}

Result<> MinioSetup::plan_events(std::vector<Step>& steps) const {
    std::vector<std::string> targets{"direct"};
    if (!options_.events_dir.empty()) targets.emplace_back("queued");
    std::vector<std::string> missing;
    for (const auto& target : targets) {
        if (!target_is_set(target)) missing.push_back(target);
    }
    const auto origin = origin_of(wanted_.events_url);
    const bool gateway_is_there = answers(origin + "/livez");
    const auto later = fmt::format(
        "MinIO connects to {} before it takes it: start photogate, then run this command once more", origin);

    Step set{fmt::format("event targets for {}", wanted_.events_url), Standing::already, {}, {}};
    if (!missing.empty()) {
        set.standing = gateway_is_there ? Standing::to_do : Standing::later;
        set.how = gateway_is_there
                      ? fmt::format("mc admin config set store notify_webhook:{} …; MinIO restarts",
                                    fmt::join(missing, " and notify_webhook:"))
                      : later;
        set.apply = [this, missing]() -> Result<> {
            for (const auto& target : missing) {
                if (const auto done = set_target(target); !done) return done;
            }
            return do_all({{"admin", "service", "restart", "store"}, {"ready", "store"}});
        };
    }
    const bool can_make_rules = missing.empty() || gateway_is_there;
    steps.push_back(std::move(set));

    std::set<std::string> ruled;
    const auto bucket = "store/" + wanted_.incoming.str();
    // A bucket that is still to be made has no rules.
    if (const auto rules = tool_.run({"event", "list", bucket})) {
        for (const auto& rule : *rules)
            ruled.insert(text_at(rule, "arn"));
    }
    for (const auto& target : targets) {
        Step rule{fmt::format("event rule {} of bucket {}", target, wanted_.incoming.str()),
                  Standing::already,
                  {},
                  {}};
        if (!ruled.contains(arn(target))) {
            rule.standing = can_make_rules ? Standing::to_do : Standing::later;
            rule.how = can_make_rules ? fmt::format("mc event add {} {} --event put --prefix {}", bucket,
                                                    arn(target), wanted_.prefix)
                                      : later;
            rule.apply = [this, bucket, target] {
                return do_all({{"event", "add", "--ignore-existing", bucket, arn(target), "--event", "put",
                                "--prefix", wanted_.prefix}});
            };
        }
        steps.push_back(std::move(rule));
    }
    return {};
}

}  // namespace

Result<std::unique_ptr<StoreSetup>> open(Wanted wanted, Options options, Random& random) {
    const auto url = wanted.endpoint.origin();
    if (!answers(url + "/minio/health/live"))
        return fail(ErrorCode::http_connect, fmt::format("{} does not answer", url));
    const std::map<std::string, Alias> aliases{
        {"store", {url, wanted.administrator.access_key_id, wanted.administrator.secret_access_key}},
        {"signer", {url, wanted.signer.access_key, wanted.signer.secret_key}},
        {"worker", {url, wanted.worker.access_key, wanted.worker.secret_key}}};
    auto tool = MinioTool::open(options.tool, aliases);
    if (!tool) return fail(tool.error());
    return std::make_unique<MinioSetup>(std::move(wanted), std::move(options), std::move(*tool), random);
}

}  // namespace photogate::client::setup::minio
