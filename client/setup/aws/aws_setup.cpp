#include "client/setup/aws/aws_setup.hpp"

#include <algorithm>

#include <fmt/format.h>

#include "base/secret.hpp"
#include "client/setup/aws/iam_user.hpp"
#include "client/setup/bucket_steps.hpp"
#include "client/setup/policy_text.hpp"
#include "client/setup/xml_text.hpp"
#include "storage/objects/policies.hpp"

namespace photogate::client::setup::aws {
namespace {

/// A day more than photogate keeps parts (`worker.keep_parts`).
constexpr int kMultipartDays = 8;
constexpr int kMostPages = 100;

/// IAM is one for the whole partition, and its requests are signed for this region.
const Region& iam_region() {
    static const Region kRegion = Region::trusted("us-east-1");
    return kRegion;
}

SignedApi api(const Wanted& wanted, const Endpoints& endpoints, const std::string& service) {
    return SignedApi{{.endpoint = endpoints.at(service),
                      .style = signer::AddressingStyle::path,
                      .credentials = wanted.administrator,
                      .region = service == "iam" ? iam_region() : wanted.region,
                      .service = service}};
}

class AwsSetup final : public StoreSetup {
  public:
    AwsSetup(Wanted wanted, const Endpoints& endpoints)
        : wanted_(std::move(wanted)),
          s3_({.endpoint = wanted_.endpoint,
               .style = wanted_.style,
               .credentials = wanted_.administrator,
               .region = wanted_.region,
               .service = "s3"}),
          iam_(api(wanted_, endpoints, "iam")),
          sts_(api(wanted_, endpoints, "sts")),
          new_key_(api(wanted_, endpoints, "sts")),
          sns_(api(wanted_, endpoints, "sns")),
          signer_(iam_, wanted_.name + "-signer",
                  storage::objects::signer_policy(wanted_.incoming, wanted_.prefix)),
          worker_(iam_, wanted_.name + "-worker",
                  storage::objects::worker_policy({wanted_.incoming, wanted_.published, wanted_.originals})),
          signer_key_(wanted_.signer),
          worker_key_(wanted_.worker) {}

    Result<std::vector<Step>> plan(Step configuration) override {
        const auto identity = sts_.act(kSts, "GetCallerIdentity", {});
        if (!identity) {
            return fail(identity.error().code,
                        fmt::format("the administrator's key is refused: {}", identity.error().detail));
        }
        account_ = text_in(*identity, "GetCallerIdentityResponse/GetCallerIdentityResult/Account");
        topic_ = fmt::format("arn:aws:sns:{}:{}:{}-incoming", wanted_.region.str(), account_, wanted_.name);
        std::vector<Step> steps;
        steps.push_back({fmt::format("AWS account {}, region {}", account_, wanted_.region.str()),
                         Standing::already,
                         {},
                         {}});
        buckets_ = std::make_unique<BucketSteps>(s3_, steps_);
        steps_.clear();
        if (const auto planned = plan_all(std::move(configuration)); !planned) return fail(planned.error());
        std::move(steps_.begin(), steps_.end(), std::back_inserter(steps));
        return steps;
    }

    Facts facts() const override {
        return {signer_key_, worker_key_,
                "aws",       {"dialect = \"sns\"", fmt::format("sns_topics = [\"{}\"]", topic_)},
                {},          {}};
    }

  private:
    Result<> plan_all(Step configuration) {
        for (const auto& bucket : {wanted_.incoming, wanted_.published, wanted_.originals}) {
            if (const auto ok = buckets_->made(bucket, wanted_.region, BucketSteps::Location::said); !ok)
                return ok;
            if (const auto ok = buckets_->public_access_blocked(bucket); !ok) return ok;
        }
        if (!wanted_.origins.empty()) {
            if (const auto ok = buckets_->open_to_pages(wanted_.incoming, wanted_.origins); !ok) return ok;
        }
        if (const auto ok = buckets_->multiparts_expire(wanted_.incoming, kMultipartDays); !ok) return ok;
        if (const auto ok = plan_topic(); !ok) return ok;
        if (const auto ok = buckets_->announced(wanted_.incoming, {wanted_.name, topic_, wanted_.prefix});
            !ok)
            return ok;
        if (const auto ok = signer_.plan(steps_); !ok) return ok;
        if (const auto ok = worker_.plan(steps_); !ok) return ok;
        // What is lost if the next steps are not reached comes last.
        if (const auto ok = signer_.plan_key(steps_, wanted_.signer, signer_key_, new_key_); !ok) return ok;
        if (const auto ok = worker_.plan_key(steps_, wanted_.worker, worker_key_, new_key_); !ok) return ok;
        steps_.push_back(std::move(configuration));
        return plan_subscription();
    }

    std::string statement() const {
        return fmt::format(
            R"({{"Sid":"{}","Effect":"Allow","Principal":{{"Service":"s3.amazonaws.com"}},"Action":"sns:Publish","Resource":"{}","Condition":{{"StringEquals":{{"aws:SourceAccount":"{}"}}}}}})",
            wanted_.name, topic_, account_);
    }

