// One API token of the account with one policy. Private to client/setup/r2.
//
// Thread safety: one thread.
#pragma once

#include <string>
#include <vector>

#include "client/setup/r2/cloudflare_api.hpp"
#include "client/setup/store_setup.hpp"

namespace photogate::client::setup::r2 {

class Token {
  public:
    struct Policy {
        std::string group;                   ///< the permission group's name
        std::vector<std::string> resources;  ///< what it is for
    };
    /// `api` outlives it and its steps.
    Token(const CloudflareApi& api, std::string name, Policy policy)
        : api_(api), name_(std::move(name)), policy_(std::move(policy)) {}

    /// `all`, `groups`: the tokens and permission groups that the account has. `known`: whether a configuration has the token's value;
    /// `configured` is its id then, where that is configured.
    enum class Known { no, yes };
    Result<> plan(std::vector<Step>& steps, const json::Value::Array& all, const json::Value::Array& groups,
                  const std::string& configured, Known known);

    /// Both empty until it is made.
    const std::string& id() const { return id_; }
    const Secret& value() const { return value_; }

  private:
    std::string body() const;
    Result<> make();
    Result<> roll();

    const CloudflareApi& api_;
    std::string name_;
    Policy policy_;
    std::string group_;  ///< its id
    std::string id_;
    Secret value_;
};

}  // namespace photogate::client::setup::r2
