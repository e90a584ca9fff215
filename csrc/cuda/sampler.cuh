// Device code shared by the forward and the backward kernel.
//
// A group of lanes of one warp serves one item: one query and head. Each lane holds some channels of the head in
// 16-byte chunks. Coordinates and attention weights are computed once, each lane for its share of the points, and then
// passed from lane to lane with shuffles; all arithmetic is float32, whatever the type of the tensors.
#pragma once

#include <cstdint>
#include <type_traits>

#include "device.cuh"
#include "kernels.h"

namespace vidtrack::cuda {

struct Level {
  int width;
  int height;
  int first;  // token
};

// Sizes as the kernels want them; a kernel argument by value, so that no copy to the device is needed (CUDA graphs).
struct Layout {
  Level levels[kMaxLevels];
  int level_count;
  int points;   // of one level
  int samples;  // of one item
  int heads;
  int channels;
  int64_t tokens;
  int64_t queries;
  int64_t items;  // B * Q * M
  Form form;
};

inline Layout layout_of(const Problem& problem) {
  Layout layout{};
  int first = 0;
  for (int64_t i = 0; i < problem.levels; ++i) {
    const int height = static_cast<int>(problem.shapes[2 * i]), width = static_cast<int>(problem.shapes[2 * i + 1]);
    layout.levels[i] = {width, height, first};
    first += width * height;
  }
  layout.level_count = static_cast<int>(problem.levels);
  layout.points = static_cast<int>(problem.points);
  layout.samples = static_cast<int>(problem.samples());
  layout.heads = static_cast<int>(problem.heads);
  layout.channels = static_cast<int>(problem.channels);
  layout.tokens = problem.tokens;
  layout.queries = problem.queries;
  layout.items = problem.batch * problem.queries * problem.heads;
  layout.form = problem.form;
  return layout;
}

__device__ inline float to_float(float number) { return number; }
__device__ inline float to_float(__half number) { return __half2float(number); }
__device__ inline float to_float(__nv_bfloat16 number) { return __bfloat162float(number); }

template <typename Number>
__device__ inline Number from_float(float number) {
  if constexpr (sizeof(Number) == 4) {
    return number;
  } else if constexpr (std::is_same_v<Number, __half>) {
    return __float2half_rn(number);
  } else {
    return __float2bfloat16_rn(number);
  }
}

// kCount consecutive numbers, moved in accesses of up to 16 bytes.
template <typename Number, int kCount>
struct alignas(sizeof(Number) * kCount < 16 ? sizeof(Number) * kCount : 16) Pack {
  Number numbers[kCount];
};

// How the channels of a head are spread over a group of lanes: chunk c of lane i is the (c * kLanes + i)-th of the
// head, so that the lanes of a group touch consecutive addresses. `kVector` false takes one channel at a time, for head
// widths and addresses that are not multiples of 16 bytes. Wider heads take several passes.
template <typename Value, int kGroup, int kChunkCount, bool kVector>
struct Spread {
  static constexpr int kLanes = kGroup;
  static constexpr int kChunks = kChunkCount;
  static constexpr int kChunk = kVector ? 16 / sizeof(Value) : 1;  // channels
  static constexpr int kHeld = kChunks * kChunk;                   // channels of one lane in one pass
  static constexpr int kPass = kLanes * kHeld;                     // channels of the group in one pass
  using Element = Value;

  __device__ static int channel(int pass, int chunk, int lane) { return pass + (chunk * kLanes + lane) * kChunk; }

  // Channels of this lane, as float32; 0 beyond the head.
  template <typename Number>
  __device__ static void load(const Number* head, int pass, int lane, int channels, float (&held)[kHeld]) {
#pragma unroll
    for (int chunk = 0; chunk < kChunks; ++chunk) {
      const int at = channel(pass, chunk, lane);
      Pack<Number, kChunk> pack{};
      if (at < channels) pack = *reinterpret_cast<const Pack<Number, kChunk>*>(head + at);
#pragma unroll
      for (int i = 0; i < kChunk; ++i) held[chunk * kChunk + i] = to_float(pack.numbers[i]);
    }
  }

