#include <clocale>
#include <cstdio>

#include "cli/program.h"

int main(int argument_count, char** arguments) {
  std::setlocale(LC_CTYPE, "C.UTF-8");  // how wide a character is; numbers keep their dots
  return faceforge::cli::run_program(argument_count, arguments);
}
