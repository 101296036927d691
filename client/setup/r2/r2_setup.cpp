#include "client/setup/r2/r2_setup.hpp"

#include <algorithm>
#include <set>

#include <fmt/format.h>

#include "base/encoding.hpp"
#include "base/json/writer.hpp"
#include "client/json_text.hpp"
#include "client/setup/r2/token.hpp"
#include "signer/digest.hpp"

namespace photogate::client::setup::r2 {
namespace {

constexpr const char* kStorage = "Workers R2 Storage Bucket Item Write";
constexpr const char* kQueues = "Queues Write";
/// What `wrangler` calls object-create.
constexpr const char* kActions[] = {"PutObject", "CopyObject", "CompleteMultipartUpload"};

std::string_view word_of(Jurisdiction jurisdiction) {
    switch (jurisdiction) {
        case Jurisdiction::eu:
            return "eu";
        case Jurisdiction::fedramp:
            return "fedramp";
        case Jurisdiction::none:
            break;
    }
    return "default";
}

std::string object_with(json::Name name, const std::string& value) {
    json::Writer text;
    text.begin_object();
    text.name(name);
    text.text(value);
    text.end_object();
    return text.take();
}

bool has_text(const json::Value::Array& all, std::string_view text) {
    return std::any_of(all.begin(), all.end(), [&](const json::Value& each) {
        return each.text() != nullptr && (*each.text() == text || *each.text() == "*");
    });
}

bool rule_serves(const json::Value& rule, const std::string& origin) {
    const auto* allowed = rule.find("allowed");
    return allowed != nullptr && has_text(array_at(*allowed, "origins"), origin) &&
           has_text(array_at(*allowed, "methods"), "PUT") && has_text(array_at(*allowed, "headers"), "*");
}

bool announces(const json::Value& rule, const std::string& prefix) {
    const auto& actions = array_at(rule, "actions");
    const auto found = text_at(rule, "prefix");
    return (found == prefix || found.empty()) && text_at(rule, "suffix").empty() &&
           has_text(actions, "PutObject") && has_text(actions, "CompleteMultipartUpload");
}

class R2Setup final : public StoreSetup {
  public:
    R2Setup(Wanted wanted, CloudflareApi api)
        : wanted_(std::move(wanted)),
          api_(std::move(api)),
          jurisdiction_(jurisdiction_of(wanted_.endpoint)),
          signer_(api_, wanted_.name + "-signer", {kStorage, resources({wanted_.incoming})}),
          worker_(api_, wanted_.name + "-worker",
                  {kStorage, resources({wanted_.incoming, wanted_.published, wanted_.originals})}),
          asker_(api_, wanted_.name + "-queue",
                 {kQueues, {fmt::format("com.cloudflare.api.account.{}", api_.account())}}) {}

    Result<std::vector<Step>> plan(Step configuration) override {
        steps_.clear();
        for (const auto& bucket : {wanted_.incoming, wanted_.published, wanted_.originals}) {
            if (const auto ok = plan_bucket(bucket); !ok) return fail(ok.error());
        }
        if (!wanted_.origins.empty()) {
            if (const auto ok = plan_cors(); !ok) return fail(ok.error());
        }
        if (const auto ok = plan_queue(); !ok) return fail(ok.error());
        if (const auto ok = plan_rule(); !ok) return fail(ok.error());
        // What is lost if the configuration is not reached comes last.
        if (const auto ok = plan_tokens(); !ok) return fail(ok.error());
        steps_.push_back(std::move(configuration));
        return std::exchange(steps_, {});
    }

    Facts facts() const override {
        return {key_of(signer_),
                key_of(worker_),
                "r2",
                {"dialect = \"r2\"", fmt::format("queue_url = \"{}\"", api_.url("/queues/" + queue_)),
                 "queue_token_file = \"queue_token\""},
                {{"queue_token", asker_.value()}},
                {"methods = [\"put\", \"multipart\"]                  # R2 has no form uploads"}};
    }

  private:
    static Key key_of(const Token& token) {
        if (token.value().empty()) return {token.id(), {}};
        return {token.id(), Secret{hex_lower(signer::sha256(token.value().reveal()))}};
    }

    std::vector<std::string> resources(const std::vector<Bucket>& buckets) const {
        std::vector<std::string> names;
        for (const auto& bucket : buckets) {
            names.push_back(fmt::format("com.cloudflare.edge.r2.bucket.{}_{}_{}", api_.account(),
                                        word_of(jurisdiction_), bucket.str()));
        }
        return names;
    }

