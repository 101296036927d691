// What lists have in common, inside this room.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "gateway/s3/address.hpp"
#include "gateway/s3/xml.hpp"

namespace photogate::gateway::s3 {

/// A number of the query, at most `most`; `fallback` (or `most`) where it is absent. Refusals:
/// InvalidArgument.
S3Result<std::uint32_t> read_count(const Address& address, std::string_view name, std::uint32_t most,
                                   std::optional<std::uint32_t> fallback = std::nullopt);

/// Keys as the list shows them: percent-encoded where `encoding-type=url` asks for it.
class KeyWriter {
  public:
    explicit KeyWriter(const Address& address);
    std::string operator()(std::string_view key) const;
    void say_encoding(Xml& xml) const;

  private:
    enum class Encoding { none, url };
    Encoding encoding_;
};

/// There is one owner of everything here.
void add_owner(Xml& xml, std::string_view element);

}  // namespace photogate::gateway::s3
