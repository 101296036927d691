// A file descriptor that closes itself.
#pragma once

#include <utility>

#include <unistd.h>

namespace photogate::imaging {

class Descriptor {
  public:
    Descriptor() = default;
    /// Takes ownership; -1 holds nothing.
    explicit Descriptor(int number) : number_(number) {}
    Descriptor(Descriptor&& other) noexcept : number_(std::exchange(other.number_, -1)) {}
    Descriptor& operator=(Descriptor&& other) noexcept {
        if (this != &other) {
            reset();
            number_ = std::exchange(other.number_, -1);
        }
        return *this;
    }
    ~Descriptor() { reset(); }

    int get() const { return number_; }
    explicit operator bool() const { return number_ >= 0; }
    void reset() {
        // On Linux the number is free after close() whatever it answers: there is nothing to retry.
        if (number_ >= 0) ::close(number_);
        number_ = -1;
    }

  private:
    int number_ = -1;
};

}  // namespace photogate::imaging
