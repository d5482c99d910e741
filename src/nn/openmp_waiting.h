#pragma once

namespace faceforge::nn {

/// Has threads that share a layer of a network wait for each other asleep, after a tenth of a
/// millisecond awake. By itself GNU's OpenMP looks for them for milliseconds: beside other busy
/// programs the one that looks uses up the time in which it would be its turn to compute, in every
/// layer, and what takes 0.1 s takes a second and more.
///
/// The library reads its settings from the environment before `main`, so the program starts itself
/// once more, as the same process. Where the user has set OMP_WAIT_POLICY or GOMP_SPINCOUNT, or
/// binds threads (OMP_PROC_BIND, OMP_PLACES, GOMP_CPU_AFFINITY), that counts, and nothing is done;
/// nor where it cannot be started.
///
/// source: GCC manual, libgomp, GOMP_SPINCOUNT
void choose_openmp_waiting(char** arguments);

}  // namespace faceforge::nn
