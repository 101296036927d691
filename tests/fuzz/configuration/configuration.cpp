// Any bytes as the configuration file: its mistakes have their line, and the effective configuration can be
// printed and read again.
#include <algorithm>
#include <cstdlib>
#include <filesystem>

#include <fmt/format.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/file.hpp"
#include "fuzz.hpp"
#include "gateway/config/literal.hpp"
#include "gateway/config/load.hpp"
#include "gateway/config/show.hpp"
#include "gateway/config/toml_source.hpp"

namespace photogate::gateway::config {
namespace {

using fuzz::require;

/// A file that does not exist.
class MemoryFile {
  public:
    explicit MemoryFile(std::string_view text) : file_(::memfd_create("photogate.toml", MFD_CLOEXEC)) {
        require(file_ && ::write(file_.get(), text.data(), text.size()) == static_cast<ssize_t>(text.size()),
                "memory can be written");
    }
    std::filesystem::path path() const { return fmt::format("/proc/self/fd/{}", file_.get()); }

  private:
    Descriptor file_;
};

/// The fuzzer must not make the program open files of this machine.
bool names_a_file(const Entry& entry) {
    return !entry.path.empty() && entry.path.back().ends_with("_file");
}

void check_quoted(std::string_view text) {
    const auto entries = parse_toml("a = " + toml_quoted(text), "quoted");
    require(entries && entries->size() == 1 && (*entries)[0].value, "a quoted text is TOML");
    const auto* read = std::get_if<std::string>(&*(*entries)[0].value);
    require(read != nullptr && *read == to_valid_utf8(text), "a quoted text is the text");
}

void check_shown(const Loaded& loaded) {
    for (const auto origins : {Origins::hidden, Origins::shown}) {
        const auto entries = parse_toml(show(loaded, origins), "shown");
        require(entries.has_value(), "what is shown is TOML");
        const auto values = std::count_if(entries->begin(), entries->end(),
                                          [](const Entry& entry) { return entry.value.has_value(); });
        const auto settings = std::count_if(loaded.settings.begin(), loaded.settings.end(),
                                            [](const Setting& setting) { return !setting.literal.empty(); });
        require(values == settings, "what is shown is every setting once");
    }
}

void run(BytesView bytes) {
    const auto text = as_text(bytes);
    check_quoted(text);
    const auto entries = parse_toml(text, "photogate.toml");
    if (!entries) {
        require(!entries.error().message.empty(), "a mistake is said");
        return;
    }
    if (std::any_of(entries->begin(), entries->end(), names_a_file)) return;
    const MemoryFile file{text};
    const auto loaded = load({{}, {}, file.path(), "/opt/photogate/bin/photogate"});
    if (!loaded) {
        require(!loaded.error().empty(), "what is not loaded has a mistake");
        return;
    }
    check_shown(*loaded);
}

const fuzz::Target target{"configuration", run};

}  // namespace
}  // namespace photogate::gateway::config
