# For compiling on another architecture of Debian, with crossbuild-essential-arm64 and the libraries of arm64 (scripts/install-cross-dependencies):
#
#   cmake --preset release --toolchain cmake/toolchains/arm64.cmake -DPHOTOGATE_TESTS=OFF
set(CMAKE_SYSTEM_NAME Linux)
set(CMAKE_SYSTEM_PROCESSOR aarch64)
set(CMAKE_C_COMPILER aarch64-linux-gnu-gcc)
set(CMAKE_CXX_COMPILER aarch64-linux-gnu-g++)
set(PKG_CONFIG_EXECUTABLE aarch64-linux-gnu-pkg-config)
