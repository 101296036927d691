// Beast's parser of HTTP/1.1 requests (RFC 9112), with callbacks that do nothing: its users override those that
// they need. parse_head.cpp reads heads with it, chunked_decoder.hpp chunked bodies; each adds the rules that
// Beast does not have.
//
// basic_parser is used, not request_parser: fields go straight into RequestHeaders, one block of memory, rather
// than into one allocation each, and nothing is kept between requests.
//
// Thread safety: one message, one thread.
#pragma once

#include <cstdint>

#include <boost/beast/http/basic_parser.hpp>
#include <boost/beast/http/error.hpp>

namespace photogate::gateway::http {

class MessageParser : public boost::beast::http::basic_parser<true> {
  protected:
    using Code = boost::system::error_code;
    using Text = boost::beast::string_view;

    void on_request_impl(boost::beast::http::verb, Text, Text, int, Code&) override {}
    void on_response_impl(int, Text, int, Code&) override {}
    void on_field_impl(boost::beast::http::field, Text, Text, Code&) override {}
    void on_header_impl(Code&) override {}
    void on_body_init_impl(const boost::optional<std::uint64_t>&, Code&) override {}
    std::size_t on_body_impl(Text body, Code&) override { return body.size(); }
    void on_chunk_header_impl(std::uint64_t, Text, Code&) override {}
    std::size_t on_chunk_body_impl(std::uint64_t, Text body, Code&) override { return body.size(); }
    void on_finish_impl(Code&) override {}
};

}  // namespace photogate::gateway::http
