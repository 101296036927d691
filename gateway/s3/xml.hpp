// Writes S3's responses as XML: elements in the order written, text escaped. request_documents.hpp parses requests.
//
// Thread safety: one document, one thread.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace photogate::gateway::s3 {

class Xml {
  public:
    /// Begins the document: `<?xml …?><ListBucketResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/">`.
    explicit Xml(std::string_view root);
    /// Without the namespace, as for errors.
    static Xml plain(std::string_view root);

    Xml& open(std::string_view name);
    /// `<name attributes>`; the attributes are written as they are.
    Xml& open_with(std::string_view name, std::string_view attributes);
    Xml& close();
    /// `<name>text</name>`
    Xml& add(std::string_view name, std::string_view text);
    Xml& add(std::string_view name, std::uint64_t number);
    /// Inside the innermost open element.
    Xml& text(std::string_view text);
    /// Closes all open elements.
    std::string done();

  private:
    Xml() = default;
    void escape(std::string_view text);
    std::string out_;
    std::vector<std::string> open_;
};

}  // namespace photogate::gateway::s3
