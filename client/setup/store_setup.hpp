// What a store needs for a gateway, step by step, and which of it is there already.
//
// plan() only asks. A step that is done is done for good: the next plan() finds it `already`. Nothing here prints, asks for consent
// or writes a configuration; that is the command's work (gateway/cli/setup_command.hpp).
//
// Thread safety: one thread.
#pragma once

#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/endpoint.hpp"
#include "base/result.hpp"
#include "base/secret.hpp"
#include "base/words.hpp"
#include "signer/credentials.hpp"
#include "signer/message.hpp"

namespace photogate::client::setup {

enum class Standing {
    already,
    to_do,
    later  ///< can't be done before something else is: `how` says what
};

/// `already so`, `to do`, `later`.
std::string_view to_string(Standing standing);

struct Step {
    std::string what;
    Standing standing = Standing::already;
    std::string how;  ///< the command or call, without secrets
    std::function<Result<>()> apply;
};

/// One of the two keys of a gateway.
struct Key {
    std::string access_key;
    Secret secret_key;
};

/// What a gateway is to find. Made from its configuration.
struct Wanted {
    std::string name = "photogate";  ///< users, topics, tokens and queues begin with it
    Endpoint endpoint;               ///< of the store's S3 API
    signer::AddressingStyle style = signer::AddressingStyle::path;
    Region region = Region::trusted("us-east-1");
    signer::Credentials administrator;
    Bucket incoming = Bucket::trusted("photogate-incoming");
    Bucket published = Bucket::trusted("photogate-public");
    Bucket originals = Bucket::trusted("photogate-originals");
    /// As they are configured. Empty where the store makes its keys itself and there is no configuration yet.
    Key signer;
    Key worker;
    std::string prefix = "u/";         ///< where clients put
    std::vector<std::string> origins;  ///< whose pages upload; empty: the store's own rule is left alone
    std::string events_url;            ///< where the store reaches the gateway; empty: no events
    Secret event_token;                ///< what the store shows there
};

/// What a first configuration says of the store.
struct Facts {
    Key signer;
    Key worker;
    std::string source;                      ///< the name of the events' table: `minio`
    std::vector<std::string> source_lines;   ///< of that table
    std::map<std::string, Secret> files;     ///< secrets beside the configuration that those lines name
    std::vector<std::string> profile_lines;  ///< of the first app's profile
};

class StoreSetup {
  public:
    StoreSetup() = default;
    StoreSetup(const StoreSetup&) = delete;
    StoreSetup& operator=(const StoreSetup&) = delete;
    virtual ~StoreSetup() = default;

    /// Asks the store what is there. `configuration` is put where the keys that it names exist. The steps live no longer than this
    /// object. Errors: http_* where the store does not answer; store_refused, where the administrator's key is refused or something is in
    /// the way that no step may change.
    virtual Result<std::vector<Step>> plan(Step configuration) = 0;

    /// Complete once the steps before `configuration` are done.
    virtual Facts facts() const = 0;
};

/// Whether anything answers HTTP at that URL, with any status, within 3 s.
bool answers(const std::string& url);

/// `https://host:port` of a URL.
std::string origin_of(std::string_view url);

/// Whether a store's refusal has that code: `NoSuchBucket: …`.
bool says(const Error& error, std::string_view code);

}  // namespace photogate::client::setup
