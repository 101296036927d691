#include "gateway/routes/similar_query.hpp"

#include "base/ascii.hpp"
#include "storage/records/picture_hash.hpp"

namespace photogate::gateway::routes {
namespace {

namespace records = storage::records;

constexpr std::string_view kUsualDistance =
    "6";  ///< what scaling and another format change, and seldom another picture

}  // namespace

Result<std::optional<SimilarQuery>> read_similar_query(const http::RequestHead& request) {
    const auto similar_to = request.query_value("similar_to");
    const auto distance = request.query_value("distance");
    if (!similar_to) {
        if (distance) return fail(ErrorCode::invalid_query, "'distance' goes with 'similar_to'");
        return std::optional<SimilarQuery>{};
    }
    SimilarQuery asked;
    asked.upload = parse_upload_id(*similar_to);
    const auto hash = records::parse_picture_hash(*similar_to);
    if (!asked.upload && !hash)
        return fail(ErrorCode::invalid_query,
                    "'similar_to' is the id of an upload, or a perceptual hash of 16 hex digits");
    asked.hash = hash.value_or(0);
    const auto bits = ascii::parse_whole<std::uint32_t>(distance.value_or(kUsualDistance));
    if (!bits || *bits > static_cast<std::uint32_t>(records::kMostDistance))
        return fail(ErrorCode::invalid_query, "'distance' is a whole number from 0 to " +
                                                  std::to_string(records::kMostDistance) +
                                                  ": how many of the 64 bits may differ");
    asked.distance = static_cast<int>(*bits);
    return asked;
}

Result<records::SimilarTo> find_hash(records::UploadStore& uploads, const std::optional<AppName>& app,
                                     const SimilarQuery& asked) {
    records::SimilarTo similar{.hash = asked.hash, .distance = asked.distance, .except = {}, .from = 0};
    if (!asked.upload) return similar;
    const auto upload = uploads.find(app, *asked.upload);
    if (!upload) return fail(upload.error());
    const auto hash =
        upload->facts ? records::parse_picture_hash(upload->facts->perceptual_hash) : std::nullopt;
    if (!hash || upload->state != model::UploadState::published)
        return fail(ErrorCode::state_conflict,
                    "the upload that 'similar_to' names is not published, so it has no perceptual hash");
    similar.hash = *hash;
    similar.except = *asked.upload;
    return similar;
}

std::string cursor_behind(const records::SimilarTo& similar, const model::Upload& last) {
    return std::to_string(distance_of(similar, last)) + ":" + last.id.str();
}

bool go_on_behind(std::string_view cursor, records::ListQuery& into) {
    const auto colon = cursor.find(':');
    if (colon == std::string_view::npos || !into.similar) return false;
    const auto from = ascii::parse_whole<std::uint32_t>(cursor.substr(0, colon));
    into.before = parse_upload_id(cursor.substr(colon + 1));
    if (!from || *from > static_cast<std::uint32_t>(into.similar->distance) || !into.before) return false;
    into.similar->from = static_cast<int>(*from);
    return true;
}

int distance_of(const records::SimilarTo& similar, const model::Upload& upload) {
    const auto hash =
        upload.facts ? records::parse_picture_hash(upload.facts->perceptual_hash) : std::nullopt;
    return hash ? records::distance_between(*hash, similar.hash) : similar.distance;
}

}  // namespace photogate::gateway::routes
