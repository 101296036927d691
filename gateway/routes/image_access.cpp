#include "gateway/routes/image_access.hpp"

#include <algorithm>
#include <utility>

namespace photogate::gateway::routes {

std::string Admission::cache_control(Timestamp now) const {
    if (!until) return "public, max-age=31536000, immutable";
    const auto left = std::chrono::floor<std::chrono::seconds>(*until - now).count();
    return "private, max-age=" + std::to_string(std::max<std::int64_t>(left, 0));
}

ImageAccess::ImageAccess(const model::LiveApps& apps, const access::LiveLinkKeys& keys, const Clock& clock)
    : apps_(apps), keys_(keys), clock_(clock) {}

Error ImageAccess::refused(Error error) const {
    ++(error.code == ErrorCode::link_expired ? expired_ : refused_);
    return error;
}

Result<Visit> ImageAccess::read(const http::Request& request, const delivery::AskedImage& asked) const {
    const access::PresentedLink presented{request.query_value("expires"), request.query_value("scope"),
                                          request.query_value("sig")};
    Visit visit;
    if (!presented.is_any()) {
        const auto cookies = request.headers.all("cookie");
        if (!cookies.empty() && model::have_private_profile(*apps_.now()))
            visit.passes = access::read_cookies(*keys_.now(), cookies);
        return visit;
    }
    auto link = access::verify_link(*keys_.now(), presented, request.parameter("id"),
                                    delivery::canonical_query(asked), clock_.now());
    if (!link) return fail(refused(std::move(link.error())));
    visit.link = std::move(*link);
    return visit;
}

Result<Admission> ImageAccess::judge(const Visit& visit, const model::Upload* upload) const {
    Admission admission;
    if (upload == nullptr) {
        if (!visit.link && model::have_private_profile(*apps_.now())) return access::signature_invalid();
        return admission;
    }
    const bool is_private = model::is_private(*apps_.now(), upload->app, upload->profile);
    if (visit.link) {
        // An app signs for its own images.
        if (visit.link->app != upload->app) return access::signature_invalid();
        if (is_private) admission.until = visit.link->expires_at;
        admission.any_size = visit.link->scope == access::ImageLink::Scope::version;
        return admission;
    }
    if (!is_private) return admission;
    for (const auto& pass : visit.passes) {
        if (!pass.is_for(*upload)) continue;
        admission.until = admission.until ? std::max(*admission.until, pass.expires_at) : pass.expires_at;
    }
    if (!admission.until) return access::signature_invalid();
    if (*admission.until <= clock_.now()) return access::link_expired();
    admission.by_cookie = true;
    return admission;
}

Result<Admission> ImageAccess::admit(const Visit& visit, const model::Upload* upload) const {
    auto admission = judge(visit, upload);
    if (!admission) return fail(refused(std::move(admission.error())));
    if (admission->by_cookie) {
        ++by_cookie_;
    } else if (visit.link) {
        ++by_link_;
    }
    return admission;
}

ImageAccess::Counts ImageAccess::counts() const {
    return {by_link_, by_cookie_, refused_, expired_};
}

void watch(telemetry::Metrics& metrics, const ImageAccess& access) {
    const auto series = [](const char* result) {
        return telemetry::SeriesName{
            "photogate_image_access_total",
            "Requests for images that showed or needed a signature, by what was decided.",
            {{"result", result}}};
    };
    metrics.before_render([&access, by_link = metrics.mirrored_counter(series("link")),
                           by_cookie = metrics.mirrored_counter(series("cookie")),
                           refused = metrics.mirrored_counter(series("refused")),
                           expired = metrics.mirrored_counter(series("expired"))]() mutable {
        const auto counts = access.counts();
        by_link.show(counts.by_link);
        by_cookie.show(counts.by_cookie);
        refused.show(counts.refused);
        expired.show(counts.expired);
    });
}

}  // namespace photogate::gateway::routes
