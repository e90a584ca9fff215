// The sizes of one call of multi-scale deformable attention, shared by every device.
#pragma once

#include <cstdint>

namespace vidtrack {

// Where the sampling points of a call come from.
enum class Form {
  kPixelOffsets,  // reference (x, y), offsets in pixels of the level, logits
  kBoxOffsets,    // reference (cx, cy, w, h), offsets in half boxes over the number of points, logits
  kLocations,     // no reference: locations in [0, 1] and weights, the paper's unfused operator
};

// Letters of the shapes in comments: B batch, S tokens, M heads, D channels, Q queries, L levels, P points, R reference.
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

}  // namespace vidtrack
