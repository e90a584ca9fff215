// From a query's references, offsets and logits to the four corners of each sampling point and their weights.
//
// All points of a query (heads x levels x points of the thread's heads) are prepared together, in arrays padded to
// whole registers, whatever the number of points of one head. Included only by kernels.cpp; see vector.h about the
// unnamed namespace.
#pragma once

#include <cmath>
#include <cstdint>
#include <cstring>
#include <initializer_list>
#include <new>

#include "kernels.h"
#include "vector.h"

namespace {

using vidtrack::Form;
using vidtrack::Problem;

// Arrays of one thread, one entry a point; allocated once for a range of queries.
template <typename Real>
class Points {
 public:
  Points(const Problem& problem, int64_t heads)
      : samples(problem.samples()),
        count(heads * samples),
        padded((count + kWide<Real> - 1) / kWide<Real> * kWide<Real>),
        memory_(static_cast<Real*>(::operator new(padded * kArrays * sizeof(Real), kAlignment))),
        next_(memory_) {
    std::memset(memory_, 0, padded * kArrays * sizeof(Real));
    for (Real** array : {&width, &height, &centre_x, &centre_y, &step_x, &step_y, &x, &y, &weight})
      *array = take<Real>(1);
    for (Real** array : {&left, &right, &top, &bottom, &in_left, &in_right, &in_top, &in_bottom})
      *array = take<Real>(1);
    for (Real** array : {&grad_x, &grad_y, &grad_weight}) *array = take<Real>(1);
    first_token = take<Whole<Real>>(1);
    corner = take<Whole<Real>>(4);
    corner_weight = take<Real>(4);
    corner_dot = take<Real>(4);
    set_levels(problem, heads);
  }
  ~Points() { ::operator delete(memory_, kAlignment); }
  Points(const Points&) = delete;
  Points& operator=(const Points&) = delete;

  const int64_t samples;  // points of one head
  const int64_t count;    // points of all heads
  const int64_t padded;   // length of each array

  // Of the level of the point, in pixels.
  Real *width, *height;
  Whole<Real>* first_token;
  // Pixel coordinate = centre * size of the level + offset * step - 0.5: the centre of the first pixel is 0.
  Real *centre_x, *centre_y, *step_x, *step_y;
  // Pixel coordinates, and attention weight.
  Real *x, *y, *weight;
  // Bilinear weights of the two columns and two rows around the point: 0 outside the level.
  Real *left, *right, *top, *bottom;
  // 1 if the column or row is inside the level, else 0.
  Real *in_left, *in_right, *in_top, *in_bottom;
  // (4, padded): top left, top right, bottom left, bottom right; token index, and bilinear times attention weight.
  Whole<Real>* corner;
  Real* corner_weight;
  // (padded, 4): dot products of the corner's value and the gradient of the output.
  Real* corner_dot;
  Real *grad_x, *grad_y, *grad_weight;

 private:
  static constexpr int64_t kArrays = 20 + 1 + 3 * 4;  // as taken in the constructor
  static constexpr std::align_val_t kAlignment{64};

  template <typename Element>
  Element* take(int64_t arrays) {
    static_assert(sizeof(Element) == sizeof(Real));
    Element* taken = reinterpret_cast<Element*>(next_);
    next_ += arrays * padded;
    return taken;
  }

  void set_levels(const Problem& problem, int64_t heads) {
    for (int64_t k = 0; k < padded; ++k) width[k] = height[k] = 1;
    for (int64_t head = 0, k = 0; head < heads; ++head) {
      int64_t first = 0;
      for (int64_t level = 0; level < problem.levels; ++level) {
        const int64_t rows = problem.shapes[2 * level], columns = problem.shapes[2 * level + 1];
        for (int64_t point = 0; point < problem.points; ++point, ++k) {
          height[k] = static_cast<Real>(rows);
          width[k] = static_cast<Real>(columns);
          first_token[k] = static_cast<Whole<Real>>(first);
          // What set_reference leaves as it is: the steps of kPixelOffsets; all of kLocations, with centres of 0.
          step_x[k] = problem.form == Form::kLocations ? width[k] : 1;
          step_y[k] = problem.form == Form::kLocations ? height[k] : 1;
        }
        first += rows * columns;
      }
    }
  }

