// What nvcc alone can compile. The tests replace this header to run the kernels on a CPU.
#pragma once

#include <cuda_bf16.h>
#include <cuda_fp16.h>

#include <cstdint>
#include <type_traits>

namespace vidtrack::cuda {

// The dynamic shared memory of the block.
template <typename Element>
__device__ inline Element* shared_memory() {
  extern __shared__ float4 memory[];
  return reinterpret_cast<Element*>(memory);
}

// Returns the error of the launch.
template <typename... Parameters>
cudaError_t launch(void (*kernel)(Parameters...), int64_t blocks, int threads, size_t shared_bytes, cudaStream_t stream,
                   const std::type_identity_t<Parameters>&... arguments) {
  if (blocks > INT32_MAX) return cudaErrorInvalidConfiguration;
  kernel<<<static_cast<unsigned>(blocks), threads, shared_bytes, stream>>>(arguments...);
  return cudaGetLastError();
}

}  // namespace vidtrack::cuda
