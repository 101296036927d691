#include "gateway/config/first_configuration.hpp"

#include <array>
#include <cstdint>
#include <map>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <system_error>
#include <vector>

#include <fmt/format.h>

#include "base/encoding.hpp"
#include "base/endpoint.hpp"
#include "base/file.hpp"
#include "base/owned_folder.hpp"
#include "gateway/access/api_key.hpp"
#include "gateway/config/listen_address.hpp"
#include "gateway/config/literal.hpp"
#include "gateway/config/options.hpp"
#include "gateway/config/overrides.hpp"
#include "gateway/config/paths.hpp"

namespace photogate::gateway::config {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kOperator = "operator";
constexpr std::string_view kAppTable = "apps.demo";
constexpr std::string_view kRegionTable = "regions.default";

constexpr std::string_view kHead =
    R"(# Everything on this machine, made by the first `photogate all` in this folder. It is yours now: photogate does not
# change it again. docs/configuration.md has every option; `photogate config show` says what is in force. Paths are
# relative to this file, so that the folder can be moved.
)";

std::string callback_secret(Random& random) {
    std::array<std::uint8_t, 32> bytes{};
    random.fill(std::as_writable_bytes(std::span{bytes}));
    return "whsec_" + base64(bytes);
}

/// The one text of a literal, or of a list's first item.
std::string text_of(std::string_view literal) {
    const auto begin = literal.find('"');
    const auto end = begin == std::string_view::npos ? begin : literal.find('"', begin + 1);
    return end == std::string_view::npos ? std::string{}
                                         : std::string{literal.substr(begin + 1, end - begin - 1)};
}

bool is_everywhere(const std::string& host) {
    return host == "0.0.0.0" || host == "::" || host == "localhost";
}

/// Writes the file table by table: the overrides, and the first configuration's own values.
class Draft {
  public:
    explicit Draft(std::map<std::string, std::string> overrides) : overrides_(std::move(overrides)) {}

    std::optional<std::string> override_of(const std::string& key) const {
        const auto found = overrides_.find(key);
        if (found == overrides_.end()) return std::nullopt;
        return found->second;
    }

    void comment(std::string_view text) { text_ += fmt::format("\n# {}", text); }
    void table(std::string_view name) {
        text_ += fmt::format("\n[{}]\n", name);
        table_ = name;
    }
    /// The override, else `literal`.
    void line(std::string_view key, const std::string& literal) {
        const auto full = table_ + "." + std::string{key};
        text_ += fmt::format("{} = {}\n", key, override_of(full).value_or(literal));
        written_.insert(full);
    }
    /// The table's overrides that are not written yet.
    void rest() {
        for (const auto& [full, literal] : overrides_) {
            if (table_of(full) == table_ && written_.insert(full).second)
                text_ += fmt::format("{} = {}\n", full.substr(table_.size() + 1), literal);
        }
    }
    void leave_out(const std::string& key) { written_.insert(key); }
    /// Tables with overrides that have no place of their own in the file.
    void other_tables() {
        std::set<std::string> names;
        for (const auto& [full, literal] : overrides_) {
            if (!written_.contains(full)) names.insert(table_of(full));
        }
        for (const auto& name : names) {
            if (name.empty()) continue;
            table(name);
            rest();
        }
    }
    /// The options above every table.
    std::string top() const {
        std::string all;
        for (const auto& [full, literal] : overrides_) {
            if (table_of(full).empty()) all += fmt::format("{} = {}\n", full, literal);
        }
        return all;
    }
    const std::string& text() const { return text_; }

  private:
    static std::string table_of(const std::string& full) {
        const auto dot = full.rfind('.');
        return dot == std::string::npos ? std::string{} : full.substr(0, dot);
    }

    std::map<std::string, std::string> overrides_;
    std::set<std::string> written_;
    std::string table_;
    std::string text_;
};

/// `http://` and what this machine reaches the listener by.
std::string url_of(const std::string& listen) {
    auto address = parse_listen_address(listen);
    if (!address) return "http://" + listen;
    if (is_everywhere(address->host)) address->host = "127.0.0.1";
    return "http://" + address->text();
}

void write_server(Draft& draft) {
    const auto listen = draft.override_of("server.listen").value_or(R"(["127.0.0.1:8080"])");
    draft.table("server");
    draft.line("listen", listen);
    draft.line("metrics_listen", R"("127.0.0.1:9180")");
    const auto url = url_of(text_of(listen));
    if (draft.override_of("server.public_url") || !url.ends_with(":0"))
        draft.line("public_url", toml_quoted(url));
    draft.rest();
}

