#include <algorithm>
#include <chrono>
#include <cmath>
#include <condition_variable>
#include <mutex>
#include <optional>
#include <stop_token>
#include <thread>
#include <utility>

#include "base/file_lock.h"
#include "base/log.h"
#include "cli/certificate.h"
#include "cli/command.h"
#include "cli/console.h"
#include "cli/exit_code.h"
#include "cli/installation.h"
#include "cli/listen_address.h"
#include "cli/pack_choice.h"
#include "cli/pack_upkeep.h"
#include "cli/served_packs.h"
#include "cli/text.h"
#include "cli/web_folder.h"
#include "gallery/galleries.h"
#include "http/server.h"
#include "jobs/jobs.h"
#include "packs/registry.h"
#include "recognition/inference_scheduler.h"
#include "recognition/recognition.h"
#include "recognition/train_job.h"
#include "store/blob_files.h"
#include "store/server_lock.h"

namespace faceforge::cli {
namespace {

struct ServeOptions {
  InstallationOptions installation;
  std::string listen = "127.0.0.1:8080";
  std::string pack;
  std::string web_folder;
  TlsChoice tls;
  bool behind_proxy = false;
  bool no_sign_up = false;
  bool photos_lost = false;
  double batch_wait_ms = 2;
  size_t photo_queue = 64;
};

/// Each waits for the cores while another one reads from the database or writes its answer; twice
/// as many as cores keep those busy and let faces gather.
constexpr int kPhotoThreadsPerCore = 2;

int processor_count() {
  return static_cast<int>(std::clamp(std::thread::hardware_concurrency(), 1U, 256U));
}

/// Keeps a second server away from a data folder until the end of the scope.
///
/// fails: conflict/data_folder_in_use; as FileLock::try_take
Result<FileLock> lock_data_folder(const std::filesystem::path& data_folder) {
  auto lock = TRY(FileLock::try_take(data_folder / "server.lock"));
  if (lock) return *std::move(lock);
  return fail(ErrorCode::Conflict, "data_folder_in_use",
              "another faceforge serves `{}`; stop it, or choose another --data",
              data_folder.string());
}

Result<http::ServerOptions> server_options(const ServeOptions& options) {
  const ListenAddress listen = TRY(parse_listen_address(options.listen));
  http::ServerOptions server;
  server.transport.address = listen.address;
  server.transport.port = listen.port;
  server.transport.spool_folder = std::filesystem::path(options.installation.data_folder) / "spool";
  if (options.behind_proxy) server.transport.proxy = http::Proxy::Trusted;
  if (!options.tls.certificate.empty()) {
    server.transport.tls = {options.tls.certificate, options.tls.key};
  }
  server.transport.limits.photo_queue = options.photo_queue;
  server.transport.limits.photo_threads =
      static_cast<size_t>(kPhotoThreadsPerCore * processor_count());
  server.web_folder = options.web_folder;
  return server;
}

/// Tells what the last end of the server left behind, if anything.
void report(const gallery::Reconciliation& found) {
  if (found.orphan_files_removed + found.accounts_removed + found.photos_without_file == 0) return;
  log::warning(
      "after an interrupted run: {} files without a row and {} folders removed, {} photos "
      "without a file marked",
      found.orphan_files_removed, found.accounts_removed, found.photos_without_file);
}

/// Who looks after the certificate that is served; nobody without one.
std::unique_ptr<CertificateUpkeep> upkeep_of(const std::optional<http::LocalCertificate>& own,
                                             const std::optional<http::TlsFiles>& files,
                                             http::Server& server) {
  if (!files) return nullptr;
  auto use = [&server](const http::TlsFiles& next) { return server.use_certificate(next); };
  if (own) return upkeep_of_own_certificate(*own, std::move(use));
  return upkeep_of_given_certificate(*files, std::move(use));
}

/// What is looked after while the server runs.
struct Upkeep {
  const Clock& clock;
  store::ServerLock& database_lock;
  gallery::Galleries& galleries;
  accounts::Accounts& accounts;
  jobs::Jobs& jobs;
  const std::unique_ptr<CertificateUpkeep> certificate;
};

/// Deletes what has expired.
///
/// out: whether there is more of it
bool sweep(const Upkeep& upkeep) {
  constexpr std::string_view kFailed = "could not remove what has expired: {}";
  for (const auto& swept : {upkeep.accounts.sweep(), upkeep.jobs.sweep()}) {
    if (!swept) log::warning(kFailed, swept.error().message);
  }
  const auto deleted = upkeep.galleries.delete_expired();
  if (!deleted) log::warning(kFailed, deleted.error().message);
  return deleted.value_or(false);
}

/// Waits for the signal to end. Every few seconds it makes sure that this is still the only server
/// of the database, tries again what a deletion left, and looks at the certificate; once an hour it
/// sweeps out what has expired, a part at a time, so that none of the others waits for long.
///
/// fails: conflict/database_in_use when another server has taken over
Result<void> wait_for_the_end(const Interrupt& interrupt, const Upkeep& upkeep) {
  constexpr std::chrono::seconds kLookEvery{10};
  constexpr std::chrono::hours kSweepEvery{1};
  std::mutex mutex;
  std::condition_variable_any never;
  std::unique_lock lock(mutex);
  auto sweep_at = std::chrono::steady_clock::now();
  while (!interrupt.requested()) {
    if (const auto kept = upkeep.database_lock.keep(); !kept) {
      if (kept.error().code == ErrorCode::Conflict) return kept;
      log::warning("the database is out of reach: {}", kept.error().message);
    }
    upkeep.galleries.remove_leftovers();
    if (upkeep.certificate) upkeep.certificate->look(upkeep.clock.now_ms());
    if (std::chrono::steady_clock::now() >= sweep_at && !sweep(upkeep)) sweep_at += kSweepEvery;
    never.wait_for(lock, interrupt.token(), kLookEvery, [] { return false; });
  }
  return {};
}

Result<int> run_serve(const ServeOptions& options, const Interrupt& interrupt) {
  const std::filesystem::path data_folder(options.installation.data_folder);
  auto http_options = TRY(server_options(options));
  TRY(make_data_folder(options.installation.data_folder));
  const auto lock = TRY(lock_data_folder(data_folder));

  const SystemClock clock;
  const auto certificate =
      TRY(own_certificate(options.tls, options.installation.data_folder, clock));
  if (certificate) {
    http_options.transport.tls = certificate->files;
    http_options.strict_transport = http::StrictTransport::Off;
  }
  packs::Registry registry = TRY(registry_of(options.installation.data_folder));
  const int core_count = processor_count();
  recognition::Engines engines = recognition::make_engines(
      TRY(open_pipeline({.data_folder = options.installation.data_folder, .pack = options.pack})),
      core_count);
  const auto database = TRY(open_database(options.installation));
  auto database_lock = TRY(store::ServerLock::take(database_location(options.installation)));
  // Only under the lock: the server that has it may be an older one, which needs its own tables.
  TRY(bring_to_newest_version(*database));
  const auto files = TRY(store::BlobFiles::open(data_folder / "photos"));
  gallery::Galleries galleries(*database, files, clock);
  report(TRY(galleries.reconcile(options.photos_lost ? gallery::PhotosElsewhere::Accept
                                                     : gallery::PhotosElsewhere::Refuse)));
  const auto accounts = TRY(open_accounts(options.installation, database, clock));
  const auto scheduler = TRY(recognition::InferenceScheduler::start(
      {.core_count = core_count,
       .gathering = std::chrono::microseconds(std::lround(1'000 * options.batch_wait_ms)),
       .live_requests = http_options.transport.limits.photos_at_once()}));
  const RegistryPacks served_packs(registry, core_count);
  recognition::Recognition recognition(
      galleries, *scheduler, std::move(engines),
      {.waiting_for_packs = static_cast<size_t>(core_count)},  // half of those that take photos
      engines_among(served_packs));
  jobs::Jobs jobs(database, clock);
  recognition::add_train_gallery(jobs, recognition);
  TRY(jobs.start());
  const http::Services services{
      .accounts = *accounts,
      .recognition = recognition,
      .jobs = jobs,
      .packs = registry,
      .database = *database,
      .files = files,
      .sign_up = options.no_sign_up ? http::SignUp::Closed : http::SignUp::Open};
  const auto server = TRY(http::Server::start(http_options, services));

  PackUpkeep pack_upkeep(
      {.packs = served_packs,
       .scheduler = *scheduler,
       .recognition = recognition,
       .jobs = jobs,
       .clock = clock,
       .served = options.pack.empty() ? ServedPack::Default : ServedPack::Fixed});
  std::jthread looking([&](const std::stop_token& stop) { pack_upkeep.run(stop); });

  const ListenAddress bound{http_options.transport.address, server->port()};
  print(fmt::format("FaceForge is at {}  ({}pack {}; Ctrl-C ends it)\n",
                    browser_address(bound, http_options.transport.tls ? "https" : "http"),
                    options.web_folder.empty() ? "the API alone, no pages: see --web; " : "",
                    to_printable(recognition.engine()->pack_id())));
  if (certificate) print(introduction(*certificate));
  std::fflush(stdout);
  const auto waited = wait_for_the_end(
      interrupt, {.clock = clock,
                  .database_lock = database_lock,
                  .galleries = galleries,
                  .accounts = *accounts,
                  .jobs = jobs,
                  .certificate = upkeep_of(certificate, http_options.transport.tls, *server)});
  log::info("finishing what was accepted");
  looking.request_stop();
  server->stop();
  jobs.stop();
  TRY(waited);
  return kExitDone;
}

void declare_serve(CLI::App& command, ServeOptions& options) {
  command.add_option("--listen", options.listen, "Where to listen; port 0 is any that is free")
      ->type_name("ADDR:PORT")
      ->capture_default_str();
  command
      .add_option("--pack", options.pack, "Model pack: an id (faceforge packs list) or a folder")
      ->type_name("ID|DIR")
      ->default_str("best installed");
  add_installation_options(command, options.installation);
  options.web_folder = default_web_folder();
  command.add_option("--web", options.web_folder, "The built pages; '' for the API alone")
      ->type_name("DIR")
      ->default_str(options.web_folder.empty() ? "none found" : options.web_folder);
  add_tls_options(command, options.tls);
  command.add_flag("--behind-proxy", options.behind_proxy,
                   "Believe X-Forwarded-For: a reverse proxy is the only client");
  command.add_flag("--no-sign-up", options.no_sign_up,
                   "Make no new accounts; those that are there log in");
  command.add_flag("--photos-lost", options.photos_lost,
                   "Start though the database names photos that this empty data folder lacks: "
                   "they are marked as lost");
  command
      .add_option("--batch-wait", options.batch_wait_ms,
                  "Milliseconds that faces wait for those of other requests, 0 to 100")
      ->type_name("MS")
      ->check(CLI::Range(0.0, 100.0))
      ->capture_default_str();
  command
      .add_option("--photo-queue", options.photo_queue,
                  "Requests with photos that may wait, 1 to 1024; the next ones get 503")
      ->type_name("N")
      ->check(CLI::Range(size_t{1}, size_t{1'024}))
      ->capture_default_str();
  set_examples(command,
               "  faceforge serve\n"
               "  faceforge serve --data /srv/faceforge --listen 0.0.0.0:8080\n"
               "  faceforge serve --tls auto --listen 0.0.0.0:8443\n"
               "  faceforge serve --database postgresql://faceforge@db.example/faceforge\n"
               "SIGTERM or Ctrl-C finishes what was accepted, then ends; a second one at once.");
}

}  // namespace

void add_serve_command(CLI::App& app, Chosen& chosen) {
  add_command<ServeOptions>(app, chosen, "serve", "Serve the web pages and the API", declare_serve,
                            run_serve);
}

}  // namespace faceforge::cli
