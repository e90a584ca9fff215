// A few channels held in vector registers, written with the vector extensions of GCC and Clang.
//
// Included only by kernels.cpp, which is compiled once for each instruction set. All is in an unnamed namespace: a
// function compiled for AVX-512 must never be merged by the linker with its namesake compiled for an older processor.
#pragma once

#include <cstdint>
#include <cstring>
#include <type_traits>

namespace {

#if defined(__AVX512F__)
constexpr int kRegisterBytes = 64;
#elif defined(__AVX__)
constexpr int kRegisterBytes = 32;
#else
constexpr int kRegisterBytes = 16;
#endif

struct BFloat16 {
  uint16_t bits;
};

template <typename Element, int kCount>
struct VectorOf {
  typedef Element Type __attribute__((vector_size(kCount * sizeof(Element))));
};
template <typename Element>
struct VectorOf<Element, 1> {
  typedef Element Type;
};
template <typename Element, int kCount>
using Vector = typename VectorOf<Element, kCount>::Type;

// The widest register of numbers of a type, and one of as many integers of their size.
template <typename Real>
constexpr int kWide = kRegisterBytes / static_cast<int>(sizeof(Real));
template <typename Real>
using Whole = std::conditional_t<sizeof(Real) == 4, int32_t, int64_t>;
template <typename Real>
using Lanes = Vector<Real, kWide<Real>>;
template <typename Real>
using WholeLanes = Vector<Whole<Real>, kWide<Real>>;

template <typename Number>
concept Arithmetic = std::is_arithmetic_v<Number>;

template <int kCount, Arithmetic Number>
inline Vector<Number, kCount> load(const Number* source) {
  Vector<Number, kCount> result;
  std::memcpy(&result, source, sizeof(result));
  return result;
}

// bfloat16 is the upper half of float32.
template <int kCount>
inline Vector<float, kCount> load(const BFloat16* source) {
  Vector<uint16_t, kCount> halves;
  std::memcpy(&halves, source, sizeof(halves));
  Vector<uint32_t, kCount> bits;
  if constexpr (kCount == 1) {
    bits = static_cast<uint32_t>(halves) << 16;
  } else {
    bits = __builtin_convertvector(halves, Vector<uint32_t, kCount>) << 16;
  }
  Vector<float, kCount> result;
  std::memcpy(&result, &bits, sizeof(result));
  return result;
}

template <int kCount, Arithmetic Number>
inline void store(Number* target, const Vector<Number, kCount>& vector) {
  std::memcpy(target, &vector, sizeof(vector));
}

// Rounds to nearest, ties to even; a NaN stays a NaN.
inline BFloat16 to_bfloat16(float number) {
  uint32_t bits;
  std::memcpy(&bits, &number, sizeof(bits));
  if (number != number) return {static_cast<uint16_t>((bits >> 16) | 0x40)};
  return {static_cast<uint16_t>((bits + 0x7fff + ((bits >> 16) & 1)) >> 16)};
}

template <int kCount>
inline void store(BFloat16* target, const Vector<float, kCount>& vector) {
  float lanes[kCount];
  std::memcpy(lanes, &vector, sizeof(lanes));
  for (int i = 0; i < kCount; ++i) target[i] = to_bfloat16(lanes[i]);
}

// Adds the halves until four lanes (or fewer) are left.
template <int kCount, typename Real>
inline auto fold(const Vector<Real, kCount>& vector) {
  if constexpr (kCount <= 4) {
    return vector;
  } else {
    Vector<Real, kCount / 2> halves[2];
    std::memcpy(halves, &vector, sizeof(vector));
    return fold<kCount / 2, Real>(halves[0] + halves[1]);
  }
}

// Lanes of `a` (0 to 3) and `b` (4 to 7).
template <int... kLane, typename Four>
inline Four pick(Four a, Four b) {
#if __has_builtin(__builtin_shufflevector)
  return __builtin_shufflevector(a, b, kLane...);
#else  // GCC before 12
  return __builtin_shuffle(a, b, Vector<Whole<std::remove_cvref_t<decltype(a[0])>>, 4>{kLane...});
#endif
}

// The sums of four vectors, as four lanes: the adds of a transposition instead of four separate reductions.
template <int kCount, typename Real>
inline Vector<Real, 4> sum_each(const Vector<Real, kCount> (&vectors)[4]) {
  if constexpr (kCount == 1) {
    return Vector<Real, 4>{vectors[0], vectors[1], vectors[2], vectors[3]};
  } else if constexpr (kCount == 2) {
    return Vector<Real, 4>{vectors[0][0], vectors[1][0], vectors[2][0], vectors[3][0]} +
           Vector<Real, 4>{vectors[0][1], vectors[1][1], vectors[2][1], vectors[3][1]};
  } else {
    using Four = Vector<Real, 4>;
    const Four a = fold<kCount, Real>(vectors[0]), b = fold<kCount, Real>(vectors[1]);
    const Four c = fold<kCount, Real>(vectors[2]), d = fold<kCount, Real>(vectors[3]);
    const Four ab = pick<0, 4, 1, 5>(a, b) + pick<2, 6, 3, 7>(a, b);
    const Four cd = pick<0, 4, 1, 5>(c, d) + pick<2, 6, 3, 7>(c, d);
    return pick<0, 1, 4, 5>(ab, cd) + pick<2, 3, 6, 7>(ab, cd);
  }
}

// `kChannels` consecutive channels of one token.
template <typename Real, int kChannels>
struct Block {
  static constexpr int kSize = kChannels;
  static constexpr int kLanes = kChannels < kWide<Real> ? kChannels : kWide<Real>;
  static constexpr int kVectors = kChannels / kLanes;
  Vector<Real, kLanes> lanes[kVectors] = {};

  template <typename Storage>
  static Block from(const Storage* source) {
    Block block;
    for (int i = 0; i < kVectors; ++i) block.lanes[i] = load<kLanes>(source + i * kLanes);
    return block;
  }

  template <typename Storage>
  void store_to(Storage* target) const {
    for (int i = 0; i < kVectors; ++i) store<kLanes>(target + i * kLanes, lanes[i]);
  }

  void add_scaled(const Block& other, Real scale) {
    for (int i = 0; i < kVectors; ++i) lanes[i] += other.lanes[i] * scale;
  }

  void add(const Block& other) {
    for (int i = 0; i < kVectors; ++i) lanes[i] += other.lanes[i];
  }

  // Products summed over the registers, not yet over the lanes of the register.
  Vector<Real, kLanes> dot_lanes(const Block& other) const {
    Vector<Real, kLanes> sum = lanes[0] * other.lanes[0];
    for (int i = 1; i < kVectors; ++i) sum += lanes[i] * other.lanes[i];
    return sum;
  }
};

}  // namespace
