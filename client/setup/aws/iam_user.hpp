// One IAM user with one inline policy and an access key. Private to client/setup/aws.
//
// Thread safety: one thread.
#pragma once

#include <string>
#include <vector>

#include "client/setup/signed_api.hpp"
#include "client/setup/store_setup.hpp"

namespace photogate::client::setup::aws {

class IamUser {
  public:
    /// `iam` and `sts` outlive it.
    IamUser(const SignedApi& iam, std::string name, std::string policy)
        : iam_(iam), name_(std::move(name)), policy_(std::move(policy)) {}

    /// Its steps but the key's.
    Result<> plan(std::vector<Step>& steps);
    /// `configured`: the key that the configuration has, or none. `key` gets the one that is made; `sts` tells when AWS knows it.
    Result<> plan_key(std::vector<Step>& steps, const Key& configured, Key& key, SignedApi& sts);

  private:
    struct Surplus {
        std::string action;
        std::string parameter;
        std::string value;
    };
    Result<std::vector<std::string>> listed(const std::string& action, const std::string& path) const;
    Result<> act(const std::string& action, SignedApi::Form form) const;

    const SignedApi& iam_;
    std::string name_;
    std::string policy_;
    bool there_ = false;
};

/// The version of IAM's API.
inline constexpr const char* kIam = "2010-05-08";
inline constexpr const char* kSts = "2011-06-15";
inline constexpr const char* kSns = "2010-03-31";

}  // namespace photogate::client::setup::aws