  __device__ static void store(Value* head, int pass, int lane, int channels, const float (&held)[kHeld]) {
#pragma unroll
    for (int chunk = 0; chunk < kChunks; ++chunk) {
      const int at = channel(pass, chunk, lane);
      Pack<Value, kChunk> pack;
#pragma unroll
      for (int i = 0; i < kChunk; ++i) pack.numbers[i] = from_float<Value>(held[chunk * kChunk + i]);
      if (at < channels) *reinterpret_cast<Pack<Value, kChunk>*>(head + at) = pack;
    }
  }
};

template <int kLanes>
__device__ inline float group_sum(float number) {
#pragma unroll
  for (int step = kLanes / 2; step > 0; step /= 2) number += __shfl_xor_sync(0xffffffffu, number, step);
  return number;
}

template <int kLanes>
__device__ inline float group_max(float number) {
#pragma unroll
  for (int step = kLanes / 2; step > 0; step /= 2) number = fmaxf(number, __shfl_xor_sync(0xffffffffu, number, step));
  return number;
}

// What turns a logit into an attention weight; weights that are given pass unchanged.
struct Softmax {
  float shift;
  float scale;
  bool given;

  __device__ float operator()(float logit) const { return given ? logit : __expf(logit - shift) * scale; }
};

template <int kLanes, typename Parameter>
__device__ inline Softmax softmax_of(const Layout& layout, const Parameter* logits, int lane) {
  if (layout.form == Form::kLocations) return {0.0f, 1.0f, true};
  float largest = -INFINITY;
  for (int k = lane; k < layout.samples; k += kLanes) largest = fmaxf(largest, to_float(logits[k]));
  largest = group_max<kLanes>(largest);
  float total = 0.0f;
  for (int k = lane; k < layout.samples; k += kLanes) total += __expf(to_float(logits[k]) - largest);
  return {largest, 1.0f / group_sum<kLanes>(total), false};
}

// Pixel coordinate = centre * size of the level + offset * step - 0.5: the centre of the first pixel is 0.
struct Frame {
  float centre_x, centre_y, step_x, step_y;
};

// `reference`: (L, R) of the query.
__device__ inline Frame frame_of(const Layout& layout, const float* reference, int level) {
  const float width = layout.levels[level].width, height = layout.levels[level].height;
  switch (layout.form) {
    case Form::kPixelOffsets: return {reference[2 * level], reference[2 * level + 1], 1.0f, 1.0f};
    case Form::kBoxOffsets: {
      const float* box = reference + 4 * level;
      const float steps = 2.0f * layout.points;
      return {box[0], box[1], box[2] * width / steps, box[3] * height / steps};
    }
    default: return {0.0f, 0.0f, width, height};
  }
}

// One sampling point. Bits of `packed`: corner 0..3 (top left, top right, bottom left, bottom right) is inside the
// level; above them the width of the level.
struct Point {
  int token;  // of the top left corner; undefined if that is outside
  int packed;
  float right, bottom;  // distances from the top left corner, in [0, 1)
  float weight;

