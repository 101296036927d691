#include "model/package.hpp"

namespace photogate {
namespace {

constexpr std::string_view kPackage = "pkg_", kUpload = "upl_";

std::string under(std::string_view prefix, std::string_view id) {
    return std::string{prefix}.append(id.substr(prefix.size()));
}

}  // namespace

std::optional<PackageId> parse_package_id(std::string_view text) {
    if (!text.starts_with(kPackage) || !parse_upload_id(under(kUpload, text))) return std::nullopt;
    return PackageId::trusted(std::string{text});
}

PackageId make_package_id(Timestamp now, Random& random) {
    return PackageId::trusted(under(kPackage, make_upload_id(now, random).str()));
}

}  // namespace photogate

namespace photogate::model {

std::string_view to_string(PackageMode mode) {
    switch (mode) {
        case PackageMode::stream:
            return "stream";
        case PackageMode::store:
            return "store";
    }
    return "";
}

std::string_view to_string(PackageState state) {
    switch (state) {
        case PackageState::preparing:
            return "preparing";
        case PackageState::queued:
            return "queued";
        case PackageState::building:
            return "building";
        case PackageState::ready:
            return "ready";
        case PackageState::failed:
            return "failed";
        case PackageState::deleted:
            return "deleted";
    }
    return "";
}

std::string_view to_string(PackageStep step) {
    switch (step) {
        case PackageStep::waiting:
            return "waiting";
        case PackageStep::copying:
            return "copying";
        case PackageStep::completing:
            return "completing";
    }
    return "";
}

std::string_view to_string(OnMissing what) {
    switch (what) {
        case OnMissing::fail:
            return "fail";
        case OnMissing::skip:
            return "skip";
        case OnMissing::list:
            return "list";
    }
    return "";
}

}  // namespace photogate::model
