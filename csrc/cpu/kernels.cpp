// Forward and backward of multi-scale deformable attention on the CPU.
//
// Compiled once for each instruction set; VIDTRACK_KERNELS is the name of the resulting table.
#include "kernels.h"

#include <cstdint>
#include <cstring>

#include "points.h"
#include "vector.h"

namespace {

using vidtrack::Call;
using vidtrack::Element;

// Calls body(channel, Block) for consecutive blocks of 64, 32, 16, 8, 4 or 1 channels that cover the head.
template <typename Real, typename Body>
inline void for_each_block(int64_t channels, const Body& body) {
  int64_t channel = 0;
  for (; channel + 64 <= channels; channel += 64) body(channel, Block<Real, 64>{});
  if (channel + 32 <= channels) body(channel, Block<Real, 32>{}), channel += 32;
  if (channel + 16 <= channels) body(channel, Block<Real, 16>{}), channel += 16;
  if (channel + 8 <= channels) body(channel, Block<Real, 8>{}), channel += 8;
  if (channel + 4 <= channels) body(channel, Block<Real, 4>{}), channel += 4;
  for (; channel < channels; ++channel) body(channel, Block<Real, 1>{});
}

// Asks for the values of a head's points, which are to be gathered next.
template <typename Real, typename Storage>
inline void prefetch(const Points<Real>& points, int64_t first, const Storage* head, int64_t stride, int64_t channels) {
  constexpr int64_t kLine = 64 / sizeof(Storage);
  for (int64_t corner = 0; corner < 4; ++corner) {
    const Whole<Real>* tokens = points.corner + corner * points.padded + first;
    for (int64_t k = 0; k < points.samples; ++k) {
      for (int64_t c = 0; c < channels; c += kLine) __builtin_prefetch(head + tokens[k] * stride + c);
    }
  }
}

// Weighted sum of the corners of points [first, first + samples), for one block of channels of one head.
template <typename Real, int kChannels, typename Storage>
inline void gather(const Points<Real>& points, int64_t first, const Storage* head, int64_t stride, Storage* output) {
  using Channels = Block<Real, kChannels>;
  const Whole<Real>* tokens = points.corner + first;
  const Real* weights = points.corner_weight + first;
  const int64_t next = points.padded;
  Channels upper, lower;  // two chains of additions hide their latency
  for (int64_t k = 0; k < points.samples; ++k) {
    upper.add_scaled(Channels::from(head + tokens[k] * stride), weights[k]);
    lower.add_scaled(Channels::from(head + tokens[2 * next + k] * stride), weights[2 * next + k]);
    upper.add_scaled(Channels::from(head + tokens[next + k] * stride), weights[next + k]);
    lower.add_scaled(Channels::from(head + tokens[3 * next + k] * stride), weights[3 * next + k]);
  }
  upper.add(lower);
  upper.store_to(output);
}

template <typename Real, typename Storage>
void forward_queries(const Call& call, int64_t begin, int64_t end) {
  const Problem& problem = call.problem;
  const int64_t heads = problem.heads, channels = problem.channels, stride = heads * channels;
  Points<Real> points(problem, heads);
  for (int64_t query = begin; query < end; ++query) {  // of B * Q
    const Storage* value = static_cast<const Storage*>(call.value) + query / problem.queries * problem.tokens * stride;
    read_points(points, problem,
                static_cast<const Real*>(call.reference) + query * problem.levels * problem.reference_size(),
                static_cast<const Real*>(call.offsets) + query * points.count * 2,
                static_cast<const Real*>(call.weights) + query * points.count);
    find_corners<false>(points);
    for (int64_t head = 0; head < heads; ++head) {
      const int64_t first = head * points.samples;
      if (head + 1 < heads) prefetch(points, first + points.samples, value + (head + 1) * channels, stride, channels);
      const Storage* source = value + head * channels;
      Storage* target = static_cast<Storage*>(call.output) + query * stride + head * channels;
      for_each_block<Real>(channels, [&](int64_t channel, auto block) {
        gather<Real, decltype(block)::kSize>(points, first, source + channel, stride, target + channel);
      });
    }
  }
}

// Adds to the gradient of value at the corners, and takes the products of gradient and value there.
template <typename Real, int kChannels, typename Storage>
inline void scatter(Points<Real>& points, int64_t first, const Storage* head, int64_t stride, const Real* grad_output,
                    Real* grad_head) {
  using Channels = Block<Real, kChannels>;
  const Channels grad = Channels::from(grad_output);
  for (int64_t k = first; k < first + points.samples; ++k) {
    Vector<Real, Channels::kLanes> products[4];
    for (int corner = 0; corner < 4; ++corner) {
      const int64_t at = points.corner[corner * points.padded + k] * stride;
      products[corner] = Channels::from(head + at).dot_lanes(grad);
      Channels sum = Channels::from(grad_head + at);
      sum.add_scaled(grad, points.corner_weight[corner * points.padded + k]);
      sum.store_to(grad_head + at);
    }
    Real* dots = points.corner_dot + 4 * k;
    store<4>(dots, load<4>(dots) + sum_each<Channels::kLanes, Real>(products));
  }
}

// Gradients of the coordinates, in pixels, and of the attention weight of every point, from the products at its
// corners.
template <typename Real>
void differentiate(Points<Real>& points) {
#pragma omp simd
  for (int64_t k = 0; k < points.padded; ++k) {
    const Real* dots = points.corner_dot + 4 * k;
    const Real top_left = dots[0] * points.in_left[k], top_right = dots[1] * points.in_right[k];
    const Real bottom_left = dots[2] * points.in_left[k], bottom_right = dots[3] * points.in_right[k];
    const Real along_top = points.left[k] * dots[0] + points.right[k] * dots[1];
    const Real along_bottom = points.left[k] * dots[2] + points.right[k] * dots[3];
    points.grad_x[k] =
        points.weight[k] * (points.top[k] * (top_right - top_left) + points.bottom[k] * (bottom_right - bottom_left));
    points.grad_y[k] = points.weight[k] * (points.in_bottom[k] * along_bottom - points.in_top[k] * along_top);
    points.grad_weight[k] = points.top[k] * along_top + points.bottom[k] * along_bottom;
  }
}

// From the gradient of the attention weights to that of the logits, in place.
template <typename Real>
void softmax_backward(Points<Real>& points) {
  Real *const weight = points.weight, *const grad = points.grad_weight;
  for (int64_t k = 0; k < points.count; ++k) grad[k] *= weight[k];
  for (int64_t first = 0; first < points.count; first += points.samples) {
    const Real total = sum(grad + first, points.samples);
    for (int64_t k = first; k < first + points.samples; ++k) grad[k] -= weight[k] * total;
  }
}

// Gradient of the references, `shares` (heads, L, R): one share for each head.
template <typename Real>
void write_reference_grads(const Points<Real>& points, const Problem& problem, const Real* offsets, Real* shares) {
  const Real steps = static_cast<Real>(2 * problem.points);
  for (int64_t k = 0; k < points.count; k += problem.points, shares += problem.reference_size()) {
    Real sum_x = 0, sum_y = 0, sum_width = 0, sum_height = 0;
    for (int64_t p = k; p < k + problem.points; ++p) {
      sum_x += points.grad_x[p], sum_width += points.grad_x[p] * offsets[2 * p];
      sum_y += points.grad_y[p], sum_height += points.grad_y[p] * offsets[2 * p + 1];
    }
    shares[0] = sum_x * points.width[k], shares[1] = sum_y * points.height[k];
    if (problem.form == Form::kBoxOffsets) {
      shares[2] = sum_width * points.width[k] / steps, shares[3] = sum_height * points.height[k] / steps;
    }
  }
}

// The reverse of read_points.
template <typename Real>
void write_grads(Points<Real>& points, const Problem& problem, const Real* offsets, Real* grad_reference,
                 Real* grad_offsets, Real* grad_weights) {
  if (problem.form != Form::kLocations) {
    softmax_backward(points);
    write_reference_grads(points, problem, offsets, grad_reference);
  }
  std::memcpy(grad_weights, points.grad_weight, points.count * sizeof(Real));
#pragma omp simd
  for (int64_t k = 0; k < points.count; ++k) {
    grad_offsets[2 * k] = points.grad_x[k] * points.step_x[k];
    grad_offsets[2 * k + 1] = points.grad_y[k] * points.step_y[k];
  }
}

// Heads [first_head, first_head + heads) of one image, all queries.
template <typename Real, typename Storage>
void backward_image(const Call& call, int64_t image, int64_t first_head, int64_t heads) {
  const Problem& problem = call.problem;
  const int64_t channels = problem.channels, stride = problem.heads * channels;
  const int64_t references = problem.levels * problem.reference_size();
  Points<Real> points(problem, heads);
  const int64_t origin = image * problem.tokens * stride + first_head * channels;
  const Storage* value = static_cast<const Storage*>(call.value) + origin;
  Real* grad_value = static_cast<Real*>(call.grad_value) + origin;
  for (int64_t query = image * problem.queries; query < (image + 1) * problem.queries; ++query) {
    const int64_t row = query * problem.heads + first_head;  // of B * Q * M
    const Real* reference = static_cast<const Real*>(call.reference) + query * references;
    const Real* offsets = static_cast<const Real*>(call.offsets) + row * points.samples * 2;
    const Real* grad_output = static_cast<const Real*>(call.grad_output) + row * channels;
    read_points(points, problem, reference, offsets, static_cast<const Real*>(call.weights) + row * points.samples);
    find_corners<true>(points);
    std::memset(points.corner_dot, 0, 4 * points.padded * sizeof(Real));
    for (int64_t head = 0; head < heads; ++head) {
      const int64_t first = head * points.samples, begin = head * channels;
      if (head + 1 < heads) {
        prefetch(points, first + points.samples, value + begin + channels, stride, channels);
        prefetch(points, first + points.samples, grad_value + begin + channels, stride, channels);
      }
      for_each_block<Real>(channels, [&](int64_t channel, auto block) {
        const int64_t at = begin + channel;
        scatter<Real, decltype(block)::kSize>(points, first, value + at, stride, grad_output + at, grad_value + at);
      });
    }
    differentiate(points);
    write_grads(points, problem, offsets, static_cast<Real*>(call.grad_reference) + row * references,
                static_cast<Real*>(call.grad_offsets) + row * points.samples * 2,
                static_cast<Real*>(call.grad_weights) + row * points.samples);
  }
}

template <typename Real, typename Storage>
void backward_heads(const Call& call, int64_t begin, int64_t end) {
  const int64_t heads = call.problem.heads;
  for (int64_t head = begin; head < end;) {
    const int64_t first = head % heads, rest = end - head;
    const int64_t count = heads - first < rest ? heads - first : rest;
    backward_image<Real, Storage>(call, head / heads, first, count);
    head += count;
  }
}

void forward(const Call& call, int64_t begin, int64_t end) {
  switch (call.element) {
    case Element::kFloat32: return forward_queries<float, float>(call, begin, end);
    case Element::kFloat64: return forward_queries<double, double>(call, begin, end);
    case Element::kBFloat16: return forward_queries<float, BFloat16>(call, begin, end);
    case Element::kFloat16: return;  // the operators convert it to float32
  }
}

void backward(const Call& call, int64_t begin, int64_t end) {
  switch (call.element) {
    case Element::kFloat32: return backward_heads<float, float>(call, begin, end);
    case Element::kFloat64: return backward_heads<double, double>(call, begin, end);
    case Element::kBFloat16: return backward_heads<float, BFloat16>(call, begin, end);
    case Element::kFloat16: return;
  }
}

}  // namespace

#if defined(__AVX512F__)
#define VIDTRACK_INSTRUCTION_SET "avx512"
#elif defined(__AVX2__)
#define VIDTRACK_INSTRUCTION_SET "avx2"
#elif defined(__ARM_NEON)
#define VIDTRACK_INSTRUCTION_SET "neon"
#else
#define VIDTRACK_INSTRUCTION_SET "baseline"
#endif

namespace vidtrack::cpu {
extern const Kernels VIDTRACK_KERNELS = {VIDTRACK_INSTRUCTION_SET, forward, backward};
}  // namespace vidtrack::cpu
