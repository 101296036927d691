// The pages, embedded at build time: plain ES modules, style sheets and openapi.json.
//
// This module does not serve them (gateway/routes/page_routes.cpp does), and knows no route.
//
// Thread safety: constants.
#pragma once

#include <optional>
#include <string_view>
#include <vector>

namespace photogate::web {

struct PageFile {
    std::string_view name;  ///< `upload.html`
    std::string_view text;
};

/// Sorted by name. Generated at build time by embed_pages.cmake.
const std::vector<PageFile>& page_files();

std::optional<std::string_view> find_page(std::string_view name);

/// `text/javascript; charset=utf-8`, by the name's ending.
std::string_view media_type(std::string_view name);

}  // namespace photogate::web
