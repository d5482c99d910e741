#pragma once

#include <string>

#include <CLI/App.hpp>

namespace faceforge::cli {

/// What is wrong with a command line, in a sentence for people: an option or a command that does
/// not exist is named first, with those it may have meant; whatever else is missing may be its
/// doing.
///
/// in: `app` after its `parse` threw `error`
[[nodiscard]] std::string describe_usage_error(const CLI::App& app, const CLI::ParseError& error);

}  // namespace faceforge::cli
