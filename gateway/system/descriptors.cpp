#include "gateway/system/descriptors.hpp"

#include <algorithm>

#include <sys/resource.h>

#include "base/log.hpp"
#include "gateway/routes/image_stream.hpp"

namespace photogate::gateway::system {

namespace {

/// For everything else that is opened: the database's and the stores' connections, callbacks, image worker processes,
/// files.
constexpr std::size_t kBesides = 512;
/// Connections to stores that images are read from, where there are that many.
constexpr std::size_t kImageReaders = routes::ImageStream::kMostReaders;
/// One share in so many is left to the objects that the built-in store keeps open.
constexpr std::size_t kShares = 16;
constexpr std::size_t kLeast = 16;

}  // namespace

std::size_t allow_connections(std::size_t wanted, std::size_t servers) {
    const std::size_t needed = (wanted * servers + kBesides + kImageReaders) * kShares / (kShares - 1) + 1;
    rlimit limit{};
    if (::getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur >= needed) return wanted;
    limit.rlim_cur = std::min<rlim_t>(needed, limit.rlim_max);
    // A refusal leaves what there was, which is read again.
    (void)::setrlimit(RLIMIT_NOFILE, &limit);
    if (::getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur >= needed) return wanted;
    const std::size_t usable = limit.rlim_cur - limit.rlim_cur / kShares;
    const std::size_t left = usable > kBesides ? usable - kBesides : usable / 2;
    const std::size_t allowed = std::clamp(left / servers, kLeast, wanted);
    log::warn("server.few_descriptors",
              {{"open_files", static_cast<std::uint64_t>(limit.rlim_cur)},
               {"max_connections", wanted},
               {"allowed", allowed},
               {"remedy", "raise the hard limit of open files: LimitNOFILE=, ulimit -Hn"}});
    return allowed;
}

}  // namespace photogate::gateway::system
