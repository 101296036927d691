// What a MinIO needs for a gateway, step by step, and which of it is there already.
//
// plan() only asks. A step that is done is done for good: the next plan() finds it `already`.
//
// Thread safety: one thread.
#pragma once

#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include "base/result.hpp"
#include "base/secret.hpp"
#include "base/words.hpp"
#include "client/minio/minio_tool.hpp"

namespace photogate::client::minio {

/// A user of the store, whose policy has its name: `photogate-signer`.
struct StoreUser {
    std::string access_key;
    Secret secret_key;
};

struct Wanted {
    std::string endpoint;  ///< http(s)://host[:port]
    StoreUser administrator;
    Bucket incoming = Bucket::trusted("photogate-incoming");
    Bucket published = Bucket::trusted("photogate-public");
    Bucket originals = Bucket::trusted("photogate-originals");
    StoreUser signer;
    StoreUser worker;
    std::string prefix = "u/";  ///< where clients put
    std::string events_url;     ///< where MinIO reaches the gateway; empty: no events
    Secret event_token;
    std::filesystem::path events_dir;  ///< MinIO's, for events that wait; empty: they are not kept there
};

enum class Standing {
    already,
    to_do,
    later  ///< can't be done before something else is: `how` says what
};

struct Step {
    std::string what;
    Standing standing = Standing::already;
    std::string how;  ///< a command, without secrets
    std::function<Result<>()> apply;
};

class MinioSetup {
  public:
    /// Errors: http_* where the store does not answer; file_error.
    static Result<MinioSetup> open(Wanted wanted, std::filesystem::path tool);

    /// The steps outlive no move of this object. Errors: store_refused, where the administrator's key is refused.
    Result<std::vector<Step>> plan() const;

  private:
    MinioSetup(Wanted wanted, MinioTool tool) : wanted_(std::move(wanted)), tool_(std::move(tool)) {}

    Result<> plan_buckets(std::vector<Step>& steps) const;
    Result<> plan_user(std::vector<Step>& steps, const std::string& role, const StoreUser& user,
                       const std::string& policy) const;
    Result<> plan_events(std::vector<Step>& steps) const;
    bool target_is_set(const std::string& target) const;
    std::string arn(const std::string& target) const;
    Result<> do_all(const std::vector<std::vector<std::string>>& commands) const;

    Wanted wanted_;
    MinioTool tool_;
};

}  // namespace photogate::client::minio
