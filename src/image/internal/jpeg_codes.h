#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "base/zeroed_memory.h"
#include "image/internal/jpeg_frame.h"

namespace faceforge::image::internal {

/// Coefficients of one block, row by row, and room for what codes place behind a block: damage,
/// which is found afterwards.
struct Block {
  alignas(32) std::array<int16_t, kBlockSize + 16> coefficients{};
  bool has_ac = false;

  void clear() {
    // By words of a vector: the compiler's choice for an array, `rep stos`, takes 20 ns to begin.
    using Vector = int64_t __attribute__((vector_size(32), may_alias));
    auto* const vectors = reinterpret_cast<Vector*>(coefficients.data());
#pragma GCC unroll 4
    for (size_t i = 0; i < kBlockSize * sizeof(int16_t) / sizeof(Vector); ++i)
      vectors[i] = Vector{};
  }
};

/// What to do about the next bits of a scan. A look at them says how many are Huffman codes and the
/// values behind these, what values, and how far each moves in the block: one, or two where both
/// are short enough.
class CodeTable {
 public:
  enum class Kind : uint8_t { Dc, Ac };

  /// out: nothing where the codes are not those of a Huffman code, or stand for what a baseline
  ///      JPEG of 8 bits does not have
  [[nodiscard]] static std::optional<CodeTable> make(const JpegCodes& codes, Kind kind);

 private:
  friend class ScanReader;
  static constexpr int kLook_bits = 11;
  static constexpr int kLongest_bits = 16;

  struct Step {
    uint8_t bits = 0;     ///< that are taken
    uint8_t advance = 0;  ///< places in the block
    int16_t value = 0;    ///< for the last of these places
  };
  /// The first step, and what it makes with the one after it; the same twice where that is unknown.
  /// Where even the first takes more than a look: no bits, the bits of its code (0: more than a
  /// look), and its symbol for a value.
  struct Entry {
    Step first;
    Step both;
  };

  void enter(uint32_t code, int length, uint8_t symbol, Kind kind);
  void pair_up();

  std::array<Entry, size_t{1} << kLook_bits> entries_{};
  std::array<uint32_t, kLongest_bits + 1> ends_{};  ///< of a length: one beyond its last code
  std::array<int32_t, kLongest_bits + 1>
      symbols_{};  ///< of a length: its first symbol - first code
  std::array<uint8_t, 256> symbol_values_{};
};

/// The bits of a scan: its bytes but for restart markers and the zeros that are stuffed in after
/// 0xFF, and zeros behind them, into which a reader may run.
class ScanBits {
 public:
  /// in:     `restart_count` markers that the picture has
  /// out:    nothing where the scan does not end with the file's end of image, or its restart
  ///         markers are others than from 0 to 7 over and over
  /// throws: std::bad_alloc
  [[nodiscard]] static std::optional<ScanBits> take(std::span<const std::byte> scan,
                                                    size_t restart_count);

  [[nodiscard]] size_t count() const { return count_; }
  /// Where the bits behind each restart marker begin; in order.
  [[nodiscard]] std::span<const size_t> restarts() const { return restarts_; }
  [[nodiscard]] const uint8_t* begin() const { return bytes_.data(); }

 private:
  std::vector<uint8_t, ZeroedMemory<uint8_t>> bytes_;
  std::vector<size_t> restarts_;
  size_t count_ = 0;
};

/// Blocks one after the other: of each its DC coefficient, and those of its others that are not 0
/// with their places in zigzag, in sixteen bits each.
class StoredBlocks {
 public:
  /// in: how many of those are expected; more are taken in as well
  explicit StoredBlocks(size_t expected) : codes_(expected + kMostOfABlock) {}

  [[nodiscard]] size_t size() const { return size_; }
  void shrink_to(size_t size) { size_ = size; }

  /// Writes a block out, with `dc_offset` added to its DC coefficient. `at` moves behind it.
  void expand(size_t& at, int dc_offset, Block& block) const;

 private:
  friend class ScanReader;
  static constexpr size_t kMostOfABlock = 2 + 2 * (kBlockSize + 16);
  static constexpr int kPlace_bits = 6;
  static constexpr int kSmallest = -512;  ///< stands for: the value follows

  [[nodiscard]] uint16_t* room_for_a_block() {
    if (codes_.size() - size_ < kMostOfABlock) codes_.resize(codes_.size() * 2);
    return codes_.data() + size_;
  }

  std::vector<uint16_t, ZeroedMemory<uint16_t>> codes_;
  size_t size_ = 0;
};

/// Reads the blocks of a scan one after the other, up to its end.
///
/// source: ITU-T T.81, section F.2.2
class ScanReader {
 public:
  /// in: a position within the scan or at its end (a CHECK)
  ScanReader(const ScanBits& bits, size_t position_bits);

  [[nodiscard]] size_t position_bits() const {
    return static_cast<size_t>(next_ - begin_) * 8 - static_cast<size_t>(count_);
  }

  /// Reads a block whose predecessor of the same component had the DC coefficient `dc`, which
  /// becomes its own. False when its bits are none, or the scan is over.
  [[nodiscard]] bool read(const CodeTable& dc_codes, const CodeTable& ac_codes, int16_t& dc,
                          Block& block);
  [[nodiscard]] bool read(const CodeTable& dc_codes, const CodeTable& ac_codes, int16_t& dc,
                          StoredBlocks& blocks);

 private:
  struct IntoBlock;
  struct IntoStore;
  struct Bits;
  template <typename Sink>
  bool read_into(const CodeTable& dc_codes, const CodeTable& ac_codes, int16_t& dc, Sink sink);

  const uint8_t* begin_;
  const uint8_t* end_;
  const uint8_t* next_;  ///< the first byte that is not in `held_` as a whole
  uint64_t held_ = 0;    ///< from the highest bit on
  int count_ = 0;        ///< of bits in `held_` that count
};

}  // namespace faceforge::image::internal
