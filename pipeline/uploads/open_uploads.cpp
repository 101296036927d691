#include "pipeline/uploads/open_uploads.hpp"

#include <utility>

#include <fmt/format.h>

#include "base/log.hpp"

namespace photogate::pipeline::uploads {
namespace {

constexpr std::chrono::seconds kComeAgain{5};

tl::unexpected<Error> refused(std::string detail) {
    return fail(Error{ErrorCode::rate_limited, std::move(detail), {}, kComeAgain});
}

}  // namespace

OpenUploads::OpenUploads(const model::LiveApps& apps, Count count, std::chrono::milliseconds every)
    : apps_(apps), count_(std::move(count)), every_(every) {}

Result<> OpenUploads::admit(const model::App& app, std::optional<ByteSize> bytes) {
    const auto& limits = app.limits;
    if (limits.open_uploads == 0 && limits.open_bytes == 0) return {};
    const auto more = bytes.value_or(0);
    const std::lock_guard lock{mutex_};
    auto& granted = granted_[app.name];
    const auto counted = counted_.find(app.name);
    const auto open = counted == counted_.end() ? OpenUse{} : counted->second;
    if (limits.open_uploads > 0 && open.uploads + granted.uploads >= limits.open_uploads)
        return refused(
            fmt::format("the app has {} uploads that were granted and have not arrived, as many as it may",
                        limits.open_uploads));
    if (limits.open_bytes > 0 && open.bytes + granted.bytes + more > limits.open_bytes)
        return refused(
            fmt::format("the app's uploads that have not arrived would be over {} bytes", limits.open_bytes));
    ++granted.uploads;
    granted.bytes += more;
    return {};
}

std::vector<AppName> OpenUploads::limited() const {
    std::vector<AppName> names;
    for (const auto& [name, app] : *apps_.now()) {
        if (app.limits.open_uploads > 0 || app.limits.open_bytes > 0) names.push_back(name);
    }
    return names;
}

Result<> OpenUploads::refresh() {
    const auto names = limited();
    std::map<AppName, OpenUse> before;
    {
        const std::lock_guard lock{mutex_};
        before = granted_;
    }
    auto counted = names.empty() ? Result<std::map<AppName, OpenUse>>{} : count_(names);
    if (!counted) return fail(std::move(counted.error()));
    const std::lock_guard lock{mutex_};
    counted_ = std::move(*counted);
    // What was granted before the records were asked is among what they counted.
    for (const auto& [name, seen] : before) {
        auto& granted = granted_[name];
        granted.uploads -= seen.uploads;
        granted.bytes -= seen.bytes;
        if (granted.uploads == 0) granted_.erase(name);
    }
    return {};
}

void OpenUploads::run() {
    do {
        if (const auto counted = refresh(); !counted)
            log::warn("uploads.not_counted", {{"error", counted.error().detail}});
    } while (!stop_.wait_for(every_));
}

}  // namespace photogate::pipeline::uploads
