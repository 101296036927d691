#include "gateway/config/changes.hpp"

#include <algorithm>
#include <array>
#include <map>
#include <set>
#include <utility>

namespace photogate::gateway::config {
namespace {

constexpr std::array<std::string_view, 4> kCredentials{"signer_access_key", "signer_secret_key",
                                                       "worker_access_key", "worker_secret_key"};

using Place = std::pair<std::string, std::string>;  ///< table and key

std::string name_of(const Setting& setting) {
    return setting.table.empty() ? setting.key : setting.table + "." + setting.key;
}

bool is_same(const Setting& one, const Setting& other) {
    return one.literal == other.literal && one.whole.reveal() == other.whole.reveal();
}

std::map<Place, const Setting*> by_place(const std::vector<Setting>& settings) {
    std::map<Place, const Setting*> placed;
    for (const auto& setting : settings)
        placed.emplace(Place{setting.table, setting.key}, &setting);
    return placed;
}

std::set<std::string> tables_of(const std::vector<Setting>& settings) {
    std::set<std::string> tables;
    for (const auto& setting : settings)
        tables.insert(setting.table);
    return tables;
}

class Collector {
  public:
    void add(const std::string& name, bool at_once) {
        auto& names = at_once ? changes_.at_once : changes_.need_restart;
        if (std::find(names.begin(), names.end(), name) == names.end()) names.push_back(name);
    }
    Changes take() { return std::move(changes_); }

  private:
    Changes changes_;
};

}  // namespace

bool holds_at_once(std::string_view table, std::string_view key) {
    if (table.starts_with("apps.") || table == "log") return true;
    if (table == "server") return key == "token_secrets";
    if (table.starts_with("regions."))
        return std::find(kCredentials.begin(), kCredentials.end(), key) != kCredentials.end();
    return false;
}

Changes changes_between(const std::vector<Setting>& before, const std::vector<Setting>& after) {
    const auto earlier = by_place(before);
    const auto earlier_tables = tables_of(before);
    const auto later_tables = tables_of(after);
    Collector collector;
    // A region that comes or goes is a store that must be connected, whatever its credentials.
    const auto is_app = [](const std::string& table) { return table.starts_with("apps."); };
    for (const auto& setting : after) {
        if (!earlier_tables.contains(setting.table)) {
            collector.add(setting.table, is_app(setting.table));
            continue;
        }
        const auto found = earlier.find({setting.table, setting.key});
        if (found == earlier.end() || !is_same(*found->second, setting))
            collector.add(name_of(setting), holds_at_once(setting.table, setting.key));
    }
    for (const auto& setting : before) {
        if (!later_tables.contains(setting.table)) collector.add(setting.table, is_app(setting.table));
    }
    return collector.take();
}

}  // namespace photogate::gateway::config
