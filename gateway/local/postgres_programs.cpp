#include "gateway/local/postgres_programs.hpp"

#include <algorithm>
#include <charconv>
#include <cstdlib>
#include <string>
#include <system_error>

#include <fmt/format.h>
#include <unistd.h>

#include "base/ascii.hpp"
#include "base/child_process.hpp"

namespace photogate::gateway::local {
namespace {

namespace fs = std::filesystem;

bool has_programs(const fs::path& folder) {
    return ::access((folder / "initdb").c_str(), X_OK) == 0;
}

int version_of_programs(const fs::path& folder) {
    const auto said = run_command({.arguments = {(folder / "postgres").string(), "--version"}});
    return said && said->exit_code == 0 ? postgres_version(said->output) : 0;
}

std::string versions_of(const std::vector<PostgresPrograms>& programs) {
    std::string text;
    for (const auto& each : programs)
        text += fmt::format("{}{}", text.empty() ? "" : ", ", each.version);
    return text;
}

}  // namespace

int postgres_version(std::string_view text) {
    const auto first = std::find_if(text.begin(), text.end(), ascii::is_digit);
    int version = 0;
    std::from_chars(text.data() + (first - text.begin()), text.data() + text.size(), version);
    return version;
}

std::vector<PostgresPrograms> installed_programs() {
    std::vector<PostgresPrograms> found;
    std::error_code ignored;
    for (const auto& entry : fs::directory_iterator("/usr/lib/postgresql", ignored)) {
        const auto folder = entry.path() / "bin";
        if (has_programs(folder))
            found.push_back({postgres_version(entry.path().filename().string()), folder});
    }
    std::sort(found.begin(), found.end(),
              [](const auto& one, const auto& other) { return one.version > other.version; });
    const char* wanted = std::getenv("PG_BINDIR");
    if (wanted != nullptr && has_programs(wanted))
        found.insert(found.begin(), {version_of_programs(wanted), wanted});
    return found;
}

Result<PostgresPrograms> choose_programs(const std::vector<PostgresPrograms>& installed,
                                         std::optional<int> of_cluster, const fs::path& folder) {
    if (installed.empty()) {
        return fail(
            ErrorCode::database_unavailable,
            fmt::format("PostgreSQL is not installed: apt install postgresql-{}, or give database.url",
                        of_cluster.value_or(15)));
    }
    if (!of_cluster) return installed.front();
    const auto same = std::find_if(installed.begin(), installed.end(),
                                   [&](const auto& each) { return each.version == *of_cluster; });
    if (same != installed.end()) return *same;
    return fail(
        ErrorCode::database_unavailable,
        fmt::format(
            "the database in {} was made by PostgreSQL {}, and PostgreSQL {} is installed, which can't read "
            "it: apt install postgresql-{}, or move it (docs/upgrading.md, \"Another PostgreSQL\"). "
            "Nothing was changed",
            folder.string(), *of_cluster, versions_of(installed), *of_cluster));
}

}  // namespace photogate::gateway::local
