// Any bytes as untrusted JSON: an accepted document is JSON for another parser too, is bounded, and has each
// name once.
#include <algorithm>
#include <set>

#include <nlohmann/json.hpp>

#include "base/json/value.hpp"
#include "fuzz.hpp"

namespace photogate::json {
namespace {

using fuzz::require;

struct Walk {
    std::size_t nodes = 0;

    static void check_text(std::string_view text) {
        require(is_utf8(text) && text.find('\0') == std::string_view::npos, "a text is UTF-8 without NUL");
    }

    void check(const Value& value, std::size_t depth) {
        require(depth <= kRequestBounds.depth, "the depth is kept");
        ++nodes;
        if (const auto* text = value.text()) check_text(*text);
        if (const auto* array = value.array()) {
            for (const auto& item : *array)
                check(item, depth + 1);
        }
        if (const auto* object = value.object()) {
            std::set<std::string_view> names;
            for (const auto& [name, member] : *object) {
                check_text(name);
                require(names.insert(name).second, "a name stands once in an object");
                require(value.find(name) == &member, "a member is found by its name");
                check(member, depth + 1);
            }
        }
    }
};

void run(BytesView bytes) {
    const auto text = as_text(bytes);
    const auto value = read(text);
    if (!value) return;
    require(nlohmann::json::accept(text), "another reader takes what we take");
    Walk walk;
    walk.check(*value, 0);
    require(walk.nodes <= kRequestBounds.nodes, "the number of values is kept");
}

const fuzz::Target target{"json_document", run};

}  // namespace
}  // namespace photogate::json
