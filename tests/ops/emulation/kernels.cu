// Small kernels, right and wrong, that try the emulation itself.
#include "device.cuh"

namespace vidtrack::cuda {
namespace {

__global__ void halves_shuffle_apart(float* output) {
  const int lane = threadIdx.x;
  float number = lane;
  if (lane < 16) {
    number += __shfl_xor_sync(0x0000ffffu, number, 1);
    number += __shfl_xor_sync(0x0000ffffu, number, 2);
  } else {
    number = __shfl_sync(0xffff0000u, number, 31);
  }
  output[lane] = number + __shfl_sync(0xffffffffu, number, 0);
}

__global__ void segments(float* output) {
  const int lane = threadIdx.x;
  output[lane] = 100 * __shfl_sync(0xffffffffu, lane, 9, 8) + __shfl_xor_sync(0xffffffffu, lane, 12, 8);
}

__global__ void passes_through_shared_memory(float* output) {
  const int lane = threadIdx.x;
  float* shared = shared_memory<float>();
  shared[lane] = lane;
  __syncwarp();
  output[lane] = shared[31 - lane];
}

__global__ void lacks_a_barrier(float* output) {
  const int lane = threadIdx.x;
  float* shared = shared_memory<float>();
  shared[lane] = lane;
  output[lane] = __shfl_sync(0xffffffffu, shared[31 - lane], lane);  // a shuffle is no barrier for memory
}

__global__ void writes_one_word_twice(float*) {
  shared_memory<float>()[threadIdx.x / 2] = threadIdx.x;
  __syncwarp();
}

__global__ void reads_a_lane_outside_the_mask(float* output) {
  const int lane = threadIdx.x;
  if (lane < 16) output[lane] = __shfl_sync(0x0000ffffu, lane, 20);
}

__global__ void reads_a_lane_that_returned(float* output) {
  const int lane = threadIdx.x;
  if (lane == 3) return;
  output[lane] = __shfl_xor_sync(0xffffffffu, lane, 1);
}

__global__ void is_outside_its_own_mask(float* output) { output[threadIdx.x] = __shfl_sync(0x0000ffffu, 1.0f, 0); }

__global__ void diverges_with_a_full_mask(float* output) {
  const int lane = threadIdx.x;
  if (lane < 16) {
    output[lane] = __shfl_sync(0xffffffffu, lane, 0);
  } else {
    output[lane] = __shfl_sync(0xffffffffu, lane, 1);
  }
}

__global__ void adds_at_a_misaligned_address(float* output) {
  atomicAdd(reinterpret_cast<float4*>(output + 1), make_float4(1, 1, 1, 1));
}

__global__ void reads_at_a_misaligned_address(float* output) {
  struct alignas(16) Pack {
    float numbers[4];
  };
  *reinterpret_cast<Pack*>(output) = *reinterpret_cast<const Pack*>(output + 5);
}

}  // namespace

// Launches one warp of a kernel of this file on `output`, 32 floats; returns the error.
extern "C" __attribute__((visibility("default"))) const char* launch_kernel(const char* name, float* output) {
  const std::pair<const char*, void (*)(float*)> kernels[] = {
#define ENTRY(kernel) {#kernel, kernel}
      ENTRY(halves_shuffle_apart),          ENTRY(segments),
      ENTRY(passes_through_shared_memory),  ENTRY(lacks_a_barrier),
      ENTRY(writes_one_word_twice),         ENTRY(reads_a_lane_outside_the_mask),
      ENTRY(reads_a_lane_that_returned),    ENTRY(is_outside_its_own_mask),
      ENTRY(diverges_with_a_full_mask),     ENTRY(adds_at_a_misaligned_address),
      ENTRY(reads_at_a_misaligned_address),
  };
  for (const auto& [known, kernel] : kernels) {
    if (std::string(known) == name) {
      const cudaError_t error = launch(kernel, 1, 32, 32 * sizeof(float), nullptr, output);
      return error == cudaSuccess ? "" : cudaGetErrorString(error);
    }
  }
  return "no such kernel";
}

}  // namespace vidtrack::cuda
