// Shared by the list operations; internal to this module.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "gateway/s3/address.hpp"
#include "gateway/s3/xml.hpp"

namespace photogate::gateway::s3 {

/// A number of the query, at most `most`; `fallback` (or `most`) if it is absent. Refusals: InvalidArgument.
S3Result<std::uint32_t> read_count(const Address& address, std::string_view name, std::uint32_t most,
                                   std::optional<std::uint32_t> fallback = std::nullopt);

/// Keys as listed: percent-encoded if `encoding-type=url` is set.
class KeyWriter {
  public:
    explicit KeyWriter(const Address& address);
    std::string operator()(std::string_view key) const;
    void say_encoding(Xml& xml) const;

  private:
    enum class Encoding { none, url };
    Encoding encoding_;
};

/// The store has a single owner.
void add_owner(Xml& xml, std::string_view element);

}  // namespace photogate::gateway::s3
