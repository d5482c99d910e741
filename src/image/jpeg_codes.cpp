#include "image/internal/jpeg_codes.h"

#include <algorithm>
#include <bit>
#include <cstring>

#include "base/check.h"

namespace faceforge::image::internal {
namespace {

constexpr int kEndOfBlock = 128;  // an advance that no run reaches
constexpr int kLongestRun = 15;   // with no value: 16 zeros
constexpr int kMostDc_bits = 11;  // of a difference of samples of 8 bits
constexpr int kMostAc_bits = 10;
constexpr size_t kMostBlock_bytes = (27 + 63 * 26) / 8 + 1;
constexpr size_t kBeyond_bytes = kMostBlock_bytes + 3 * sizeof(uint64_t);

/// kZigzag for a place that has been advanced to: one behind that which is meant. Places behind the
/// block are all the same one.
constexpr auto kPlaces = [] {
  std::array<uint8_t, kEndOfBlock + kBlockSize + 16> places{};
  places.fill(kBlockSize);
  std::copy(kZigzag.begin(), kZigzag.end(), places.begin() + 1);
  return places;
}();

/// A value of so many bits (T.81, table F.1): those that begin with 0 are negative.
int extended(uint32_t bits, int count) {
  return bits < (1U << count >> 1) ? static_cast<int>(bits) - (1 << count) + 1
                                   : static_cast<int>(bits);
}

/// How far a symbol moves in its block.
int advance_of(uint8_t symbol, CodeTable::Kind kind) {
  if (kind == CodeTable::Kind::Dc) return 1;
  return symbol == 0 ? kEndOfBlock : (symbol >> 4) + 1;
}

}  // namespace

std::optional<CodeTable> CodeTable::make(const JpegCodes& codes, Kind kind) {
  CodeTable table;
  table.symbol_values_ = codes.symbols;
  uint32_t code = 0;
  int symbol_index = 0;
  for (int length = 1; length <= kLongest_bits; ++length) {
    const int count = codes.counts[static_cast<size_t>(length - 1)];
    table.symbols_[static_cast<size_t>(length)] = symbol_index - static_cast<int>(code);
    for (int i = 0; i < count; ++i, ++code, ++symbol_index) {
      if (code >= 1U << length) return std::nullopt;
      const uint8_t symbol = codes.symbols[static_cast<size_t>(symbol_index)];
      const int bits = kind == Kind::Dc ? symbol : symbol & 15;
      const bool is_known = kind == Kind::Dc ? bits <= kMostDc_bits
                                             : bits <= kMostAc_bits && (bits > 0 || symbol == 0 ||
                                                                        symbol >> 4 == kLongestRun);
      if (!is_known) return std::nullopt;
      table.enter(code, length, symbol, kind);
    }
    if (count > 0 && code >= 1U << length) return std::nullopt;  // none is of ones alone
    table.ends_[static_cast<size_t>(length)] = count > 0 ? code : 0;
    code <<= 1;
  }
  if (kind == Kind::Ac) table.pair_up();
  return table;
}

void CodeTable::enter(uint32_t code, int length, uint8_t symbol, Kind kind) {
  if (length > kLook_bits) return;
  const int value_bits = kind == Kind::Dc ? symbol : symbol & 15;
  const int rest_bits = kLook_bits - length;
  for (uint32_t rest = 0; rest < 1U << rest_bits; ++rest) {
    Step step{.bits = 0, .advance = static_cast<uint8_t>(length), .value = symbol};
    // The longest values would not fit beside their places in a store.
    const bool is_short = kind == Kind::Dc || value_bits < kMostAc_bits;
    if (is_short && value_bits <= rest_bits) {
      step = {
          .bits = static_cast<uint8_t>(length + value_bits),
          .advance = static_cast<uint8_t>(advance_of(symbol, kind)),
          .value = static_cast<int16_t>(extended(rest >> (rest_bits - value_bits), value_bits))};
    }
    entries_[code << rest_bits | rest] = {step, step};
  }
}

void CodeTable::pair_up() {
  for (size_t look = 0; look < entries_.size(); ++look) {
    Entry& entry = entries_[look];
    if (entry.first.bits == 0 || entry.first.advance == kEndOfBlock) continue;
    const size_t next_look = look << entry.first.bits & (entries_.size() - 1);
    const Step& next = entries_[next_look].first;
    if (next.bits == 0 || entry.first.bits + next.bits > kLook_bits) continue;
    entry.both = {.bits = static_cast<uint8_t>(entry.first.bits + next.bits),
                  .advance = static_cast<uint8_t>(entry.first.advance + next.advance),
                  .value = next.value};
  }
}

std::optional<ScanBits> ScanBits::take(std::span<const std::byte> scan, size_t restart_count) {
  constexpr auto kMark = 0xFF;
  constexpr uint8_t kEndOfImage = 0xD9;
  constexpr size_t kRestart = 0xD0;
  constexpr size_t kNumbers = 8;
  ScanBits bits;
  bits.bytes_.resize(scan.size() + kBeyond_bytes);
  const auto* from = reinterpret_cast<const uint8_t*>(scan.data());
  const uint8_t* const end = from + scan.size();
  uint8_t* to = bits.bytes_.data();
  while (true) {
    const auto* const mark =
        static_cast<const uint8_t*>(std::memchr(from, kMark, static_cast<size_t>(end - from)));
    if (mark == nullptr || mark + 1 == end) return std::nullopt;
    to = std::copy(from, mark, to);
    if (mark[1] == kEndOfImage) break;
    if (mark[1] == 0) {
      *to++ = kMark;
    } else if (bits.restarts_.size() < restart_count &&
               mark[1] == kRestart + bits.restarts_.size() % kNumbers) {
      bits.restarts_.push_back(static_cast<size_t>(to - bits.bytes_.data()) * 8);
    } else {
      return std::nullopt;
    }
    from = mark + 2;
  }
  if (bits.restarts_.size() < restart_count) return std::nullopt;
  bits.count_ = static_cast<size_t>(to - bits.bytes_.data()) * 8;
  return bits;
}

#if defined(__x86_64__)
#pragma GCC push_options
#pragma GCC target("avx2,bmi,bmi2,movbe")
#endif

void StoredBlocks::expand(size_t& at, int dc_offset, Block& block) const {
  const uint16_t* code = codes_.data() + at;
  block.clear();
  block.coefficients[0] = static_cast<int16_t>(static_cast<int16_t>(code[0]) + dc_offset);
  const uint16_t* const end = code + code[1];
  block.has_ac = code[1] > 2;
  for (code += 2; code < end; ++code) {
    const size_t place = kZigzag[*code & (kBlockSize - 1)];
    int value = static_cast<int16_t>(*code) >> kPlace_bits;
    if (value == kSmallest) value = static_cast<int16_t>(*++code);
    block.coefficients[place] = static_cast<int16_t>(value);
  }
  at = static_cast<size_t>(end - codes_.data());
}

/// The reader's state while it is in registers.
struct ScanReader::Bits {
  const uint8_t* next;
  uint64_t held;
  int count;

