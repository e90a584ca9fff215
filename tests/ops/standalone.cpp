// The CPU kernels without Python and torch, for processors that are emulated: one call from standard input to standard
// output, as test_other_platforms.py writes and reads it.
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <vector>
#ifdef _WIN32
#include <fcntl.h>
#include <io.h>
#endif

#include "cpu/kernels.h"

using vidtrack::Call;
using vidtrack::Element;
using vidtrack::Form;

namespace {

void read_exactly(void* target, size_t bytes) {
  if (std::fread(target, 1, bytes, stdin) != bytes) std::exit(1);
}

std::vector<int64_t> read_numbers(size_t count) {
  std::vector<int64_t> numbers(count);
  read_exactly(numbers.data(), count * sizeof(int64_t));
  return numbers;
}

std::vector<char> read_tensor(int64_t bytes) {
  std::vector<char> tensor(bytes);
  read_exactly(tensor.data(), bytes);
  return tensor;
}

}  // namespace

int main() {
#ifdef _WIN32
  _setmode(_fileno(stdin), _O_BINARY);
  _setmode(_fileno(stdout), _O_BINARY);
#endif
  const std::vector<int64_t> head = read_numbers(9);
  const std::vector<int64_t> shapes = read_numbers(2 * head[7]);
  Call call{};
  call.element = static_cast<Element>(head[0]);
  call.problem = {
      head[2], head[3], head[4], head[5], head[6], head[7], head[8], shapes.data(), static_cast<Form>(head[1])};
  const vidtrack::Problem& problem = call.problem;
  const int64_t real = call.element == Element::kFloat64 ? 8 : 4,
                stored = call.element == Element::kBFloat16 ? 2 : real;
  const int64_t queries = problem.batch * problem.queries, samples = queries * problem.heads * problem.samples();
  const int64_t values = problem.batch * problem.tokens * problem.heads * problem.channels;
  const int64_t outputs = queries * problem.heads * problem.channels;
  const int64_t references = problem.form == Form::kLocations ? 0 : queries * problem.levels * problem.reference_size();

  const std::vector<char> value = read_tensor(values * stored), reference = read_tensor(references * real);
  const std::vector<char> offsets = read_tensor(2 * samples * real), weights = read_tensor(samples * real);
  const std::vector<char> grad_output = read_tensor(outputs * real);
  std::vector<char> output(outputs * stored), grad_value(values * real);
  std::vector<char> grad_reference(references * problem.heads * real);
  std::vector<char> grad_offsets(2 * samples * real), grad_weights(samples * real);
  call.value = value.data();
  call.reference = reference.data();
  call.offsets = offsets.data();
  call.weights = weights.data();
  call.output = output.data();
  call.grad_output = grad_output.data();
  call.grad_value = grad_value.data();
  call.grad_reference = grad_reference.data();
  call.grad_offsets = grad_offsets.data();
  call.grad_weights = grad_weights.data();

  const vidtrack::cpu::Kernels& kernels = vidtrack::cpu::kBaselineKernels;
  kernels.forward(call, 0, queries);
  kernels.backward(call, 0, problem.batch * problem.heads);
  for (const auto* tensor : {&output, &grad_value, &grad_reference, &grad_offsets, &grad_weights}) {
    std::fwrite(tensor->data(), 1, tensor->size(), stdout);
  }
  std::fputs(kernels.name, stderr);
}
