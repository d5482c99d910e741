#include <algorithm>

#include <fmt/format.h>

#include "cli/console.h"
#include "cli/doctor.h"
#include "cli/exit_code.h"
#include "cli/text.h"
#include "cli/web_folder.h"

namespace faceforge::cli {
namespace {

std::string_view to_string(FindingState state) {
  switch (state) {
    case FindingState::Ok:
      return "ok";
    case FindingState::Hint:
      return "hint";
    case FindingState::Fault:
      return "fault";
  }
  return "";
}

Style style_of(FindingState state) {
  switch (state) {
    case FindingState::Ok:
      return Style::Green;
    case FindingState::Hint:
      return Style::Yellow;
    case FindingState::Fault:
      break;
  }
  return Style::Red;
}

Result<int> run_doctor(const DoctorOptions& options, const Interrupt& interrupt) {
  const SystemClock clock;
  const auto findings = examine(options, clock);
  TRY(interrupt.check());
  print(options.json ? json::to_pretty_text(to_json(findings)) : to_text(findings));
  return exit_code(findings);
}

void declare_doctor(CLI::App& command, DoctorOptions& options) {
  command
      .add_option("--pack", options.pack, "Model pack: an id (faceforge packs list) or a folder")
      ->type_name("ID|DIR")
      ->default_str("best installed");
  add_installation_options(command, options.installation);
  command.add_option("--listen", options.listen, "Where the server would listen")
      ->type_name("ADDR:PORT")
      ->capture_default_str();
  options.web_folder = default_web_folder();
  command.add_option("--web", options.web_folder, "The built pages")
      ->type_name("DIR")
      ->default_str(options.web_folder.empty() ? "none found" : options.web_folder);
  add_tls_options(command, options.tls);
  command.add_flag("--behind-proxy", options.behind_proxy, "A reverse proxy stands before it");
  add_json_option(command, options.json);
  set_examples(command,
               "  faceforge doctor\n"
               "  faceforge doctor --data /srv/faceforge --listen 0.0.0.0:8080\n"
               "Changes nothing. The options are those of `faceforge serve`.");
}

}  // namespace

std::string to_text(const std::vector<Finding>& findings) {
  std::string text;
  for (const Finding& finding : findings) {
    std::string name = finding.check;
    std::ranges::replace(name, '_', ' ');
    text +=
        fmt::format("{}{}  {:<12} {}\n", styled(style_of(finding.state), to_string(finding.state)),
                    std::string(5 - to_string(finding.state).size(), ' '), name,
                    to_printable_lines(finding.message, 20));
    if (finding.advice.empty()) continue;
    text += fmt::format("{:20}{}\n", "", to_printable_lines("-> " + finding.advice, 23));
  }
  return text;
}

json::object to_json(const std::vector<Finding>& findings) {
  json::array checks;
  for (const Finding& finding : findings) {
    json::object written{
        {"check", finding.check},
        {"state", to_string(finding.state)},
        {"message", finding.message},
        {"advice", finding.advice.empty() ? json::value(nullptr) : json::value(finding.advice)}};
    for (const auto& figure : finding.figures) written[figure.key()] = figure.value();
    if (finding.error) written["error"] = to_json(*finding.error);
    checks.push_back(std::move(written));
  }
  return {{"state", to_string(worst(findings))}, {"checks", std::move(checks)}};
}

int exit_code(const std::vector<Finding>& findings) {
  for (const Finding& finding : findings) {
    if (finding.error) return exit_code(finding.error->code);
  }
  return kExitDone;
}

void add_doctor_command(CLI::App& app, Chosen& chosen) {
  add_command<DoctorOptions>(app, chosen, "doctor", "Look at this installation, and say what to do",
                             declare_doctor, run_doctor);
}

}  // namespace faceforge::cli
