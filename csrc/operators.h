// The operators on tensors, for any device: checks, conversions, outputs. A device brings a Backend with
//   static Types types(const Tensor& value, const Tensor& offsets)
//   static void forward(const Call&, const Tensor& value)
//   static void backward(const Call&, const Tensor& value)
#pragma once

#include <torch/csrc/stable/library.h>
#include <torch/csrc/stable/ops.h>
#include <torch/csrc/stable/tensor.h>
#include <torch/headeronly/core/ScalarType.h>

#include <algorithm>
#include <cstdint>
#include <initializer_list>
#include <limits>
#include <optional>
#include <string>
#include <tuple>
#include <vector>

#include "problem.h"

namespace vidtrack {

using torch::headeronly::IntHeaderOnlyArrayRef;
using torch::headeronly::ScalarType;
using torch::stable::Tensor;
using Shapes = std::vector<int64_t>;  // height, width of each level

constexpr int64_t kLongestSide = int64_t{1} << 24;  // whole numbers up to here are exact in float32

// The types a device computes with: of value as the kernels read it, of offsets and weights, of coordinates and sums.
struct Types {
  ScalarType value;
  ScalarType parameter;
  ScalarType real;
};

inline Element element_of(ScalarType type) {
  switch (type) {
    case ScalarType::Double: return Element::kFloat64;
    case ScalarType::BFloat16: return Element::kBFloat16;
    case ScalarType::Half: return Element::kFloat16;
    default: return Element::kFloat32;
  }
}

template <typename Sizes>
std::string listed(const Sizes& sizes) {
  std::string text;
  for (int64_t size : sizes) text += (text.empty() ? "(" : ", ") + std::to_string(size);
  return text + ")";
}

inline void check_shape(const Tensor& tensor, const char* name, std::initializer_list<int64_t> expected) {
  const auto sizes = tensor.sizes();
  STD_TORCH_CHECK(std::equal(sizes.begin(), sizes.end(), expected.begin(), expected.end()), name, " is ", listed(sizes),
                  "; value, shapes and the other arguments call for ", listed(expected));
}

// `reference` is null for the unfused operator.
inline Problem check_arguments(const Tensor& value, const Shapes& shapes, const Tensor* reference,
                               const Tensor& offsets, const Tensor& weights) {
  STD_TORCH_CHECK(value.dim() == 4, "value must be (batch, tokens, heads, channels)");
  STD_TORCH_CHECK(offsets.dim() == 6, "offsets or locations must be (batch, queries, heads, levels, points, 2)");
  STD_TORCH_CHECK(shapes.size() % 2 == 0, "shapes must hold a height and a width for each level");
  Problem problem{};
  problem.batch = value.size(0);
  problem.tokens = value.size(1);
  problem.heads = value.size(2);
  problem.channels = value.size(3);
  problem.queries = offsets.size(1);
  problem.levels = static_cast<int64_t>(shapes.size()) / 2;
  problem.points = offsets.size(4);
  problem.shapes = shapes.data();
  problem.form = Form::kLocations;
  int64_t tokens = 0;
  for (size_t i = 0; i < shapes.size(); i += 2) {
    const int64_t height = shapes[i], width = shapes[i + 1];
    STD_TORCH_CHECK(height > 0 && width > 0, "a level has no rows or no columns: ", height, " x ", width);
    STD_TORCH_CHECK(height <= kLongestSide && width <= kLongestSide, "a level is ", height, " x ", width,
                    ": float32 does not tell the positions of a side over ", kLongestSide, " apart");
    tokens += height * width;
  }
  STD_TORCH_CHECK(tokens == problem.tokens, "the levels have ", tokens, " positions, value has ", problem.tokens);
  STD_TORCH_CHECK(tokens <= std::numeric_limits<int32_t>::max(), "more than 2^31 - 1 positions in one image");
  STD_TORCH_CHECK(problem.points > 0, "there are no points to sample");
  STD_TORCH_CHECK(problem.channels > 0, "value has no channels");
  check_shape(offsets, "offsets or locations",
              {problem.batch, problem.queries, problem.heads, problem.levels, problem.points, 2});
  check_shape(weights, "logits or weights",
              {problem.batch, problem.queries, problem.heads, problem.levels, problem.points});
  for (const Tensor* other : {reference, &offsets, &weights}) {
    STD_TORCH_CHECK(other == nullptr || other->device() == value.device(), "the tensors are not on one device");
  }
  if (reference != nullptr) {
    const int64_t size = reference->dim() == 4 ? reference->size(3) : 0;
    STD_TORCH_CHECK(size == 2 || size == 4, "reference_points must be (batch, queries, levels, 2 or 4)");
    check_shape(*reference, "reference_points", {problem.batch, problem.queries, problem.levels, size});
    problem.form = size == 4 ? Form::kBoxOffsets : Form::kPixelOffsets;
  }
  return problem;
}

inline Tensor as(const Tensor& tensor, ScalarType type) {
  return tensor.scalar_type() == type ? tensor : torch::stable::to(tensor, type);
}

inline Tensor contiguous_as(const Tensor& tensor, ScalarType type) {
  const Tensor converted = as(tensor, type);
  return converted.is_contiguous() ? converted : torch::stable::contiguous(converted);
}

// The arguments as the kernels want them; keeps the converted tensors alive.
struct Arguments {
  Arguments(const Types& types_, const Tensor& value_, const Shapes& shapes, const Tensor* reference_,
            const Tensor& offsets_, const Tensor& weights_)
      : types(types_),
        value(contiguous_as(value_, types.value)),
        offsets(contiguous_as(offsets_, types.parameter)),
        weights(contiguous_as(weights_, types.parameter)) {
    call.problem = check_arguments(value_, shapes, reference_, offsets_, weights_);
    call.element = element_of(types.value);
    call.parameter = element_of(types.parameter);
    call.value = value.const_data_ptr();
    call.offsets = offsets.const_data_ptr();
    call.weights = weights.const_data_ptr();
    if (reference_ != nullptr) {
      reference = contiguous_as(*reference_, types.real);
      call.reference = reference->const_data_ptr();
    }
  }

