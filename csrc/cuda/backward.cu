// Backward pass: gradients of value (added with atomics in float32), offsets, weights and references.
#include "sampler.cuh"

namespace vidtrack::cuda {
namespace {

constexpr int kThreads = 256;
constexpr int kSharedBytes = 48 * 1024;  // what every device grants a block

template <typename Value, typename Parameter>
struct Tensors {
  const float* __restrict__ grad_output;  // (B, Q, M, D)
  const Value* __restrict__ value;        // (B, S, M, D)
  const float* __restrict__ reference;    // (B, Q, L, R)
  const Parameter* __restrict__ offsets;  // (B, Q, M, L, P, 2)
  const Parameter* __restrict__ weights;  // (B, Q, M, L, P)
  float* __restrict__ grad_value;         // (B, S, M, D)
  float* __restrict__ grad_reference;     // (B, Q, M, L, R): shares of the heads; null for locations
  Parameter* __restrict__ grad_offsets;   // (B, Q, M, L, P, 2)
  Parameter* __restrict__ grad_weights;   // (B, Q, M, L, P)
};

// Gradients of one point: of its pixel coordinates and of its attention weight.
struct PointGrad {
  float x, y, weight;
};

// `target` is a multiple of 16 bytes.
__device__ inline void add_four(float* target, float4 numbers) {
#if __CUDA_ARCH__ >= 900
  atomicAdd(reinterpret_cast<float4*>(target), numbers);
#else
  atomicAdd(target, numbers.x);
  atomicAdd(target + 1, numbers.y);
  atomicAdd(target + 2, numbers.z);
  atomicAdd(target + 3, numbers.w);
#endif
}

// Adds scale * held to the lane's channels of a token of the gradient of value.
template <typename Spread>
__device__ inline void add_atomically(float* head, int pass, int lane, int channels, float scale,
                                      const float (&held)[Spread::kHeld]) {
#pragma unroll
  for (int chunk = 0; chunk < Spread::kChunks; ++chunk) {
    const int at = Spread::channel(pass, chunk, lane);
    if (at >= channels) continue;
    const float* numbers = held + chunk * Spread::kChunk;
    if constexpr (Spread::kChunk % 4 == 0) {
#pragma unroll
      for (int i = 0; i < Spread::kChunk; i += 4) {
        add_four(head + at + i, make_float4(scale * numbers[i], scale * numbers[i + 1], scale * numbers[i + 2],
                                            scale * numbers[i + 3]));
      }
    } else {
      atomicAdd(head + at, scale * numbers[0]);
    }
  }
}

// One point, the lane's channels: adds to the gradient of value, returns the lane's part of the point's gradients.
template <typename Spread>
__device__ inline PointGrad differentiate(const Point& point, const typename Spread::Element* value, float* grad_value,
                                          const float (&grad)[Spread::kHeld], int64_t stride, int pass, int lane,
                                          int channels, bool is_real) {
  const float left = 1.0f - point.right, top = 1.0f - point.bottom;
  const float shares[4] = {top * left, top * point.right, point.bottom * left, point.bottom * point.right};
  float dots[4] = {};  // of value and gradient at the corners; 0 outside
#pragma unroll
  for (int corner = 0; corner < 4; ++corner) {
    if (!point.inside(corner)) continue;
    const int64_t at = corner_offset(point, corner, stride);
    float held[Spread::kHeld];
    Spread::load(value + at, pass, lane, channels, held);
#pragma unroll
    for (int i = 0; i < Spread::kHeld; ++i) dots[corner] = fmaf(held[i], grad[i], dots[corner]);
    if (is_real) add_atomically<Spread>(grad_value + at, pass, lane, channels, point.weight * shares[corner], grad);
  }
  const float along_top = left * dots[0] + point.right * dots[1];
  const float along_bottom = left * dots[2] + point.right * dots[3];
  return {point.weight * (top * (dots[1] - dots[0]) + point.bottom * (dots[3] - dots[2])),
          point.weight * (along_bottom - along_top), top * along_top + point.bottom * along_bottom};
}

// Gradients of the offsets and weights of an item, from those of its points in shared memory.
template <int kLanes, typename Parameter>
__device__ inline void write_point_grads(const Layout& layout, const float* reference, const Parameter* weights,
                                         const Softmax& softmax, const PointGrad* grads, int lane,
                                         Parameter* grad_offsets, Parameter* grad_weights) {
  float mean = 0.0f;  // of the gradients of the weights, by weight
  if (!softmax.given) {
    for (int k = lane; k < layout.samples; k += kLanes) mean += softmax(to_float(weights[k])) * grads[k].weight;
    mean = group_sum<kLanes>(mean);
  }
  if (grad_offsets == nullptr) return;
  for (int k = lane; k < layout.samples; k += kLanes) {
    const Frame frame = frame_of(layout, reference, k / layout.points);
    const float scale = softmax.given ? 1.0f : softmax(to_float(weights[k]));
    grad_offsets[2 * k] = from_float<Parameter>(grads[k].x * frame.step_x);
    grad_offsets[2 * k + 1] = from_float<Parameter>(grads[k].y * frame.step_y);
    grad_weights[k] = from_float<Parameter>(scale * (grads[k].weight - mean));
  }
}

// Gradient of the references of an item, (L, R): each lane takes some levels.
template <int kLanes, typename Parameter>
__device__ inline void write_reference_grads(const Layout& layout, const Parameter* offsets, const PointGrad* grads,
                                             int lane, float* shares) {
  const float steps = 2.0f * layout.points;
  for (int level = lane; level < layout.level_count; level += kLanes) {
    const float width = layout.levels[level].width, height = layout.levels[level].height;
    float x = 0.0f, y = 0.0f, box_width = 0.0f, box_height = 0.0f;
    for (int k = level * layout.points; k < (level + 1) * layout.points; ++k) {
      x += grads[k].x, box_width += grads[k].x * to_float(offsets[2 * k]);
      y += grads[k].y, box_height += grads[k].y * to_float(offsets[2 * k + 1]);
    }
    if (layout.form == Form::kBoxOffsets) {
      float* share = shares + 4 * level;
      share[0] = x * width, share[1] = y * height;
      share[2] = box_width * width / steps, share[3] = box_height * height / steps;
    } else {
      shares[2 * level] = x * width, shares[2 * level + 1] = y * height;
    }
  }
}

template <typename Spread, typename Parameter>
__global__ void __launch_bounds__(kThreads)
    backward_kernel(const Layout layout, const Tensors<typename Spread::Element, Parameter> tensors) {
  constexpr int kLanes = Spread::kLanes;
  const Place<kLanes> place(layout);
  // Shared memory: (items of the block, samples).
  PointGrad* grads = shared_memory<PointGrad>() + threadIdx.x / kLanes * layout.samples;
  const int64_t stride = static_cast<int64_t>(layout.heads) * layout.channels;
  const int64_t image = place.image * layout.tokens * stride + place.head * layout.channels;
  const int reference_size = layout.form == Form::kBoxOffsets ? 4 : 2;
  const float* reference = tensors.reference + place.query * layout.level_count * reference_size;
  const Parameter* offsets = tensors.offsets + place.item * layout.samples * 2;
  const Parameter* weights = tensors.weights + place.item * layout.samples;
  const Softmax softmax = softmax_of<kLanes>(layout, weights, place.lane);

  for (int k = place.lane; k < layout.samples; k += kLanes) grads[k] = {0.0f, 0.0f, 0.0f};
  for (int pass = 0; pass < layout.channels; pass += Spread::kPass) {
    float grad[Spread::kHeld];
    Spread::load(tensors.grad_output + place.item * layout.channels, pass, place.lane, layout.channels, grad);
    for (int first = 0; first < layout.samples; first += kLanes) {
      const Point own = point_of(layout, reference, offsets, weights, softmax, first + place.lane);
      const int count = min(kLanes, layout.samples - first);
      for (int source = 0; source < count; ++source) {
        const Point point = broadcast<kLanes>(own, source);
        const PointGrad part = differentiate<Spread>(point, tensors.value + image, tensors.grad_value + image, grad,
                                                     stride, pass, place.lane, layout.channels, place.is_real);
        const PointGrad whole = {group_sum<kLanes>(part.x), group_sum<kLanes>(part.y), group_sum<kLanes>(part.weight)};
        if (place.lane == source) {  // a lane writes and reads its own points only
          PointGrad& total = grads[first + source];
          total = {total.x + whole.x, total.y + whole.y, total.weight + whole.weight};
        }
      }
    }
  }
  write_point_grads<kLanes>(layout, reference, weights, softmax, grads, place.lane,
                            place.is_real ? tensors.grad_offsets + place.item * layout.samples * 2 : nullptr,
                            tensors.grad_weights + place.item * layout.samples);
  if (layout.form == Form::kLocations) return;
  __syncwarp();  // here the lanes of a group read each other's points
  if (place.is_real) {
    write_reference_grads<kLanes>(layout, offsets, grads, place.lane,
                                  tensors.grad_reference + place.item * layout.level_count * reference_size);
  }
}

}  // namespace

cudaError_t backward(const Call& call, cudaStream_t stream) {
  const Layout layout = layout_of(call.problem);
  return with_types(call, [&](auto value, auto parameter) {
    using Value = decltype(value);
    using Parameter = decltype(parameter);
    const Tensors<Value, Parameter> tensors{
        static_cast<const float*>(call.grad_output), static_cast<const Value*>(call.value),
        static_cast<const float*>(call.reference),   static_cast<const Parameter*>(call.offsets),
        static_cast<const Parameter*>(call.weights), static_cast<float*>(call.grad_value),
        static_cast<float*>(call.grad_reference),    static_cast<Parameter*>(call.grad_offsets),
        static_cast<Parameter*>(call.grad_weights)};
    const bool is_aligned = (reinterpret_cast<uintptr_t>(call.value) | reinterpret_cast<uintptr_t>(call.grad_output) |
                             reinterpret_cast<uintptr_t>(call.grad_value)) %
                                16 ==
                            0;
    return with_spread<Value>(layout, is_aligned, [&](auto spread) {
      using Chosen = decltype(spread);
      const size_t item_bytes = layout.samples * sizeof(PointGrad);
      int threads = kThreads;
      while (threads > 32 && threads / Chosen::kLanes * item_bytes > kSharedBytes) threads /= 2;
      const size_t shared_bytes = threads / Chosen::kLanes * item_bytes;
      if (shared_bytes > kSharedBytes) return cudaErrorInvalidConfiguration;
      const int items = threads / Chosen::kLanes;  // of one block
      const int64_t blocks = (layout.items + items - 1) / items;
      return launch(backward_kernel<Chosen, Parameter>, blocks, threads, shared_bytes, stream, layout, tensors);
    });
  });
}

}  // namespace vidtrack::cuda
