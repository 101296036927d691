#include "client/setup/ceph/ceph_setup.hpp"

#include <algorithm>
#include <iterator>

#include <fmt/format.h>

#include "base/json/value.hpp"
#include "base/secret.hpp"
#include "client/json_text.hpp"
#include "client/setup/bucket_steps.hpp"
#include "client/setup/signed_api.hpp"
#include "client/setup/xml_text.hpp"
#include "signer/uri_encode.hpp"
#include "storage/objects/policies.hpp"

namespace photogate::client::setup::ceph {
namespace {

constexpr json::Bounds kUserBounds{.bytes = 1U << 20, .depth = 16, .nodes = 20'000};
constexpr const char* kTopics = "2010-03-31";

SignedApi api(const Wanted& wanted, signer::Credentials credentials, const std::string& service) {
    return SignedApi{{.endpoint = wanted.endpoint,
                      .style = wanted.style,
                      .credentials = std::move(credentials),
                      .region = wanted.region,
                      .service = service}};
}

/// One of RGW's users, and the key that it has.
struct User {
    std::string id;
    Key configured;
    Key key;
    bool there = false;
};

/// A key of the user itself, not of a subuser; the configured one where it is among them.
Key key_in(const json::Value& user, const User& of) {
    Key found;
    for (const auto& each : array_at(user, "keys")) {
        if (text_at(each, "user") != of.id) continue;
        Key key{text_at(each, "access_key"), Secret{text_at(each, "secret_key")}};
        if (found.access_key.empty() || key.access_key == of.configured.access_key) found = std::move(key);
    }
    return found;
}

class CephSetup final : public StoreSetup {
  public:
    CephSetup(Wanted wanted, Proof proof)
        : wanted_(std::move(wanted)),
          proof_(proof),
          admin_(api(wanted_, wanted_.administrator, "s3")),
          s3_(api(wanted_, {}, "s3")),
          topics_(api(wanted_, {}, "sns")),
          signer_{wanted_.name + "-signer", wanted_.signer, {}},
          worker_{wanted_.name + "-worker", wanted_.worker, {}} {}

    Result<std::vector<Step>> plan(Step configuration) override {
        steps_.clear();
        if (const auto ok = plan_user(signer_); !ok) return fail(ok.error());
        if (const auto ok = plan_user(worker_); !ok) return fail(ok.error());
        // RGW tells a user's secret again, so the configuration may come first.
        steps_.push_back(std::move(configuration));
        buckets_ = std::make_unique<BucketSteps>(s3_, steps_);
        if (const auto ok = plan_buckets(); !ok) return fail(ok.error());
        if (!wanted_.events_url.empty()) {
            if (const auto ok = plan_topic(); !ok) return fail(ok.error());
        }
        return std::exchange(steps_, {});
    }

    Facts facts() const override {
        return {signer_.key,
                worker_.key,
                "ceph",
                {"dialect = \"ceph\"",
                 fmt::format("authentication = \"{}\"", proof_ == Proof::basic ? "basic" : "query"),
                 "tokens_file = \"event_tokens\""},
                {{"event_tokens", wanted_.event_token}},
                {}};
    }

  private:
    Result<json::Value> ask(const std::string& method, std::vector<signer::Parameter> query) const {
        query.push_back({"format", "json"});
        const auto answer = admin_.call({.method = method,
                                         .bucket = Bucket::trusted("admin"),
                                         .key = ObjectKey::trusted("user"),
                                         .query = std::move(query)});
        if (!answer) return fail(answer.error());
        auto read = json::read(answer->body, kUserBounds);
        if (!read) return fail(ErrorCode::store_protocol, "RGW's answer about a user is no JSON");
        return read;
    }

    Result<> plan_user(User& user) {
        const auto found = ask("GET", {{"uid", user.id}});
        if (!found && !says(found.error(), "NoSuchUser")) {
            return fail(found.error().code,
                        fmt::format("the administrator's key is refused by {}, or lacks the capability "
                                    "users=*: {}",
                                    wanted_.endpoint.origin(), found.error().detail));
        }
        user.there = found.has_value();
        if (found) user.key = key_in(*found, user);
        if (&user == &worker_ && !user.key.access_key.empty()) use_worker();

        Step step{fmt::format("user {} with a key", user.id), Standing::already, {}, {}};
        if (user.key.access_key.empty()) {
            step.standing = Standing::to_do;
            step.how =
                fmt::format("radosgw-admin {} create --uid {} …", user.there ? "key" : "user", user.id);
            step.apply = [this, &user] { return make(user); };
        } else if (!user.configured.access_key.empty() &&
                   (user.configured.access_key != user.key.access_key ||
                    user.configured.secret_key.reveal() != user.key.secret_key.reveal())) {
            step.standing = Standing::later;
            step.how = fmt::format(
                "the configuration has another key ({}): put this user's there ({}; "
                "radosgw-admin user info --uid {})",
                user.configured.access_key, user.key.access_key, user.id);
        }
        steps_.push_back(std::move(step));
        return {};
    }

    Result<> make(User& user) {
        // RGW chooses the key: a secret in the query would stand in its access log.
        std::vector<signer::Parameter> query{{"uid", user.id}};
        if (user.there) {
            query.insert(query.begin(), {"key", ""});
        } else {
            query.push_back({"display-name", user.id});
        }
        if (const auto made = ask("PUT", query); !made) return fail(made.error());
        const auto found = ask("GET", {{"uid", user.id}});
        if (!found) return fail(found.error());
        user.key = key_in(*found, user);
        if (user.key.access_key.empty())
            return fail(ErrorCode::store_protocol, fmt::format("RGW gave {} no key", user.id));
        if (&user == &worker_) use_worker();
        return {};
    }

    /// Buckets and topics are the worker's.
    void use_worker() {
        s3_.use({worker_.key.access_key, worker_.key.secret_key, std::nullopt});
        topics_.use({worker_.key.access_key, worker_.key.secret_key, std::nullopt});
    }

    Result<> plan_buckets() {
        for (const auto& bucket : {wanted_.incoming, wanted_.published, wanted_.originals}) {
            if (const auto ok = buckets_->made(bucket, wanted_.region, BucketSteps::Location::unsaid); !ok)
                return ok;
            if (const auto ok = buckets_->closed(bucket); !ok) return ok;
        }
        const auto policy =
            storage::objects::ceph_bucket_policy(wanted_.incoming, wanted_.prefix, {signer_.id, worker_.id});
        if (const auto ok = buckets_->with_policy(wanted_.incoming, policy); !ok) return ok;
        if (wanted_.origins.empty()) return {};
        return buckets_->open_to_pages(wanted_.incoming, wanted_.origins);
    }

    std::string push_endpoint() const {
        const auto token = signer::encode_component(wanted_.event_token.reveal());
        if (proof_ == Proof::query) return fmt::format("{}?token={}", wanted_.events_url, token);
        const auto host = wanted_.events_url.find("://") + 3;
        return fmt::format("{}photogate:{}@{}", wanted_.events_url.substr(0, host), token,
                           wanted_.events_url.substr(host));
    }

    /// The zone group's name is in the ARN, and known from what RGW answers alone.
    Result<> plan_topic() {
        bool right = false;
        if (topics_.can_sign()) {
            const auto listed = topics_.act(kTopics, "ListTopics", {});
            if (!listed) return fail(listed.error());
            for (const auto& topic :
                 elements_in(*listed, "ListTopicsResponse/ListTopicsResult/Topics/member")) {
                if (text_in(topic, "member/Name") != wanted_.name) continue;
                topic_ = text_in(topic, "member/TopicArn");
                const auto persistent = text_in(topic, "member/EndPoint/Persistent");
                right = text_in(topic, "member/EndPoint/EndpointAddress") == push_endpoint() &&
                        (persistent == "True" || persistent == "true");
            }
        }
        Step make{fmt::format("topic {} that posts to {}", wanted_.name, wanted_.events_url),
                  Standing::already,
                  {},
                  {}};
        if (!right) {
            make.standing = Standing::to_do;
            make.how = fmt::format("aws sns create-topic --name {} --attributes …", wanted_.name);
            make.apply = [this] { return make_topic(); };
        }
        steps_.push_back(std::move(make));
        if (!topic_.empty())
            return buckets_->announced(wanted_.incoming, {wanted_.name, topic_, wanted_.prefix});
        // Planned once more when the ARN is known.
        steps_.push_back({fmt::format("uploads to {} announced to the topic", wanted_.incoming.str()),
                          Standing::to_do,
                          fmt::format("aws s3api put-bucket-notification-configuration --bucket {} …",
                                      wanted_.incoming.str()),
                          [this] { return announce(); }});
        return {};
    }

    Result<> make_topic() {
        const auto made = topics_.act(kTopics, "CreateTopic",
                                      {{"Name", wanted_.name},
                                       {"Attributes.entry.1.key", "push-endpoint"},
                                       {"Attributes.entry.1.value", push_endpoint()},
                                       {"Attributes.entry.2.key", "persistent"},
                                       {"Attributes.entry.2.value", "true"}});
        if (!made) {
            if (proof_ == Proof::query) return fail(made.error());
            return fail(
                made.error().code,
                fmt::format("{} (RGW takes a password in a push endpoint over TLS alone; behind a proxy "
                            "that speaks TLS it needs rgw_trust_forwarded_https = true)",
                            made.error().detail));
        }
        topic_ = text_in(*made, "CreateTopicResponse/CreateTopicResult/TopicArn");
        return {};
    }

    Result<> announce() {
        std::vector<Step> steps;
        BucketSteps bucket{s3_, steps};
        if (const auto ok = bucket.made(wanted_.incoming, wanted_.region, BucketSteps::Location::unsaid); !ok)
            return ok;
        steps.clear();
        if (const auto ok = bucket.announced(wanted_.incoming, {wanted_.name, topic_, wanted_.prefix}); !ok)
            return ok;
        return steps.back().standing == Standing::to_do ? steps.back().apply() : Result<>{};
    }

    Wanted wanted_;
    Proof proof_;
    SignedApi admin_;
    SignedApi s3_;
    SignedApi topics_;
    User signer_;
    User worker_;
    std::string topic_;
    std::vector<Step> steps_;
    std::unique_ptr<BucketSteps> buckets_;
};

}  // namespace

std::unique_ptr<StoreSetup> open(Wanted wanted, Proof proof) {
    return std::make_unique<CephSetup>(std::move(wanted), proof);
}

}  // namespace photogate::client::setup::ceph
