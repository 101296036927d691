#include "delivery/version_use.hpp"

#include <algorithm>
#include <utility>
#include <vector>

#include "base/log.hpp"

namespace photogate::delivery {

using storage::records::VersionName;

void VersionUse::note(const VersionName& name) {
    const std::lock_guard lock(mutex_);
    if (names_.size() < options_.most || names_.contains(name))
        names_.insert(name);
    else
        ++dropped_;
}

std::size_t VersionUse::tell() {
    constexpr std::size_t kBatch = 1'000;
    std::set<VersionName> names;
    {
        const std::lock_guard lock(mutex_);
        names.swap(names_);
    }
    const std::vector<VersionName> all(names.begin(), names.end());
    std::size_t told = 0;
    while (told < all.size()) {
        const auto end = std::min(told + kBatch, all.size());
        const auto batch = std::vector<VersionName>(all.begin() + static_cast<std::ptrdiff_t>(told),
                                                    all.begin() + static_cast<std::ptrdiff_t>(end));
        if (auto done = versions_.used(batch); !done) {
            log::warn("versions.use_not_told", {{"code", photogate::to_string(done.error().code)}});
            const std::lock_guard lock(mutex_);
            dropped_ += all.size() - told;
            break;
        }
        told = end;
    }
    return told;
}

void VersionUse::run() {
    while (!stop_.wait_for(options_.every))
        tell();
    tell();
}

VersionUse::Counts VersionUse::counts() const {
    const std::lock_guard lock(mutex_);
    return {names_.size(), dropped_};
}

}  // namespace photogate::delivery
