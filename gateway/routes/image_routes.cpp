// GET /i/{public id}[/{name}]: the published image, or the version of it that its parameters ask for.
//
// Who may see it is decided first: what the request shows is verified before anything is looked up, and held against the
// upload as soon as that is known (image_access.hpp).
// A version that does not exist yet is made by delivery::VersionMaker, and this request goes on when it is there.
// What was looked up just now and whose bytes are in memory is answered on the I/O thread. Else the row is looked up on
// the database's pool, and answers what it can (HEAD, 304, 412, 416); the store is asked on a pool of its own, so that
// slow images delay nothing else.
#include <algorithm>
#include <utility>
#include <vector>

#include "delivery/nearest_version.hpp"
#include "delivery/parameters.hpp"
#include "delivery/placeholder.hpp"
#include "delivery/variants.hpp"
#include "gateway/routes/api.hpp"
#include "gateway/routes/image_exchange.hpp"
#include "gateway/routes/image_stream.hpp"
#include "gateway/routes/request_fields.hpp"

namespace photogate::gateway::routes {
namespace {

using http::Request;
using http::Response;

using Image = delivery::RecentImages::Image;

struct FetchedImage {
    std::string bytes;
    std::optional<delivery::ByteBudget::Reservation> room;  ///< where no cache holds them
};

telemetry::Counter placeholders(telemetry::Metrics& metrics, const char* what) {
    return metrics.counter({"photogate_placeholders_total",
                            "Placeholders given out, of published images and the neutral one.",
                            {{"of", what}}});
}

/// Shown from the start.
struct Counters {
    explicit Counters(telemetry::Metrics& metrics)
        : placeholders_published(placeholders(metrics, "published")),
          placeholders_neutral(placeholders(metrics, "neutral")),
          nearest(metrics.counter({"photogate_nearest_versions_total",
                                   "Answers with the nearest version that was ready, while another was made.",
                                   {}})) {}
    telemetry::Counter placeholders_published, placeholders_neutral, nearest;
};

/// One image that is asked for, from its URL to its bytes. Used by one thread at a time.
struct Delivery {
    const Api& api;
    std::shared_ptr<Counters> counters;
    Request request;
    http::Responder responder;
    delivery::AskedImage asked;
    Visit visit;
    Admission admission = {};
    bool varies = false;  ///< with the request's Accept
    bool is_version = false;
    bool is_nearest = false;    ///< in the place of another, which is being made
    bool looked_again = false;  ///< into the records, for want of the object
    Image image = {};
    std::optional<storage::objects::ByteRange> range = {};
    Response response = {};

    /// From memory; false: the bytes are not there.
    bool send_at_once() {
        if (range || !api.image_memory.takes(image->size)) return false;
        auto bytes = api.image_memory.find(image->content);
        if (!bytes) return false;
        response.body = std::move(bytes);
        responder.respond(std::move(response));
        return true;
    }

