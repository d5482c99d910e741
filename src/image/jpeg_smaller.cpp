#include "image/internal/jpeg_smaller.h"

#include <algorithm>
#include <array>
#include <atomic>
#include <cstdint>
#include <new>
#include <utility>
#include <vector>

#include "base/check.h"
#include "base/parallel_work.h"
#include "image/internal/jpeg_codes.h"
#include "image/internal/jpeg_frame.h"
#include "image/internal/jpeg_transform.h"

namespace faceforge::image::internal {

#if defined(__x86_64__)

namespace {

constexpr size_t kMostComponents = 3;
constexpr size_t kByte_bits = 8;

/// The DC coefficients that the next block of each component is coded as a difference from.
using Predecessors = std::array<int16_t, kMostComponents>;

/// What is the same for all threads: of a frame and how much smaller it gets.
struct Plan {
  struct Component {
    CodeTable dc_codes;
    CodeTable ac_codes;
    std::array<uint16_t, kBlockSize> quantization;
    int across;
    int down;
    int side_px;     ///< of a block in the smaller picture
    bool is_narrow;  ///< has half as many samples a row as the picture has pixels
  };

  std::vector<Component> components;
  int width_px;  ///< of the smaller picture
  int height_px;
  int unit_width_px;  ///< of what a minimum coded unit becomes
  int unit_height_px;
  int units_across;
  int units_down;
  size_t restart_interval;  ///< in units; 0: none
  int narrow_width;         ///< samples a row of narrow components
  bool is_smooth;           ///< they are interpolated

  [[nodiscard]] size_t unit_count() const {
    return static_cast<size_t>(units_across) * static_cast<size_t>(units_down);
  }

  [[nodiscard]] size_t restart_count() const {
    return restart_interval == 0 ? 0 : (unit_count() - 1) / restart_interval;
  }

  [[nodiscard]] static std::optional<Plan> make(const JpegFrame& frame, int divisor);
};

std::optional<Plan> Plan::make(const JpegFrame& frame, int divisor) {
  const auto parts = [](int whole, int part) { return (whole + part - 1) / part; };
  const JpegComponent& first = frame.components.front();
  const int unit_width_px = first.across * kBlockSide;
  const int unit_height_px = first.down * kBlockSide;
  Plan plan{.components = {},
            .width_px = frame.width_px / divisor,
            .height_px = frame.height_px / divisor,
            .unit_width_px = unit_width_px / divisor,
            .unit_height_px = unit_height_px / divisor,
            .units_across = parts(frame.width_px, unit_width_px),
            .units_down = parts(frame.height_px, unit_height_px),
            .restart_interval = static_cast<size_t>(frame.restart_interval),
            .narrow_width = parts(frame.width_px, 2 * divisor),
            .is_smooth = divisor < kBlockSide};
  if (plan.width_px == 0 || plan.height_px == 0) return std::nullopt;
  for (const JpegComponent& component : frame.components) {
    auto dc_codes = CodeTable::make(component.dc_codes, CodeTable::Kind::Dc);
    auto ac_codes = CodeTable::make(component.ac_codes, CodeTable::Kind::Ac);
    if (!dc_codes || !ac_codes) return std::nullopt;
    plan.components.push_back({.dc_codes = *std::move(dc_codes),
                               .ac_codes = *std::move(ac_codes),
                               .quantization = component.quantization,
                               .across = component.across,
                               .down = component.down,
                               .side_px = plan.unit_height_px / component.down,
                               .is_narrow = component.across * first.down < first.across});
  }
  return plan;
}

/// Paints rows of minimum coded units into the picture.
class RowPainter {
 public:
  RowPainter(const Plan& plan, Image& image) : plan_(plan), image_(image) {
    // Samples are written and converted in vectors: a little beyond the last one.
    constexpr size_t kBeyond = 16;
    stride_ = static_cast<size_t>(plan.units_across * plan.unit_width_px) + kBeyond;
    for (size_t i = 0; i < plan.components.size(); ++i) {
      samples_[i].resize(stride_ * static_cast<size_t>(plan.unit_height_px) + kBeyond);
      if (plan.components[i].is_narrow) wide_rows_[i].resize(stride_ + kBeyond);
    }
  }

