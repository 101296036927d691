#include "client/setup/xml_text.hpp"

#include <pugixml.hpp>

namespace photogate::client::setup {
namespace {

std::vector<pugi::xml_node> nodes_in(const pugi::xml_document& document, std::string_view path) {
    std::vector<pugi::xml_node> found{document};
    while (!path.empty()) {
        const auto slash = path.find('/');
        const std::string name{path.substr(0, slash)};
        path = slash == std::string_view::npos ? std::string_view{} : path.substr(slash + 1);
        std::vector<pugi::xml_node> next;
        for (const auto& node : found) {
            for (const auto& child : node.children(name.c_str()))
                next.push_back(child);
        }
        found = std::move(next);
    }
    return found;
}

bool load(pugi::xml_document& document, std::string_view xml) {
    return xml.find("<!") == std::string_view::npos &&
           document.load_buffer(xml.data(), xml.size(), pugi::parse_default, pugi::encoding_utf8);
}

std::string printed(const pugi::xml_node& node) {
    struct Writer final : pugi::xml_writer {
        std::string text;
        void write(const void* data, std::size_t size) override {
            text.append(static_cast<const char*>(data), size);
        }
    } writer;
    node.print(writer, "", pugi::format_raw, pugi::encoding_utf8);
    return std::move(writer.text);
}

}  // namespace

std::vector<std::string> texts_in(std::string_view xml, std::string_view path) {
    pugi::xml_document document;
    std::vector<std::string> texts;
    if (!load(document, xml)) return texts;
    for (const auto& node : nodes_in(document, path))
        texts.emplace_back(node.child_value());
    return texts;
}

std::string text_in(std::string_view xml, std::string_view path) {
    auto texts = texts_in(xml, path);
    return texts.empty() ? std::string{} : std::move(texts.front());
}

std::vector<std::string> elements_in(std::string_view xml, std::string_view path) {
    pugi::xml_document document;
    std::vector<std::string> elements;
    if (!load(document, xml)) return elements;
    for (const auto& node : nodes_in(document, path))
        elements.push_back(printed(node));
    return elements;
}

bool has_element(std::string_view xml, std::string_view path) {
    return !texts_in(xml, path).empty();
}

std::string document_of(std::string_view root, const std::vector<std::string>& elements) {
    std::string text = "<" + std::string{root} + R"( xmlns="http://s3.amazonaws.com/doc/2006-03-01/">)";
    for (const auto& element : elements)
        text += element;
    return text + "</" + std::string{root} + ">";
}

std::string escaped(std::string_view text) {
    std::string out;
    for (const char c : text) {
        switch (c) {
            case '&':
                out += "&amp;";
                break;
            case '<':
                out += "&lt;";
                break;
            case '>':
                out += "&gt;";
                break;
            default:
                out += c;
        }
    }
    return out;
}

}  // namespace photogate::client::setup
