#include "nn/fold.h"

#include <cmath>
#include <limits>

#include "nn/elementwise.h"
#include "nn/kernels.h"
#include "nn/movement.h"

namespace faceforge::nn {
namespace {

/// Signed bytes that any operator but DequantizeLinear takes as integers.
constexpr size_t kWidenedLimit = 1 << 16;

using Folded = Result<std::optional<std::vector<ConstantPtr>>>;

int64_t to_integer(double value) {
  if (std::isnan(value)) return 0;
  constexpr double kEnd = 9.2e18;  // within what both types hold
  return static_cast<int64_t>(std::clamp(value, -kEnd, kEnd));
}

/// Arithmetic on sizes. Wraps around instead of overflowing: a shape that comes of it is refused.
std::optional<int64_t> apply(BinaryKind kind, int64_t a, int64_t b) {
  const auto ua = static_cast<uint64_t>(a), ub = static_cast<uint64_t>(b);
  switch (kind) {
    case BinaryKind::Add:
      return static_cast<int64_t>(ua + ub);
    case BinaryKind::Subtract:
      return static_cast<int64_t>(ua - ub);
    case BinaryKind::Multiply:
      return static_cast<int64_t>(ua * ub);
    case BinaryKind::Divide:
      if (b == 0) return std::nullopt;
      return b == -1 ? static_cast<int64_t>(0 - ua) : a / b;
    case BinaryKind::Power:
      return to_integer(std::pow(static_cast<double>(a), static_cast<double>(b)));
    case BinaryKind::Minimum:
      return std::min(a, b);
    case BinaryKind::Maximum:
      return std::max(a, b);
    case BinaryKind::PRelu:
      return std::nullopt;
  }
  return std::nullopt;
}

class Folder {
 public:
  Folder(const Node& node, std::span<const Fact> operands, std::span<const Fact> results,
         size_t element_limit)
      : node_(node), operands_(operands), results_(results), element_limit_(element_limit) {}

  Folded operator()(const ShapeOf& of) const {
    const auto size = static_cast<int64_t>(operands_[0].shape.size());
    const int64_t start = std::clamp<int64_t>(of.start < 0 ? of.start + size : of.start, 0, size);
    auto numbers = std::make_shared<Constant>(
        Constant{.shape = results_[0].shape, .kind = ElementKind::Integer});
    for (int64_t axis = 0; axis < results_[0].shape[0]; ++axis) {
      numbers->integers.push_back(operands_[0].shape[static_cast<size_t>(start + axis)]);
    }
    return one(numbers);
  }

  Folded operator()(const ConstantOfShape& fill) const {
    auto made = blank(fill.value->kind);
    const auto count = static_cast<size_t>(element_count(made->shape));
    if (made->kind == ElementKind::Float) {
      made->floats.assign(count, fill.value->floats[0]);
    } else {
      made->integers.assign(count, fill.value->integers[0]);
    }
    return one(made);
  }

  Folded operator()(const Cast& cast) const {
    const Constant& from = operand(0);
    auto made = blank(cast.to);
    if (cast.to == ElementKind::Float) {
      made->floats = from.floats;
      for (const int64_t value : from.integers) made->floats.push_back(static_cast<float>(value));
    } else {
      made->integers = from.integers;
      for (const float value : from.floats) made->integers.push_back(to_integer(value));
    }
    return one(made);
  }

  Folded operator()(const Unary& given) const {
    const Constant& from = operand(0);
    const Unary unary = TRY(with_bounds(node_, given, operands_));
    auto made = blank(from.kind);
    if (from.kind == ElementKind::Float) {
      made->floats = from.floats;
      with_function(unary, [&](auto function) {
        for (float& value : made->floats) value = function(value);
      });
      return one(made);
    }
    for (const int64_t value : from.integers) {
      if (unary.kind != UnaryKind::Negate && unary.kind != UnaryKind::Abs) {
        return unsupported(node_, "of integers");
      }
      const bool flips = unary.kind == UnaryKind::Negate || value < 0;
      made->integers.push_back(flips ? static_cast<int64_t>(0 - static_cast<uint64_t>(value))
                                     : value);
    }
    return one(made);
  }

  Folded operator()(const Binary& binary) const {
    const Constant &a = operand(0), &b = operand(1);
    if (a.kind != b.kind) return unsupported(node_, "of an integer and a float");
    auto made = blank(a.kind);
    const Shape a_strides = broadcast_strides(a.shape, made->shape);
    const Shape b_strides = broadcast_strides(b.shape, made->shape);
    const auto count = static_cast<size_t>(element_count(made->shape));
    if (a.kind == ElementKind::Float) {
      made->floats.resize(count);
      with_function(binary.kind, [&](auto function) {
        for_each_pair(made->shape, a_strides, b_strides, [&](int64_t to, int64_t at, int64_t bt) {
          made->floats[to] = function(a.floats[at], b.floats[bt]);
        });
      });
      return one(made);
    }
    made->integers.resize(count);
    bool is_defined = true;
    for_each_pair(made->shape, a_strides, b_strides, [&](int64_t to, int64_t at, int64_t bt) {
      const auto value = apply(binary.kind, a.integers[at], b.integers[bt]);
      is_defined = is_defined && value.has_value();
      made->integers[to] = value.value_or(0);
    });
    if (!is_defined) return mismatch(node_, "integers have no such result");
    return one(made);
  }

