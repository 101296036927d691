// A profile is the policy for one sort of picture; an app is a customer of the gateway; a region is a store.
//
// Apps may be replaced while the process lives, by a reload or through the API (LiveApps); regions stay. Thread safety:
// immutable values.
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/endpoint.hpp"
#include "base/live.hpp"
#include "base/words.hpp"
#include "imaging/picture.hpp"
#include "model/job.hpp"
#include "model/policy/delivery_policy.hpp"
#include "model/policy/hooks.hpp"
#include "model/policy/watermark_policy.hpp"
#include "model/upload.hpp"
#include "signer/credentials.hpp"
#include "signer/message.hpp"
#include "signer/webhook_signature.hpp"

namespace photogate::model {

struct Profile {
    ProfileName name;
    /// Only an active one takes new uploads. A retired one rules those that were made with it, and their images. Of one that
    /// is unreadable the rules are not known: its uploads wait, and its images are for holders of links.
    enum class State { active, retired, unreadable } state = State::active;
    std::int64_t version = 0;  ///< of one that was made through the API; 0: the configuration's
    std::vector<imaging::Format> formats = {
        imaging::Format::jpeg, imaging::Format::png,  imaging::Format::webp, imaging::Format::gif,
        imaging::Format::heic, imaging::Format::avif, imaging::Format::tiff};
    imaging::Limits limits;  ///< limits.max_bytes is the largest upload
    imaging::Recipe recipe;
    std::vector<GrantMethod> methods = {GrantMethod::put, GrantMethod::post, GrantMethod::multipart};
    /// Who may get a PUT without a declared size: nobody, an app's key alone, or client tokens
    /// too. The store then accepts any size that it accepts at all; limits.max_bytes is checked after arrival.
    enum class UnsizedPut { refused, apps, accepted } unsized_put = UnsizedPut::apps;
    /// Whether a presigned PUT is refused by the store while an object is there. Off: a client that repeats its PUT,
    /// because the answer was lost, is answered 200. In both cases the object that was seen first is pinned.
    enum class WriteOnce { on, off } write_once = WriteOnce::on;
    /// Whether a declared media type that the bytes contradict is only reported, or rejected.
    enum class DeclaredType { advisory, enforced } declared_type = DeclaredType::advisory;
    /// Where a browser goes after a form POST, with the store's `bucket`, `key` and `etag` as parameters; nullopt:
    /// the store answers 201 with XML.
    std::optional<std::string> form_redirect;
    std::chrono::seconds default_expiry{900};
    std::chrono::seconds longest_expiry{3'600};
    /// After publication / after a rejection.
    OriginalAction original = OriginalAction::remove;
    OriginalAction rejected = OriginalAction::quarantine;
    /// upload.expired is sent only if configured.
    enum class ExpiredCallback { silent, sent } expired_callback = ExpiredCallback::silent;
    /// Also in `recipe` and in `delivery`, where it is theirs.
    std::optional<WatermarkPolicy> watermark;
    std::map<std::string, WatermarkPolicy> watermarks;  ///< by name, as `delivery.watermarks`
    DeliveryPolicy delivery;
    Hooks hooks;
};

/// What one app may ask for; 0: any amount. Rates are counted by each gateway for itself.
struct AppLimits {
    std::uint32_t requests_per_second = 0;
    std::uint32_t requests_burst = 0;             ///< at once, after a pause; 0: those of two seconds
    std::uint32_t requests_per_second_token = 0;  ///< of one client token
    std::uint64_t open_uploads = 0;               ///< created and not yet ended, over all gateways
    ByteSize open_bytes = 0;                      ///< declared by those uploads
    bool operator==(const AppLimits&) const = default;
};

struct App {
    AppName name;
    std::map<ProfileName, Profile> profiles;  ///< at least one
    /// Of uploads that name none, where there are several; nullopt: the one that is called `default`, if any.
    std::optional<ProfileName> default_profile;
    /// Where callbacks go unless an upload names another; nullopt: nowhere.
    std::optional<std::string> callback_url;
    std::vector<signer::WebhookSecret> callback_secrets;  ///< the newest first
    std::vector<Secret>
        link_secrets;  ///< of links to its images: the first signs, all verify; empty: derived
    AppLimits limits;
    Hooks hooks;  ///< of its profiles that have none of their own, in which they stand too
    /// Disabled: its keys and client tokens are refused; what it has goes on as it was.
    enum class State { active, disabled } state = State::active;

    /// For a new upload: the named profile; where none is named, the default one, or the only one. Errors: unknown_profile,
    /// missing_field.
    Result<const Profile*> profile(const std::optional<std::string>& name) const;
};

struct StoreRegion {
    std::string name = "default";
    Endpoint internal;  ///< what the gateway talks to
    Endpoint external;  ///< what clients see: URLs are signed for this host
    signer::AddressingStyle style = signer::AddressingStyle::path;
    Region signing_region = Region::trusted("us-east-1");
    Bucket incoming = Bucket::trusted("photogate-incoming");
    Bucket published = Bucket::trusted("photogate-public");
    Bucket originals = Bucket::trusted("photogate-originals");
    signer::Credentials signer;  ///< may put under u/ and nothing else
    signer::Credentials worker;  ///< the rest
};

/// Which of a region's two.
enum class StoreCredential { signer, worker };

using Apps = std::map<AppName, App>;
/// The apps as they are now.
using LiveApps = Live<Apps>;

/// Whether any profile's images are for holders of links alone.
bool have_private_profile(const Apps& apps);
/// Whether the images of this profile are. Where it is no longer configured, they are if any profile's are: what was
/// private does not become public by a line that is removed.
bool is_private(const Apps& apps, const AppName& app, const ProfileName& profile);

}  // namespace photogate::model