  /// Fills a block in; `across` and `down` count those of its unit.
  void place(int unit_x, size_t component_index, int across, int down, const Block& block) {
    const Plan::Component& component = plan_.components[component_index];
    const int side_px = component.side_px;
    uint8_t* const to = samples_[component_index].data() +
                        static_cast<size_t>(down * side_px) * stride_ +
                        static_cast<size_t>((unit_x * component.across + across) * side_px);
    if (block.has_ac) {
      inverse_transform(side_px, block.coefficients.data(), component.quantization.data(), to,
                        stride_);
    } else {
      fill_block(side_px, block.coefficients[0], component.quantization[0], to, stride_);
    }
  }

  /// Converts the row, all of whose blocks are in.
  void finish(int unit_y) {
    const int top = unit_y * plan_.unit_height_px;
    const int rows = std::min(plan_.unit_height_px, plan_.height_px - top);
    for (int row = 0; row < rows; ++row) {
      const auto samples = [&](size_t component) { return row_of(component, row); };
      uint8_t* const to = image_.row(top + row).data();
      if (plan_.components.size() == 1) {
        grey_to_rgb(samples(0), plan_.width_px, to);
      } else {
        ycbcr_to_rgb(samples(0), samples(1), samples(2), plan_.width_px, to);
      }
    }
  }

 private:
  /// As many samples of a row as the picture has pixels.
  const uint8_t* row_of(size_t component, int row) {
    const uint8_t* const samples = samples_[component].data() + static_cast<size_t>(row) * stride_;
    if (!plan_.components[component].is_narrow) return samples;
    widen(samples, plan_.narrow_width, plan_.is_smooth, wide_rows_[component].data());
    return wide_rows_[component].data();
  }

  const Plan& plan_;
  Image& image_;
  size_t stride_;
  std::array<std::vector<uint8_t>, kMostComponents> samples_;
  std::array<std::vector<uint8_t>, kMostComponents> wide_rows_;
};

/// Does `with_block(component_index, across, down)` for all blocks of a minimum coded unit, in
/// their order, until it fails.
template <typename WithBlock>
bool all_blocks(const Plan& plan, const WithBlock& with_block) {
  for (size_t index = 0; index < plan.components.size(); ++index) {
    const Plan::Component& component = plan.components[index];
    for (int down = 0; down < component.down; ++down) {
      for (int across = 0; across < component.across; ++across) {
        if (!with_block(index, across, down)) return false;
      }
    }
  }
  return true;
}

/// Minimum coded units that were read one after the other, and where each began.
struct StoredUnits {
  struct Unit {
    uint32_t position_bits;
    uint32_t at;  ///< in `blocks`
    Predecessors before;
  };

  /// in: what is expected of it
  StoredUnits(size_t code_count, size_t unit_count) : blocks(code_count) {
    units.reserve(unit_count);
  }

  StoredBlocks blocks;
  std::vector<Unit> units;
  Unit end{};                        ///< where the next one would begin
  std::optional<size_t> first_unit;  ///< of the picture, where that is known

  void clear() {
    blocks.shrink_to(0);
    units.clear();
    end = {};
  }

