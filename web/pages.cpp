#include "web/pages.hpp"

namespace photogate::web {

std::optional<std::string_view> find_page(std::string_view name) {
    for (const auto& file : page_files()) {
        if (file.name == name) return file.text;
    }
    return std::nullopt;
}

std::string_view media_type(std::string_view name) {
    if (name.ends_with(".html")) return "text/html; charset=utf-8";
    if (name.ends_with(".css")) return "text/css; charset=utf-8";
    if (name.ends_with(".js")) return "text/javascript; charset=utf-8";
    if (name.ends_with(".svg")) return "image/svg+xml";
    if (name.ends_with(".json")) return "application/json; charset=utf-8";
    return "application/octet-stream";
}

}  // namespace photogate::web
