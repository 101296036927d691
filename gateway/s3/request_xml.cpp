#include "gateway/s3/request_xml.hpp"

#include "gateway/s3/request_documents.hpp"

namespace photogate::gateway::s3::xml {

std::string_view local(const char* name) {
    const std::string_view text{name};
    const auto colon = text.find(':');
    return colon == std::string_view::npos ? text : text.substr(colon + 1);
}

pugi::xml_node root_of(pugi::xml_document& document, std::string_view text, std::string_view name) {
    if (text.size() > kMostRequestDocument || text.find("<!") != std::string_view::npos) return {};
    // White space is part of a key.
    const auto outcome = document.load_buffer(
        text.data(), text.size(), pugi::parse_default | pugi::parse_ws_pcdata_single, pugi::encoding_utf8);
    if (!outcome || local(document.document_element().name()) != name) return {};
    return document.document_element();
}

pugi::xml_node child(pugi::xml_node parent, std::string_view name) {
    for (const pugi::xml_node each : parent.children()) {
        if (local(each.name()) == name) return each;
    }
    return {};
}

std::string_view text_of(pugi::xml_node parent, std::string_view name) {
    return child(parent, name).child_value();
}

}  // namespace photogate::gateway::s3::xml
