// What the operators know of the CPU kernels: one table of functions for each instruction set.
#pragma once

#include <cstdint>

#include "../problem.h"

namespace vidtrack::cpu {

enum class Element { kFloat32, kFloat64, kBFloat16 };

// One call: contiguous tensors. "real" is double when `element` is float64 and float otherwise.
struct Call {
  Problem problem;
  Element element;          // of value and output
  const void* value;        // (B, S, M, D)
  const void* reference;    // (B, Q, L, R) real; not read when the form is kLocations
  const void* offsets;      // (B, Q, M, L, P, 2) real: offsets or locations
  const void* weights;      // (B, Q, M, L, P) real: logits or weights
  void* output;             // (B, Q, M, D)
  const void* grad_output;  // (B, Q, M, D) real, as are all gradients
  void* grad_value;         // (B, S, M, D), zeroed by the caller
  void* grad_reference;     // (B, Q, M, L, R): one share for each head, summed by the caller; null for kLocations
  void* grad_offsets;       // (B, Q, M, L, P, 2)
  void* grad_weights;       // (B, Q, M, L, P)
};

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
