#include "cli/command.h"
#include "cli/console.h"
#include "cli/exit_code.h"
#include "cli/installation.h"
#include "cli/terminal.h"
#include "cli/text.h"

namespace faceforge::cli {
namespace {

struct ListOptions {
  InstallationOptions installation;
  bool json = false;
};

struct PromoteOptions {
  InstallationOptions installation;
  std::string name;
};

struct ResetOptions {
  InstallationOptions installation;
  std::string name;
};

Result<int> run_list(const ListOptions& options, const Interrupt&) {
  const SystemClock clock;
  const auto accounts =
      accounts_without_sessions(TRY(open_existing_database(options.installation)), clock);
  const auto users = TRY(accounts->users());
  if (options.json) {
    json::array written;
    for (const accounts::User& user : users) {
      written.push_back(json::object{{"id", user.id.value()},
                                     {"name", user.name},
                                     {"role", accounts::to_string(user.role)},
                                     {"created_at", to_rfc3339(user.created_at_ms)}});
    }
    print(json::to_pretty_text(written));
    return kExitDone;
  }
  Table table({{"id", Alignment::Right}, {"name"}, {"role"}, {"signed up"}});
  for (const accounts::User& user : users) {
    table.add_row({fmt::format("{}", user.id.value()), user.name,
                   std::string(accounts::to_string(user.role)), to_rfc3339(user.created_at_ms)});
  }
  print(table.to_text());
  return kExitDone;
}

Result<int> run_reset_password(const ResetOptions& options, const Interrupt& interrupt) {
  const SystemClock clock;
  const auto accounts =
      accounts_without_sessions(TRY(open_existing_database(options.installation)), clock);
  const crypto::Secret password = TRY(read_new_password(interrupt));
  TRY(accounts->reset_password(options.name, password.text()));
  print(
      fmt::format("The password of {} is set; the account's sessions have ended, its API keys are "
                  "revoked and its second factor is gone.\n",
                  to_printable(options.name)));
  return kExitDone;
}

Result<int> run_make_administrator(const PromoteOptions& options, const Interrupt&) {
  const SystemClock clock;
  const auto accounts =
      accounts_without_sessions(TRY(open_existing_database(options.installation)), clock);
  TRY(accounts->set_role(options.name, accounts::Role::Administrator));
  print(fmt::format("{} is an administrator.\n", to_printable(options.name)));
  return kExitDone;
}

}  // namespace

void add_user_command(CLI::App& app, Chosen& chosen) {
  CLI::App* user = app.add_subcommand("user", "Look after accounts, for the administrator");
  user->require_subcommand(1);
  set_examples(*user,
               "  faceforge user list\n"
               "  faceforge user reset-password ada");
  add_command<ListOptions>(
      *user, chosen, "list", "List the accounts",
      [](CLI::App& command, ListOptions& options) {
        add_json_option(command, options.json);
        add_installation_options(command, options.installation);
        set_examples(command, "  faceforge user list");
      },
      run_list);
  add_command<ResetOptions>(
      *user, chosen, "reset-password",
      "Set an account's password, end its sessions, revoke its API keys",
      [](CLI::App& command, ResetOptions& options) {
        command.add_option("NAME", options.name, "The account's name")
            ->required()
            ->type_name("NAME");
        add_installation_options(command, options.installation);
        set_examples(command,
                     "  faceforge user reset-password ada                asks for the password\n"
                     "  faceforge user reset-password ada < password.txt");
      },
      run_reset_password);
  add_command<PromoteOptions>(
      *user, chosen, "make-administrator",
      "Make an account an administrator: after the only one was deleted, say",
      [](CLI::App& command, PromoteOptions& options) {
        command.add_option("NAME", options.name, "The account's name")
            ->required()
            ->type_name("NAME");
        add_installation_options(command, options.installation);
        set_examples(command, "  faceforge user make-administrator ada");
      },
      run_make_administrator);
}

}  // namespace faceforge::cli
