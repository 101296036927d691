#include <algorithm>
#include <cmath>

#include <nlohmann/json.hpp>

#include "imaging/containers/metadata.hpp"

namespace photogate::imaging {

namespace {

using Json = nlohmann::ordered_json;

/// Whole numbers without a fraction: 100, not 100.0.
Json number(double value) {
    if (!std::isfinite(value)) return nullptr;
    if (value == std::trunc(value) && std::abs(value) < 1e15) return static_cast<std::int64_t>(value);
    return value;
}

void put(Json& object, const char* name, const std::optional<std::string>& value) {
    if (value) object[name] = *value;
}

void put(Json& object, const char* name, const std::optional<double>& value) {
    if (value) object[name] = number(*value);
}

Json exposure(const Exposure& value) {
    Json out = Json::object();
    put(out, "seconds", value.seconds);
    put(out, "f_number", value.f_number);
    put(out, "iso", value.iso);
    put(out, "bias_ev", value.bias_ev);
    put(out, "focal_length_mm", value.focal_length_mm);
    put(out, "focal_length_35mm", value.focal_length_35mm);
    if (value.flash_fired) out["flash_fired"] = *value.flash_fired;
    return out;
}

Json position(const GpsPosition& value) {
    Json out = {{"latitude", value.latitude}, {"longitude", value.longitude}};
    put(out, "altitude", value.altitude);
    return out;
}

struct RawWriter {
    Json operator()(const std::string& text) const { return text; }
    Json operator()(double value) const { return number(value); }
    Json operator()(const std::vector<double>& values) const {
        Json out = Json::array();
        for (const double value : values)
            out.push_back(number(value));
        return out;
    }
    Json operator()(const std::vector<std::string>& values) const {
        Json out = Json::array();
        for (const std::string& value : values)
            out.push_back(value);
        return out;
    }
};

Json raw(const Metadata& metadata, GpsPolicy gps) {
    Json out = Json::object();
    for (const RawEntry& entry : metadata.raw)
        if (gps == GpsPolicy::report || !entry.location)
            out[entry.name] = std::visit(RawWriter{}, entry.value);
    return out;
}

}  // namespace

std::string privacy_json(const std::vector<std::string>& found, const std::vector<std::string>& remaining) {
    const bool had_position = std::any_of(found.begin(), found.end(),
                                          [](const std::string& name) { return name.ends_with(".gps"); });
    const bool has_position = std::any_of(remaining.begin(), remaining.end(),
                                          [](const std::string& name) { return name.ends_with(".gps"); });
    return Json{{"metadata_found", found},
                {"metadata_remaining", remaining},
                {"gps_removed", had_position && !has_position}}
        .dump();
}

std::string to_json(const Metadata& metadata, ExifDetail detail, GpsPolicy gps) {
    Json out = Json::object();
    if (metadata.damaged_intervals) out["damaged_intervals"] = *metadata.damaged_intervals;
    if (detail != ExifDetail::none) {
        put(out, "make", metadata.make);
        put(out, "model", metadata.model);
        put(out, "taken_at", metadata.taken_at);
        if (!(metadata.exposure == Exposure{})) out["exposure"] = exposure(metadata.exposure);
        put(out, "lens", metadata.lens);
        if (metadata.orientation) out["orientation"] = *metadata.orientation;
        if (metadata.gps && gps == GpsPolicy::report) out["gps"] = position(*metadata.gps);
    }
    if (detail == ExifDetail::full) {
        put(out, "software", metadata.software);
        put(out, "description", metadata.description);
        put(out, "artist", metadata.artist);
        put(out, "copyright", metadata.copyright);
        if (Json entries = raw(metadata, gps); !entries.empty()) out["raw"] = std::move(entries);
    }
    // Every text was made valid where it was read; `replace` is for the day when one was not.
    return out.dump(-1, ' ', false, Json::error_handler_t::replace);
}

}  // namespace photogate::imaging
