// What the operators know of the CUDA kernels.
#pragma once

#include <cuda_runtime_api.h>

#include "../problem.h"

namespace vidtrack::cuda {

constexpr int kMaxLevels = 16;

// Both return the error of the launch.
cudaError_t forward(const Call& call, cudaStream_t stream);
cudaError_t backward(const Call& call, cudaStream_t stream);

}  // namespace vidtrack::cuda
