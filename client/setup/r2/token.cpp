#include "client/setup/r2/token.hpp"

#include <algorithm>
#include <set>

#include <fmt/format.h>

#include "base/json/writer.hpp"
#include "client/json_text.hpp"

namespace photogate::client::setup::r2 {
namespace {

const json::Value* named(const json::Value::Array& all, const std::string& name) {
    const auto found = std::find_if(all.begin(), all.end(),
                                    [&](const json::Value& each) { return text_at(each, "name") == name; });
    return found == all.end() ? nullptr : &*found;
}

/// Whether one policy permits just that group on just those resources.
bool has_policy(const json::Value& token, const std::string& group,
                const std::vector<std::string>& resources) {
    const auto& policies = array_at(token, "policies");
    if (policies.size() != 1 || text_at(policies.front(), "effect") != "allow") return false;
    const auto& groups = array_at(policies.front(), "permission_groups");
    if (groups.size() != 1 || text_at(groups.front(), "id") != group) return false;
    const auto* on = policies.front().find("resources");
    if (on == nullptr || on->object() == nullptr) return false;
    std::set<std::string> found;
    for (const auto& [name, value] : *on->object())
        found.insert(name);
    return found == std::set<std::string>(resources.begin(), resources.end());
}

}  // namespace

std::string Token::body() const {
    json::Writer text;
    text.begin_object();
    text.name("name");
    text.text(name_);
    text.name("policies");
    text.begin_array();
    text.begin_object();
    text.name("effect");
    text.text("allow");
    text.name("resources");
    text.begin_object();
    for (const auto& resource : policy_.resources) {
        text.any_name(resource);
        text.text("*");
    }
    text.end_object();
    text.name("permission_groups");
    text.begin_array();
    text.begin_object();
    text.name("id");
    text.text(group_);
    text.end_object();
    text.end_array();
    text.end_object();
    text.end_array();
    text.end_object();
    return text.take();
}

Result<> Token::make() {
    const auto made = api_.call("POST", "/tokens", body());
    if (!made) return fail(made.error());
    id_ = text_at(*made, "id");
    value_ = Secret{text_at(*made, "value")};
    if (id_.empty() || value_.empty())
        return fail(ErrorCode::store_protocol, "Cloudflare's token has no value");
    return {};
}

Result<> Token::roll() {
    const auto made = api_.call("PUT", fmt::format("/tokens/{}/value", id_), "{}");
    if (!made) return fail(made.error());
    if (made->text() == nullptr) return fail(ErrorCode::store_protocol, "Cloudflare's token has no value");
    value_ = Secret{*made->text()};
    return {};
}

Result<> Token::plan(std::vector<Step>& steps, const json::Value::Array& all,
                     const json::Value::Array& groups, const std::string& configured, Known known) {
    const auto* group = named(groups, policy_.group);
    if (group == nullptr)
        return fail(ErrorCode::store_refused,
                    fmt::format("Cloudflare has no permission group '{}'", policy_.group));
    group_ = text_at(*group, "id");
    const auto* found = named(all, name_);
    if (found != nullptr) id_ = text_at(*found, "id");
    Step step{fmt::format("token {}: {}", name_, policy_.group), Standing::already, {}, {}};
    if (known == Known::yes) {
        if (found == nullptr || (!configured.empty() && configured != id_)) {
            step.standing = Standing::later;
            step.how = fmt::format(
                "the configuration has a token ({}) that is not {} of this account: make "
                "one and put it there",
                configured.empty() ? "for the queue" : configured, name_);
        } else if (!has_policy(*found, group_, policy_.resources)) {
            step.standing = Standing::to_do;
            step.how = "its policy differs and is replaced";
            step.apply = [this]() -> Result<> {
                const auto done = api_.call("PUT", "/tokens/" + id_, body());
                if (!done) return fail(done.error());
                return {};
            };
        }
    } else if (found == nullptr) {
        step.standing = Standing::to_do;
        step.how = "POST /tokens";
        step.apply = [this] { return make(); };
    } else {
        step.standing = Standing::to_do;
        step.how =
            "it exists, and its value is not here: a new value locks out whoever uses it (another --name "
            "makes another token)";
        step.apply = [this]() -> Result<> {
            const auto done = api_.call("PUT", "/tokens/" + id_, body());
            if (!done) return fail(done.error());
            return roll();
        };
    }
    steps.push_back(std::move(step));
    return {};
}

}  // namespace photogate::client::setup::r2
