#pragma once

#include <string>
#include <string_view>

#include <fmt/format.h>

namespace faceforge::log {

enum class Level { Debug, Info, Warning, Error };

/// Messages below `level` are dropped. Thread safe.
void set_level(Level level);

/// Writes one line to standard error: UTC time, level, message; control characters are escaped, so
/// that foreign text cannot forge a line. Never pass an image, an embedding, a password or a key.
/// Thread safe.
void write(Level level, std::string_view message);

template <typename... Args>
void debug(fmt::format_string<Args...> format, Args&&... args) {
  write(Level::Debug, fmt::format(format, std::forward<Args>(args)...));
}
template <typename... Args>
void info(fmt::format_string<Args...> format, Args&&... args) {
  write(Level::Info, fmt::format(format, std::forward<Args>(args)...));
}
template <typename... Args>
void warning(fmt::format_string<Args...> format, Args&&... args) {
  write(Level::Warning, fmt::format(format, std::forward<Args>(args)...));
}
template <typename... Args>
void error(fmt::format_string<Args...> format, Args&&... args) {
  write(Level::Error, fmt::format(format, std::forward<Args>(args)...));
}

}  // namespace faceforge::log
