#include "client/setup/aws/iam_user.hpp"

#include <algorithm>
#include <chrono>
#include <thread>

#include <fmt/format.h>

#include "client/setup/policy_text.hpp"
#include "client/setup/xml_text.hpp"
#include "signer/uri_encode.hpp"

namespace photogate::client::setup::aws {
namespace {

constexpr const char* kPolicyName = "photogate";
/// A user has at most so many.
constexpr std::size_t kMostKeys = 2;
/// A new key is known everywhere after some seconds.
constexpr int kTries = 30;
constexpr std::chrono::seconds kPause{1};

}  // namespace

Result<> IamUser::act(const std::string& action, SignedApi::Form form) const {
    form.insert(form.begin(), {"UserName", name_});
    const auto done = iam_.act(kIam, action, form);
    if (!done) return fail(done.error());
    return {};
}

Result<std::vector<std::string>> IamUser::listed(const std::string& action, const std::string& path) const {
    if (!there_) return std::vector<std::string>{};
    // 1,000 of each: more than a user may have.
    const auto answer = iam_.act(kIam, action, {{"UserName", name_}, {"MaxItems", "1000"}});
    if (!answer) return fail(answer.error());
    return texts_in(*answer, fmt::format("{0}Response/{0}Result/{1}", action, path));
}

Result<> IamUser::plan(std::vector<Step>& steps) {
    const auto user = iam_.act(kIam, "GetUser", {{"UserName", name_}});
    if (!user && !says(user.error(), "NoSuchEntity"))
        return fail(user.error().code, fmt::format("IAM, GetUser {}: {}", name_, user.error().detail));
    there_ = user.has_value();
    Step make{fmt::format("IAM user {}", name_), Standing::already, {}, {}};
    if (!there_) {
        make.standing = Standing::to_do;
        make.how = fmt::format("aws iam create-user --user-name {}", name_);
        make.apply = [this] { return act("CreateUser", {}); };
    }
    steps.push_back(std::move(make));

    std::string found;
    if (there_) {
        const auto policy =
            iam_.act(kIam, "GetUserPolicy", {{"UserName", name_}, {"PolicyName", kPolicyName}});
        if (!policy && !says(policy.error(), "NoSuchEntity")) return fail(policy.error());
        if (policy) {
            const auto encoded = text_in(*policy, "GetUserPolicyResponse/GetUserPolicyResult/PolicyDocument");
            found = signer::decode_path(encoded).value_or(encoded);
        }
    }
    std::vector<Surplus> surplus;
    const auto inlined = listed("ListUserPolicies", "PolicyNames/member");
    const auto attached = listed("ListAttachedUserPolicies", "AttachedPolicies/member/PolicyArn");
    const auto groups = listed("ListGroupsForUser", "Groups/member/GroupName");
    for (const auto* each : {&inlined, &attached, &groups}) {
        if (!*each) return fail(each->error());
    }
    for (const auto& policy : *inlined) {
        if (policy != kPolicyName) surplus.push_back({"DeleteUserPolicy", "PolicyName", policy});
    }
    for (const auto& policy : *attached)
        surplus.push_back({"DetachUserPolicy", "PolicyArn", policy});
    for (const auto& group : *groups)
        surplus.push_back({"RemoveUserFromGroup", "GroupName", group});

    Step allow{fmt::format("IAM user {} with its policy alone", name_), Standing::already, {}, {}};
    if (!same_policy(found, policy_) || !surplus.empty()) {
        allow.standing = Standing::to_do;
        allow.how =
            fmt::format("aws iam put-user-policy --user-name {} --policy-name {} …", name_, kPolicyName);
        for (const auto& each : surplus)
            allow.how += fmt::format("; {} {}", each.action, each.value);
        allow.apply = [this, surplus]() -> Result<> {
            if (const auto done =
                    act("PutUserPolicy", {{"PolicyName", kPolicyName}, {"PolicyDocument", policy_}});
                !done)
                return done;
            for (const auto& each : surplus) {
                if (const auto done = act(each.action, {{each.parameter, each.value}}); !done) return done;
            }
            return {};
        };
    }
    steps.push_back(std::move(allow));
    return {};
}

Result<> IamUser::plan_key(std::vector<Step>& steps, const Key& configured, Key& key, SignedApi& sts) {
    const auto keys = listed("ListAccessKeys", "AccessKeyMetadata/member/AccessKeyId");
    if (!keys) return fail(keys.error());
    const bool is_known = std::find(keys->begin(), keys->end(), configured.access_key) != keys->end();
    Step make{fmt::format("access key of {}", name_), Standing::already, {}, {}};
    if (!configured.access_key.empty() && !is_known) {
        make.standing = Standing::later;
        make.how = fmt::format(
            "the configuration has {}, which is none of this user's: make a key (aws iam create-access-key "
            "--user-name {}) and put it there",
            configured.access_key, name_);
    } else if (configured.access_key.empty()) {
        if (keys->size() >= kMostKeys) {
            return fail(
                ErrorCode::store_refused,
                fmt::format("{} has {} access keys ({}), no more are possible, and nothing here knows "
                            "their secrets: aws iam delete-access-key --user-name {} --access-key-id …",
                            name_, keys->size(), fmt::join(*keys, ", "), name_));
        }
        make.standing = Standing::to_do;
        make.how = fmt::format("aws iam create-access-key --user-name {}", name_);
        if (!keys->empty())
            make.how += fmt::format("; it has {} already, whose secret is not here", keys->front());
        make.apply = [this, &key, &sts]() -> Result<> {
            const auto made = iam_.act(kIam, "CreateAccessKey", {{"UserName", name_}});
            if (!made) return fail(made.error());
            const std::string at = "CreateAccessKeyResponse/CreateAccessKeyResult/AccessKey/";
            key = {text_in(*made, at + "AccessKeyId"), Secret{text_in(*made, at + "SecretAccessKey")}};
            if (key.access_key.empty() || key.secret_key.empty())
                return fail(ErrorCode::store_protocol, "IAM's answer has no access key");
            sts.use({key.access_key, key.secret_key, std::nullopt});
            for (int tries = 0; tries < kTries; ++tries) {
                if (sts.act(kSts, "GetCallerIdentity", {})) return {};
                std::this_thread::sleep_for(kPause);
            }
            return {};
        };
    }
    steps.push_back(std::move(make));
    return {};
}

}  // namespace photogate::client::setup::aws
