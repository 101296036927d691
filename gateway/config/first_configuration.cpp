#include "gateway/config/first_configuration.hpp"

#include <array>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <system_error>

#include <fmt/format.h>

#include "base/encoding.hpp"
#include "base/file.hpp"
#include "base/owned_folder.hpp"
#include "gateway/config/api_key.hpp"

namespace photogate::gateway::config {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kApp = "demo";
constexpr std::string_view kOperator = "operator";

constexpr std::string_view kText =
    R"(# Everything on this machine, made by the first `photogate all` in this folder. It is yours now: photogate does not
# change it again. docs/configuration.md has every option; `photogate config show` says what is in force.

[server]
listen = ["127.0.0.1:8080"]
metrics_listen = "127.0.0.1:9180"
public_url = "http://127.0.0.1:8080"

# A PostgreSQL of photogate's own. For one elsewhere: url = "postgresql://user@host/name"
[database]
folder = "{folder}/postgres"

# The built-in store, for one machine. For MinIO, Ceph or AWS: a table [regions.default] with an endpoint.
[store]
folder = "{folder}/store"
listen = "127.0.0.1:9000"

# Receivers of callbacks on this machine, which photogate otherwise refuses to call.
[callbacks]
allowed_networks = ["127.0.0.0/8"]
allowed_hosts = ["127.0.0.1:*", "localhost:*"]
http_hosts = ["127.0.0.1", "localhost"]

# Its key is in {folder}/key.
[apps.{app}]
keys = ["{key_line}"]
callback_secrets = ["{secret}"]

[apps.{app}.profiles.photos]

# For the operations page; its key is in {folder}/operator.key.
[apps.{operator}]
role = "operator"
keys = ["{operator_line}"]
)";

std::string callback_secret(Random& random) {
    std::array<std::uint8_t, 32> bytes{};
    random.fill(std::as_writable_bytes(std::span{bytes}));
    return "whsec_" + base64(bytes);
}

/// A path as a TOML basic string takes it.
std::string quoted(const fs::path& path) {
    std::string text;
    for (const char letter : path.string()) {
        if (letter == '"' || letter == '\\') text += '\\';
        text += letter;
    }
    return text;
}

}  // namespace

Result<FirstConfiguration> first_configuration(const fs::path& folder, Random& random) {
    std::error_code error;
    const auto place = fs::absolute(folder, error).lexically_normal();
    FirstConfiguration made{place / kFirstFile, place / "key", FirstConfiguration::Was::made};
    const auto opened = OwnedFolder::open(place, {OwnedFolder::Missing::made, 0755, std::nullopt});
    if (!opened) return fail(opened.error());
    const auto there = opened->find_file(kFirstFile);
    if (!there) return fail(there.error());
    if (*there) {
        made.was = FirstConfiguration::Was::there;
        return made;
    }
    const auto app = AppName::trusted(std::string{kApp});
    const auto operators = AppName::trusted(std::string{kOperator});
    const auto key = make_api_key(app, random);
    const auto operator_key = make_api_key(operators, random);
    const auto text = fmt::format(kText, fmt::arg("folder", quoted(place)), fmt::arg("app", kApp),
                                  fmt::arg("operator", kOperator), fmt::arg("key_line", api_key_line(key)),
                                  fmt::arg("secret", callback_secret(random)),
                                  fmt::arg("operator_line", api_key_line(operator_key)));
    // The configuration last: where it is, the keys are.
    const std::pair<fs::path, std::string> files[] = {
        {made.key_file, std::string{key.reveal()} + "\n"},
        {place / "operator.key", std::string{operator_key.reveal()} + "\n"},
        {made.file, text}};
    for (const auto& [path, content] : files) {
        if (auto written = write_private_file(path, content); !written) return fail(written.error());
    }
    return made;
}

}  // namespace photogate::gateway::config
