// `photogate sign`: one presigned URL or POST form, signed with the credentials in the AWS_* variables, to
// compare with other signers.
//
// It opens no connection. Thread safety: pure functions.
#pragma once

#include <chrono>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/result.hpp"
#include "base/time.hpp"

namespace photogate::gateway::cli {

/// The command line's values.
struct SignArguments {
    std::string method;  ///< get, put, head, delete, post
    std::string endpoint;
    std::string region;
    std::string bucket;
    std::string key;
    std::string style = "path";
    std::uint64_t expires = 900;       ///< seconds
    std::string at;                    ///< `20261120T123456Z`; empty: now
    std::vector<std::string> headers;  ///< `Name: value`
    std::vector<std::string> query;    ///< `name=value`
    std::string content_length_range;  ///< post: `MIN,MAX`
    enum class Output { url, json } output = Output::url;
};

/// The text to print, with its line break. Errors: the mistake in an argument or a variable.
Result<std::string> sign(const SignArguments& arguments,
                         const std::map<std::string, std::string>& environment, Timestamp now);

/// `20261120T123456Z`
std::optional<Timestamp> parse_basic_timestamp(std::string_view text);

}  // namespace photogate::gateway::cli
