#include "gateway/config/watermarks.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <string_view>

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/encoding.hpp"
#include "base/file.hpp"
#include "imaging/caption.hpp"
#include "signer/digest.hpp"

namespace photogate::gateway::config {
namespace {

using namespace std::string_literals;
using namespace std::string_view_literals;

constexpr ByteSize kMaxFont = 32ULL << 20;
constexpr std::array kPictures = {"\x89PNG\r\n\x1a\n"sv, "RIFF"sv, "\xff\xd8\xff"sv};
constexpr std::array kFonts = {"\0\1\0\0"sv, "OTTO"sv, "true"sv, "ttcf"sv};

tl::unexpected<std::string> because(int number) {
    return tl::unexpected(fmt::format("can't be read: {}", std::strerror(number)));
}

/// A file as a whole. The errors are a clause behind its name.
tl::expected<Bytes, std::string> read_whole(const std::string& path, ByteSize most) {
    const Descriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
    if (!file) return because(errno);
    struct stat facts {};
    if (::fstat(file.get(), &facts) != 0) return because(errno);
    if (!S_ISREG(facts.st_mode)) return tl::unexpected("is no file"s);
    const auto size = static_cast<ByteSize>(facts.st_size);
    if (size == 0) return tl::unexpected("is empty"s);
    if (size > most) return tl::unexpected(fmt::format("has {} bytes; at most {} are taken", size, most));
    Bytes bytes(static_cast<std::size_t>(size));
    std::size_t at = 0;
    while (at < bytes.size()) {
        const auto got = ::read(file.get(), bytes.data() + at, bytes.size() - at);
        if (got < 0 && errno == EINTR) continue;
        if (got < 0) return because(errno);
        if (got == 0) return tl::unexpected("changed while it was read"s);
        at += static_cast<std::size_t>(got);
    }
    return bytes;
}

template <std::size_t N>
bool begins_with_one(const Bytes& bytes, const std::array<std::string_view, N>& beginnings) {
    return std::any_of(beginnings.begin(), beginnings.end(), [&](std::string_view beginning) {
        return bytes.size() >= beginning.size() &&
               std::memcmp(bytes.data(), beginning.data(), beginning.size()) == 0;
    });
}

class Completion {
  public:
    Completion(Config& config, Report& report) : config_(config), report_(report) {}

    void complete(const AppName& app, model::Profile& profile) {
        const auto table = fmt::format("apps.{}.profiles.{}.watermark", app.str(), profile.name.str());
        if (profile.watermark) complete_own(table, app, profile);
        if (profile.watermarks.size() > model::kMostNamedWatermarks)
            report_.mistake(table + "s", fmt::format("are {}, but {} are the most", profile.watermarks.size(),
                                                     model::kMostNamedWatermarks));
        for (auto& [name, policy] : profile.watermarks)
            if (fill(fmt::format("{}s.{}", table, name), app, profile, policy))
                profile.delivery.watermarks[name] = policy.mark;
    }

  private:
    void complete_own(const std::string& table, const AppName& app, model::Profile& profile) {
        auto& policy = *profile.watermark;
        if (!fill(table, app, profile, policy)) return;
        if (profile.recipe.version.mode == imaging::PublishMode::strip &&
            policy.published == model::WatermarkPolicy::Published::marked)
            report_.warning(table_, "makes every picture be encoded anew: publish = \"strip\" has no effect");
        profile.delivery.watermark = policy.mark;
        if (policy.published == model::WatermarkPolicy::Published::marked)
            profile.recipe.version.watermark = policy.mark;
    }

    /// The mark of the policy, which stands in that table.
    bool fill(std::string table, const AppName& app, const model::Profile& profile,
              model::WatermarkPolicy& policy) {
        table_ = std::move(table);
        const bool has_text = report_.given(table_ + ".text");
        if (!policy.image_file.empty() == has_text) {
            report_.mistake(table_, "needs an image or a text, one of them");
            return false;
        }
        return has_text ? draw(app, profile, policy.mark) : load(policy);
    }

    bool refuse(std::string_view key, std::string what) {
        report_.mistake(fmt::format("{}.{}", table_, key), std::move(what));
        return false;
    }

    bool load(model::WatermarkPolicy& policy) {
        if (report_.given(table_ + ".font"))
            return refuse("font", "has no effect on an image: remove it, or name a text");
        auto bytes = read_whole(policy.image_file, imaging::kMaxWatermark);
        if (!bytes)
            return refuse("image",
                          fmt::format("is {}, which {}: name a PNG, WebP or JPEG file of at most 4 MiB",
                                      policy.image_file, bytes.error()));
        if (!begins_with_one(*bytes, kPictures))
            return refuse("image",
                          fmt::format("is {}, which is no PNG, WebP or JPEG file", policy.image_file));
        policy.mark.sha256 = hex_lower(signer::sha256(*bytes));
        policy.mark.picture = std::make_shared<const Bytes>(std::move(*bytes));
        return true;
    }

    bool draw(const AppName& app, const model::Profile& profile, imaging::Watermark& mark) {
        if (const auto wrong = imaging::complaint_about_caption(mark.text)) return refuse("text", *wrong);
        mark.text = imaging::with_names(mark.text, {app.str(), profile.name.str()});
        if (const auto wrong = imaging::complaint_about_caption(mark.text))
            return refuse("text", "with its names filled in " + *wrong);
        if (imaging::tells_when_taken(mark.text) && profile.recipe.facts.exif == imaging::ExifDetail::none)
            return refuse("text",
                          "has {taken_at}, which exif = \"none\" hides: set exif to basic, or remove it");
        constexpr std::string_view kHow =
            "name a TrueType or OpenType file, such as /usr/share/fonts/truetype/dejavu/DejaVuSans.ttf "
            "(Debian: "
            "fonts-dejavu-core)";
        if (mark.font.empty()) return refuse("font", fmt::format("is required with a text: {}", kHow));
        const auto font = read_whole(mark.font, kMaxFont);
        if (!font) return refuse("font", fmt::format("is {}, which {}: {}", mark.font, font.error(), kHow));
        if (!begins_with_one(*font, kFonts))
            return refuse("font", fmt::format("is {}, which is no font: {}", mark.font, kHow));
        mark.sha256 =
            hex_lower(signer::sha256(fmt::format("{}\n{}", hex_lower(signer::sha256(*font)), mark.text)));
        auto& fonts = config_.imaging.fonts;
        if (std::find(fonts.begin(), fonts.end(), mark.font) == fonts.end()) fonts.push_back(mark.font);
        return true;
    }

    Config& config_;
    Report& report_;
    std::string table_;
};

}  // namespace

void complete_watermarks(Config& config, Report& report) {
    Completion completion(config, report);
    for (auto& [app, entry] : config.apps)
        for (auto& [name, profile] : entry.profiles)
            completion.complete(app, profile);
}

}  // namespace photogate::gateway::config