    /// Into memory where they are few, so that the next has them from there; else piece by piece.
    Result<http::Body> fetch() {
        if (!range && api.image_memory.takes(image->size)) {
            // Whoever came first may have brought them meanwhile.
            if (auto bytes = api.image_memory.find(image->content)) return bytes;
            if (auto room = api.image_budget.take_spare(image->size)) {
                auto read = api.images.read(*image);
                if (!read) return fail(std::move(read.error()));
                auto bytes = std::make_shared<FetchedImage>(FetchedImage{std::move(*read), std::nullopt});
                const http::SharedBody body{bytes, &bytes->bytes};
                // What the cache holds, it counts; its body may not be told from the one that is sent.
                if (!api.image_memory.keep(image->content, body)) bytes->room = std::move(room);
                return body;
            }
        }
        return ImageStream::body({api.images, api.image_budget, api.image_pool}, *image, range);
    }
};
using Shared = std::shared_ptr<Delivery>;

void look_up(const Shared& delivery);

/// On the database's pool, or answers 503.
template <class Work>
void on_database(const Shared& delivery, Work work) {
    if (auto taken = delivery->api.database_pool.submit(std::move(work)); !taken)
        delivery->responder.fail(std::move(taken.error()));
}

/// On the images' pool.
void send(const Shared& delivery) {
    auto& responder = delivery->responder;
    if (responder.abandoned()) return;
    auto body = delivery->fetch();
    if (body) {
        delivery->response.body = std::move(*body);
        return responder.respond(std::move(delivery->response));
    }
    switch (body.error().code) {
        case ErrorCode::store_no_such_key:
            // Deleted or evicted since it was looked up: the records know which.
            if (!std::exchange(delivery->looked_again, true)) {
                delivery->api.recent_images.forget(delivery->image->public_id);
                delivery->response = {};
                delivery->range.reset();
                delivery->is_nearest = false;
                return on_database(delivery, [delivery] { look_up(delivery); });
            }
            if (delivery->is_version)
                return responder.fail({ErrorCode::unavailable,
                                       "the version was removed just now; ask again",
                                       {},
                                       std::chrono::seconds{1}});
            return responder.fail({ErrorCode::gone, "the image was deleted", {}, std::nullopt});
        case ErrorCode::store_protocol:
        case ErrorCode::overloaded:
            return responder.fail(std::move(body.error()));
        default:
            return responder.fail(
                {ErrorCode::unavailable, "the object store is not available; try again", {}, std::nullopt});
    }
}

/// What the row alone answers; nullopt: the response lacks its body, which the store has.
std::optional<Response> from_row(Delivery& delivery) {
    const auto& image = *delivery.image;
    const auto verdict = delivery::judge(conditions_of(delivery.request), image.validators, image.size);
    if (verdict.status == 412) return Response::empty(412);
    if (verdict.status == 416) return out_of_range(image.size);
    Response& response = delivery.response;
    response.status = verdict.status;
    delivery.range = verdict.range;
    describe(response, image.validators, delivery.admission, delivery.api.clock.now());
    if (delivery.asked.variant && !delivery.asked.has_version && !delivery.admission.until)
        response.set("Cache-Control", "public, max-age=3600");
    if (delivery.is_nearest) response.set("Cache-Control", "no-store");
    for (const auto& tag : delivery.api.cache_tags)
        response.set(tag, image.public_id.str());
    if (delivery.varies) response.set("Vary", "Accept");
    if (verdict.status == 304) {
        response.body = std::string{};
        return std::move(response);
    }
    response.set("Content-Type", image.media_type);
    response.set("Content-Disposition", "inline; filename=\"" + image.filename + "\"");
    if (verdict.range) {
        response.set("Content-Range", "bytes " + std::to_string(verdict.range->first) + "-" +
                                          std::to_string(verdict.range->last) + "/" +
                                          std::to_string(image.size));
    }
    if (delivery.request.method != http::Method::head) return std::nullopt;
    response.body = http::StreamBody{nullptr, image.size};
    return std::move(response);
}

void serve(const Shared& delivery, Image image) {
    delivery->image = std::move(image);
    auto answer = from_row(*delivery);
    if (answer) return delivery->responder.respond(std::move(*answer));
    if (delivery->send_at_once()) return;
    if (auto taken = delivery->api.image_pool.submit([delivery] { send(delivery); }); !taken)
        delivery->responder.fail(std::move(taken.error()));
}

/// Of a version that nobody has asked for: its size and ETag are known when it is made, and HEAD makes nothing.
Response unmade(const Delivery& delivery, imaging::Format format) {
    Response response;
    response.set("Content-Type", imaging::media_type(format));
    response.set("Cache-Control", "no-store");
    if (delivery.varies) response.set("Vary", "Accept");
    response.body = http::StreamBody{nullptr, std::nullopt};
    return response;
}

/// What the profile offers, or the standard where configuration no longer has it; nullptr: then nobody knows how the
/// image, which was kept clean, may be shown.
std::shared_ptr<const model::DeliveryPolicy> policy_of(const Api& api, const delivery::LocatedImage& image) {
    static const auto standard = std::make_shared<const model::DeliveryPolicy>();
    const auto unknown = image.watermark == model::kKeptClean ? nullptr : standard;
    const auto apps = api.apps.now();
    const auto app = apps->find(image.app);
    if (app == apps->end()) return unknown;
    const auto profile = app->second.profiles.find(image.profile);
    if (profile == app->second.profiles.end()) return unknown;
    return {apps, &profile->second.delivery};
}

/// Sizes within the image are as many as the profile's steps; other proportions, and free sizes, are counted.
bool is_counted(const imaging::VersionSpec& spec, const model::DeliveryPolicy& policy) {
    return spec.crop || policy.sizes == model::DeliveryPolicy::Sizes::free;
}

void serve_version(const Shared& delivery, Image version, std::string spec_key) {
    delivery->api.version_use.note({version->upload, std::move(spec_key)});
    delivery->is_version = true;
    serve(delivery, std::move(version));
}

/// Of an image that may be given out as it is, its size.
std::optional<std::uint32_t> whole_edge(const delivery::LocatedImage& image,
                                        const model::DeliveryPolicy& policy,
                                        const imaging::VersionSpec& wanted) {
    if (wanted.crop || delivery::must_be_marked(policy, image.watermark)) return std::nullopt;
    return std::max(image.width, image.height);
}

/// In the place of a version that is not made; false: there is nothing to show.
bool serve_nearest(const Shared& delivery, const Image& source, const imaging::VersionSpec& wanted,
                   const model::DeliveryPolicy& policy) {
    const auto ready = delivery->api.versions.ready(source->upload);
    if (!ready) return false;
    const auto whole = whole_edge(*source, policy, wanted);
    const auto* nearest = delivery::nearest_version(wanted, *ready, whole);
    if (nearest == nullptr && !whole) return false;
    Image image = source;
    if (nearest != nullptr) {
        auto version = version_of(*source, nearest->version);
        if (!version) return false;
        image = std::make_shared<const delivery::LocatedImage>(std::move(*version));
    }
    delivery->is_nearest = true;
    delivery->counters->nearest.add();
    if (nearest == nullptr) {
        serve(delivery, std::move(image));
    } else {
        serve_version(delivery, std::move(image), nearest->spec_key);
    }
    return true;
}

/// Of a version that was not looked up just now.
void look_up_version(const Shared& delivery, const Image& source, imaging::VersionSpec spec) {
    const auto& api = delivery->api;
    auto stored = api.recent_images.look_up_version(*source, spec.key());
    if (!stored) return delivery->responder.fail(std::move(stored.error()));
    if (*stored) return serve_version(delivery, std::move(*stored), spec.key());
    if (delivery->request.method == http::Method::head)
        return delivery->responder.respond(unmade(*delivery, *spec.format));
    const auto policy = policy_of(api, *source);
    delivery::VersionOrder order{*source, spec};
    // A link that the app has signed for a size is the app's own asking.
    order.counted = !delivery->admission.any_size && policy != nullptr && is_counted(order.spec, *policy);
    using WhileMaking = model::DeliveryPolicy::WhileMaking;
    if (policy != nullptr && policy->while_making == WhileMaking::nearest &&
        serve_nearest(delivery, source, spec, *policy)) {
        if (api.version_maker) api.version_maker->begin(std::move(order));
        return;
    }
    if (!api.version_maker)
        return delivery->responder.fail({ErrorCode::unavailable,
                                         "this gateway makes no images, and this one is not made yet",
                                         {},
                                         std::nullopt});
    auto& maker = *api.version_maker;
    const auto place = delivery::VersionMaker::place();
    delivery->responder.on_abandoned([&maker, place](http::Abandoned) { maker.leave(place); });
    maker.make(
        std::move(order),
        [delivery, source](const Result<storage::records::StoredVersion>& made) {
            if (!made) return delivery->responder.fail(made.error());
            auto version = version_of(*source, *made);
            if (!version) return delivery->responder.fail(std::move(version.error()));
            delivery->is_version = true;
            serve(delivery, std::make_shared<const delivery::LocatedImage>(std::move(*version)));
        },
        place);
}

/// Of a published image as any other answer, but that the bytes are here. Whatever else is not published has the same
/// neutral pixel, which is not kept: it may be published the next moment.
void serve_placeholder(const Shared& delivery, const Result<Image>& image) {
    const auto& request = delivery->request;
    if (!image) {
        if (image.error().code != ErrorCode::not_published || !parse_public_id(request.parameter("id")))
            return delivery->responder.fail(image.error());
        delivery->counters->placeholders_neutral.add();
        Response& neutral = delivery->response;
        open_to_pages(neutral, delivery->admission);
        neutral.set("Content-Type", "image/png");
        neutral.set("Content-Disposition", "inline; filename=\"placeholder.png\"");
        neutral.set("Cache-Control", "no-store");
        neutral.body = delivery::neutral_placeholder().png;
        return delivery->responder.respond(std::move(neutral));
    }
    delivery->counters->placeholders_published.add();
    auto made = delivery::placeholder_of(**image);
    auto as_image = std::make_shared<delivery::LocatedImage>(**image);
    as_image->validators.etag = std::move(made.etag);
    as_image->media_type = "image/png";
    as_image->filename = as_image->public_id.str() + ".png";
    as_image->size = made.png.size();
    delivery->image = std::move(as_image);
    auto answer = from_row(*delivery);
    if (answer) return delivery->responder.respond(std::move(*answer));
    if (const auto& range = delivery->range)
        made.png = made.png.substr(range->first, range->last - range->first + 1);
    delivery->response.body = std::move(made.png);
    delivery->responder.respond(std::move(delivery->response));
}

Result<delivery::ChosenVersion> choose(const Delivery& delivery, const delivery::LocatedImage& located,
                                       std::string_view accept) {
    const auto offered = policy_of(delivery.api, located);
    if (offered == nullptr)
        return fail(ErrorCode::unavailable,
                    "the image is shown with its profile's watermark, and its profile is not configured");
    if (delivery.asked.is_plain() && !delivery::must_be_marked(*offered, located.watermark))
        return delivery::ChosenVersion{};
    delivery::SourceImage source;
    source.width = located.width;
    source.height = located.height;
    source.format = located.format;
    source.watermark = located.watermark;
    source.taken_at = located.taken_at;
    using Alpha = delivery::SourceImage::Alpha;
    if (located.has_alpha) source.alpha = *located.has_alpha ? Alpha::present : Alpha::absent;
    if (delivery.asked.variant) {
        const auto rule = offered->variants.find(*delivery.asked.variant);
        if (rule == offered->variants.end())
            return fail(ErrorCode::variant_not_found, "the profile has no variant of this name");
        return delivery::ChosenVersion{delivery::choose_variant(rule->second, *offered, source)};
    }
    if (!delivery.admission.any_size)
        return delivery::choose_version(delivery.asked, accept, *offered, source);
    auto policy = *offered;
    policy.sizes = model::DeliveryPolicy::Sizes::free;
    return delivery::choose_version(delivery.asked, accept, policy, source);
}

/// Several fields are one list (RFC 9110 5.3).
std::string accept_of(const Request& request) {
    std::string all;
    for (const auto field : request.headers.all("accept"))
        all.append(all.empty() ? "" : ",").append(field);
    return all;
}

/// What was looked up and is used still, before its lease ends. Where the pool is full, the lease ends.
template <class LookUp>
void renew(const Api& api, LookUp look_up) {
    (void)api.database_pool.submit([&api, look_up] { (void)look_up(api.recent_images); });
}

/// On an I/O thread or on the database's pool: it does not block.
void serve_located(const Shared& delivery, const Image& located) {
    if (delivery->asked.placeholder) return serve_placeholder(delivery, located);
    const auto& api = delivery->api;
    auto chosen = choose(*delivery, *located, accept_of(delivery->request));
    if (!chosen) return delivery->responder.fail(std::move(chosen.error()));
    delivery->varies = chosen->varies;
    if (!chosen->spec) return serve(delivery, located);
    const auto recent = api.recent_images.find_version(*located, chosen->spec->key());
    if (!recent.image)
        return on_database(delivery, [delivery, located, spec = std::move(*chosen->spec)] {
            if (!delivery->responder.abandoned()) look_up_version(delivery, located, spec);
        });
    if (recent.renew)
        renew(api, [located, key = chosen->spec->key()](auto& images) {
            return images.look_up_version(*located, key);
        });
    serve_version(delivery, recent.image, chosen->spec->key());
}

Result<> admit(Delivery& delivery, const model::Upload* upload) {
    auto admission = delivery.api.image_access.admit(delivery.visit, upload);
    if (!admission) return fail(std::move(admission.error()));
    delivery.admission = *admission;
    return {};
}

void look_up(const Shared& delivery) {
    if (delivery->responder.abandoned()) return;
    const auto located = delivery->api.recent_images.look_up(
        delivery->request.parameter("id"),
        [&](const model::Upload* upload) { return admit(*delivery, upload); });
    if (!located && delivery->asked.placeholder) return serve_placeholder(delivery, located);
    if (!located) return delivery->responder.fail(located.error());
    serve_located(delivery, *located);
}

void get_image(const Api& api, const std::shared_ptr<Counters>& counters, Request request,
               http::Responder responder) {
    const auto unknown = api.config.delivery.unknown_parameters;
    auto asked = read_parameters(request, unknown);
    if (!asked) return responder.fail(std::move(asked.error()));
    if (unknown == config::UnknownParameters::redirected && has_foreign_parameters(request))
        return responder.respond(without_foreign_parameters(request));
    auto visit = api.image_access.read(request, *asked);
    if (!visit) return responder.fail(std::move(visit.error()));
    auto delivery = std::make_shared<Delivery>(
        Delivery{api, counters, std::move(request), std::move(responder), *asked, std::move(*visit)});
    const auto id = delivery->request.parameter("id");
    const auto recent = api.recent_images.find(id);
    if (!recent.image) return on_database(delivery, [delivery] { look_up(delivery); });
    if (recent.renew) renew(api, [id = std::string{id}](auto& images) { return images.look_up(id); });
    if (auto admitted = admit(*delivery, recent.image->record.get()); !admitted)
        return delivery->responder.fail(std::move(admitted.error()));
    serve_located(delivery, recent.image);
}

}  // namespace

void add_image_routes(http::Router& router, const Api& api) {
    const auto counters = std::make_shared<Counters>(api.metrics);
    const http::Handler handler = [&api, counters](Request request, http::Responder responder) {
        get_image(api, counters, std::move(request), std::move(responder));
    };
    for (const char* pattern : {"/i/{id}", "/i/{id}/{name}"})
        router.add({http::Method::get, pattern, handler, 0, {}, ""});
}

}  // namespace photogate::gateway::routes