  __device__ bool inside(int corner) const { return packed >> corner & 1; }
  __device__ int width() const { return packed >> 4; }
};

// Point k of an item; none (nothing inside) beyond the last.
template <typename Parameter>
__device__ inline Point point_of(const Layout& layout, const float* reference, const Parameter* offsets,
                                 const Parameter* weights, const Softmax& softmax, int k) {
  if (k >= layout.samples) return {0, 0, 0.0f, 0.0f, 0.0f};
  const int number = k / layout.points;
  const Level level = layout.levels[number];
  const Frame frame = frame_of(layout, reference, number);
  // The large term last: one rounding of its size.
  float x = fmaf(frame.centre_x, level.width, to_float(offsets[2 * k]) * frame.step_x - 0.5f);
  float y = fmaf(frame.centre_y, level.height, to_float(offsets[2 * k + 1]) * frame.step_y - 0.5f);
  x = fminf(fmaxf(x, -2.0f), level.width + 1.0f);  // outside stays outside, NaN becomes so; integers stay small
  y = fminf(fmaxf(y, -2.0f), level.height + 1.0f);
  const int column = __float2int_rd(x), row = __float2int_rd(y);
  const int left = column >= 0 && column < level.width, right = column >= -1 && column < level.width - 1;
  const int top = row >= 0 && row < level.height, bottom = row >= -1 && row < level.height - 1;
  const int inside = (left & top) | (right & top) << 1 | (left & bottom) << 2 | (right & bottom) << 3;
  return {level.first + row * level.width + column, level.width << 4 | inside, x - column, y - row,
          softmax(to_float(weights[k]))};
}

// The point that lane `source` of the group holds.
template <int kLanes>
__device__ inline Point broadcast(const Point& point, int source) {
  constexpr unsigned kAll = 0xffffffffu;
  return {__shfl_sync(kAll, point.token, source, kLanes), __shfl_sync(kAll, point.packed, source, kLanes),
          __shfl_sync(kAll, point.right, source, kLanes), __shfl_sync(kAll, point.bottom, source, kLanes),
          __shfl_sync(kAll, point.weight, source, kLanes)};
}

// Elements from the start of value to corner 0..3 of a point, of an image whose tokens are `stride` apart.
__device__ inline int64_t corner_offset(const Point& point, int corner, int64_t stride) {
  return (point.token + (corner & 1) + (corner >> 1) * point.width()) * stride;
}

// The position of a thread: its item (the last one again for threads beyond it, which shuffle along and store nothing),
// and its lane in the group.
template <int kLanes>
struct Place {
  int64_t item;
  int lane;
  bool is_real;
  int64_t query;  // of B * Q
  int64_t head;
  int64_t image;

  __device__ explicit Place(const Layout& layout) {
    const int64_t thread = static_cast<int64_t>(blockIdx.x) * blockDim.x + threadIdx.x;
    is_real = thread / kLanes < layout.items;
    item = is_real ? thread / kLanes : layout.items - 1;
    lane = threadIdx.x % kLanes;
    query = item / layout.heads;
    head = item - query * layout.heads;
    image = query / layout.queries;
  }
};

// Calls launch(Spread) with the spread that suits the head width, for value of type Value at these addresses.
template <typename Value, typename Launch>
cudaError_t with_spread(const Layout& layout, bool is_aligned, const Launch& launch) {
  constexpr int kWide = sizeof(Value) == 4 ? 2 : 1;  // 8 channels a lane
  const int channels = layout.channels;
  if (!is_aligned || channels * sizeof(Value) % 16 != 0) return launch(Spread<Value, 32, 1, false>{});
  if (channels <= 16) return launch(Spread<Value, sizeof(Value), 1, true>{});
  if (channels <= 32) return launch(Spread<Value, 4, kWide, true>{});
  if (channels <= 64) return launch(Spread<Value, 8, kWide, true>{});
  return launch(Spread<Value, 16, kWide, true>{});
}

// Calls launch(Value, Parameter) with the types of the call.
template <typename Launch>
cudaError_t with_types(const Call& call, const Launch& launch) {
  const bool is_plain = call.parameter == Element::kFloat32;
  switch (call.element) {
    case Element::kFloat32: return launch(float{}, float{});
    case Element::kFloat16: return is_plain ? launch(__half{}, float{}) : launch(__half{}, __half{});
    case Element::kBFloat16:
      return is_plain ? launch(__nv_bfloat16{}, float{}) : launch(__nv_bfloat16{}, __nv_bfloat16{});
    default: return cudaErrorInvalidValue;
  }
}

}  // namespace vidtrack::cuda