  /// Reads a unit. False when there is none; then nothing has changed but where the reader is.
  bool take(const Plan& plan, ScanReader& reader) {
    const Unit begin = {static_cast<uint32_t>(reader.position_bits()),
                        static_cast<uint32_t>(blocks.size()), end.before};
    const bool is_read = all_blocks(plan, [&](size_t component, int, int) {
      const Plan::Component& codes = plan.components[component];
      return reader.read(codes.dc_codes, codes.ac_codes, end.before[component], blocks);
    });
    if (!is_read) {
      blocks.shrink_to(begin.at);
      end = begin;
      return false;
    }
    units.push_back(begin);
    end.position_bits = static_cast<uint32_t>(reader.position_bits());
    end.at = static_cast<uint32_t>(blocks.size());
    return true;
  }
};

/// Moves the reader behind the restart marker of an interval whose first unit comes next, so that
/// nothing comes before it. False when the marker is elsewhere.
bool pass_restart(const Plan& plan, const ScanBits& bits, size_t unit, ScanReader& reader,
                  Predecessors& before) {
  if (plan.restart_interval == 0 || unit == 0 || unit % plan.restart_interval != 0) return true;
  const size_t interval = unit / plan.restart_interval - 1;
  if (interval >= bits.restarts().size()) return false;
  const size_t begin_bits = bits.restarts()[interval];
  const size_t now_bits = reader.position_bits();
  if (now_bits > begin_bits || begin_bits - now_bits >= kByte_bits) return false;
  reader = ScanReader(bits, begin_bits);
  before = {};
  return true;
}

/// A part of the scan that is read before its turn.
struct Part {
  size_t begin_bits;
  size_t end_bits;
  std::optional<size_t> unit;  ///< which begins there, where that is known
  size_t unit_limit;           ///< no more of them are read
};

/// Reads a part of the scan; as if a unit began where it begins, unless one is known to.
void read_ahead(const Plan& plan, const ScanBits& bits, const Part& part, StoredUnits& read) {
  // A reader that is out of step comes upon bits that are no code a few times at most; more are
  // damage, or made to take time.
  constexpr int kMostStarts = 100;
  const int start_count = part.unit ? 1 : kMostStarts;
  size_t position_bits = part.begin_bits;
  for (int start = 0; start < start_count; ++start) {
    read.clear();
    read.first_unit = part.unit;
    ScanReader reader(bits, position_bits);
    while (reader.position_bits() < part.end_bits && read.units.size() < part.unit_limit) {
      if (part.unit &&
          !pass_restart(plan, bits, *part.unit + read.units.size(), reader, read.end.before)) {
        break;
      }
      if (!read.take(plan, reader)) break;
    }
    // Behind the last code there are a few bits that are none.
    const bool is_done =
        reader.position_bits() + kByte_bits > part.end_bits || read.units.size() >= part.unit_limit;
    if (is_done) return;
    position_bits = reader.position_bits() + 1;
  }
  read.clear();
}

/// Consecutive units of the picture out of those that were stored.
struct Piece {
  size_t first_unit;  ///< of the picture
  size_t count;
  const StoredUnits* stored;
  size_t first_stored;
  Predecessors dc_offsets;
};

/// A place in the scan at which a minimum coded unit begins.
struct Place {
  size_t unit = 0;  ///< of the picture
  size_t position_bits = 0;
  Predecessors before{};
};

/// Follows the scan from where its first part was left through all that was read ahead, and to the
/// end of the row, reading itself where nothing was, or in another step. `place` moves there.
///
/// out: the pieces of all units on the way; nothing when the scan is damaged
std::optional<std::vector<Piece>> join(const Plan& plan, const ScanBits& bits, Place& place,
                                       std::span<const StoredUnits> parts, StoredUnits& between) {
  std::vector<Piece> pieces;
  between.clear();
  const auto row_length = static_cast<size_t>(plan.units_across);
  for (size_t part = 0; part <= parts.size(); ++part) {
    const StoredUnits* const stored = part < parts.size() ? &parts[part] : nullptr;
    const size_t stored_count = stored != nullptr ? stored->units.size() : 0;
    ScanReader reader(bits, place.position_bits);
    between.end.before = place.before;
    Piece own{place.unit, 0, &between, between.units.size(), {}};
    size_t index = 0;
    while (place.unit < plan.unit_count()) {
      if (!pass_restart(plan, bits, place.unit, reader, between.end.before)) return std::nullopt;
      const size_t now_bits = reader.position_bits();
      while (index < stored_count && stored->units[index].position_bits < now_bits) ++index;
      const bool is_met = index < stored_count && stored->units[index].position_bits == now_bits &&
                          (!stored->first_unit || *stored->first_unit + index == place.unit);
      const bool is_done = stored == nullptr ? place.unit % row_length == 0 : index == stored_count;
      if (is_met || is_done) break;
      if (!between.take(plan, reader)) return std::nullopt;
      ++own.count;
      ++place.unit;
    }
    if (own.count > 0) pieces.push_back(own);
    place.position_bits = reader.position_bits();
    place.before = between.end.before;
    const size_t count = std::min(stored_count - index, plan.unit_count() - place.unit);
    if (count == 0) continue;
    const StoredUnits::Unit& begin = stored->units[index];
    const StoredUnits::Unit& end =
        index + count < stored_count ? stored->units[index + count] : stored->end;
    Piece found{place.unit, count, stored, index, {}};
    for (size_t component = 0; component < kMostComponents; ++component) {
      found.dc_offsets[component] =
          static_cast<int16_t>(place.before[component] - begin.before[component]);
      place.before[component] =
          static_cast<int16_t>(end.before[component] + found.dc_offsets[component]);
    }
    pieces.push_back(found);
    place.unit += count;
    place.position_bits = end.position_bits;
  }
  return pieces;
}

/// Paints the rows `first` to `end` - 1 from what was stored.
void paint_stored(const Plan& plan, std::span<const Piece> pieces, size_t first, size_t end,
                  Image& image) {
  RowPainter painter(plan, image);
  Block block;
  for (size_t row = first; row < end; ++row) {
    size_t unit = row * static_cast<size_t>(plan.units_across);
    auto piece = std::ranges::upper_bound(pieces, unit, {}, &Piece::first_unit) - 1;
    for (int x = 0; x < plan.units_across; ++x, ++unit) {
      if (unit == piece->first_unit + piece->count) ++piece;
      size_t at = piece->stored->units[piece->first_stored + unit - piece->first_unit].at;
      all_blocks(plan, [&](size_t component, int across, int down) {
        piece->stored->blocks.expand(at, piece->dc_offsets[component], block);
        painter.place(x, component, across, down, block);
        return true;
      });
    }
    painter.finish(static_cast<int>(row));
  }
}

/// Reads rows and paints them, from `place` to the end of the one within which `end_bits` lies.
/// `place` moves there. False when the scan is damaged.
bool paint_rows(const Plan& plan, const ScanBits& bits, size_t end_bits, Place& place,
                Image& image) {
  RowPainter painter(plan, image);
  ScanReader reader(bits, place.position_bits);
  Block block;
  const auto row_length = static_cast<size_t>(plan.units_across);
  while (place.unit < plan.unit_count() && place.position_bits < end_bits) {
    for (int x = 0; x < plan.units_across; ++x) {
      const size_t unit = place.unit + static_cast<size_t>(x);
      if (!pass_restart(plan, bits, unit, reader, place.before)) return false;
      const bool is_read = all_blocks(plan, [&](size_t component, int across, int down) {
        const Plan::Component& codes = plan.components[component];
        if (!reader.read(codes.dc_codes, codes.ac_codes, place.before[component], block)) {
          return false;
        }
        painter.place(x, component, across, down, block);
        return true;
      });
      if (!is_read) return false;
    }
    painter.finish(static_cast<int>(place.unit / row_length));
    place.unit += row_length;
    place.position_bits = reader.position_bits();
  }
  return true;
}

/// The parts of a round: where the first one ends, then the others. Only the first is painted at
/// once, so that it is the smallest. Where there are restart markers, the others begin behind such.
std::pair<size_t, std::vector<Part>> cut(const Plan& plan, const ScanBits& bits, size_t begin_bits,
                                         size_t end_bits, size_t part_count) {
  constexpr double kPainting = 0.1;  // of the time of reading
  const auto length = static_cast<double>(end_bits - begin_bits);
  const auto rest = static_cast<double>(part_count - 1);
  const double first = std::max(1 / (1 + (1 + kPainting) * rest), 1 / length);
  // Twice an equal share: units of flat parts of a picture have few bits.
  const size_t unit_limit = 2 * plan.unit_count() / part_count + 1;
  std::vector<Part> parts;
  for (size_t index = 1; index < part_count; ++index) {
    const double share = first + (1 - first) * static_cast<double>(index - 1) / rest;
    Part part{begin_bits + static_cast<size_t>(length * share), end_bits, std::nullopt, unit_limit};
    if (plan.restart_interval > 0) {
      const auto restart = std::ranges::lower_bound(bits.restarts(), part.begin_bits);
      const auto interval = static_cast<size_t>(restart - bits.restarts().begin()) + 1;
      part.begin_bits = restart != bits.restarts().end() ? std::min(*restart, end_bits) : end_bits;
      part.unit = interval * plan.restart_interval;
    }
    if (!parts.empty()) parts.back().end_bits = part.begin_bits;
    parts.push_back(part);
  }
  return {parts.empty() ? end_bits : parts.front().begin_bits, std::move(parts)};
}

/// Does `work(0)` to `work(count - 1)` on so many threads. What runs out of memory in one of them
/// is thrown in the caller's.
template <typename Work>
void share(size_t count, size_t thread_count, const Work& work) {
  std::atomic<bool> is_out_of_memory = false;
  const auto done = work_through(count,
                                 [&](size_t index) {
                                   try {
                                     work(index);
                                   } catch (const std::bad_alloc&) {
                                     is_out_of_memory = true;
                                   }
                                 },
                                 thread_count, {});
  CHECK(done);  // nobody asks it to stop
  if (is_out_of_memory) throw std::bad_alloc();
}

/// Decodes in rounds of several parts, so that what is stored stays bounded.
std::optional<SmallerJpeg> decode_rounds(const Plan& plan, const ScanBits& bits,
                                         size_t thread_count, size_t part_bits) {
  constexpr size_t kRowsAtOnce = 4;
  const size_t most_bits = part_bits * thread_count;
  const size_t round_count = thread_count == 1 ? 1 : (bits.count() + most_bits - 1) / most_bits;
  const size_t round_bits = bits.count() / round_count + 1;
  // A code and its value have some five bits.
  const size_t expected = thread_count == 1 ? 0 : round_bits / thread_count / 4;
  const size_t expected_units =
      thread_count == 1 ? 0 : plan.unit_count() / round_count / thread_count;
  std::vector<StoredUnits> parts;
  for (size_t part = 1; part < thread_count; ++part) parts.emplace_back(expected, expected_units);
  StoredUnits between(0, 0);
  SmallerJpeg smaller{.image = Image::create(plan.width_px, plan.height_px),
                      .unit_count = plan.unit_count()};
  const auto row_length = static_cast<size_t>(plan.units_across);
  Place place;
  while (place.unit < plan.unit_count()) {
    if (place.position_bits >= bits.count()) return std::nullopt;
    const auto [first_end_bits, ahead] =
        cut(plan, bits, place.position_bits,
            std::min(place.position_bits + round_bits, bits.count()), thread_count);
    bool is_whole = false;
    share(thread_count, thread_count, [&](size_t part) {
      if (part == 0) {
        is_whole = paint_rows(plan, bits, first_end_bits, place, smaller.image);
      } else {
        read_ahead(plan, bits, ahead[part - 1], parts[part - 1]);
      }
    });
    if (!is_whole) return std::nullopt;
    const size_t first_row = place.unit / row_length;
    const auto pieces = join(plan, bits, place, parts, between);
    if (!pieces) return std::nullopt;
    const size_t end_row = place.unit / row_length;
    share((end_row - first_row + kRowsAtOnce - 1) / kRowsAtOnce, thread_count, [&](size_t index) {
      const size_t first = first_row + index * kRowsAtOnce;
      paint_stored(plan, *pieces, first, std::min(first + kRowsAtOnce, end_row), smaller.image);
    });
    for (const Piece& piece : *pieces) {
      if (piece.stored != &between) smaller.read_ahead_count += piece.count;
    }
  }
  const bool is_at_its_end =
      place.position_bits <= bits.count() && bits.count() - place.position_bits < kByte_bits;
  if (!is_at_its_end) return std::nullopt;
  return smaller;
}

}  // namespace

std::optional<SmallerJpeg> decode_jpeg_smaller(std::span<const std::byte> file, int divisor,
                                               int thread_count, size_t part_bytes) {
  constexpr size_t kMostThreads = 8;   // more was never measured
  constexpr size_t kLeastShare = 100;  // of a part, below which a thread is not worth its start
  constexpr size_t kMostBits = 0xFFFF'0000;  // positions have 32 bits
  CHECK(divisor == 2 || divisor == 4 || divisor == 8);
  CHECK(thread_count > 0 && part_bytes > 0);
  if (!has_jpeg_instructions()) return std::nullopt;
  const auto frame = read_jpeg_frame(file);
  if (!frame) return std::nullopt;
  const auto plan = Plan::make(*frame, divisor);
  if (!plan) return std::nullopt;
  const auto bits = ScanBits::take(frame->scan, plan->restart_count());
  if (!bits || bits->count() == 0 || bits->count() > kMostBits) return std::nullopt;
  const size_t part_bits = part_bytes * kByte_bits;
  const size_t worthwhile = 1 + bits->count() / (part_bits / kLeastShare + 1);
  const size_t threads = std::min({static_cast<size_t>(thread_count), kMostThreads, worthwhile});
  return decode_rounds(*plan, *bits, threads, part_bits);
}

#else

std::optional<SmallerJpeg> decode_jpeg_smaller(std::span<const std::byte>, int, int, size_t) {
  return std::nullopt;
}

#endif

}  // namespace faceforge::image::internal