  static Bits at(const uint8_t* begin, size_t position_bits) {
    Bits bits{begin + position_bits / 8, 0, 0};
    bits.refill();
    bits.skip(static_cast<int>(position_bits % 8));
    return bits;
  }
  [[nodiscard]] size_t position_bits(const uint8_t* begin) const {
    return static_cast<size_t>(next - begin) * 8 - static_cast<size_t>(count);
  }

  void refill() {
    uint64_t bytes = 0;
    std::memcpy(&bytes, next, sizeof bytes);
    held |= __builtin_bswap64(bytes) >> count;
    next += (63 - count) >> 3;
    count |= 56;
  }
  void skip(int bits) {
    held <<= bits;
    count -= bits;
  }
  /// Up to 16 bits, or none.
  [[nodiscard]] uint32_t look(int bits) const {
    return static_cast<uint32_t>(held >> 1 >> (63 - bits));
  }

  /// What is coded in more bits than a look, which are taken.
  CodeTable::Step take_long(const CodeTable& table, CodeTable::Kind kind, CodeTable::Step step) {
    refill();
    int length = step.advance;
    auto symbol = static_cast<uint8_t>(step.value);
    if (length == 0) {
      for (length = CodeTable::kLook_bits + 1; length <= CodeTable::kLongest_bits; ++length) {
        if (look(length) < table.ends_[static_cast<size_t>(length)]) break;
      }
      if (length > CodeTable::kLongest_bits) return {};
      const int index =
          table.symbols_[static_cast<size_t>(length)] + static_cast<int>(look(length));
      symbol = table.symbol_values_[static_cast<size_t>(index)];
    }
    skip(length);
    const int bits = kind == CodeTable::Kind::Dc ? symbol : symbol & 15;
    const int value = extended(look(bits), bits);
    skip(bits);
    refill();
    return {.bits = 1,
            .advance = static_cast<uint8_t>(advance_of(symbol, kind)),
            .value = static_cast<int16_t>(value)};
  }
};

ScanReader::ScanReader(const ScanBits& bits, size_t position_bits)
    : begin_(bits.begin()), end_(bits.begin() + bits.count() / 8) {
  CHECK(position_bits <= bits.count());
  const Bits at = Bits::at(begin_, position_bits);
  next_ = at.next;
  held_ = at.held;
  count_ = at.count;
}

struct ScanReader::IntoBlock {
  Block& block;

