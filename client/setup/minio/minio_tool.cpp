#include "client/setup/minio/minio_tool.hpp"

#include <cerrno>
#include <cstdlib>
#include <sstream>
#include <utility>

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/child_process.hpp"
#include "base/file.hpp"
#include "base/json/writer.hpp"
#include "client/json_text.hpp"

namespace photogate::client::setup::minio {
namespace {

constexpr json::Bounds kToolBounds{.bytes = 1U << 20, .depth = 40, .nodes = 100'000};
constexpr std::size_t kMostOutput = 1U << 20;

std::string configuration_of(const std::map<std::string, Alias>& aliases) {
    json::Writer text;
    text.begin_object();
    text.name("version");
    text.text("10");
    text.name("aliases");
    text.begin_object();
    for (const auto& [name, alias] : aliases) {
        text.any_name(name);
        text.begin_object();
        text.name("url");
        text.text(alias.url);
        text.name("accessKey");
        text.text(alias.access_key);
        text.name("secretKey");
        text.text(alias.secret_key.reveal());
        text.name("api");
        text.text("s3v4");
        text.name("path");
        text.text("auto");
        text.end_object();
    }
    text.end_object();
    text.end_object();
    return text.take();
}

/// `NoSuchBucket: The specified bucket does not exist`, of a line with "status":"error".
std::string message_of(const json::Value& line) {
    const auto* error = line.find("error");
    if (error == nullptr) return {};
    const auto* cause = error->find("cause");
    if (cause == nullptr) return text_at(*error, "message");
    const auto* inner = cause->find("error");
    const auto code = inner != nullptr ? text_at(*inner, "Code") : std::string{};
    return code.empty() ? fmt::format("{} {}", text_at(*error, "message"), text_at(*cause, "message"))
                        : fmt::format("{}: {}", code, text_at(*cause, "message"));
}

/// A file that no disk has, at its beginning.
Result<Descriptor> in_memory(const char* name, std::string_view text) {
    Descriptor file{::memfd_create(name, MFD_CLOEXEC)};
    if (!file) return fail(file_failure(name, errno));
    if (::pwrite(file.get(), text.data(), text.size(), 0) != static_cast<ssize_t>(text.size()))
        return fail(file_failure(name, errno));
    return file;
}

/// The first megabyte of it.
std::string text_of(const Descriptor& file) {
    std::string text(kMostOutput, '\0');
    std::size_t size = 0;
    while (size < text.size()) {
        const auto read =
            ::pread(file.get(), text.data() + size, text.size() - size, static_cast<off_t>(size));
        if (read <= 0) break;
        size += static_cast<std::size_t>(read);
    }
    text.resize(size);
    return text;
}

}  // namespace

Result<MinioTool> MinioTool::open(std::filesystem::path program,
                                  const std::map<std::string, Alias>& aliases) {
    auto configuration = in_memory("photogate-setup-mc", configuration_of(aliases));
    if (!configuration) return fail(configuration.error());
    auto pattern = (std::filesystem::temp_directory_path() / "photogate-setup-XXXXXX").string();
    if (::mkdtemp(pattern.data()) == nullptr) return fail(file_failure(pattern, errno));
    const auto shown = fmt::format("/proc/{}/fd/{}", ::getpid(), configuration->get());
    MinioTool tool{std::move(program), pattern, std::move(*configuration)};
    const auto link = tool.folder_ / "config.json";
    if (::symlink(shown.c_str(), link.c_str()) != 0) return fail(file_failure(link.string(), errno));
    return tool;
}

MinioTool::MinioTool(MinioTool&& other) noexcept
    : program_(std::move(other.program_)),
      folder_(std::exchange(other.folder_, {})),
      configuration_(std::move(other.configuration_)) {}

MinioTool::~MinioTool() {
    std::error_code ignored;
    if (!folder_.empty()) std::filesystem::remove_all(folder_, ignored);
}

Result<std::vector<json::Value>> MinioTool::run(const std::vector<std::string>& arguments,
                                                const std::optional<Secret>& input) const {
    Command command;
    command.arguments = {program_.string(), "--config-dir", folder_.string(), "--json", "--quiet"};
    command.arguments.insert(command.arguments.end(), arguments.begin(), arguments.end());
    command.environment = {"HOME=" + folder_.string(), "PATH=/usr/bin:/bin"};
    // Whoever gives up capabilities may not look into the /proc of this process, where the configuration is.
    command.capabilities = Command::Capabilities::kept;
    Result<Descriptor> in{Descriptor{}};
    if (input) in = in_memory("photogate-setup-input", input->reveal());
    if (!in) return fail(in.error());
    const auto out = in_memory("photogate-setup-output", {});
    if (!out) return fail(out.error());
    auto child = ChildProcess::start(command, {input ? &*in : nullptr, &*out});
    if (!child) return fail(child.error());
    const auto status = child->wait();

    const auto printed = text_of(*out);
    std::istringstream stream{printed};
    std::vector<json::Value> lines;
    std::string said;
    for (std::string line; std::getline(stream, line);) {
        auto value = json::read(line, kToolBounds);
        if (!value || value->object() == nullptr) {
            if (said.empty()) said = line.substr(0, 200);
            continue;
        }
        if (text_at(*value, "status") == "error") said = message_of(*value);
        lines.push_back(std::move(*value));
    }
    if (status.code() == 0) return lines;
    const auto what = arguments.size() > 1 ? arguments.at(0) + " " + arguments.at(1) : arguments.at(0);
    return fail(ErrorCode::store_refused,
                said.empty() ? fmt::format("mc {}: {}", what, status.text()) : said);
}

}  // namespace photogate::client::setup::minio
