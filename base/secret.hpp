// A secret string: it can't be printed, compared with ==, or converted; its memory is wiped.
#pragma once

#include <string>
#include <string_view>
#include <utility>

namespace photogate {

class Secret {
  public:
    Secret() = default;
    explicit Secret(std::string text) : text_(std::move(text)) {}
    Secret(const Secret&) = default;
    Secret(Secret&& other) noexcept : text_(other.text_) { other.wipe(); }
    Secret& operator=(const Secret& other) {
        if (this != &other) {
            wipe();
            text_ = other.text_;
        }
        return *this;
    }
    Secret& operator=(Secret&& other) noexcept {
        if (this != &other) {
            wipe();
            text_ = other.text_;
            other.wipe();
        }
        return *this;
    }
    ~Secret() { wipe(); }

    /// The only access: for a signature or an Authorization header, never for a log.
    std::string_view reveal() const { return text_; }
    bool empty() const { return text_.empty(); }

  private:
    void wipe() noexcept;
    std::string text_;
};

}  // namespace photogate
