#include "support.hpp"

#include <algorithm>
#include <array>
#include <chrono>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <iterator>
#include <map>
#include <sstream>
#include <thread>
#include <utility>

#include <unistd.h>

namespace photogate::imaging::testing {
namespace fs = std::filesystem;

Folder::Folder() {
    std::string name = (fs::temp_directory_path() / "photogate-imaging-XXXXXX").string();
    EXPECT_NE(::mkdtemp(name.data()), nullptr);
    path_ = name;
}

Folder::~Folder() {
    std::error_code ignored;
    fs::remove_all(path_, ignored);
}

std::string shell(const std::string& command) {
    std::string output;
    // Sanitizers' run-time options are for us, not for the tools.
    FILE* pipe = ::popen(("VIPS_WARNING=0 " + command + " 2>/dev/null").c_str(), "r");
    if (pipe == nullptr) {
        ADD_FAILURE() << "can't run " << command;
        return output;
    }
    std::array<char, 65536> chunk{};
    for (std::size_t got; (got = std::fread(chunk.data(), 1, chunk.size(), pipe)) > 0;)
        output.append(chunk.data(), got);
    const int status = ::pclose(pipe);
    EXPECT_EQ(status, 0) << command;
    return output;
}

void vips(const std::string& arguments) {
    (void)shell("vips " + arguments);
}

Bytes read_file(const fs::path& path) {
    std::ifstream file(path, std::ios::binary);
    EXPECT_TRUE(file.is_open()) << path;
    std::ostringstream text;  // the size of what /proc shows is not known before
    text << file.rdbuf();
    const BytesView bytes = as_bytes(text.view());
    return {bytes.begin(), bytes.end()};
}

void write_file(const fs::path& path, BytesView bytes) {
    std::ofstream file(path, std::ios::binary);
    file.write(reinterpret_cast<const char*>(bytes.data()), static_cast<std::streamsize>(bytes.size()));
    EXPECT_TRUE(file.good()) << path;
}

namespace {

void draw_photo(const Folder& folder, int width, int height) {
    const std::string size = std::to_string(width) + " " + std::to_string(height);
    const auto at = [&](const char* name) { return folder.file(name); };
    // Smooth clouds in three channels that differ, with a dark corner so that no turn looks like another.
    vips("perlin " + at("p1.v") + " " + size + " --cell-size 96 --seed 1");
    vips("perlin " + at("p2.v") + " " + size + " --cell-size 64 --seed 2");
    vips("perlin " + at("p3.v") + " " + size + " --cell-size 48 --seed 3");
    vips("bandjoin '" + at("p1.v") + " " + at("p2.v") + " " + at("p3.v") + "' " + at("p.v"));
    vips("linear " + at("p.v") + " " + at("q.v") + " 90 128 --uchar");
    vips("copy " + at("q.v") + " " + at("photo.v") + " --interpretation srgb");
    vips("draw_rect " + at("photo.v") + " '10 20 60' 0 0 " + std::to_string(width / 3) + " " +
         std::to_string(height / 4) + " --fill");
}

}  // namespace

std::string make_photo(const Folder& folder, int width, int height) {
    // Drawn once for each size: it takes seven programs.
    static std::map<std::pair<int, int>, Bytes> drawn;
    Bytes& photo = drawn[{width, height}];
    if (photo.empty()) {
        draw_photo(folder, width, height);
        photo = read_file(folder.file("photo.v"));
    } else {
        write_file(folder.file("photo.v"), photo);
    }
    return folder.file("photo.v");
}

Pixels pixels_of_file(const std::string& path) {
    const Folder folder;
    vips("colourspace '" + path + "' " + folder.file("srgb.v") + " srgb");
    // libvips' own format: 64 bytes of header, among them width, height, bands and, at 20, 0 for 8 bit.
    const Bytes file = read_file(folder.file("srgb.v"));
    std::array<std::int32_t, 16> header{};
    Pixels pixels;
    if (file.size() < sizeof header) return pixels;
    std::memcpy(header.data(), file.data(), sizeof header);
    EXPECT_EQ(header[5], 0) << path << " is not of 8 bit";
    pixels = {header[1], header[2], header[3], {}};
    const auto size = std::size_t{1} * pixels.width * pixels.height * pixels.bands;
    EXPECT_LE(sizeof header + size, file.size()) << path;
    const auto first = file.begin() + sizeof header;
    pixels.bytes.assign(first,
                        first + static_cast<std::ptrdiff_t>(std::min(size, file.size() - sizeof header)));
    return pixels;
}

Pixels pixels_of(const Published& picture) {
    const Folder folder;
    const std::string path = folder.file("published." + std::string(file_extension(picture.format)));
    write_file(path, picture.bytes);
    return pixels_of_file(path);
}

double mean_difference(const Pixels& a, const Pixels& b) {
    if (a.width != b.width || a.height != b.height || a.bands != b.bands ||
        a.bytes.size() != b.bytes.size()) {
        ADD_FAILURE() << a.width << "x" << a.height << "x" << a.bands << " against " << b.width << "x"
                      << b.height << "x" << b.bands;
        return 255;
    }
    double sum = 0;
    for (std::size_t i = 0; i < a.bytes.size(); ++i)
        sum += std::abs(int{a.bytes[i]} - int{b.bytes[i]});
    return a.bytes.empty() ? 255 : sum / static_cast<double>(a.bytes.size());
}

double psnr(const Pixels& a, const Pixels& b) {
    if (a.width != b.width || a.height != b.height || a.bands != b.bands || a.bytes.size() != b.bytes.size())
        return 0;
    double sum = 0;
    for (std::size_t i = 0; i < a.bytes.size(); ++i) {
        const double difference = int{a.bytes[i]} - int{b.bytes[i]};
        sum += difference * difference;
    }
    if (sum == 0) return 99;
    return 10 * std::log10(255.0 * 255.0 * static_cast<double>(a.bytes.size()) / sum);
}

PoolOptions pool_options(std::size_t processes) {
    PoolOptions options;
    options.program = PHOTOGATE_BINARY_DIR "/photogate-imager";
    options.processes = processes;
    options.wall_clock =
        std::chrono::seconds(60);  // sanitizers and busy machines; tests of the clock set their own
    return options;
}

ImagerPool& shared_pool() {
    static std::unique_ptr<ImagerPool> pool = [] {
        auto started = ImagerPool::start(pool_options(2));
        if (!started) {
            ADD_FAILURE() << started.error().detail;
            std::abort();
        }
        return std::move(*started);
    }();
    return *pool;
}

Result<Outcome> run(ImagerPool& pool, BytesView file, const Order& order) {
    auto spooled = MemoryFile::create("test");
    if (!spooled) return fail(spooled.error());
    if (auto written = spooled->append(file); !written) return fail(written.error());
    Task task;
    task.file = spooled->descriptor();
    task.size = spooled->size();
    task.declared_type = order.declared_type;
    task.limits = order.limits;
    task.publish(order.recipe.facts, {order.recipe.version});
    return pool.run(task);
}

Processed process_image(BytesView file, const Order& order) {
    auto outcome = run(shared_pool(), file, order);
    if (outcome && std::holds_alternative<Processed>(*outcome))
        return std::get<Processed>(std::move(*outcome));
    ADD_FAILURE() << verdict(outcome);
    return {};
}

std::string verdict(const Result<Outcome>& outcome) {
    if (!outcome) {
        return "error: " + std::string(photogate::to_string(outcome.error().code)) + ": " +
               outcome.error().detail;
    }
    if (const auto* rejection = std::get_if<Rejection>(&*outcome))
        return std::string(to_string(rejection->code));
    return "published";
}

std::optional<fs::path> corpus() {
    const char* folder = std::getenv("PHOTOGATE_CORPUS");
    if (folder == nullptr || *folder == '\0') return std::nullopt;
    return fs::path(folder);
}

std::vector<pid_t> children(const std::string& program) {
    std::vector<pid_t> found;
    for (const auto& entry : fs::directory_iterator("/proc")) {
        const std::string name = entry.path().filename().string();
        if (name.find_first_not_of("0123456789") != std::string::npos) continue;
        std::ifstream file(entry.path() / "stat");
        std::string stat;  // empty where the process is gone
        std::getline(file, stat);
        const auto open = stat.find('(');
        const auto close = stat.rfind(')');
        if (open == std::string::npos || close == std::string::npos) continue;
        // The kernel keeps 15 characters of a name.
        if (stat.substr(open + 1, close - open - 1) != program.substr(0, 15)) continue;
        char state = 0;
        pid_t parent = 0;
        std::istringstream(stat.substr(close + 1)) >> state >> parent;
        if (parent == ::getpid() && state != 'Z') found.push_back(static_cast<pid_t>(std::stol(name)));
    }
    return found;
}

std::uint64_t peak_kib(pid_t process) {
    std::ifstream status("/proc/" + std::to_string(process) + "/status");
    for (std::string line; std::getline(status, line);) {
        if (line.starts_with("VmHWM:")) return std::stoull(line.substr(6));
    }
    return 0;
}

bool eventually(const std::function<bool()>& condition) {
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(20);
    while (!condition()) {
        if (std::chrono::steady_clock::now() > deadline) return false;
        std::this_thread::sleep_for(std::chrono::milliseconds(5));
    }
    return true;
}

}  // namespace photogate::imaging::testing
