#include "storage/builtin/bodies.hpp"

#include <fmt/format.h>

namespace photogate::storage::builtin {

std::filesystem::path Bodies::folder_of(std::uint64_t body) const {
    return root_ / fmt::format("{:013x}", body >> kFolderBits);
}

std::filesystem::path Bodies::path_of(std::uint64_t body) const {
    return folder_of(body) / fmt::format("{:016x}", body);
}

Result<std::uint64_t> Bodies::next() {
    const std::lock_guard lock{mutex_};
    if (const auto folder = next_ >> kFolderBits; folder != made_folder_) {
        if (auto made = files_.make_folder(folder_of(next_)); !made) return fail(made.error());
        if (auto synced = files_.sync_folder(root_); !synced) return fail(synced.error());
        made_folder_ = folder;
    }
    return next_++;
}

void Pins::add(std::uint64_t content) {
    const std::lock_guard lock{mutex_};
    ++readers_[content];
}

void Pins::drop(std::uint64_t content) {
    const std::lock_guard lock{mutex_};
    const auto found = readers_.find(content);
    if (found != readers_.end() && --found->second == 0) readers_.erase(found);
}

bool Pins::has(std::uint64_t content) {
    const std::lock_guard lock{mutex_};
    return readers_.contains(content);
}

}  // namespace photogate::storage::builtin
