// What the operators know of the CPU kernels: one table of functions for each instruction set.
#pragma once

#include <cstdint>

#include "../problem.h"

namespace vidtrack::cpu {

struct Kernels {
  const char* name;
  // Queries [begin, end) of the B * Q of the call.
  void (*forward)(const Call&, int64_t begin, int64_t end);
  // Heads [begin, end) of the B * M of the call: a head's gradient of value belongs to one thread, so none is shared.
  void (*backward)(const Call&, int64_t begin, int64_t end);
};

extern const Kernels kBaselineKernels;
#ifdef VIDTRACK_X86_LEVELS
extern const Kernels kAvx2Kernels;
extern const Kernels kAvx512Kernels;
#endif

}  // namespace vidtrack::cpu
