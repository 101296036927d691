#include "gateway/config/secret_file.hpp"

#include <array>
#include <cerrno>
#include <string_view>
#include <system_error>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.hpp"

namespace photogate::gateway::config {
namespace {

constexpr std::size_t kLargestFile = 1U << 20;
constexpr std::size_t kLargestSecret = 64U << 10;

struct File {
    std::string text;
    mode_t mode = 0;
};

std::string reason(int error) {
    return "can't be read: " + std::generic_category().message(error);
}

tl::expected<File, std::string> read(const Descriptor& file, std::size_t largest) {
    struct stat facts {};
    if (::fstat(file.get(), &facts) != 0) return tl::unexpected(reason(errno));
    if (S_ISDIR(facts.st_mode)) return tl::unexpected(reason(EISDIR));
    File out{{}, facts.st_mode};
    std::array<char, 16'384> piece{};
    while (true) {
        const auto n = ::read(file.get(), piece.data(), piece.size());
        if (n < 0 && errno == EINTR) continue;
        if (n < 0) return tl::unexpected(reason(errno));
        if (n == 0) return out;
        out.text.append(piece.data(), static_cast<std::size_t>(n));
        if (out.text.size() > largest) return tl::unexpected<std::string>("is too large");
    }
}

}  // namespace

tl::expected<Descriptor, std::string> open_small_file(const std::filesystem::path& path) {
    // O_NONBLOCK: a pipe without a writer would hold the start-up for ever.
    Descriptor file{::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK)};
    if (!file) return tl::unexpected(reason(errno));
    return file;
}

tl::expected<std::string, std::string> read_small_file(const Descriptor& file) {
    return read(file, kLargestFile).map([](File&& whole) { return std::move(whole.text); });
}

tl::expected<SecretFile, std::string> read_secret_file(const std::filesystem::path& path) {
    auto file =
        open_small_file(path).and_then([](const Descriptor& opened) { return read(opened, kLargestSecret); });
    if (!file) return tl::unexpected(std::move(file.error()));
    SecretFile secret;
    secret.readers = (file->mode & S_IROTH) != 0 ? Readers::everyone : Readers::owner_or_group;
    for (std::string_view rest = file->text; !rest.empty();) {
        const auto end = rest.find('\n');
        auto line = rest.substr(0, end);
        if (line.ends_with('\r')) line.remove_suffix(1);
        if (!line.empty()) secret.lines.emplace_back(line);
        rest = end == std::string_view::npos ? std::string_view{} : rest.substr(end + 1);
    }
    if (secret.lines.empty()) return tl::unexpected<std::string>("is empty");
    while (file->text.ends_with('\n') || file->text.ends_with('\r'))
        file->text.pop_back();
    secret.text = std::move(file->text);
    return secret;
}

}  // namespace photogate::gateway::config
