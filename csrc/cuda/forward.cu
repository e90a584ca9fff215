// Forward pass: location, softmax, gather and weighted sum in one kernel.
#include "sampler.cuh"

namespace vidtrack::cuda {
namespace {

constexpr int kThreads = 256;

template <typename Value, typename Parameter>
struct Tensors {
  const Value* __restrict__ value;        // (B, S, M, D)
  const float* __restrict__ reference;    // (B, Q, L, R)
  const Parameter* __restrict__ offsets;  // (B, Q, M, L, P, 2)
  const Parameter* __restrict__ weights;  // (B, Q, M, L, P)
  Value* __restrict__ output;             // (B, Q, M, D)
};

template <typename Spread, typename Parameter>
__global__ void __launch_bounds__(kThreads)
    forward_kernel(const Layout layout, const Tensors<typename Spread::Element, Parameter> tensors) {
  const Place<Spread::kLanes> place(layout);
  const int64_t stride = static_cast<int64_t>(layout.heads) * layout.channels;
  const auto* value = tensors.value + place.image * layout.tokens * stride + place.head * layout.channels;
  const int reference_size = layout.form == Form::kBoxOffsets ? 4 : 2;
  const float* reference = tensors.reference + place.query * layout.level_count * reference_size;
  const Parameter* offsets = tensors.offsets + place.item * layout.samples * 2;
  const Parameter* weights = tensors.weights + place.item * layout.samples;
  const Softmax softmax = softmax_of<Spread::kLanes>(layout, weights, place.lane);

  for (int pass = 0; pass < layout.channels; pass += Spread::kPass) {
    float sum[Spread::kHeld] = {};
    for (int first = 0; first < layout.samples; first += Spread::kLanes) {
      const Point own = point_of(layout, reference, offsets, weights, softmax, first + place.lane);
      const int count = min(Spread::kLanes, layout.samples - first);
#pragma unroll 4
      for (int source = 0; source < count; ++source) {
        const Point point = broadcast<Spread::kLanes>(own, source);
        const float lower = point.bottom * point.weight, upper = point.weight - lower;
        const float upper_right = point.right * upper, lower_right = point.right * lower;
        const float corner_weights[4] = {upper - upper_right, upper_right, lower - lower_right, lower_right};
#pragma unroll
        for (int corner = 0; corner < 4; ++corner) {
          if (!point.inside(corner)) continue;
          float held[Spread::kHeld];
          Spread::load(value + corner_offset(point, corner, stride), pass, place.lane, layout.channels, held);
#pragma unroll
          for (int i = 0; i < Spread::kHeld; ++i) sum[i] = fmaf(held[i], corner_weights[corner], sum[i]);
        }
      }
    }
    if (place.is_real) {
      Spread::store(tensors.output + place.item * layout.channels, pass, place.lane, layout.channels, sum);
    }
  }
}

}  // namespace

cudaError_t forward(const Call& call, cudaStream_t stream) {
  const Layout layout = layout_of(call.problem);
  return with_types(call, [&](auto value, auto parameter) {
    using Value = decltype(value);
    using Parameter = decltype(parameter);
    const Tensors<Value, Parameter> tensors{
        static_cast<const Value*>(call.value), static_cast<const float*>(call.reference),
        static_cast<const Parameter*>(call.offsets), static_cast<const Parameter*>(call.weights),
        static_cast<Value*>(call.output)};
    const bool is_aligned = reinterpret_cast<uintptr_t>(call.value) % 16 == 0;
    return with_spread<Value>(layout, is_aligned, [&](auto spread) {
      using Chosen = decltype(spread);
      constexpr int kItems = kThreads / Chosen::kLanes;  // of one block
      const int64_t blocks = (layout.items + kItems - 1) / kItems;
      return launch(forward_kernel<Chosen, Parameter>, blocks, kThreads, 0, stream, layout, tensors);
    });
  });
}

}  // namespace vidtrack::cuda
