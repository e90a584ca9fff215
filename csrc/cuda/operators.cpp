// The operators for CUDA tensors: types, device, stream, and errors.
#include "../operators.h"

#include <torch/csrc/inductor/aoti_torch/c/shim.h>

#include "kernels.h"

// Weak: a torch without CUDA lacks it, and must be able to load the library all the same.
extern "C" __attribute__((weak)) AOTITorchError aoti_torch_get_current_cuda_stream(int32_t, void**);

namespace vidtrack::cuda {
namespace {

void check(cudaError_t error) {
  STD_TORCH_CHECK(error == cudaSuccess, "deformable attention on CUDA: ", cudaGetErrorString(error));
}

// Makes a device current for as long as it lives.
class DeviceGuard {
 public:
  explicit DeviceGuard(int device) {
    check(cudaGetDevice(&previous_));
    if (device != previous_) check(cudaSetDevice(device));
    changed_ = device != previous_;
  }
  ~DeviceGuard() {
    if (changed_) cudaSetDevice(previous_);
  }
  DeviceGuard(const DeviceGuard&) = delete;
  DeviceGuard& operator=(const DeviceGuard&) = delete;

 private:
  int previous_ = 0;
  bool changed_ = false;
};

template <typename Kernel>
void launch(const Call& call, const Tensor& value, const Kernel& kernel) {
  const Problem& problem = call.problem;
  STD_TORCH_CHECK(problem.levels <= kMaxLevels, "at most ", kMaxLevels, " levels, got ", problem.levels);
  const DeviceGuard guard(value.get_device_index());
  void* stream = nullptr;
  TORCH_ERROR_CODE_CHECK(aoti_torch_get_current_cuda_stream(value.get_device_index(), &stream));
  check(kernel(call, static_cast<cudaStream_t>(stream)));
}

struct Backend {
  // Sums and coordinates are float32. Offsets and weights are read as they are where they have the type of value.
  static Types types(const Tensor& value, const Tensor& offsets) {
    const ScalarType type = value.scalar_type();
    STD_TORCH_CHECK(type == ScalarType::Float || type == ScalarType::Half || type == ScalarType::BFloat16,
                    "value must be float32, float16 or bfloat16");
    return {type, offsets.scalar_type() == type ? type : ScalarType::Float, ScalarType::Float};
  }

  static void forward(const Call& call, const Tensor& value) { launch(call, value, cuda::forward); }
  static void backward(const Call& call, const Tensor& value) { launch(call, value, cuda::backward); }
};

}  // namespace
}  // namespace vidtrack::cuda

STABLE_TORCH_LIBRARY_IMPL(vidtrack, CUDA, library) {
  vidtrack::Operators<vidtrack::cuda::Backend>::register_in(library);
}