  void begin(int16_t dc) {
    block.clear();
    block.coefficients[0] = dc;
  }
  void put(int place, int16_t value) {
    block.coefficients[kPlaces[static_cast<size_t>(place)]] = value;
  }
  void put_again(int, int place, int16_t value) { put(place, value); }
  void put_any(int place, int16_t value) { put(place, value); }
  void end(bool has_ac) { block.has_ac = has_ac; }
};

struct ScanReader::IntoStore {
  StoredBlocks& blocks;
  uint16_t* const first = blocks.room_for_a_block();
  uint16_t* to = first + 2;

  static uint16_t coded(int place, int value) {
    return static_cast<uint16_t>(value * (1 << StoredBlocks::kPlace_bits) |
                                 ((place - 1) & (kBlockSize - 1)));
  }
  void begin(int16_t dc) { first[0] = static_cast<uint16_t>(dc); }
  /// A value that fits beside its place.
  void put(int place, int16_t value) {
    *to = coded(place, value);
    to += static_cast<ptrdiff_t>(place <= kBlockSize);
  }
  /// The second of two steps, if it is one.
  void put_again(int first_place, int place, int16_t value) {
    *to = coded(place, value);
    to += static_cast<ptrdiff_t>((place != first_place) & (place <= kBlockSize));
  }
  void put_any(int place, int16_t value) {
    if (value > StoredBlocks::kSmallest && value < -StoredBlocks::kSmallest) {
      put(place, value);
    } else {
      put(place, StoredBlocks::kSmallest);
      *to++ = static_cast<uint16_t>(value);
    }
  }
  void end(bool) {
    first[1] = static_cast<uint16_t>(to - first);
    blocks.size_ += static_cast<size_t>(to - first);
  }
};

template <typename Sink>
bool ScanReader::read_into(const CodeTable& dc_codes, const CodeTable& ac_codes, int16_t& dc,
                           Sink sink) {
  using Kind = CodeTable::Kind;
  constexpr int kLook_bits = CodeTable::kLook_bits;
  constexpr int kLooksARefill = 2;
  static_assert(kLooksARefill * kLook_bits <= 56);
  Bits bits{next_, held_, count_};
  bits.refill();
  CodeTable::Step step = dc_codes.entries_[bits.look(kLook_bits)].first;
  if (step.bits != 0) {
    bits.skip(step.bits);
  } else {
    step = bits.take_long(dc_codes, Kind::Dc, step);
    if (step.bits == 0) return false;
  }
  dc = static_cast<int16_t>(dc + step.value);
  sink.begin(dc);
  int place = 1;
  const CodeTable::Entry* entry = nullptr;
  while (place < kBlockSize) {
    bits.refill();
#pragma GCC unroll 8
    for (int look = 0; look < kLooksARefill; ++look) {
      entry = &ac_codes.entries_[bits.look(kLook_bits)];
      if (entry->both.bits != 0) [[likely]] {
        const int first_place = place + entry->first.advance;
        place += entry->both.advance;
        bits.skip(entry->both.bits);
        sink.put(first_place, entry->first.value);
        sink.put_again(first_place, place, entry->both.value);
      } else {
        step = bits.take_long(ac_codes, Kind::Ac, entry->first);
        if (step.bits == 0) return false;
        place += step.advance;
        sink.put_any(place, step.value);
      }
      if (place >= kBlockSize) break;
    }
  }
  if (entry->both.advance != entry->first.advance &&
      place - entry->both.advance + entry->first.advance == kBlockSize) {
    // The first step filled the block: the second one was the next block's first bits.
    place = kBlockSize;
    const int taken_bits = entry->both.bits - entry->first.bits;
    bits = Bits::at(begin_, bits.position_bits(begin_) - static_cast<size_t>(taken_bits));
  }
  const bool is_whole =
      place == kBlockSize || (place > kEndOfBlock && place < kEndOfBlock + kBlockSize);
  const bool is_within = bits.position_bits(begin_) <= static_cast<size_t>(end_ - begin_) * 8;
  if (!is_whole || !is_within) return false;
  sink.end(place != kEndOfBlock + 1);
  next_ = bits.next;
  held_ = bits.held;
  count_ = bits.count;
  return true;
}

bool ScanReader::read(const CodeTable& dc_codes, const CodeTable& ac_codes, int16_t& dc,
                      Block& block) {
  return read_into(dc_codes, ac_codes, dc, IntoBlock{block});
}

bool ScanReader::read(const CodeTable& dc_codes, const CodeTable& ac_codes, int16_t& dc,
                      StoredBlocks& blocks) {
  return read_into(dc_codes, ac_codes, dc, IntoStore{blocks});
}

#if defined(__x86_64__)
#pragma GCC pop_options
#endif

}  // namespace faceforge::image::internal
