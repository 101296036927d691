// What the records said of images a moment ago, so that those asked for many times a second are not looked up each time.
//
// An answer holds for kLease, counted from before the records were asked. A deletion is answered only when kLease has
// passed since it was committed (kDeletionWait), so that no gateway serves an image whose deletion has been answered:
// nothing needs to be told to any gateway, and nothing can be lost on the way. What is used near the end of its lease is
// to be looked up again beforehand, by one of those who use it.
//
// Thread safety: any thread; look_up() and look_up_version() block.
#pragma once

#include <chrono>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>

#include "base/result.hpp"
#include "delivery/memory_cache.hpp"
#include "delivery/published_images.hpp"
#include "storage/records/version_store.hpp"

namespace photogate::delivery {

class RecentImages {
  public:
    using Steady = std::chrono::steady_clock;
    using Image = std::shared_ptr<const LocatedImage>;
    /// The same in every gateway, and so not configured.
    static constexpr std::chrono::milliseconds kLease{500};
    /// From the commit of a deletion until its answer: with some time for clocks that do not run alike.
    static constexpr std::chrono::milliseconds kDeletionWait{550};
    /// Images and versions; more are looked up each time.
    static constexpr std::size_t kMost = 10'000;

    struct Found {
        Image image;         ///< null: it has to be looked up
        bool renew = false;  ///< whoever gets this looks it up again: nobody else is told
    };

    /// Both outlive this. `now` and `most` are a test's.
    RecentImages(const PublishedImages& images, storage::records::VersionStore& versions,
                 std::function<Steady::time_point()> now = Steady::now, std::size_t most = kMost);

    Found find(std::string_view public_id);
    /// As PublishedImages::locate(). Of what find() gives, `permit` is to be asked by its `record`.
    Result<Image> look_up(std::string_view public_id,
                          const PublishedImages::Permit& permit = PublishedImages::everybody);

    Found find_version(const LocatedImage& image, std::string_view spec_key);
    /// Null: it is not made. Errors: database_*, unavailable.
    Result<Image> look_up_version(const LocatedImage& image, const std::string& spec_key);

    /// The image and all versions of it.
    void forget(const PublicId& image);
    CacheCounts counts() const;

  private:
    struct Entry {
        Image image;
        Steady::time_point until;
        bool renewing = false;
    };
    Found find_named(std::string_view name);
    void keep(std::string name, Image image, Steady::time_point asked);
    void drop_overdue(Steady::time_point now);

    const PublishedImages& images_;
    storage::records::VersionStore& versions_;
    const std::function<Steady::time_point()> now_;
    const std::size_t most_;
    mutable std::mutex mutex_;
    std::map<std::string, Entry, std::less<>> entries_;  ///< by public id, and public id/key of the version
    std::deque<std::pair<Steady::time_point, std::string>> ends_;  ///< about in the order of time
    CacheCounts counts_;
};

}  // namespace photogate::delivery