    bool is_there(const Bucket& bucket) const { return there_.contains(bucket.str()); }

    void add(std::string what, bool already, std::string how, std::function<Result<>()> apply) {
        Step step{std::move(what), Standing::already, {}, {}};
        if (!already) {
            step.standing = Standing::to_do;
            step.how = std::move(how);
            step.apply = std::move(apply);
        }
        steps_.push_back(std::move(step));
    }

    Result<> done(const std::string& method, const std::string& path, const std::string& body) const {
        const auto answer = api_.call(method, path, body, headers());
        if (!answer) return fail(answer.error());
        return {};
    }

    CloudflareApi::Headers headers() const {
        if (jurisdiction_ == Jurisdiction::none) return {};
        return {{"cf-r2-jurisdiction", std::string{word_of(jurisdiction_)}}};
    }

    /// What is at the path; null where there is nothing.
    Result<json::Value> find(const std::string& path) const {
        auto found = api_.call("GET", path, {}, headers());
        if (!found && found.error().code == ErrorCode::not_found) return json::Value{};
        return found;
    }

    Result<> plan_bucket(const Bucket& bucket) {
        const auto path = "/r2/buckets/" + bucket.str();
        const auto found = find(path);
        if (!found) {
            return fail(
                found.error().code,
                fmt::format("bucket {}: {} (the token needs the permissions Workers R2 Storage Write, "
                            "Queues Write and Account API Tokens Write)",
                            bucket.str(), found.error().detail));
        }
        if (!found->is_null()) there_.insert(bucket.str());
        add(fmt::format("bucket {}", bucket.str()), is_there(bucket),
            fmt::format("npx wrangler r2 bucket create {}", bucket.str()),
            [this, bucket] { return done("POST", "/r2/buckets", object_with("name", bucket.str())); });
        if (!is_there(bucket)) return {};
        const auto domain = find(path + "/domains/managed");
        if (!domain) return fail(domain.error());
        if (text_at(*domain, "enabled") == "true") {
            add(fmt::format("bucket {} closed to strangers", bucket.str()), false,
                fmt::format("anyone may read it at {}: its r2.dev domain is switched off",
                            text_at(*domain, "domain")),
                [this, path] { return done("PUT", path + "/domains/managed", R"({"enabled":false})"); });
        }
        return {};
    }