void write_stores(Draft& draft) {
    draft.comment(
        R"(A PostgreSQL of photogate's own. For one elsewhere: url = "postgresql://user@host/name")");
    draft.table("database");
    draft.line("folder", R"("postgres")");
    draft.rest();
    const auto endpoint = draft.override_of(std::string{kRegionTable} + ".endpoint");
    draft.leave_out("store.folder");
    if (!endpoint) {
        draft.comment(
            "The built-in store, for one machine. For MinIO, Ceph or AWS: a table [regions.default] with an "
            "endpoint.");
        draft.table("store");
        const auto folder = draft.override_of("store.folder");
        draft.line("folder", !folder || *folder == R"("")" ? R"("store")" : *folder);
        draft.line("listen", R"("127.0.0.1:9000")");
        draft.rest();
        return;
    }
    draft.comment(
        "The secret keys come from PHOTOGATE_S3_SIGNER_SECRET_KEY and PHOTOGATE_S3_WORKER_SECRET_KEY, or "
        "from files:");
    draft.comment(R"(signer_secret_key_file = "signer_secret", worker_secret_key_file = "worker_secret")");
    draft.table(kRegionTable);
    draft.line("endpoint", *endpoint);
    draft.rest();
}

/// The receiver on this machine that the app's callback URL names, and no other port.
void write_callbacks(Draft& draft) {
    const auto url = draft.override_of(std::string{kAppTable} + ".callback_url");
    const auto text = url ? text_of(*url) : std::string{};
    const auto scheme = text.find("://");
    const auto end = text.find_first_of("/?#", scheme == std::string::npos ? 0 : scheme + 3);
    const auto receiver = parse_endpoint(text.substr(0, end));
    const bool here = receiver && (receiver->host == "localhost" || receiver->host.starts_with("127.") ||
                                   receiver->host == "[::1]");
    if (!here) {
        draft.comment(
            "Receivers of callbacks on this machine are refused unless they are named: docs/callbacks.md.\n");
        return;
    }
    const auto named =
        fmt::format("[{}]", toml_quoted(fmt::format("{}:{}", receiver->host, receiver->effective_port())));
    const std::string networks = receiver->host == "localhost" ? R"(["127.0.0.1/32", "::1/128"])"
                                 : receiver->host == "[::1]"   ? R"(["::1/128"])"
                                                               : fmt::format("[\"{}/32\"]", receiver->host);
    draft.comment(
        "The receiver of callbacks on this machine: photogate refuses to call any other port of it.");
    draft.table("callbacks");
    draft.line("allowed_networks", networks);
    draft.line("allowed_hosts", named);
    draft.line("http_hosts", named);
    draft.rest();
}

void write_apps(Draft& draft, const FirstConfiguration& made, Random& random) {
    draft.comment("Its key is in the file `key` beside this one.");
    draft.table(kAppTable);
    draft.line("keys", fmt::format("[{}]", toml_quoted(access::api_key_line(made.key))));
    draft.line("callback_secrets", fmt::format("[{}]", toml_quoted(callback_secret(random))));
    draft.rest();
    draft.table(fmt::format("{}.profiles.photos", kAppTable));
    draft.comment("For the operations page; its key is in the file `operator.key` beside this one.");
    draft.table(fmt::format("apps.{}", kOperator));
    draft.line("role", R"("operator")");
    draft.line("keys", fmt::format("[{}]", toml_quoted(access::api_key_line(made.operator_key))));
}

}  // namespace

Result<std::optional<FirstConfiguration>> plan_first_configuration(const Sources& sources, Random& random) {
    const auto place = absolute_path(sources.folder);
    std::error_code ignored;
    if (fs::exists(fs::symlink_status(place, ignored))) {
        const auto opened = OwnedFolder::open(place, OwnedFolder::Options{});
        if (!opened) return fail(opened.error());
        const auto there = opened->find_file(kFirstFile);
        if (!there) return fail(there.error());
        if (*there) return std::nullopt;
    }
    FirstConfiguration made{place / kFirstFile,
                            place / "key",
                            place / "operator.key",
                            {},
                            access::make_api_key(AppName::trusted(kFirstApp), random),
                            access::make_api_key(AppName::trusted(std::string{kOperator}), random)};
    Draft draft{override_literals(sources, {{"apps.*", kFirstApp}, {"regions.*", "default"}})};
    write_server(draft);
    write_stores(draft);
    write_callbacks(draft);
    write_apps(draft, made, random);
    draft.other_tables();
    made.text = std::string{kHead} + draft.top() + draft.text();
    return made;
}

Result<> write(const FirstConfiguration& planned) {
    const auto folder = planned.file.parent_path();
    const auto opened = OwnedFolder::open(folder, {OwnedFolder::Missing::made, 0755, std::nullopt});
    if (!opened) return fail(opened.error());
    // The configuration last: where it is, the keys are.
    const std::pair<fs::path, std::string> files[] = {
        {planned.key_file, std::string{planned.key.reveal()} + "\n"},
        {planned.operator_key_file, std::string{planned.operator_key.reveal()} + "\n"},
        {planned.file, planned.text}};
    for (const auto& [path, content] : files) {
        if (auto written = write_private_file(path, content); !written) return fail(written.error());
    }
    return {};
}

}  // namespace photogate::gateway::config
