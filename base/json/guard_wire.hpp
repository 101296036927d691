// The guard that every JSON text passes: a SAX handler of nlohmann's that holds a text to its bounds.
//
// A handler that builds values derives from it and calls the guard's function first. For this module's *_wire.cpp
// alone. Not thread safe.
#pragma once

#include <cstddef>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <unordered_set>
#include <utility>
#include <vector>

#include <nlohmann/json.hpp>

#include "base/json/guard.hpp"

namespace photogate::json {

enum class Fault { too_large, empty, not_json, too_deep, too_many_values, duplicate_name };

struct Refusal {
    Fault fault;
    std::size_t at = 0;  ///< of not_json: the byte
};

class Guard {
  public:
    explicit Guard(const Bounds& bounds) : bounds_(bounds) {}

    bool null() { return count(); }
    bool boolean(bool) { return count(); }
    bool number_integer(std::int64_t) { return count(); }
    bool number_unsigned(std::uint64_t) { return count(); }
    bool number_float(double, const std::string&) { return count(); }
    bool string(std::string&) { return count(); }
    bool binary(nlohmann::json::binary_t&) { return refuse({Fault::not_json}); }
    bool start_object(std::size_t) { return open(Kind::object); }
    bool start_array(std::size_t) { return open(Kind::array); }
    bool end_object() { return close(); }
    bool end_array() { return close(); }
    bool key(const std::string& name);
    bool parse_error(std::size_t at, const std::string&, const nlohmann::json::exception&) {
        return refuse({Fault::not_json, at});
    }

    const std::optional<Refusal>& refusal() const { return refusal_; }
    /// Findings::ambiguous_elements.
    std::set<std::size_t> take_ambiguous() { return std::move(ambiguous_); }

  private:
    enum class Kind { object, array };

    /// The names of one object. Most have a few, which need no hash table.
    class Names {
      public:
        /// False where it is there already.
        bool add(const std::string& name);

      private:
        std::vector<std::string> few_;
        std::unordered_set<std::string> many_;
    };

    struct Frame {
        Kind kind;
        std::size_t elements = 0;
        Names names = {};
    };

    bool refuse(Refusal refusal);
    bool count();
    bool open(Kind kind);
    bool close();

    const Bounds& bounds_;
    std::vector<Frame> frames_;
    bool independent_ = false;  ///< in the member Bounds::independent_elements
    std::size_t nodes_ = 0;
    std::optional<Refusal> refusal_;
    std::set<std::size_t> ambiguous_;
};

/// Runs a Guard, or what derives from it, over the text.
template <class Handler>
std::optional<Refusal> parse(std::string_view text, const Bounds& bounds, Handler& handler) {
    if (text.size() > bounds.bytes) return Refusal{Fault::too_large};
    if (text.find_first_not_of(" \t\r\n") == std::string_view::npos) return Refusal{Fault::empty};
    const bool parsed = nlohmann::json::sax_parse(text.begin(), text.end(), &handler);
    if (!parsed && !handler.refusal()) return Refusal{Fault::not_json};
    return handler.refusal();
}

}  // namespace photogate::json
