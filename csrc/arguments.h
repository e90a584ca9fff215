// Checks of the operators' arguments, shared by every device.
#pragma once

#include <torch/csrc/stable/ops.h>
#include <torch/csrc/stable/tensor.h>
#include <torch/headeronly/core/ScalarType.h>

#include <cstdint>
#include <initializer_list>
#include <limits>
#include <optional>
#include <vector>

#include "problem.h"

namespace vidtrack {

using torch::headeronly::IntHeaderOnlyArrayRef;
using torch::headeronly::ScalarType;
using torch::stable::Tensor;

inline void check_shape(const Tensor& tensor, const char* name, std::initializer_list<int64_t> expected) {
  bool same = tensor.dim() == static_cast<int64_t>(expected.size());
  int64_t axis = 0;
  for (int64_t size : expected) same = same && tensor.size(axis++) == size;
  STD_TORCH_CHECK(same, name, " does not have the shape that value, shapes and the other arguments call for");
}

// `reference` is null for the unfused operator.
inline Problem check_arguments(const Tensor& value, const std::vector<int64_t>& shapes, const Tensor* reference,
                               const Tensor& offsets, const Tensor& weights) {
  STD_TORCH_CHECK(value.dim() == 4, "value must be (batch, tokens, heads, channels)");
  STD_TORCH_CHECK(offsets.dim() == 6, "offsets or locations must be (batch, queries, heads, levels, points, 2)");
  STD_TORCH_CHECK(shapes.size() % 2 == 0, "shapes must hold a height and a width for each level");
  Problem problem{value.size(0),   value.size(1),   value.size(2), value.size(3),          offsets.size(1),
                  offsets.size(3), offsets.size(4), shapes.data(), Form::kLocations};
  int64_t tokens = 0;
  for (size_t i = 0; i + 1 < shapes.size(); i += 2) {
    STD_TORCH_CHECK(shapes[i] > 0 && shapes[i + 1] > 0, "a level has no rows or no columns");
    tokens += shapes[i] * shapes[i + 1];
  }
  STD_TORCH_CHECK(problem.levels == static_cast<int64_t>(shapes.size()) / 2,
                  "offsets or locations have ", problem.levels, " levels, shapes has ", shapes.size() / 2);
  STD_TORCH_CHECK(tokens == problem.tokens, "the levels have ", tokens, " positions, value has ", problem.tokens);
  STD_TORCH_CHECK(tokens <= std::numeric_limits<int32_t>::max(), "more than 2^31 - 1 positions in one image");
  const auto& [batch, _, heads, channels, queries, levels, points, __, ___] = problem;
  check_shape(offsets, "offsets or locations", {batch, queries, heads, levels, points, 2});
  check_shape(weights, "logits or weights", {batch, queries, heads, levels, points});
  if (reference != nullptr) {
    const int64_t size = reference->dim() == 4 ? reference->size(3) : 0;
    STD_TORCH_CHECK(size == 2 || size == 4, "reference_points must be (batch, queries, levels, 2 or 4)");
    check_shape(*reference, "reference_points", {batch, queries, levels, size});
    problem.form = size == 4 ? Form::kBoxOffsets : Form::kPixelOffsets;
  }
  return problem;
}

// The tensor, contiguous and of this type; itself when it is so already.
inline Tensor contiguous_as(const Tensor& tensor, ScalarType type) {
  const Tensor converted = tensor.scalar_type() == type ? tensor : torch::stable::to(tensor, type);
  return converted.is_contiguous() ? converted : torch::stable::contiguous(converted);
}

inline Tensor as(const Tensor& tensor, ScalarType type) {
  return tensor.scalar_type() == type ? tensor : torch::stable::to(tensor, type);
}

}  // namespace vidtrack
