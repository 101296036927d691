#include "gateway/cli/sign_options.hpp"

#include <CLI/CLI.hpp>

namespace photogate::gateway::cli {

void add_sign_options(CLI::App& sub, SignArguments& a, SignedAs what) {
    const bool form = what == SignedAs::form;
    sub.add_option("--endpoint", a.endpoint, "The store: http(s)://host[:port] [S3_ENDPOINT]")
        ->type_name("URL");
    sub.add_option("--region", a.region, "[AWS_REGION, else us-east-1]")->type_name("REGION");
    sub.add_option("--bucket", a.bucket, "The bucket")->type_name("BUCKET");
    sub.add_option("--key", a.key, "The object's key, not encoded")->type_name("KEY");
    sub.add_option("--expires", a.expires, "Seconds, 1 to 604800 [900]")->type_name("SECONDS");
    sub.add_option("--header", a.headers,
                   form ? "'Name: value', a field of the form" : "'Name: value', which the client must send")
        ->allow_extra_args(false)
        ->type_name("HEADER");
    sub.add_option("--at", a.at, "The time of signing [now]")->type_name("20261120T123456Z");
    sub.add_option("--style", a.style, "path or virtual-host [path]")->type_name("STYLE");
    if (form) {
        sub.add_option("--content-length-range", a.content_length_range, "The file's size in bytes")
            ->type_name("MIN,MAX");
    } else {
        sub.add_option("--query", a.query, "name=value, not encoded")
            ->allow_extra_args(false)
            ->type_name("PARAMETER");
        sub.add_flag_callback(
            "--json", [&a] { a.output = SignArguments::Output::json; },
            "Print method, URL and headers as JSON");
    }
}

}  // namespace photogate::gateway::cli
