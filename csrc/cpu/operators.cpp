// The operators for CPU tensors: checks, conversions, threads, and the choice of instruction set.
#include <torch/csrc/stable/library.h>

#include <algorithm>
#include <string>
#include <tuple>
#include <vector>

#include "../arguments.h"
#include "kernels.h"

namespace vidtrack::cpu {
namespace {

const Kernels& kernels() {
#ifdef VIDTRACK_X86_LEVELS
  static const Kernels& best = __builtin_cpu_supports("x86-64-v4")   ? kAvx512Kernels
                               : __builtin_cpu_supports("x86-64-v3") ? kAvx2Kernels
                                                                     : kBaselineKernels;
  return best;
#else
  return kBaselineKernels;
#endif
}

// How a type of value is computed: storage is the type the kernels read, real that of coordinates and sums.
struct Types {
  ScalarType storage;
  ScalarType real;
  Element element;
};

Types types_for(const Tensor& value) {
  switch (value.scalar_type()) {
    case ScalarType::Double: return {ScalarType::Double, ScalarType::Double, Element::kFloat64};
    case ScalarType::BFloat16: return {ScalarType::BFloat16, ScalarType::Float, Element::kBFloat16};
    case ScalarType::Float:
    case ScalarType::Half: return {ScalarType::Float, ScalarType::Float, Element::kFloat32};
    default: STD_TORCH_CHECK(false, "value must be float64, float32, bfloat16 or float16");
  }
}

// The arguments as the kernels want them; keeps the converted tensors alive.
struct Arguments {
  Arguments(const Tensor& value_, const std::vector<int64_t>& shapes, const Tensor* reference_, const Tensor& offsets_,
            const Tensor& weights_)
      : types(types_for(value_)),
        value(contiguous_as(value_, types.storage)),
        offsets(contiguous_as(offsets_, types.real)),
        weights(contiguous_as(weights_, types.real)) {
    call.problem = check_arguments(value_, shapes, reference_, offsets_, weights_);
    call.element = types.element;
    if (reference_ != nullptr) reference = contiguous_as(*reference_, types.real);
    call.value = value.const_data_ptr();
    call.reference = reference_ == nullptr ? nullptr : reference->const_data_ptr();
    call.offsets = offsets.const_data_ptr();
    call.weights = weights.const_data_ptr();
  }

  Types types;
  Tensor value;
  std::optional<Tensor> reference;
  Tensor offsets;
  Tensor weights;
  Call call{};
};

Tensor forward(const Tensor& value, const std::vector<int64_t>& shapes, const Tensor* reference, const Tensor& offsets,
               const Tensor& weights) {
  Arguments arguments(value, shapes, reference, offsets, weights);
  Call& call = arguments.call;
  const Problem& problem = call.problem;
  Tensor output = torch::stable::new_empty(
      arguments.value, {problem.batch, problem.queries, problem.heads * problem.channels});
  call.output = output.mutable_data_ptr();
  constexpr int64_t kQueriesPerThread = 16;  // about 10 microseconds of work
  torch::stable::parallel_for(0, problem.batch * problem.queries, kQueriesPerThread,
                              [&](int64_t begin, int64_t end) { kernels().forward(call, begin, end); });
  return as(output, value.scalar_type());
}

struct Gradients {
  Tensor value;
  std::optional<Tensor> reference;
  Tensor offsets;
  Tensor weights;
};

Gradients backward(const Tensor& grad, const Tensor& value, const std::vector<int64_t>& shapes, const Tensor* reference,
                   const Tensor& offsets, const Tensor& weights) {
  Arguments arguments(value, shapes, reference, offsets, weights);
  Call& call = arguments.call;
  const Problem& problem = call.problem;
  const ScalarType real = arguments.types.real;
  check_shape(grad, "grad", {problem.batch, problem.queries, problem.heads * problem.channels});
  const Tensor grad_output = contiguous_as(grad, real);
  const Tensor grad_value = torch::stable::new_zeros(arguments.value, value.sizes(), real);
  const Tensor grad_offsets = torch::stable::empty_like(arguments.offsets);
  const Tensor grad_weights = torch::stable::empty_like(arguments.weights);
  std::optional<Tensor> shares;  // of the gradient of reference, one for each head
  if (reference != nullptr) {
    shares = torch::stable::new_empty(
        arguments.offsets,
        {problem.batch, problem.queries, problem.heads, problem.levels, problem.reference_size()});
    call.grad_reference = shares->mutable_data_ptr();
  }
  call.grad_output = grad_output.const_data_ptr();
  call.grad_value = grad_value.mutable_data_ptr();
  call.grad_offsets = grad_offsets.mutable_data_ptr();
  call.grad_weights = grad_weights.mutable_data_ptr();
  torch::stable::parallel_for(0, problem.batch * problem.heads, 1,
                              [&](int64_t begin, int64_t end) { kernels().backward(call, begin, end); });
  Gradients gradients{as(grad_value, value.scalar_type()), std::nullopt, as(grad_offsets, offsets.scalar_type()),
                      as(grad_weights, weights.scalar_type())};
  if (reference != nullptr) {
    const int64_t heads_axis = 2;
    gradients.reference =
        as(torch::stable::sum(*shares, IntHeaderOnlyArrayRef(&heads_axis, 1)), reference->scalar_type());
  }
  return gradients;
}

Tensor attention(const Tensor& value, std::vector<int64_t> shapes, const Tensor& reference, const Tensor& offsets,
                 const Tensor& logits) {
  return forward(value, shapes, &reference, offsets, logits);
}

std::tuple<Tensor, Tensor, Tensor, Tensor> attention_backward(const Tensor& grad, const Tensor& value,
                                                              std::vector<int64_t> shapes, const Tensor& reference,
                                                              const Tensor& offsets, const Tensor& logits) {
  Gradients gradients = backward(grad, value, shapes, &reference, offsets, logits);
  return {gradients.value, *gradients.reference, gradients.offsets, gradients.weights};
}

Tensor sampling(const Tensor& value, std::vector<int64_t> shapes, const Tensor& locations, const Tensor& weights) {
  return forward(value, shapes, nullptr, locations, weights);
}

std::tuple<Tensor, Tensor, Tensor> sampling_backward(const Tensor& grad, const Tensor& value,
                                                     std::vector<int64_t> shapes, const Tensor& locations,
                                                     const Tensor& weights) {
  Gradients gradients = backward(grad, value, shapes, nullptr, locations, weights);
  return {gradients.value, gradients.offsets, gradients.weights};
}

}  // namespace
}  // namespace vidtrack::cpu

STABLE_TORCH_LIBRARY_IMPL(vidtrack, CPU, library) {
  library.impl("deformable_attention", TORCH_BOX(&vidtrack::cpu::attention));
  library.impl("deformable_attention_backward", TORCH_BOX(&vidtrack::cpu::attention_backward));
  library.impl("deformable_sampling", TORCH_BOX(&vidtrack::cpu::sampling));
  library.impl("deformable_sampling_backward", TORCH_BOX(&vidtrack::cpu::sampling_backward));
}

namespace {

#ifndef VIDTRACK_CUDA_ARCHS
#define VIDTRACK_CUDA_ARCHS ""
#endif

// "instruction set;CUDA architectures"
std::string build_info() { return std::string(vidtrack::cpu::kernels().name) + ";" + VIDTRACK_CUDA_ARCHS; }

}  // namespace

STABLE_TORCH_LIBRARY_IMPL(vidtrack, CompositeExplicitAutograd, library) {
  library.impl("build_info", TORCH_BOX(&build_info));
}
