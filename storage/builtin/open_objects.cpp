#include "storage/builtin/open_objects.hpp"

#include <algorithm>
#include <utility>

#include <sys/resource.h>

namespace photogate::storage::builtin {

namespace {

std::size_t most_kept() {
    rlimit limit{};
    if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return 1;
    return std::clamp<std::size_t>(limit.rlim_cur / 16, 1, 1'024);
}

/// Bucket names contain no slash.
std::string name_of(const Bucket& bucket, const ObjectKey& key) {
    std::string name;
    name.reserve(bucket.str().size() + 1 + key.str().size());
    return name.append(bucket.str()).append(1, '/').append(key.str());
}

}  // namespace

OpenObjects::OpenObjects() : most_(most_kept()) {}

std::shared_ptr<const OpenObject> OpenObjects::find(const Bucket& bucket, const ObjectKey& key) {
    const std::string name = name_of(bucket, key);
    const std::lock_guard lock{mutex_};
    const auto found = by_name_.find(name);
    if (found == by_name_.end()) return nullptr;
    line_.splice(line_.begin(), line_, found->second);
    return found->second->object;
}

std::uint64_t OpenObjects::moment() const {
    const std::lock_guard lock{mutex_};
    return moment_;
}

void OpenObjects::keep(const Bucket& bucket, const ObjectKey& key, std::shared_ptr<const OpenObject> object,
                       std::uint64_t moment) {
    std::string name = name_of(bucket, key);
    const std::lock_guard lock{mutex_};
    // Two readers of one key may both have read the index.
    if (settling_ || moment != moment_ || by_name_.contains(name)) return;
    const auto content = object->row.content;
    line_.push_front({std::move(name), std::move(object)});
    by_name_.emplace(line_.front().name, line_.begin());
    by_content_.emplace(content, line_.begin());
    if (line_.size() > most_) drop(std::prev(line_.end()));
}

void OpenObjects::withdraw(std::uint64_t content) {
    const std::lock_guard lock{mutex_};
    settling_ = true;
    if (const auto found = by_content_.find(content); found != by_content_.end()) drop(found->second);
}

void OpenObjects::settle() {
    const std::lock_guard lock{mutex_};
    if (!std::exchange(settling_, false)) return;
    ++moment_;
}

void OpenObjects::drop(Line::iterator kept) {
    by_content_.erase(kept->object->row.content);
    by_name_.erase(kept->name);
    line_.erase(kept);
}

}  // namespace photogate::storage::builtin
