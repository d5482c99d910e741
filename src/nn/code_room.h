#pragma once

namespace faceforge::nn {

/// Asks for memory, and gives it back, before oneDNN generates code: version 2.6 does not look
/// whether it got any (where addresses are limited, by `ulimit -v` say) and writes to the null
/// pointer. Narrow, not proof: another thread may take the memory in between.
///
/// fails: throws std::bad_alloc, which whoever compiles a network translates
/// cost:  two system calls; no memory is touched
void require_room_for_code();

}  // namespace faceforge::nn
