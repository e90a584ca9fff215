// The CUDA operators for tensors of the CPU, their kernels emulated: torch.ops.emulated. The build renames vidtrack.
#include <torch/csrc/inductor/aoti_torch/c/shim.h>
#include <torch/csrc/stable/library.h>
#include <torch/csrc/stable/ops.h>
#include <torch/csrc/stable/tensor.h>
#include <torch/headeronly/core/ScalarType.h>

#include "warp.h"
#define CUDA CPU  // the dispatch key
#include "../library.cpp"
#include "operators.cpp"

cudaError_t cudaGetDevice(int* device) {
  *device = -1;  // as tensors of the CPU have it
  return cudaSuccess;
}

cudaError_t cudaSetDevice(int) { return cudaErrorInvalidDevice; }

const char* cudaGetErrorString(cudaError_t error) {
  return error == cudaErrorLaunchFailure ? emulation::warp.fault().c_str() : "invalid launch or type";
}

AOTITorchError aoti_torch_get_current_cuda_stream(int32_t, void** stream) {
  *stream = nullptr;
  return AOTI_TORCH_SUCCESS;
}

// Called by the kernels, which are built with -fsanitize=alignment.
extern "C" void __ubsan_handle_type_mismatch_v1(void*, uintptr_t) {
  emulation::warp.fail("reads or writes at a misaligned address");
}