  Folded operator()(const Reduce& reduce) const {
    const Constant& from = operand(0);
    auto made = blank(from.kind);
    // Sizes are small enough for a float's 24 bits; larger ones are refused below.
    std::vector<float> floats = from.floats;
    for (const int64_t value : from.integers) {
      if (value > (1 << 24) || value < -(1 << 24)) return unsupported(node_, "of large integers");
      floats.push_back(static_cast<float>(value));
    }
    const auto count = static_cast<size_t>(element_count(made->shape));
    std::vector<float> reduced(count);
    const auto plan = TRY(plan_reduce(node_, reduce, operands_));
    std::vector<double> sums(count);
    reduce_plain(plan, floats.data(), sums, reduced.data());
    if (from.kind == ElementKind::Float) {
      made->floats = std::move(reduced);
    } else {
      for (const float value : reduced) made->integers.push_back(to_integer(value));
    }
    return one(made);
  }

  Folded operator()(const Dequantize& dequantize) const {
    const Constant& from = operand(0);
    const auto scales = TRY(floats_of(node_, operands_, 1));
    std::vector<int64_t> zeros(scales.size(), 0);
    if (node_.has_input(2)) zeros = TRY(integers_of(node_, operands_, 2));
    if (zeros.size() != scales.size() || from.kind == ElementKind::Float) {
      return mismatch(node_, "it wants integers, and a zero point for every scale");
    }
    int64_t inner = 1;  // numbers that share a scale, one after the other
    if (scales.size() != 1) {
      const auto axis = checked_axis(dequantize.axis, from.shape.size());
      if (!axis || std::cmp_not_equal(scales.size(), from.shape[*axis])) {
        return mismatch(node_, "not one scale along its axis");
      }
      inner = element_count(std::span(from.shape).subspan(*axis + 1));
    } else {
      inner = std::max<int64_t>(1, element_count(from.shape));
    }
    auto made = blank(ElementKind::Float);
    const auto widen = [&](const auto& numbers) {
      made->floats.reserve(numbers.size());
      for (size_t index = 0; index < numbers.size(); ++index) {
        const size_t at = index / static_cast<size_t>(inner) % scales.size();
        const double from_zero =
            static_cast<double>(numbers[index]) - static_cast<double>(zeros[at]);
        made->floats.push_back(static_cast<float>(from_zero) * scales[at]);
      }
    };
    from.kind == ElementKind::Signed8 ? widen(from.bytes) : widen(from.integers);
    return one(made);
  }

  Folded operator()(const Reshape&) const { return viewed(); }
  Folded operator()(const Flatten&) const { return viewed(); }
  Folded operator()(const Squeeze&) const { return viewed(); }
  Folded operator()(const Unsqueeze&) const { return viewed(); }
  Folded operator()(const Identity&) const { return viewed(); }

  template <typename Other>
  Folded operator()(const Other&) const {
    if (!is_movement(node_.operation)) return std::nullopt;
    const auto movement = TRY(plan_movement(node_, operands_, element_limit_));
    const ElementKind kind = operand(0).kind;
    std::vector<ConstantPtr> made;
    for (const Shape& shape : movement.shapes) {
      auto constant = std::make_shared<Constant>(Constant{.shape = shape, .kind = kind});
      const auto count = static_cast<size_t>(element_count(shape));
      const float fill = movement.fill.value_or(0);
      if (kind == ElementKind::Float) constant->floats.assign(count, fill);
      if (kind == ElementKind::Integer) constant->integers.assign(count, to_integer(fill));
      for (const StridedCopy& copy : movement.copies) {
        if (copy.result != made.size()) continue;
        const Constant& from = operand(copy.operand);
        if (from.kind != kind) return unsupported(node_, "of an integer and a float");
        if (kind == ElementKind::Float) {
          copy_strided(copy, from.floats.data(), constant->floats.data());
        } else {
          copy_strided(copy, from.integers.data(), constant->integers.data());
        }
      }
      made.push_back(std::move(constant));
    }
    return made;
  }

 private:
  const Constant& operand(size_t position) const { return *operands_[position].constant; }

  std::shared_ptr<Constant> blank(ElementKind kind) const {
    return std::make_shared<Constant>(Constant{.shape = results_[0].shape, .kind = kind});
  }

  static Folded one(ConstantPtr constant) { return std::vector<ConstantPtr>{std::move(constant)}; }

  Folded viewed() const {
    auto made = std::make_shared<Constant>(operand(0));
    made->shape = results_[0].shape;
    return one(made);
  }

  const Node& node_;
  std::span<const Fact> operands_;
  std::span<const Fact> results_;
  size_t element_limit_;
};

}  // namespace

Folded fold(const Node& node, std::span<const Fact> operands, std::span<const Fact> results,
            size_t element_limit) {
  std::vector<Fact> wide(operands.begin(), operands.end());
  const bool keeps_first = std::holds_alternative<Dequantize>(node.operation);
  for (size_t index = keeps_first ? 1 : 0; index < wide.size(); ++index) {
    const ConstantPtr& constant = wide[index].constant;
    // Zero points, not weights: these are eight times as large once widened.
    if (constant && constant->bytes.size() > kWidenedLimit) return unsupported(node, "of bytes");
    wide[index].constant = widened(constant);
  }
  return std::visit(Folder(node, wide, results, element_limit), node.operation);
}

}  // namespace faceforge::nn
