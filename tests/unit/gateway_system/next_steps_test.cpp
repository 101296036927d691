#include "gateway/system/next_steps.hpp"

#include <filesystem>
#include <fstream>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

namespace photogate::gateway::system {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

config::Config served() {
    config::Config config;
    config.server.listen = {{"0.0.0.0", 8123}};
    config.server.metrics_listen = {"127.0.0.1", 9124};
    return config;
}

TEST(NextSteps, name_every_address_and_a_command_to_copy) {
    const auto text = next_steps(served());
    for (const auto* part :
         {"http://127.0.0.1:8123/docs", "http://127.0.0.1:9124/operate", "http://127.0.0.1:9124/metrics",
          "curl -s http://127.0.0.1:8123/v1/uploads", "Bearer $KEY", "photogate doctor"})
        EXPECT_THAT(text, HasSubstr(part));
}

TEST(NextSteps, name_the_file_of_the_first_key_and_never_the_key) {
    auto config = served();
    config.server.public_url = *parse_endpoint("https://photos.example");
    const auto folder =
        std::filesystem::temp_directory_path() / ("photogate it's " + std::to_string(::getpid()));
    std::filesystem::create_directory(folder);
    std::ofstream{folder / "key"} << "pg_demo_canary\n";
    config.data_folder = folder.string();
    const auto text = next_steps(config);
    std::filesystem::remove_all(folder);
    EXPECT_THAT(text, HasSubstr("curl -s https://photos.example/v1/uploads"));
    EXPECT_THAT(text, HasSubstr("photogate it'\\''s "));
    EXPECT_THAT(text, Not(HasSubstr("canary")));
}

}  // namespace
}  // namespace photogate::gateway::system
