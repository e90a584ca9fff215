// From a query's references, offsets and logits to the four corners of each sampling point and their weights.
//
// All points of a query (heads x levels x points of the thread's heads) are prepared together in arrays padded to whole
// registers, so that every loop here is vectorised by the compiler for any number of points. Included only by
// kernels.cpp; see vector.h about the unnamed namespace.
#pragma once

#include <cmath>
#include <cstdint>
#include <cstring>
#include <new>

#include "kernels.h"

namespace {

using vidtrack::Form;
using vidtrack::Problem;

constexpr int64_t kPadding = 16;  // lanes of the widest register

// Arrays of one thread, one entry a point; allocated once for a range of queries.
template <typename Real>
class Points {
 public:
  Points(const Problem& problem, int64_t heads)
      : samples(problem.samples()),
        count(heads * samples),
        padded((count + kPadding - 1) / kPadding * kPadding),
        memory_(static_cast<Real*>(::operator new(padded * kArrays * sizeof(Real), kAlignment))),
        next_(memory_) {
    std::memset(memory_, 0, padded * kArrays * sizeof(Real));
    for (Real** array : {&x, &y, &weight, &width, &height, &left, &right, &top, &bottom, &in_left, &in_right, &in_top,
                         &in_bottom, &grad_x, &grad_y, &grad_weight}) {
      *array = take<Real>(1);
    }
    corner_weight = take<Real>(4);
    corner_dot = take<Real>(4);
    corner = take<int32_t>(4);
    row_length = take<int32_t>(1);
    row_count = take<int32_t>(1);
    first_token = take<int32_t>(1);
    fill_levels(problem, heads);
  }
  ~Points() { ::operator delete(memory_, kAlignment); }
  Points(const Points&) = delete;
  Points& operator=(const Points&) = delete;

  const int64_t samples;  // points of one head
  const int64_t count;    // points of all heads
  const int64_t padded;   // length of each array

  // Of the level of the point.
  Real *width, *height;
  int32_t *row_length, *row_count, *first_token;
  // Pixel coordinates (the centre of the first pixel is 0) and attention weight.
  Real *x, *y, *weight;
  // Bilinear weights of the two columns and two rows around the point: 0 outside the level.
  Real *left, *right, *top, *bottom;
  // 1 where the column or row is inside the level, else 0.
  Real *in_left, *in_right, *in_top, *in_bottom;
  // (4, padded): top left, top right, bottom left, bottom right; token index, weight times attention weight.
  int32_t* corner;
  Real* corner_weight;
  // (padded, 4): dot products of the corner's value and the gradient of the output.
  Real* corner_dot;
  Real *grad_x, *grad_y, *grad_weight;

 private:
  static constexpr int64_t kArrays = 16 + 4 + 4 + 4 + 3;  // as taken in the constructor
  static constexpr std::align_val_t kAlignment{64};

  template <typename Type>
  Type* take(int64_t arrays) {
    Type* taken = reinterpret_cast<Type*>(next_);
    next_ += arrays * padded;
    return taken;
  }

  void fill_levels(const Problem& problem, int64_t heads) {
    for (int64_t k = 0; k < padded; ++k) width[k] = height[k] = row_length[k] = row_count[k] = 1;
    for (int64_t head = 0; head < heads; ++head) {
      int64_t first = 0;
      for (int64_t level = 0; level < problem.levels; ++level) {
        const int64_t rows = problem.shapes[2 * level], columns = problem.shapes[2 * level + 1];
        for (int64_t point = 0; point < problem.points; ++point) {
          const int64_t k = head * samples + level * problem.points + point;
          height[k] = static_cast<Real>(row_count[k] = static_cast<int32_t>(rows));
          width[k] = static_cast<Real>(row_length[k] = static_cast<int32_t>(columns));
          first_token[k] = static_cast<int32_t>(first);
        }
        first += rows * columns;
      }
    }
  }

