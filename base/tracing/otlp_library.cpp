#include "base/tracing/otlp_library.hpp"

#include <dlfcn.h>
#include <fmt/format.h>

#include "base/version.hpp"

namespace photogate::tracing {
namespace {

using Version = const char* (*)();
using Make = SpanSink* (*)(const ExporterOptions*);

tl::unexpected<Error> refuse(const std::string& file, std::string_view why) {
    return fail(ErrorCode::invalid_configuration,
                fmt::format("tracing.endpoint is set, and {} can't be loaded: {}", file, why));
}

}  // namespace

Result<std::unique_ptr<SpanSink>> load_exporter(const std::string& file, const ExporterOptions& options) {
    void* const library = ::dlopen(file.c_str(), RTLD_NOW | RTLD_LOCAL);
    if (library == nullptr) {
        const char* const why = ::dlerror();
        return refuse(file, fmt::format("{}. It is part of photogate where opentelemetry-cpp is installed "
                                        "(docs/tracing.md)",
                                        why != nullptr ? why : "no reason is known"));
    }
    const auto version = reinterpret_cast<Version>(::dlsym(library, "photogate_otlp_version"));
    const auto make = reinterpret_cast<Make>(::dlsym(library, "photogate_otlp_make"));
    if (version == nullptr || make == nullptr) return refuse(file, "it is something else");
    if (std::string_view{version()} != kVersion)
        return refuse(file, fmt::format("it is of version {}, and this is {}", version(), kVersion));
    std::unique_ptr<SpanSink> sink{make(&options)};
    if (!sink) return refuse(file, "the exporter could not be made");
    return sink;
}

}  // namespace photogate::tracing
