// One call of multi-scale deformable attention: sizes and tensors, the same for every device.
#pragma once

#include <cstdint>

namespace vidtrack {

// Where the sampling points of a call come from.
enum class Form {
  kPixelOffsets,  // reference (x, y), offsets in pixels of the level, logits
  kBoxOffsets,    // reference (cx, cy, w, h), offsets in half boxes over the number of points, logits
  kLocations,     // no reference: locations in [0, 1] and weights, the paper's unfused operator
};

// Letters of the shapes in comments: B batch, S tokens, M heads, D channels, Q queries, L levels, P points, R
// reference.
struct Problem {
  int64_t batch;
  int64_t tokens;  // sum of height * width over the levels
  int64_t heads;
  int64_t channels;  // of one head
  int64_t queries;
  int64_t levels;
  int64_t points;         // of one level
  const int64_t* shapes;  // (L, 2): height, width; host memory
  Form form;

  int64_t samples() const { return levels * points; }  // of one query and head
  int64_t reference_size() const { return form == Form::kBoxOffsets ? 4 : 2; }
};

enum class Element { kFloat32, kFloat64, kBFloat16, kFloat16 };

// Contiguous tensors. "real" is the type of coordinates and sums: float64 if value is, float32 otherwise.
struct Call {
  Problem problem;
  Element element;          // of value and output
  Element parameter;        // of offsets, weights and their gradients: real, or on some devices that of value
  const void* value;        // (B, S, M, D)
  const void* reference;    // (B, Q, L, R) real; not read when the form is kLocations
  const void* offsets;      // (B, Q, M, L, P, 2): offsets or locations
  const void* weights;      // (B, Q, M, L, P): logits or weights
  void* output;             // (B, Q, M, D)
  const void* grad_output;  // (B, Q, M, D) real
  void* grad_value;         // (B, S, M, D) real, zeroed by the caller
  void* grad_reference;     // (B, Q, M, L, R) real: one share for each head, summed by the caller
  void* grad_offsets;       // (B, Q, M, L, P, 2)
  void* grad_weights;       // (B, Q, M, L, P)
};

}  // namespace vidtrack
