#include "client/minio/minio_setup.hpp"

#include <algorithm>
#include <set>

#include <fmt/format.h>

#include "client/json_text.hpp"
#include "storage/http/http_client.hpp"
#include "storage/objects/policies.hpp"

namespace photogate::client::minio {
namespace {

bool answers(const std::string& url) {
    storage::http::HttpClient http{{.user_agent = "photogate", .guard = {}, .ca_file = {}}};
    storage::http::Request request;
    request.url = url;
    request.first_byte_timeout = std::chrono::seconds{3};
    return http.send(request).has_value();
}

bool says(const Error& error, std::string_view code) {
    return error.detail.starts_with(code);
}

/// Arrays sorted, because MinIO keeps actions and resources as sets.
std::string without_order(const json::Value& value) {
    if (const auto* array = value.array()) {
        std::multiset<std::string> elements;
        for (const auto& element : *array)
            elements.insert(without_order(element));
        return fmt::format("[{}]", fmt::join(elements, ","));
    }
    if (const auto* object = value.object()) {
        std::set<std::string> members;
        for (const auto& [name, member] : *object)
            members.insert(fmt::format("{}:{}", json::canonical(json::Value{name}), without_order(member)));
        return fmt::format("{{{}}}", fmt::join(members, ","));
    }
    return json::canonical(value);
}

bool same_policy(const json::Value& found, const std::string& wanted) {
    const auto read = json::read(wanted);
    return read && without_order(found) == without_order(*read);
}

}  // namespace

Result<MinioSetup> MinioSetup::open(Wanted wanted, std::filesystem::path tool) {
    if (!answers(wanted.endpoint + "/minio/health/live"))
        return fail(ErrorCode::http_connect, fmt::format("{} does not answer", wanted.endpoint));
    std::map<std::string, Alias> aliases;
    const std::pair<const char*, const StoreUser&> users[] = {
        {"store", wanted.administrator}, {"signer", wanted.signer}, {"worker", wanted.worker}};
    for (const auto& [name, user] : users)
        aliases.emplace(name, Alias{wanted.endpoint, user.access_key, user.secret_key});
    auto made = MinioTool::open(std::move(tool), aliases);
    if (!made) return fail(made.error());
    return MinioSetup{std::move(wanted), std::move(*made)};
}

Result<> MinioSetup::do_all(const std::vector<std::vector<std::string>>& commands) const {
    for (const auto& command : commands) {
        if (const auto done = tool_.run(command); !done) return fail(done.error());
    }
    return {};
}

Result<std::vector<Step>> MinioSetup::plan() const {
    std::vector<Step> steps;
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
                                                     wanted_.endpoint, listed.error().detail));
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

Result<> MinioSetup::plan_user(std::vector<Step>& steps, const std::string& role, const StoreUser& user,
                               const std::string& policy) const {
    const auto name = "photogate-" + role;
    const auto found = tool_.run({"admin", "policy", "info", "store", name});
    if (!found && !says(found.error(), "XMinioAdminNoSuchPolicy")) return fail(found.error());
    const auto* info = found && !found->empty() ? found->front().find("policyInfo") : nullptr;
    const auto* document = info != nullptr ? info->find("Policy") : nullptr;
    Step make{fmt::format("policy {}", name), Standing::already, {}, {}};
    if (document == nullptr || !same_policy(*document, policy)) {
        make.standing = Standing::to_do;
        make.how =
            fmt::format("photogate policy {} | mc admin policy create store {} /dev/stdin", role, name);
        make.apply = [this, name, policy]() -> Result<> {
            const auto file = tool_.file(name + ".json", policy);
            if (!file) return fail(file.error());
            return do_all({{"admin", "policy", "create", "store", name, file->string()}});
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
            const auto added = tool_.run({"admin", "user", "add", "store", user.access_key}, user.secret_key);
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

Result<> MinioSetup::plan_events(std::vector<Step>& steps) const {
    std::vector<std::string> targets{"direct"};
    if (!wanted_.events_dir.empty()) targets.emplace_back("queued");
    std::vector<std::string> missing;
    for (const auto& target : targets) {
        if (!target_is_set(target)) missing.push_back(target);
    }
    const auto origin =
        wanted_.events_url.substr(0, wanted_.events_url.find('/', wanted_.events_url.find("://") + 3));
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
                std::vector<std::string> command{"admin",
                                                 "config",
                                                 "set",
                                                 "store",
                                                 "notify_webhook:" + target,
                                                 "endpoint=" + wanted_.events_url,
                                                 fmt::format("auth_token={}", wanted_.event_token.reveal())};
                if (target == "queued") command.push_back("queue_dir=" + wanted_.events_dir.string());
                if (const auto done = do_all({command}); !done) return done;
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

}  // namespace photogate::client::minio