  Real* memory_;
  Real* next_;
};

// e^x for x <= 0 with a relative error of about 2e-7, written so that compilers vectorise it. NaN stays NaN.
inline float exponential(float x) {
  constexpr float kRounder = 12582912.0f;  // 1.5 * 2^23: adding it leaves the rounded integer in the low bits
  x = x < -87.0f ? -87.0f : x;
  const float shifted = x * 1.44269504f + kRounder;
  const float n = shifted - kRounder;  // x = n ln 2 + r, |r| <= ln 2 / 2
  const float r = (x - n * 0.693359375f) + n * 2.12194440e-4f;
  float p = 1.9875691500e-4f;  // Cephes expf
  p = p * r + 1.3981999507e-3f;
  p = p * r + 8.3334519073e-3f;
  p = p * r + 4.1665795894e-2f;
  p = p * r + 1.6666665459e-1f;
  p = p * r + 5.0000001201e-1f;
  p = p * r * r + r + 1.0f;
  int32_t bits;
  std::memcpy(&bits, &shifted, sizeof(bits));
  const int32_t scale_bits = (bits + 127) << 23;
  float scale;
  std::memcpy(&scale, &scale_bits, sizeof(scale));
  return p * scale;
}
inline double exponential(double x) { return std::exp(x); }

// weight = softmax of `logits` over the samples of each head.
template <typename Real>
void softmax(Points<Real>& points, const Real* logits) {
  for (int64_t first = 0; first < points.count; first += points.samples) {
    Real largest = logits[first];
#pragma omp simd reduction(max : largest)
    for (int64_t k = first; k < first + points.samples; ++k) largest = logits[k] > largest ? logits[k] : largest;
    Real total = 0;
#pragma omp simd reduction(+ : total)
    for (int64_t k = first; k < first + points.samples; ++k) {
      points.weight[k] = exponential(logits[k] - largest);
      total += points.weight[k];
    }
    const Real scale = 1 / total;
#pragma omp simd
    for (int64_t k = first; k < first + points.samples; ++k) points.weight[k] *= scale;
  }
}

// Pixel coordinates and weights of all points of one query; `reference` (L, R), `offsets` (heads, L, P, 2),
// `weights` (heads, L, P).
template <typename Real>
void read_points(Points<Real>& points, const Problem& problem, const Real* reference, const Real* offsets,
                 const Real* weights) {
  const Real half = Real(0.5);
  if (problem.form == Form::kLocations) {
#pragma omp simd
    for (int64_t k = 0; k < points.count; ++k) {
      points.x[k] = offsets[2 * k] * points.width[k] - half;
      points.y[k] = offsets[2 * k + 1] * points.height[k] - half;
      points.weight[k] = weights[k];
    }
    return;
  }
  softmax(points, weights);
  const int64_t size = problem.reference_size();
  for (int64_t k = 0, level = 0; k < points.count; k += problem.points, level = (level + 1) % problem.levels) {
    const Real* at = reference + level * size;
    const Real width = points.width[k], height = points.height[k];
    const Real centre_x = at[0] * width - half, centre_y = at[1] * height - half;
    const Real step_x = size == 4 ? at[2] * width * half / problem.points : 1;
    const Real step_y = size == 4 ? at[3] * height * half / problem.points : 1;
#pragma omp simd
    for (int64_t p = k; p < k + problem.points; ++p) {
      points.x[p] = centre_x + offsets[2 * p] * step_x;
      points.y[p] = centre_y + offsets[2 * p + 1] * step_y;
    }
  }
}

template <typename Real>
inline int32_t floor_of(Real x) {
  const int32_t whole = static_cast<int32_t>(x);
  return whole - (static_cast<Real>(whole) > x);
}

inline int32_t clamp(int32_t i, int32_t last) { return i < 0 ? 0 : (i > last ? last : i); }

// Corners of every point. `kKeepSides` also keeps what the backward pass needs.
template <bool kKeepSides, typename Real>
void find_corners(Points<Real>& points) {
  Real *const x = points.x, *const y = points.y, *const weight = points.weight;
  const int64_t padded = points.padded;
#pragma omp simd
  for (int64_t k = 0; k < padded; ++k) {
    const int32_t columns = points.row_length[k], rows = points.row_count[k];
    // The limits keep the conversion to integers defined; both are wholly outside, and NaN becomes outside too.
    const Real px = x[k] > -2 ? (x[k] < points.width[k] + 1 ? x[k] : points.width[k] + 1) : -2;
    const Real py = y[k] > -2 ? (y[k] < points.height[k] + 1 ? y[k] : points.height[k] + 1) : -2;
    const int32_t x0 = floor_of(px), y0 = floor_of(py);
    const Real from_left = px - static_cast<Real>(x0), from_top = py - static_cast<Real>(y0);
    const Real in_left = x0 >= 0 && x0 < columns ? Real(1) : Real(0);
    const Real in_right = x0 >= -1 && x0 < columns - 1 ? Real(1) : Real(0);
    const Real in_top = y0 >= 0 && y0 < rows ? Real(1) : Real(0);
    const Real in_bottom = y0 >= -1 && y0 < rows - 1 ? Real(1) : Real(0);
    const Real left = (1 - from_left) * in_left, right = from_left * in_right;
    const Real top = (1 - from_top) * in_top, bottom = from_top * in_bottom;
    const int32_t row0 = points.first_token[k] + clamp(y0, rows - 1) * columns;
    const int32_t row1 = points.first_token[k] + clamp(y0 + 1, rows - 1) * columns;
    const int32_t column0 = clamp(x0, columns - 1), column1 = clamp(x0 + 1, columns - 1);
    points.corner[k] = row0 + column0;
    points.corner[padded + k] = row0 + column1;
    points.corner[2 * padded + k] = row1 + column0;
    points.corner[3 * padded + k] = row1 + column1;
    const Real top_weight = top * weight[k], bottom_weight = bottom * weight[k];
    points.corner_weight[k] = left * top_weight;
    points.corner_weight[padded + k] = right * top_weight;
    points.corner_weight[2 * padded + k] = left * bottom_weight;
    points.corner_weight[3 * padded + k] = right * bottom_weight;
    if constexpr (kKeepSides) {
      points.left[k] = left, points.right[k] = right, points.top[k] = top, points.bottom[k] = bottom;
      points.in_left[k] = in_left, points.in_right[k] = in_right;
      points.in_top[k] = in_top, points.in_bottom[k] = in_bottom;
    }
  }
}

}  // namespace
