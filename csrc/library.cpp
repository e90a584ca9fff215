// The schema of every operator, written once; kernels for a device are registered in that device's folder.
#include <torch/csrc/stable/library.h>

STABLE_TORCH_LIBRARY(vidtrack, library) {
  // value (B, S, M, D), shapes (L * 2) as height, width, reference (B, Q, L, 2 or 4), offsets (B, Q, M, L, P, 2),
  // logits (B, Q, M, L, P) -> (B, Q, M * D)
  library.def(
      "deformable_attention(Tensor value, SymInt[] shapes, Tensor reference_points, Tensor sampling_offsets, "
      "Tensor attention_logits) -> Tensor");
  // Gradients of value, reference_points, sampling_offsets, attention_logits.
  library.def(
      "deformable_attention_backward(Tensor grad, Tensor value, SymInt[] shapes, Tensor reference_points, "
      "Tensor sampling_offsets, Tensor attention_logits) -> (Tensor, Tensor, Tensor, Tensor)");
  // locations (B, Q, M, L, P, 2), weights (B, Q, M, L, P)
  library.def(
      "deformable_sampling(Tensor value, SymInt[] shapes, Tensor sampling_locations, Tensor attention_weights) "
      "-> Tensor");
  // Gradients of value, sampling_locations, attention_weights.
  library.def(
      "deformable_sampling_backward(Tensor grad, Tensor value, SymInt[] shapes, Tensor sampling_locations, "
      "Tensor attention_weights) -> (Tensor, Tensor, Tensor)");
  // What is in this library: instruction set of the CPU kernels in use, architectures of the CUDA kernels.
  library.def("build_info() -> str");
}