    Result<> plan_topic() {
        const auto found = sns_.act(kSns, "GetTopicAttributes", {{"TopicArn", topic_}});
        if (!found && !says(found.error(), "NotFound")) return fail(found.error());
        topic_is_there_ = found.has_value();
        std::string policy;
        std::string version;
        if (found) {
            for (const auto& entry : elements_in(
                     *found, "GetTopicAttributesResponse/GetTopicAttributesResult/Attributes/entry")) {
                const auto key = text_in(entry, "entry/key");
                if (key == "Policy") policy = text_in(entry, "entry/value");
                if (key == "SignatureVersion") version = text_in(entry, "entry/value");
            }
        }
        Step make{fmt::format("SNS topic {}", topic_), Standing::already, {}, {}};
        if (!topic_is_there_) {
            make.standing = Standing::to_do;
            make.how = fmt::format("aws sns create-topic --name {}-incoming", wanted_.name);
            make.apply = [this]() -> Result<> {
                const auto made = sns_.act(kSns, "CreateTopic", {{"Name", wanted_.name + "-incoming"}});
                if (!made) return fail(made.error());
                return {};
            };
        }
        steps_.push_back(std::move(make));
        Step allow{"SNS topic takes the bucket's events and signs with SHA-256", Standing::already, {}, {}};
        // Not every service shows it; photogate takes both versions.
        if (version == "1" || !has_statement(policy, statement())) {
            allow.standing = Standing::to_do;
            allow.how = "aws sns set-topic-attributes --attribute-name SignatureVersion, Policy";
            allow.apply = [this, policy] { return set_attributes(policy); };
        }
        steps_.push_back(std::move(allow));
        return {};
    }

    Result<> set_attributes(const std::string& policy) {
        const std::pair<const char*, std::string> attributes[] = {
            {"SignatureVersion", "2"}, {"Policy", with_statement(policy, statement())}};
        for (const auto& [name, value] : attributes) {
            const auto done =
                sns_.act(kSns, "SetTopicAttributes",
                         {{"TopicArn", topic_}, {"AttributeName", name}, {"AttributeValue", value}});
            if (!done) return fail(done.error());
        }
        return {};
    }

    /// Whether the gateway has confirmed it.
    Result<bool> is_subscribed() const {
        if (!topic_is_there_) return false;
        std::string next;
        for (int page = 0; page < kMostPages; ++page) {
            SignedApi::Form form{{"TopicArn", topic_}};
            if (!next.empty()) form.emplace_back("NextToken", next);
            const auto listed = sns_.act(kSns, "ListSubscriptionsByTopic", form);
            if (!listed) return fail(listed.error());
            const std::string at = "ListSubscriptionsByTopicResponse/ListSubscriptionsByTopicResult/";
            for (const auto& each : elements_in(*listed, at + "Subscriptions/member")) {
                if (text_in(each, "member/Endpoint") == wanted_.events_url &&
                    text_in(each, "member/SubscriptionArn").starts_with("arn:"))
                    return true;
            }
            next = text_in(*listed, at + "NextToken");
            if (next.empty()) break;
        }
        return false;
    }

    Result<> plan_subscription() {
        Step subscribe{fmt::format("SNS posts to {}", wanted_.events_url), Standing::already, {}, {}};
        if (!wanted_.events_url.starts_with("https://")) {
            subscribe.what = "SNS posts to the gateway";
            subscribe.standing = Standing::later;
            subscribe.how =
                "SNS needs the gateway's public https URL: give --events-url https://…/v1/events/aws, or set "
                "server.public_url; until then clients call /complete, or uploads are found by listing";
            steps_.push_back(std::move(subscribe));
            return {};
        }
        const auto subscribed = is_subscribed();
        if (!subscribed) return fail(subscribed.error());
        if (!*subscribed) {
            const auto origin = origin_of(wanted_.events_url);
            const bool gateway_is_there = answers(origin + "/livez");
            subscribe.standing = gateway_is_there ? Standing::to_do : Standing::later;
            subscribe.how = gateway_is_there
                                ? fmt::format(
                                      "aws sns subscribe --protocol https --notification-endpoint {}; the "
                                      "gateway confirms it by itself",
                                      wanted_.events_url)
                                : fmt::format(
                                      "{} does not answer, and the gateway has to confirm: start "
                                      "photogate, then run this command once more",
                                      origin);
            subscribe.apply = [this]() -> Result<> {
                const auto done =
                    sns_.act(kSns, "Subscribe",
                             {{"TopicArn", topic_}, {"Protocol", "https"}, {"Endpoint", wanted_.events_url}});
                if (!done) return fail(done.error());
                return {};
            };
        }
        steps_.push_back(std::move(subscribe));
        return {};
    }

    Wanted wanted_;
    SignedApi s3_;
    SignedApi iam_;
    SignedApi sts_;
    SignedApi new_key_;  ///< signs with the key that was made last
    SignedApi sns_;
    IamUser signer_;
    IamUser worker_;
    Key signer_key_;
    Key worker_key_;
    std::vector<Step> steps_;
    std::unique_ptr<BucketSteps> buckets_;
    std::string account_;
    std::string topic_;
    bool topic_is_there_ = false;
};

}  // namespace

Endpoints standard_endpoints(const Region& region) {
    return {{"iam", {"https", "iam.amazonaws.com", std::nullopt}},
            {"sts", {"https", fmt::format("sts.{}.amazonaws.com", region.str()), std::nullopt}},
            {"sns", {"https", fmt::format("sns.{}.amazonaws.com", region.str()), std::nullopt}}};
}

std::unique_ptr<StoreSetup> open(Wanted wanted, const Endpoints& endpoints) {
    return std::make_unique<AwsSetup>(std::move(wanted), endpoints);
}

}  // namespace photogate::client::setup::aws
