#include "imaging/members_wire.hpp"

namespace photogate::imaging::members {
namespace {

constexpr int kMaxDepth = 16;

}  // namespace

json parse(std::string_view text) {
    int depth = 0;
    const auto shallow = [&depth](int, json::parse_event_t event, json&) {
        if (event == json::parse_event_t::object_start || event == json::parse_event_t::array_start) {
            if (++depth > kMaxDepth) throw ProtocolError{"is nested too deeply"};
        }
        if (event == json::parse_event_t::object_end || event == json::parse_event_t::array_end) --depth;
        return true;
    };
    json parsed = json::parse(text.begin(), text.end(), shallow, /*allow_exceptions=*/false);
    if (!parsed.is_object()) throw ProtocolError{"is no JSON object"};
    return parsed;
}

const json& member(const json& object, const char* name) {
    if (!object.is_object()) throw ProtocolError{std::string(name) + " has no object around it"};
    const auto found = object.find(name);
    if (found == object.end()) throw ProtocolError{std::string(name) + " is missing"};
    return *found;
}

std::string text(const json& object, const char* name, std::size_t longest) {
    const json& value = member(object, name);
    if (!value.is_string()) throw ProtocolError{std::string(name) + " is no text"};
    auto found = value.get<std::string>();
    if (found.size() > longest) throw ProtocolError{std::string(name) + " is too long"};
    return found;
}

bool flag(const json& object, const char* name) {
    const json& value = member(object, name);
    if (!value.is_boolean()) throw ProtocolError{std::string(name) + " is neither true nor false"};
    return value.get<bool>();
}

Format format_member(const json& object, const char* name) {
    const auto found = parse_format(text(object, name, 16));
    if (!found) throw ProtocolError{std::string(name) + " is no format"};
    return *found;
}

std::string object_text(const json& object, const char* name, std::size_t longest) {
    auto found = text(object, name, longest);
    (void)parse(found);
    return found;
}

std::string dump(const json& value) {
    return value.dump(-1, ' ', false, json::error_handler_t::replace);
}

}  // namespace photogate::imaging::members
