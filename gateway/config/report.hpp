// Where a value came from, and everything that is wrong with a configuration, said at once.
//
// Thread safety: values.
#pragma once

#include <cstddef>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace photogate::gateway::config {

struct Origin {
    enum class Kind { standard, file, environment, flag };
    Kind kind = Kind::standard;
    std::string name;      ///< the file's path, the variable, or the flag with its dashes
    std::size_t line = 0;  ///< of a file, from 1

    /// `photogate.toml:12`, `environment PHOTOGATE_LOG_LEVEL`, `flag --log-level`, `default`.
    std::string text() const;
};

struct Mistake {
    Origin origin;
    std::string message;   ///< never a secret
    std::string key = {};  ///< the option or table that it is about; empty: none
    /// `photogate.toml:12: server.io_threads is 0, but must be 1 to 256`
    std::string text() const;
};

/// Collects while the configuration is read; knows where each key's value came from.
class Report {
  public:
    /// The value of `key` in force came from there.
    void came_from(const std::string& key, Origin origin) { origins_[key] = std::move(origin); }
    bool given(const std::string& key) const { return origins_.contains(key); }
    /// The key's origin; else that of the nearest table around it; else `default`.
    Origin origin(const std::string& key) const;

    void mistake(Origin origin, std::string message, std::string key = {}) {
        mistakes_.push_back({std::move(origin), std::move(message), std::move(key)});
    }
    /// `<key> <clause>`, at the key's origin.
    void mistake(const std::string& key, std::string_view clause);
    void warning(const std::string& key, std::string_view clause);
    void warning(Origin origin, std::string message) {
        warnings_.push_back({std::move(origin), std::move(message)});
    }

    /// Those of the file first, by line.
    std::vector<Mistake> mistakes() const;
    const std::vector<Mistake>& warnings() const { return warnings_; }

  private:
    std::map<std::string, Origin> origins_;
    std::vector<Mistake> mistakes_;
    std::vector<Mistake> warnings_;
};

/// The candidate that is most like `word`, at most `most` edits away (a swap is one); empty where there is
/// none.
std::string_view nearest(std::string_view word, const std::vector<std::string_view>& candidates,
                         std::size_t most);

}  // namespace photogate::gateway::config