  Types types;
  Tensor value;
  std::optional<Tensor> reference;
  Tensor offsets;
  Tensor weights;
  Call call{};
};

template <typename Backend>
struct Operators {
  struct Gradients {
    Tensor value;
    std::optional<Tensor> reference;
    Tensor offsets;
    Tensor weights;
  };

  static Tensor forward(const Tensor& value, const Shapes& shapes, const Tensor* reference, const Tensor& offsets,
                        const Tensor& weights) {
    Arguments arguments(Backend::types(value, offsets), value, shapes, reference, offsets, weights);
    Call& call = arguments.call;
    const Problem& problem = call.problem;
    const Tensor output =
        torch::stable::new_empty(arguments.value, {problem.batch, problem.queries, problem.heads * problem.channels});
    call.output = output.mutable_data_ptr();
    if (output.numel() > 0) Backend::forward(call, arguments.value);
    return as(output, value.scalar_type());
  }

  static Gradients backward(const Tensor& grad, const Tensor& value, const Shapes& shapes, const Tensor* reference,
                            const Tensor& offsets, const Tensor& weights) {
    Arguments arguments(Backend::types(value, offsets), value, shapes, reference, offsets, weights);
    Call& call = arguments.call;
    const Problem& problem = call.problem;
    const ScalarType real = arguments.types.real;
    check_shape(grad, "grad", {problem.batch, problem.queries, problem.heads * problem.channels});
    const Tensor grad_output = contiguous_as(grad, real);
    const Tensor grad_value = torch::stable::new_zeros(arguments.value, value.sizes(), real);
    const Tensor grad_offsets = torch::stable::empty_like(arguments.offsets);
    const Tensor grad_weights = torch::stable::empty_like(arguments.weights);
    call.grad_output = grad_output.const_data_ptr();
    call.grad_value = grad_value.mutable_data_ptr();
    call.grad_offsets = grad_offsets.mutable_data_ptr();
    call.grad_weights = grad_weights.mutable_data_ptr();
    std::optional<Tensor> shares;  // of the gradient of reference, one for each head
    if (reference != nullptr) {
      shares = torch::stable::new_empty(*arguments.reference, {problem.batch, problem.queries, problem.heads,
                                                               problem.levels, problem.reference_size()});
      call.grad_reference = shares->mutable_data_ptr();
    }
    if (grad_output.numel() > 0) Backend::backward(call, arguments.value);
    Gradients gradients{as(grad_value, value.scalar_type()), std::nullopt, as(grad_offsets, offsets.scalar_type()),
                        as(grad_weights, weights.scalar_type())};
    if (reference != nullptr) {
      const int64_t heads_axis = 2;
      gradients.reference =
          as(torch::stable::sum(*shares, IntHeaderOnlyArrayRef(&heads_axis, 1)), reference->scalar_type());
    }
    return gradients;
  }

  // The functions behind the schemas of library.cpp.

  static Tensor attention(const Tensor& value, Shapes shapes, const Tensor& reference, const Tensor& offsets,
                          const Tensor& logits) {
    return forward(value, shapes, &reference, offsets, logits);
  }

  static std::tuple<Tensor, Tensor, Tensor, Tensor> attention_backward(const Tensor& grad, const Tensor& value,
                                                                       Shapes shapes, const Tensor& reference,
                                                                       const Tensor& offsets, const Tensor& logits) {
    const Gradients gradients = backward(grad, value, shapes, &reference, offsets, logits);
    return {gradients.value, *gradients.reference, gradients.offsets, gradients.weights};
  }

  static Tensor sampling(const Tensor& value, Shapes shapes, const Tensor& locations, const Tensor& weights) {
    return forward(value, shapes, nullptr, locations, weights);
  }

  static std::tuple<Tensor, Tensor, Tensor> sampling_backward(const Tensor& grad, const Tensor& value, Shapes shapes,
                                                              const Tensor& locations, const Tensor& weights) {
    const Gradients gradients = backward(grad, value, shapes, nullptr, locations, weights);
    return {gradients.value, gradients.offsets, gradients.weights};
  }

  static void register_in(torch::stable::detail::StableLibrary& library) {
    library.impl("deformable_attention", TORCH_BOX(&attention));
    library.impl("deformable_attention_backward", TORCH_BOX(&attention_backward));
    library.impl("deformable_sampling", TORCH_BOX(&sampling));
    library.impl("deformable_sampling_backward", TORCH_BOX(&sampling_backward));
  }
};

}  // namespace vidtrack
