// What the kernels use of CUDA, on an emulated warp: stands in for csrc/cuda/device.cuh. The warps of a launch run one
// after the other.
#pragma once

#include <cuda_bf16.h>
#include <cuda_fp16.h>
#include <cuda_runtime_api.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdint>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "warp.h"

#define __CUDA_ARCH__ EMULATED_ARCH
#undef __launch_bounds__
#define __launch_bounds__(...)
#define threadIdx emulation::thread_index()
#define blockIdx emulation::block_index
#define blockDim emulation::block_size

namespace emulation {

inline dim3 block_index, block_size;
inline int warp_index;  // in the block

inline dim3 thread_index() { return dim3(warp_index * kLanes + warp.lane()); }

template <typename Number>
Number shuffle(Kind kind, unsigned mask, Number number, int source, int line) {
  return std::bit_cast<Number>(warp.call({kind, mask, line, source, std::bit_cast<uint32_t>(number)}));
}

// The lanes that share the segment of `width` lanes with the current one: the first, and the one past the last.
inline std::pair<int, int> segment(int width) {
  if (width < 1 || width > kLanes || !std::has_single_bit(static_cast<unsigned>(width))) {
    warp.fail("shuffles with a width that is not a power of two up to 32");
  }
  const int first = warp.lane() & ~(width - 1);
  return {first, first + width};
}

template <typename Number>
Number* aligned(Number* address) {
  if (reinterpret_cast<uintptr_t>(address) % sizeof(Number) != 0) warp.fail("adds at a misaligned address");
  return address;
}

}  // namespace emulation

template <typename Number>
Number __shfl_sync(unsigned mask, Number number, int source, int width = 32, int line = __builtin_LINE()) {
  const auto [first, end] = emulation::segment(width);
  return emulation::shuffle(emulation::Kind::kShuffle, mask, number, first + (source & (end - first - 1)), line);
}

template <typename Number>
Number __shfl_xor_sync(unsigned mask, Number number, int lane_mask, int width = 32, int line = __builtin_LINE()) {
  const int lane = emulation::warp.lane(), other = lane ^ lane_mask;
  const int source = other < emulation::segment(width).second ? other : lane;
  return emulation::shuffle(emulation::Kind::kXorShuffle, mask, number, source, line);
}

inline void __syncwarp(unsigned mask = 0xffffffff, int line = __builtin_LINE()) {
  emulation::warp.call({emulation::Kind::kBarrier, mask, line, 0, 0});
}

inline float atomicAdd(float* address, float number) {
  const float old = *emulation::aligned(address);
  *address = old + number;
  return old;
}

inline float4 atomicAdd(float4* address, float4 numbers) {
  const float4 old = *emulation::aligned(address);
  *address = make_float4(old.x + numbers.x, old.y + numbers.y, old.z + numbers.z, old.w + numbers.w);
  return old;
}

inline float __expf(float number) { return std::exp2(number * 1.442695041f); }
inline int __float2int_rd(float number) { return static_cast<int>(std::floor(number)); }
using std::min;

namespace vidtrack::cuda {

template <typename Element>
Element* shared_memory() {
  return reinterpret_cast<Element*>(emulation::warp.shared());
}

template <typename... Parameters>
cudaError_t launch(void (*kernel)(Parameters...), int64_t blocks, int threads, size_t shared_bytes, cudaStream_t,
                   const std::type_identity_t<Parameters>&... arguments) {
  using namespace emulation;
  if (blocks < 1 || blocks > INT32_MAX || threads < kLanes || threads > 1024 || threads % kLanes != 0 ||
      shared_bytes > 48 * 1024) {
    return cudaErrorInvalidConfiguration;
  }
  block_size = dim3(threads);
  const size_t words = (shared_bytes + 3) / 4;
  for (int64_t block = 0; block < blocks; ++block) {
    block_index = dim3(static_cast<unsigned>(block));
    std::vector<int> owners(words, -1);  // warps
    for (warp_index = 0; warp_index < threads / kLanes; ++warp_index) {
      if (!warp.run([&] { kernel(arguments...); }, words)) return cudaErrorLaunchFailure;
      if (!warp.claim_shared(owners, warp_index)) return cudaErrorLaunchFailure;
    }
  }
  return cudaSuccess;
}

}  // namespace vidtrack::cuda
