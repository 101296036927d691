#include "pipeline/packages/package_service.hpp"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "base/ascii.hpp"
#include "base/encoding.hpp"
#include "base/failpoint.hpp"
#include "base/field_errors.hpp"
#include "packager/names.hpp"
#include "packager/path_template.hpp"
#include "pipeline/grant.hpp"

namespace photogate::pipeline::packages {
namespace {

using std::chrono::seconds;

constexpr std::string_view kExtension = ".zip";
constexpr std::size_t kLongestName = 200;
/// For whoever has the link of a package that is not ready.
constexpr seconds kLookAgain{5};

bool has_extension(std::string_view name) {
    return name.size() > kExtension.size() && ascii::to_lower(name).ends_with(kExtension);
}

/// As it may be called where it is saved.
std::string archive_name(const std::optional<std::string>& wished, const PackageId& id) {
    if (!wished) return id.str() + std::string{kExtension};
    auto name = packager::safe_name(packager::as_component(*wished));
    if (!has_extension(name)) name += kExtension;
    return name;
}

std::size_t items_asked(const PackageRequest& request) {
    const auto* asked = std::get_if<std::vector<storage::packages::AskedItem>>(&request.items);
    return asked ? asked->size() : 0;
}

}  // namespace

Result<model::Package> PackageService::plan(const AppName& app, const PackageRequest& request,
                                            std::vector<FieldError>& mistakes) const {
    const auto now = dependencies_.clock.now();
    const auto& limits = dependencies_.limits;
    model::Package package;
    package.id = make_package_id(now, dependencies_.random);
    package.app = app;
    package.mode = request.mode;
    package.on_missing = request.on_missing;
    package.metadata = request.metadata;
    package.request_id = request.request_id;
    package.created_at = now;
    package.state =
        request.mode == model::PackageMode::store ? model::PackageState::queued : model::PackageState::ready;
    auto life = std::min(limits.default_life, limits.longest_life);
    if (request.expires_in) {
        if (*request.expires_in < 1 || *request.expires_in > limits.longest_life.count())
            mistakes.push_back({"/expires_in", ErrorCode::invalid_expiry,
                                fmt::format("'expires_in' is 1 to {} seconds", limits.longest_life.count())});
        else
            life = seconds{*request.expires_in};
    }
    // Whole seconds, as links have them.
    package.expires_at = std::chrono::floor<seconds>(now) + life;
    if (request.name && (request.name->size() > kLongestName || !is_utf8(*request.name)))
        mistakes.push_back({"/name", ErrorCode::invalid_field,
                            fmt::format("'name' has 1 to {} bytes of UTF-8", kLongestName)});
    package.name = archive_name(request.name, package.id);
    for (auto& mistake : metadata_mistakes(request.metadata))
        mistakes.push_back(std::move(mistake));
    return package;
}

Result<storage::packages::CreatedPackage> PackageService::create(const AppName& app,
                                                                 PackageRequest request) const {
    if (items_asked(request) > dependencies_.limits.most_items)
        return fail(ErrorCode::package_too_large, fmt::format("a package has at most {} items; make several",
                                                              dependencies_.limits.most_items));
    const auto known = dependencies_.catalog.app(app);
    if (!known) return fail(known.error());
    auto mistakes = std::move(request.unreadable);
    auto package = plan(app, request, mistakes);
    if (!package) return fail(std::move(package.error()));
    const auto* selection = std::get_if<storage::packages::PackageSelection>(&request.items);
    if (selection && selection->profile && !(*known)->profiles.contains(*selection->profile))
        mistakes.push_back(
            {"/select/profile", ErrorCode::unknown_profile, "the app has no profile of this name"});
    Planner::Rules rules;
    rules.on_missing = request.on_missing;
    rules.limits = dependencies_.limits;
    rules.content = request.content;
    rules.manifest = request.manifest;
    rules.now = dependencies_.clock.now();
    if (request.path) {
        auto path = packager::PathTemplate::parse(*request.path);
        if (path)
            rules.path = std::move(*path);
        else
            mistakes.push_back({"/path", path.error().code, path.error().detail});
    }
    if (!mistakes.empty()) return fail(field_errors(std::move(mistakes)));
    storage::packages::NewPackage wanted;
    wanted.package = std::move(*package);
    if (request.idempotency_key)
        wanted.idempotency = {std::move(*request.idempotency_key), std::move(request.request_sha256)};
    wanted.items = std::move(request.items);
    if (rules.path) wanted.metadata = storage::packages::NewPackage::Need::yes;
    if (rules.content.of == PackageContent::Of::original)
        wanted.originals = storage::packages::NewPackage::Need::yes;
    if (rules.content.is_made()) {
        wanted.recipe = to_recipe({rules.content, request.path, rules.manifest});
        wanted.most_preparing = dependencies_.limits.most_preparing;
    }
    if (std::holds_alternative<storage::packages::PackageSelection>(wanted.items))
        rules.named = Planner::Rules::Named::by_selection;
    Planner planner{std::move(rules),
                    {**known, dependencies_.catalog.stores(), dependencies_.choose_version}};
    auto created = dependencies_.packages.create(wanted, planner);
    if (created && created->package.state == model::PackageState::preparing)
        failpoint::pass(failpoint::Point::after_package_asked);
    return created;
}

Result<model::Package> PackageService::find(const std::optional<AppName>& app, const PackageId& id) const {
    return dependencies_.packages.find(app, id);
}

Result<std::vector<model::Package>> PackageService::list(
    const storage::packages::PackageListQuery& query) const {
    return dependencies_.packages.list(query);
}

Result<model::Package> PackageService::remove(const std::optional<AppName>& app, const PackageId& id) const {
    return dependencies_.packages.remove(app, id);
}

Result<std::vector<model::MissingItem>> PackageService::missing(const PackageId& id, std::size_t most) const {
    return dependencies_.packages.missing(id, most);
}

Result<Timestamp> PackageService::link_end(const model::Package& package,
                                           std::optional<std::int64_t> expires_in) const {
    const auto now = dependencies_.clock.now();
    if (package.state == model::PackageState::deleted || package.state == model::PackageState::failed ||
        package.expires_at <= now)
        return check_usable(package, now).map([&] { return package.expires_at; });
    if (!expires_in) return package.expires_at;
    const auto longest = dependencies_.limits.longest_life;
    if (*expires_in < 1 || *expires_in > longest.count())
        return fail(ErrorCode::invalid_expiry,
                    fmt::format("'expires_in' is 1 to {} seconds", longest.count()));
    return std::min<Timestamp>(package.expires_at, std::chrono::floor<seconds>(now) + seconds{*expires_in});
}

Result<> check_usable(const model::Package& package, Timestamp now) {
    switch (package.state) {
        case model::PackageState::deleted:
            return fail(ErrorCode::gone, "the package was deleted");
        case model::PackageState::failed:
            return fail(ErrorCode::gone, package.failure == to_string(ErrorCode::gone)
                                             ? "a picture of the package was deleted; ask for a new package"
                                             : "the package could not be made; ask for a new one");
        case model::PackageState::preparing:
        case model::PackageState::queued:
        case model::PackageState::building:
            if (package.expires_at <= now) break;
            return fail(
                Error{ErrorCode::unavailable, "the package is not ready yet; try again", {}, kLookAgain});
        case model::PackageState::ready:
            break;
    }
    if (package.expires_at <= now) return fail(ErrorCode::gone, "the package has expired; ask for a new one");
    return {};
}

}  // namespace photogate::pipeline::packages
