// Who may see an image, by signed link or cookie: decided before anything is told of it, and before any cache.
//
// In two steps. read() verifies what the request shows, without a look into the records: a link that is not genuine is
// answered the same whatever stands behind its id. admit() holds that against the upload.
//
// Where any profile is private, an id under which nothing is published is answered to strangers as a private image is,
// so that the answer tells nothing (as S3 does to whom may not list).
//
// Thread safety: any thread; no database.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "base/telemetry/metrics.hpp"
#include "base/time.hpp"
#include "delivery/parameters.hpp"
#include "gateway/access/gallery_cookie.hpp"
#include "gateway/access/image_links.hpp"
#include "gateway/http/message.hpp"
#include "model/policy/profile.hpp"

namespace photogate::gateway::routes {

/// What a request for an image shows.
struct Visit {
    std::optional<access::VerifiedLink> link;
    std::vector<access::GalleryPass> passes;  ///< empty where there is a link: it alone decides
};

struct Admission {
    /// Of a private image: it may be kept until then, by the browser alone. nullopt: public.
    std::optional<Timestamp> until;
    bool by_cookie = false;
    /// The app signed for exactly this size, so it need not be one that the profile offers.
    bool any_size = false;

    /// The value of Cache-Control.
    std::string cache_control(Timestamp now) const;
};

class ImageAccess {
  public:
    struct Counts {
        std::uint64_t by_link = 0;
        std::uint64_t by_cookie = 0;
        std::uint64_t refused = 0;
        std::uint64_t expired = 0;
    };

    /// All three outlive this.
    ImageAccess(const model::LiveApps& apps, const access::LiveLinkKeys& keys, const Clock& clock);

    /// Errors: signature_invalid, link_expired.
    Result<Visit> read(const http::Request& request, const delivery::AskedImage& asked) const;
    /// `upload` is null where nothing is published under the id. Errors: signature_invalid, link_expired.
    Result<Admission> admit(const Visit& visit, const model::Upload* upload) const;

    std::shared_ptr<const access::LinkKeys> keys() const { return keys_.now(); }
    Counts counts() const;

  private:
    Result<Admission> judge(const Visit& visit, const model::Upload* upload) const;
    /// Counts what it passes on.
    Error refused(Error error) const;

    const model::LiveApps& apps_;
    const access::LiveLinkKeys& keys_;
    const Clock& clock_;
    mutable std::atomic<std::uint64_t> by_link_{0}, by_cookie_{0}, refused_{0}, expired_{0};
};

/// Images that were shown by link or cookie, and those that were not. `access` outlives the last rendering.
void watch(telemetry::Metrics& metrics, const ImageAccess& access);

}  // namespace photogate::gateway::routes
