// Included once for each instruction set, by way of instruction_sets_kernel.h.

using AnyVector [[gnu::may_alias, gnu::aligned(4)]] = Vector;

FACEFORGE_INLINE Vector load(const float* from) {
  return *reinterpret_cast<const AnyVector*>(from);
}

FACEFORGE_INLINE void store(const Vector& vector, float* to) {
  *reinterpret_cast<AnyVector*>(to) = vector;
}

/// What becomes of a sum of products and its bias, that is for `at`.
FACEFORGE_INLINE Vector with_tail(const Vector& sum, const ConvolutionTail& tail,
                                  const Vector& slopes, const float* at) {
  const Vector number = tail.adds_result ? sum + load(at) : sum;
  if (tail.slopes == nullptr) return number;
  return number > Vector{} ? number : number * slopes;
}
