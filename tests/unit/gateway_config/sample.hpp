// A configuration that is valid and small, and the ways tests read one.
#pragma once

#include <filesystem>
#include <fstream>
#include <map>
#include <random>
#include <string>
#include <vector>

#include "gateway/config/load.hpp"

namespace photogate::gateway::config::testing {

inline const std::string kHashLine = "sha256:" + std::string(64, 'a');
inline const std::string kToken = "event-token-canary-0123456789abcdef";
inline const std::string kSignerSecret = "signer-secret-canary";
inline const std::string kWorkerSecret = "worker-secret-canary";
inline const std::string kPassword = "database-password-canary";
/// 24 bytes of base64.
inline const std::string kCallbackSecret = "whsec_Y2FsbGJhY2stc2VjcmV0LWNhbmFyeSEh";

/// A folder that is removed with its files.
class Folder {
  public:
    Folder() {
        std::random_device chance;
        path_ = std::filesystem::temp_directory_path() /
                ("photogate-config-" + std::to_string(chance()) + std::to_string(chance()));
        std::filesystem::create_directory(path_);
    }
    ~Folder() { std::filesystem::remove_all(path_); }
    Folder(const Folder&) = delete;
    Folder& operator=(const Folder&) = delete;

    std::filesystem::path write(const std::string& name, const std::string& text) const {
        const auto path = path_ / name;
        std::ofstream{path} << text;
        std::filesystem::permissions(
            path, std::filesystem::perms::owner_read | std::filesystem::perms::owner_write);
        return path;
    }
    const std::filesystem::path& path() const { return path_; }

  private:
    std::filesystem::path path_;
};

inline const std::string kDatabase = "[database]\nurl = \"postgresql://gw:" + kPassword + "@db/photogate\"\n";
inline const std::string kRegion =
    "[regions.default]\nendpoint = \"http://127.0.0.1:9000\"\nsigner_access_key = "
    "\"signer\"\nsigner_secret_key = \"" +
    kSignerSecret + "\"\nworker_access_key = \"worker\"\nworker_secret_key = \"" + kWorkerSecret + "\"\n";
inline const std::string kApp =
    "[apps.shop]\nkeys = [\"" + kHashLine + "\"]\n[apps.shop.profiles.doorstep]\n";
inline const std::string kEvents = "[events.minio]\ntokens = [\"" + kToken + "\"]\n";
inline const std::string kServer = "[server]\npublic_url = \"https://photos.example\"\n";
inline const std::string kValid = kDatabase + kRegion + kApp + kEvents;

using Loading = tl::expected<Loaded, std::vector<Mistake>>;

struct Extra {
    std::map<std::string, std::string> environment;
    std::map<std::string, std::vector<std::string>> flags;
};

inline Loading load_text(const std::string& text, const Extra& extra = {}) {
    const Folder folder;
    return load({extra.flags, extra.environment, folder.write("photogate.toml", text),
                 "/opt/photogate/bin/photogate"});
}

/// Every mistake in a line of its own, with the file's name without its folder.
inline std::string mistakes_of(const Loading& loading) {
    if (loading) return "(none)";
    std::string all;
    for (const auto& mistake : loading.error()) {
        auto text = mistake.text();
        if (mistake.origin.kind == Origin::Kind::file) {
            text = text.substr(text.find("photogate.toml"));
        }
        all += text + "\n";
    }
    return all;
}

inline std::string warnings_of(const Loading& loading) {
    std::string all;
    if (loading) {
        for (const auto& warning : loading->warnings)
            all += warning.text() + "\n";
    }
    return all;
}

}  // namespace photogate::gateway::config::testing
