#include "client/setup/xml_text.hpp"

#include <gtest/gtest.h>

namespace photogate::client::setup {
namespace {

TEST(XmlText, paths_find_texts_and_elements) {
    const std::string xml =
        R"(<?xml version="1.0"?><A xmlns="urn:x"><B><C>1</C></B><B><C>2 &amp; 3</C></B><D/></A>)";
    EXPECT_EQ(text_in(xml, "A/B/C"), "1");
    EXPECT_EQ(texts_in(xml, "A/B/C"), (std::vector<std::string>{"1", "2 & 3"}));
    EXPECT_EQ(elements_in(xml, "A/B"),
              (std::vector<std::string>{"<B><C>1</C></B>", "<B><C>2 &amp; 3</C></B>"}));
    EXPECT_TRUE(has_element(xml, "A/D"));
    EXPECT_FALSE(has_element(xml, "A/E"));
}

TEST(XmlText, what_is_no_xml_or_declares_entities_has_nothing_in_it) {
    EXPECT_EQ(text_in("nothing", "A"), "");
    EXPECT_EQ(text_in("<A>", "A"), "");
    EXPECT_EQ(text_in(R"(<!DOCTYPE A [<!ENTITY e "x">]><A>&e;</A>)", "A"), "");
}

TEST(XmlText, a_document_is_put_together_of_elements) {
    const auto made = document_of("R", {"<A>" + escaped("<&>") + "</A>", "<A>2</A>"});
    EXPECT_EQ(texts_in(made, "R/A"), (std::vector<std::string>{"<&>", "2"}));
}

}  // namespace
}  // namespace photogate::client::setup
