#include <unordered_set>
#include <vector>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "base/json/guard.hpp"

namespace photogate::json {
namespace {

using nlohmann::json;

class Guard {
  public:
    explicit Guard(const Bounds& bounds) : bounds_(bounds) {}

    bool null() { return node(); }
    bool boolean(bool) { return node(); }
    bool number_integer(json::number_integer_t) { return node(); }
    bool number_unsigned(json::number_unsigned_t) { return node(); }
    bool number_float(json::number_float_t, const json::string_t&) { return node(); }
    bool string(json::string_t&) { return node(); }
    bool binary(json::binary_t&) { return node(); }
    bool start_object(std::size_t) { return open(Kind::object); }
    bool start_array(std::size_t) { return open(Kind::array); }
    bool end_object() { return close(); }
    bool end_array() { return close(); }

    bool key(json::string_t& name) {
        if (++nodes_ > bounds_.nodes) return refuse("it has too many members");
        auto& frame = frames_.back();
        frame.name = name;
        if (frame.seen.insert(name).second) return true;
        if (!bounds_.independent_elements.empty() && frames_.size() >= 3 && frames_[0].kind == Kind::object &&
            frames_[0].name == bounds_.independent_elements && frames_[1].kind == Kind::array) {
            findings_.ambiguous_elements.insert(frames_[1].elements - 1);
            return true;
        }
        return refuse("a member appears twice");
    }

    bool parse_error(std::size_t at, const std::string&, const json::exception&) {
        return refuse(fmt::format("it is not JSON from byte {} on", at));
    }

    Findings take() { return std::move(findings_); }

  private:
    enum class Kind { object, array };
    struct Frame {
        Kind kind;
        std::string name;  ///< of the member that is being read
        std::size_t elements = 0;
        std::unordered_set<std::string> seen;
    };

    bool refuse(std::string why) {
        if (!findings_.refusal) findings_.refusal = std::move(why);
        return false;
    }
    bool node() {
        if (!frames_.empty()) ++frames_.back().elements;
        return ++nodes_ <= bounds_.nodes || refuse("it has too many members");
    }
    bool open(Kind kind) {
        if (!node()) return false;
        if (frames_.size() >= bounds_.depth)
            return refuse(fmt::format("it is deeper than {} levels", bounds_.depth));
        frames_.push_back({kind, {}, 0, {}});
        return true;
    }
    bool close() {
        frames_.pop_back();
        return true;
    }

    Bounds bounds_;
    std::vector<Frame> frames_;
    std::size_t nodes_ = 0;
    Findings findings_;
};

}  // namespace

Findings look_over(std::string_view text, const Bounds& bounds) {
    if (text.size() > bounds.bytes) return {fmt::format("it is larger than {} bytes", bounds.bytes), {}};
    if (text.find_first_not_of(" \t\r\n") == std::string_view::npos) return {"it is empty", {}};
    Guard guard{bounds};
    if (!json::sax_parse(text.begin(), text.end(), &guard)) {
        auto findings = guard.take();
        if (!findings.refusal) findings.refusal = "it is not JSON";
        return findings;
    }
    return guard.take();
}

bool is_plain_object(std::string_view text, const Bounds& bounds) {
    const auto first = text.find_first_not_of(" \t\r\n");
    if (first == std::string_view::npos || text[first] != '{') return false;
    const auto findings = look_over(text, bounds);
    return !findings.refusal && findings.ambiguous_elements.empty();
}

}  // namespace photogate::json
