#include "cli/dataset_command.h"
#include "cli/doctor.h"
#include "cli/program.h"

namespace faceforge::cli {

std::unique_ptr<CLI::App> make_app(Chosen& chosen) {
  auto app = std::make_unique<CLI::App>("Face recognition on your own machine.", "faceforge");
  app->set_version_flag("--version", "faceforge " FACEFORGE_VERSION, "Print the version");
  app->set_help_flag("-h,--help", "Print this help");
  app->require_subcommand(1);
  app->get_formatter()->column_width(36);
  set_examples(*app,
               "  faceforge serve                           the web pages on 127.0.0.1:8080\n"
               "  faceforge detect party.jpg                every face in a photo\n"
               "  faceforge compare a.jpg b.jpg             one person or two?\n"
               "  faceforge gallery train staff/ -o staff.ffg\n"
               "  faceforge identify --gallery staff.ffg door.jpg");
  add_serve_command(*app, chosen);
  add_packs_command(*app, chosen);
  add_user_command(*app, chosen);
  add_detect_command(*app, chosen);
  add_embed_command(*app, chosen);
  add_compare_command(*app, chosen);
  add_gallery_command(*app, chosen);
  add_identify_command(*app, chosen);
  add_verify_command(*app, chosen);
  add_dataset_command(*app, chosen);
  add_evaluate_command(*app, chosen);
  add_doctor_command(*app, chosen);
  add_train_command(*app, chosen);
  add_export_command(*app, chosen);
  add_completion_command(*app, chosen);
  return app;
}

}  // namespace faceforge::cli
