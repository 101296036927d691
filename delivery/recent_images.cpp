#include "delivery/recent_images.hpp"

#include <utility>

namespace photogate::delivery {

namespace {

std::string name_of_version(const LocatedImage& image, std::string_view spec_key) {
    return (image.public_id.str() + "/").append(spec_key);
}

}  // namespace

RecentImages::RecentImages(const PublishedImages& images, storage::records::VersionStore& versions,
                           std::function<Steady::time_point()> now, std::size_t most)
    : images_(images), versions_(versions), now_(std::move(now)), most_(most) {}

RecentImages::Found RecentImages::find(std::string_view public_id) {
    return find_named(public_id);
}

RecentImages::Found RecentImages::find_version(const LocatedImage& image, std::string_view spec_key) {
    return find_named(name_of_version(image, spec_key));
}

RecentImages::Found RecentImages::find_named(std::string_view name) {
    const auto now = now_();
    const std::lock_guard lock(mutex_);
    const auto found = entries_.find(name);
    if (found == entries_.end() || found->second.until <= now) {
        ++counts_.misses;
        return {};
    }
    ++counts_.hits;
    auto& entry = found->second;
    const bool renew = !entry.renewing && entry.until - now < kLease / 2;
    if (renew) entry.renewing = true;
    return {entry.image, renew};
}

Result<RecentImages::Image> RecentImages::look_up(std::string_view public_id,
                                                  const PublishedImages::Permit& permit) {
    const auto asked = now_();
    auto located = images_.locate(public_id, permit);
    if (!located) return fail(std::move(located.error()));
    auto image = std::make_shared<const LocatedImage>(std::move(*located));
    keep(image->public_id.str(), image, asked);
    return image;
}

Result<RecentImages::Image> RecentImages::look_up_version(const LocatedImage& image,
                                                          const std::string& spec_key) {
    const auto asked = now_();
    const auto stored = versions_.find({image.upload, spec_key});
    if (!stored) return fail(stored.error());
    if (!*stored) return Image{};
    auto located = version_of(image, **stored);
    if (!located) return fail(std::move(located.error()));
    auto version = std::make_shared<const LocatedImage>(std::move(*located));
    keep(name_of_version(image, spec_key), version, asked);
    return version;
}

void RecentImages::keep(std::string name, Image image, Steady::time_point asked) {
    const std::lock_guard lock(mutex_);
    drop_overdue(now_());
    const auto found = entries_.find(name);
    if (found != entries_.end()) {
        // Two who asked at once: what was asked later holds for longer.
        if (found->second.until < asked + kLease) found->second = {std::move(image), asked + kLease};
    } else {
        if (entries_.size() >= most_) {
            ++counts_.evictions;
            return;
        }
        entries_.emplace(name, Entry{std::move(image), asked + kLease});
    }
    ends_.emplace_back(asked + kLease, std::move(name));
}

void RecentImages::drop_overdue(Steady::time_point now) {
    while (!ends_.empty() && ends_.front().first <= now) {
        const auto found = entries_.find(ends_.front().second);
        if (found != entries_.end() && found->second.until <= now) entries_.erase(found);
        ends_.pop_front();
    }
}

void RecentImages::forget(const PublicId& image) {
    const auto prefix = image.str() + "/";
    const std::lock_guard lock(mutex_);
    entries_.erase(image.str());
    for (auto next = entries_.lower_bound(prefix); next != entries_.end() && next->first.starts_with(prefix);)
        next = entries_.erase(next);
}

CacheCounts RecentImages::counts() const {
    const std::lock_guard lock(mutex_);
    auto counts = counts_;
    counts.entries = entries_.size();
    return counts;
}

}  // namespace photogate::delivery
