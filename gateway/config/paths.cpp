#include "gateway/config/paths.hpp"

#include <system_error>

namespace photogate::gateway::config {

namespace fs = std::filesystem;

fs::path absolute_path(const fs::path& path) {
    std::error_code ignored;
    return fs::absolute(path, ignored).lexically_normal();
}

fs::path real_path(const fs::path& path) {
    std::error_code failed;
    auto real = fs::weakly_canonical(absolute_path(path), failed);
    return failed ? absolute_path(path) : real;
}

bool is_inside(const fs::path& path, const fs::path& folder) {
    const auto from_there = real_path(path).lexically_relative(real_path(folder));
    return !from_there.empty() && *from_there.begin() != "..";
}

}  // namespace photogate::gateway::config
