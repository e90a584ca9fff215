// The operators for CPU tensors: threads, and the choice of instruction set.
#include "../operators.h"

#include <cstdlib>
#include <cstring>
#include <string>

#include "kernels.h"

#ifndef VIDTRACK_CUDA_ARCHS
#define VIDTRACK_CUDA_ARCHS ""
#endif

namespace vidtrack::cpu {
namespace {

// The best table for this processor, or the one that VIDTRACK_CPU names: baseline, avx2, avx512.
const Kernels& choose_kernels() {
#ifdef VIDTRACK_X86_LEVELS
  const char* asked = std::getenv("VIDTRACK_CPU");
  const auto allows = [&](const Kernels& table) { return asked == nullptr || std::strcmp(asked, table.name) == 0; };
  const bool has_avx2 = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") &&
                        __builtin_cpu_supports("bmi") && __builtin_cpu_supports("bmi2");
  const bool has_avx512 = has_avx2 && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
                          __builtin_cpu_supports("avx512cd") && __builtin_cpu_supports("avx512dq") &&
                          __builtin_cpu_supports("avx512vl");
  if (allows(kAvx512Kernels) && has_avx512) return kAvx512Kernels;
  if (allows(kAvx2Kernels) && has_avx2) return kAvx2Kernels;
#endif
  return kBaselineKernels;
}

const Kernels& kernels() {
  static const Kernels& chosen = choose_kernels();
  return chosen;
}

struct Backend {
  // float16 is computed as float32.
  static Types types(const Tensor& value, const Tensor&) {
    switch (value.scalar_type()) {
      case ScalarType::Double: return {ScalarType::Double, ScalarType::Double, ScalarType::Double};
      case ScalarType::BFloat16: return {ScalarType::BFloat16, ScalarType::Float, ScalarType::Float};
      case ScalarType::Float:
      case ScalarType::Half: return {ScalarType::Float, ScalarType::Float, ScalarType::Float};
      default: STD_TORCH_CHECK(false, "value must be float64, float32, bfloat16 or float16");
    }
  }

  static void forward(const Call& call, const Tensor&) {
    constexpr int64_t kQueriesPerThread = 16;  // some 10 microseconds of work
    torch::stable::parallel_for(0, call.problem.batch * call.problem.queries, kQueriesPerThread,
                                [&](int64_t begin, int64_t end) { kernels().forward(call, begin, end); });
  }

  static void backward(const Call& call, const Tensor&) {
    torch::stable::parallel_for(0, call.problem.batch * call.problem.heads, 1,
                                [&](int64_t begin, int64_t end) { kernels().backward(call, begin, end); });
  }
};

// "instruction set;CUDA architectures"
std::string build_info() { return std::string(kernels().name) + ";" + VIDTRACK_CUDA_ARCHS; }

}  // namespace
}  // namespace vidtrack::cpu

STABLE_TORCH_LIBRARY_IMPL(vidtrack, CPU, library) { vidtrack::Operators<vidtrack::cpu::Backend>::register_in(library); }

STABLE_TORCH_LIBRARY_IMPL(vidtrack, CompositeExplicitAutograd, library) {
  library.impl("build_info", TORCH_BOX(&vidtrack::cpu::build_info));
}