    Result<> plan_cors() {
        const auto path = fmt::format("/r2/buckets/{}/cors", wanted_.incoming.str());
        json::Value::Array rules;
        if (is_there(wanted_.incoming)) {
            const auto found = find(path);
            if (!found) return fail(found.error());
            rules = array_at(*found, "rules");
        }
        json::Writer text;
        text.begin_object();
        text.name("rules");
        text.begin_array();
        for (const auto& rule : rules)
            text.raw(json::canonical(rule));
        bool all = true;
        text.begin_object();
        text.name("allowed");
        text.begin_object();
        text.name("origins");
        text.begin_array();
        for (const auto& origin : wanted_.origins) {
            if (std::any_of(rules.begin(), rules.end(),
                            [&](const json::Value& rule) { return rule_serves(rule, origin); }))
                continue;
            all = false;
            text.text(origin);
        }
        text.end_array();
        text.name("methods");
        text.raw(R"(["PUT"])");
        text.name("headers");
        text.raw(R"(["*"])");
        text.end_object();
        text.name("exposeHeaders");
        text.raw(R"(["ETag"])");
        text.name("maxAgeSeconds");
        text.number(3'600);
        text.end_object();
        text.end_array();
        text.end_object();
        add(fmt::format("pages of {} may upload to {}", fmt::join(wanted_.origins, ", "),
                        wanted_.incoming.str()),
            all, fmt::format("npx wrangler r2 bucket cors set {} …", wanted_.incoming.str()),
            [this, path, body = text.take()] { return done("PUT", path, body); });
        return {};
    }

    Result<> plan_queue() {
        const auto queues = api_.list("/queues");
        if (!queues) return fail(queues.error());
        for (const auto& queue : *queues) {
            if (text_at(queue, "queue_name") == wanted_.name) queue_ = text_at(queue, "queue_id");
        }
        bool pulled = false;
        std::string other;
        if (!queue_.empty()) {
            const auto consumers = api_.list("/queues/" + queue_ + "/consumers");
            if (!consumers) return fail(consumers.error());
            for (const auto& consumer : *consumers) {
                const auto type = text_at(consumer, "type");
                pulled = pulled || type == "http_pull";
                if (type != "http_pull") other = type;
            }
        }
        if (!other.empty()) {
            return fail(ErrorCode::store_refused,
                        fmt::format("the queue {} has a consumer already ({}): choose another --name",
                                    wanted_.name, other));
        }
        add(fmt::format("queue {}", wanted_.name), !queue_.empty(),
            fmt::format("npx wrangler queues create {}", wanted_.name), [this]() -> Result<> {
                const auto made = api_.call("POST", "/queues", object_with("queue_name", wanted_.name));
                if (!made) return fail(made.error());
                queue_ = text_at(*made, "queue_id");
                if (queue_.empty()) return fail(ErrorCode::store_protocol, "Cloudflare's queue has no id");
                return {};
            });
        add(fmt::format("queue {} can be asked over HTTP", wanted_.name), pulled,
            fmt::format("npx wrangler queues consumer http add {}", wanted_.name), [this] {
                return done("POST", "/queues/" + queue_ + "/consumers", object_with("type", "http_pull"));
            });
        return {};
    }

    Result<> plan_rule() {
        const auto at = fmt::format("/event_notifications/r2/{}/configuration", wanted_.incoming.str());
        bool announced = false;
        if (!queue_.empty() && is_there(wanted_.incoming)) {
            const auto found = find(at);
            if (!found) return fail(found.error());
            for (const auto& queue : array_at(*found, "queues")) {
                if (text_at(queue, "queueId") != queue_) continue;
                for (const auto& rule : array_at(queue, "rules"))
                    announced = announced || announces(rule, wanted_.prefix);
            }
        }
        json::Writer text;
        text.begin_object();
        text.name("rules");
        text.begin_array();
        text.begin_object();
        text.name("actions");
        text.begin_array();
        for (const auto* action : kActions)
            text.text(action);
        text.end_array();
        text.name("prefix");
        text.text(wanted_.prefix);
        text.end_object();
        text.end_array();
        text.end_object();
        add(fmt::format("uploads to {} announced to the queue", wanted_.incoming.str()), announced,
            fmt::format("npx wrangler r2 bucket notification create {} --event-type object-create --queue {} "
                        "--prefix {}",
                        wanted_.incoming.str(), wanted_.name, wanted_.prefix),
            [this, at, body = text.take()] { return done("PUT", at + "/queues/" + queue_, body); });
        return {};
    }

    Result<> plan_tokens() {
        const auto tokens = api_.list("/tokens");
        if (!tokens) return fail(tokens.error());
        const auto found = api_.call("GET", "/tokens/permission_groups");
        if (!found) return fail(found.error());
        const auto* groups = found->array();
        if (groups == nullptr)
            return fail(ErrorCode::store_protocol, "Cloudflare's permission groups are no list");
        const auto known = wanted_.signer.access_key.empty() ? Token::Known::no : Token::Known::yes;
        const std::pair<Token&, std::string> all[] = {
            {signer_, wanted_.signer.access_key}, {worker_, wanted_.worker.access_key}, {asker_, {}}};
        for (const auto& [token, configured] : all) {
            if (const auto ok = token.plan(steps_, *tokens, *groups, configured, known); !ok) return ok;
        }
        return {};
    }

    Wanted wanted_;
    CloudflareApi api_;
    Jurisdiction jurisdiction_;
    Token signer_;
    Token worker_;
    Token asker_;
    std::string queue_;
    std::set<std::string> there_;
    std::vector<Step> steps_;
};

}  // namespace

Jurisdiction jurisdiction_of(const Endpoint& endpoint) {
    if (endpoint.host.ends_with(".eu.r2.cloudflarestorage.com")) return Jurisdiction::eu;
    if (endpoint.host.ends_with(".fedramp.r2.cloudflarestorage.com")) return Jurisdiction::fedramp;
    return Jurisdiction::none;
}

std::unique_ptr<StoreSetup> open(Wanted wanted, CloudflareApi api) {
    return std::make_unique<R2Setup>(std::move(wanted), std::move(api));
}

}  // namespace photogate::client::setup::r2