  Real* memory_;
  Real* next_;
};

// memcpy for a dozen numbers, without the call.
template <typename Real>
inline void copy(Real* target, const Real* source, int64_t count) {
  int64_t k = 0;
  for (; k + 4 <= count; k += 4) store<4>(target + k, load<4>(source + k));
  for (; k < count; ++k) target[k] = source[k];
}

// Centre and step of every point from the references (L, R) of a query.
template <typename Real>
void set_reference(Points<Real>& points, const Problem& problem, const Real* reference) {
  const bool is_box = problem.form == Form::kBoxOffsets;
  const Real steps = static_cast<Real>(2 * problem.points);
  for (int64_t k = 0; k < points.samples; k += problem.points, reference += problem.reference_size()) {
    for (int64_t p = k; p < k + problem.points; ++p) {
      points.centre_x[p] = reference[0], points.centre_y[p] = reference[1];
    }
    if (!is_box) continue;
    const Real step_x = reference[2] * points.width[k] / steps, step_y = reference[3] * points.height[k] / steps;
    for (int64_t p = k; p < k + problem.points; ++p) points.step_x[p] = step_x, points.step_y[p] = step_y;
  }
  for (int64_t head = points.samples; head < points.count; head += points.samples) {  // all heads alike
    copy(points.centre_x + head, points.centre_x, points.samples);
    copy(points.centre_y + head, points.centre_y, points.samples);
    if (!is_box) continue;
    copy(points.step_x + head, points.step_x, points.samples);
    copy(points.step_y + head, points.step_y, points.samples);
  }
}

// e^x for x <= 0 with a relative error of about 2e-7. NaN stays NaN.
inline Lanes<float> exponential(Lanes<float> x) {
  constexpr float kRounder = 12582912.0f;  // 1.5 * 2^23: adding it leaves the rounded integer in the low bits
  x = x < -87.0f ? Lanes<float>{} - 87.0f : x;
  const Lanes<float> shifted = x * 1.44269504f + kRounder;
  const Lanes<float> n = shifted - kRounder;  // x = n ln 2 + r, |r| <= ln 2 / 2
  const Lanes<float> r = (x - n * 0.693359375f) + n * 2.12194440e-4f;
  Lanes<float> p = r * 1.9875691500e-4f + 1.3981999507e-3f;  // polynomial of Cephes' expf
  p = p * r + 8.3334519073e-3f;
  p = p * r + 4.1665795894e-2f;
  p = p * r + 1.6666665459e-1f;
  p = p * r + 5.0000001201e-1f;
  p = p * r * r + r + 1.0f;
  WholeLanes<float> bits;
  std::memcpy(&bits, &shifted, sizeof(bits));
  bits = (bits + 127) << 23;  // 2^n
  Lanes<float> scale;
  std::memcpy(&scale, &bits, sizeof(scale));
  return p * scale;
}

inline Lanes<double> exponential(Lanes<double> x) {
  for (int i = 0; i < kWide<double>; ++i) x[i] = std::exp(x[i]);
  return x;
}

template <typename Real>
Real sum(const Real* numbers, int64_t count) {
  Vector<Real, 4> lanes{};
  int64_t k = 0;
  for (; k + 4 <= count; k += 4) lanes += load<4>(numbers + k);
  Real total = (lanes[0] + lanes[1]) + (lanes[2] + lanes[3]);
  for (; k < count; ++k) total += numbers[k];
  return total;
}

template <typename Real>
Real largest(const Real* numbers, int64_t count) {
  Real found = numbers[0];
  int64_t k = 0;
  if (count >= 4) {
    Vector<Real, 4> lanes = load<4>(numbers);
    for (k = 4; k + 4 <= count; k += 4) {
      const Vector<Real, 4> next = load<4>(numbers + k);
      lanes = next > lanes ? next : lanes;
    }
    for (int i = 0; i < 4; ++i) found = lanes[i] > found ? lanes[i] : found;
  }
  for (; k < count; ++k) found = numbers[k] > found ? numbers[k] : found;
  return found;
}

template <typename Real>
inline void affine(Real* target, const Real* source, Real scale, Real shift, int64_t count) {
  int64_t k = 0;
  for (; k + 4 <= count; k += 4) store<4>(target + k, load<4>(source + k) * scale + shift);
  for (; k < count; ++k) target[k] = source[k] * scale + shift;
}

// weight = softmax of `logits` over the samples of each head.
template <typename Real>
void softmax(Points<Real>& points, const Real* logits) {
  Real* const weight = points.weight;
  for (int64_t first = 0; first < points.count; first += points.samples) {
    affine(weight + first, logits + first, Real(1), -largest(logits + first, points.samples), points.samples);
  }
  for (int64_t k = 0; k < points.padded; k += kWide<Real>) {
    store<kWide<Real>>(weight + k, exponential(load<kWide<Real>>(weight + k)));
  }
  for (int64_t first = 0; first < points.count; first += points.samples) {
    affine(weight + first, weight + first, 1 / sum(weight + first, points.samples), Real(0), points.samples);
  }
}

// Coordinates and weights of all points of a query; `reference` (L, R), `offsets` (heads, L, P, 2), `weights`
// (heads, L, P).
template <typename Real>
void read_points(Points<Real>& points, const Problem& problem, const Real* reference, const Real* offsets,
                 const Real* weights) {
  if (problem.form == Form::kLocations) {
    std::memcpy(points.weight, weights, points.count * sizeof(Real));
  } else {
    set_reference(points, problem, reference);
    softmax(points, weights);
  }
  const Real half = Real(0.5);
#pragma omp simd
  for (int64_t k = 0; k < points.count; ++k) {  // the large term last: one rounding of its size
    points.x[k] = points.centre_x[k] * points.width[k] + (offsets[2 * k] * points.step_x[k] - half);
    points.y[k] = points.centre_y[k] * points.height[k] + (offsets[2 * k + 1] * points.step_y[k] - half);
  }
}

// The two pixels of one axis between which a coordinate lies.
template <typename Real>
struct Neighbours {
  WholeLanes<Real> before, after;           // indices, clamped to the level
  Lanes<Real> before_weight, after_weight;  // bilinear weights, 0 outside the level
  Lanes<Real> before_inside, after_inside;  // 1 inside the level, else 0
};

template <typename Real>
inline Neighbours<Real> neighbours(Lanes<Real> at, Lanes<Real> size) {
  const Lanes<Real> zero{}, one = zero + 1, lowest = zero - 2, highest = size + 1;
  at = at > lowest ? at : lowest;  // so that integers stay defined: both limits are outside, NaN becomes `lowest`
  at = at < highest ? at : highest;
  WholeLanes<Real> floor = __builtin_convertvector(at, WholeLanes<Real>);
  floor += __builtin_convertvector(floor, Lanes<Real>) > at;  // a true comparison is -1
  const WholeLanes<Real> first{}, last = __builtin_convertvector(size, WholeLanes<Real>) - 1, next = floor + 1;
  const Lanes<Real> fraction = at - __builtin_convertvector(floor, Lanes<Real>);
  Neighbours<Real> result;
  result.before_inside = ((floor >= first) & (floor <= last)) ? one : zero;
  result.after_inside = ((next >= first) & (next <= last)) ? one : zero;
  result.before_weight = (one - fraction) * result.before_inside;
  result.after_weight = fraction * result.after_inside;
  result.before = floor > first ? floor : first;
  result.before = result.before < last ? result.before : last;
  result.after = next > first ? next : first;
  result.after = result.after < last ? result.after : last;
  return result;
}

// Corners of every point. `kKeepSides` also keeps what the backward pass needs.
template <bool kKeepSides, typename Real>
void find_corners(Points<Real>& points) {
  const auto read = [](const auto* array) { return load<kWide<Real>>(array); };
  const auto write = [](auto* array, auto lanes) { store<kWide<Real>>(array, lanes); };
  const int64_t padded = points.padded;
  for (int64_t k = 0; k < padded; k += kWide<Real>) {
    const Lanes<Real> width = read(points.width + k), weight = read(points.weight + k);
    const Neighbours<Real> x = neighbours<Real>(read(points.x + k), width);
    const Neighbours<Real> y = neighbours<Real>(read(points.y + k), read(points.height + k));
    const WholeLanes<Real> first = read(points.first_token + k), row = __builtin_convertvector(width, WholeLanes<Real>);
    const WholeLanes<Real> upper = first + y.before * row, lower = first + y.after * row;
    const Lanes<Real> upper_weight = y.before_weight * weight, lower_weight = y.after_weight * weight;
    write(points.corner + k, upper + x.before);
    write(points.corner + padded + k, upper + x.after);
    write(points.corner + 2 * padded + k, lower + x.before);
    write(points.corner + 3 * padded + k, lower + x.after);
    write(points.corner_weight + k, upper_weight * x.before_weight);
    write(points.corner_weight + padded + k, upper_weight * x.after_weight);
    write(points.corner_weight + 2 * padded + k, lower_weight * x.before_weight);
    write(points.corner_weight + 3 * padded + k, lower_weight * x.after_weight);
    if constexpr (kKeepSides) {
      write(points.left + k, x.before_weight), write(points.right + k, x.after_weight);
      write(points.top + k, y.before_weight), write(points.bottom + k, y.after_weight);
      write(points.in_left + k, x.before_inside), write(points.in_right + k, x.after_inside);
      write(points.in_top + k, y.before_inside), write(points.in_bottom + k, y.after_inside);
    }
  }
}

}  // namespace
