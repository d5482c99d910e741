#include <clocale>
#include <csignal>
#include <cstdio>

#include <sys/stat.h>

#include "cli/program.h"
#include "nn/openmp_waiting.h"

int main(int argument_count, char** arguments) {
  faceforge::nn::choose_openmp_waiting(arguments);
  std::setlocale(LC_CTYPE, "C.UTF-8");  // how wide a character is; numbers keep their dots
  std::signal(SIGPIPE, SIG_IGN);        // a peer or a pipe that has gone is an error, not the end
  umask(S_IRWXG | S_IRWXO);  // what it makes is its owner's alone: photos, keys, galleries
  return faceforge::cli::run_program(argument_count, arguments, faceforge::cli::make_app);
}
