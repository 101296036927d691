#include "client/minio/minio_tool.hpp"

#include <cerrno>
#include <cstdlib>
#include <fstream>
#include <iterator>

#include <fcntl.h>
#include <fmt/format.h>

#include "base/child_process.hpp"
#include "base/file.hpp"
#include "base/json/writer.hpp"
#include "client/json_text.hpp"

namespace photogate::client::minio {
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

}  // namespace

Result<MinioTool> MinioTool::open(std::filesystem::path program,
                                  const std::map<std::string, Alias>& aliases) {
    auto pattern = (std::filesystem::temp_directory_path() / "photogate-setup-XXXXXX").string();
    if (::mkdtemp(pattern.data()) == nullptr) return fail(file_failure(pattern, errno));
    MinioTool tool{std::move(program), pattern};
    if (const auto written = tool.file("config.json", configuration_of(aliases)); !written)
        return fail(written.error());
    return tool;
}

MinioTool::MinioTool(MinioTool&& other) noexcept
    : program_(std::move(other.program_)), folder_(std::exchange(other.folder_, {})) {}

MinioTool::~MinioTool() {
    std::error_code ignored;
    if (!folder_.empty()) std::filesystem::remove_all(folder_, ignored);
}

Result<std::filesystem::path> MinioTool::file(const std::string& name, const std::string& text) const {
    auto path = folder_ / name;
    if (auto written = write_private_file(path, text); !written) return fail(written.error());
    return path;
}

Result<std::vector<json::Value>> MinioTool::run(const std::vector<std::string>& arguments,
                                                const std::optional<Secret>& input) const {
    Command command;
    command.arguments = {program_.string(), "--config-dir", folder_.string(), "--json", "--quiet"};
    command.arguments.insert(command.arguments.end(), arguments.begin(), arguments.end());
    command.environment = {"HOME=" + folder_.string(), "PATH=/usr/bin:/bin"};
    Descriptor in;
    if (input) {
        const auto path = file("input", std::string{input->reveal()} + "\n");
        if (!path) return fail(path.error());
        in = Descriptor{::open(path->c_str(), O_RDONLY | O_CLOEXEC)};
        std::error_code ignored;
        std::filesystem::remove(*path, ignored);
        if (!in) return fail(file_failure(path->string(), errno));
    }
    const auto printed = folder_ / "output";
    const Descriptor out{::open(printed.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600)};
    if (!out) return fail(file_failure(printed.string(), errno));
    auto child = ChildProcess::start(command, {input ? &in : nullptr, &out});
    if (!child) return fail(child.error());
    const auto status = child->wait();

    std::ifstream stream{printed};
    std::vector<json::Value> lines;
    std::string said;
    std::size_t read = 0;
    for (std::string line; read < kMostOutput && std::getline(stream, line); read += line.size()) {
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

}  // namespace photogate::client::minio
