// Included once, by depthwise_bytes.cpp within its namespace: what is compiled for AVX-512 with
// VNNI and VBMI.

#define FACEFORGE_KERNEL_TARGET \
  __attribute__((target("avx512f,avx512bw,avx512vl,avx512dq,avx512vnni,avx512vbmi,fma")))
#define FACEFORGE_KERNEL_PART FACEFORGE_KERNEL_TARGET FACEFORGE_INLINE

/// 16 or 64 channels: their sums, or of each of them the bytes of four rows.
template <int kParts>
struct Vectors {
  __m512i part[kParts];
};

/// Two rows of results and the four rows of the picture below them, or one and three.
struct Rows {
  std::array<const uint8_t*, 4> from;
  std::array<int64_t, 4> step;  ///< from pixel to pixel; 0 where the row lies beyond the picture
  int64_t columns;              ///< of the picture
  int64_t first_column;         ///< of the first result's window
  int64_t result_columns;
  uint8_t beyond;  ///< what lies beyond the picture
};

/// How the sums of a block of channels become results.
template <int kParts>
struct Ends {
  __m512 scale[kParts], shift[kParts], slope[kParts];
  __m512i zero16, zero32;
  __m512i least;   ///< by channel: bytes that ReLU leaves nothing below
  __mmask16 mask;  ///< channels of the only part, where there are not 16
};

/// A mask of the first `count` of 64.
FACEFORGE_KERNEL_PART __mmask64 first_bits(int64_t count) {
  return count >= 64 ? ~__mmask64{0} : count <= 0 ? 0 : (__mmask64{1} << count) - 1;
}

/// Two rows' bytes beside each other, and then two such pairs: channel by channel four rows.
FACEFORGE_KERNEL_PART Vectors<4> interleaved(__m512i a, __m512i b, __m512i c, __m512i d) {
  const __m512i low_ab = _mm512_unpacklo_epi8(a, b), high_ab = _mm512_unpackhi_epi8(a, b);
  const __m512i low_cd = _mm512_unpacklo_epi8(c, d), high_cd = _mm512_unpackhi_epi8(c, d);
  return {{_mm512_unpacklo_epi16(low_ab, low_cd), _mm512_unpackhi_epi16(low_ab, low_cd),
           _mm512_unpacklo_epi16(high_ab, high_cd), _mm512_unpackhi_epi16(high_ab, high_cd)}};
}

FACEFORGE_KERNEL_PART Vectors<1> interleaved(__m128i a, __m128i b, __m128i c, __m128i d) {
  __m512i bytes = _mm512_castsi128_si512(a);
  bytes = _mm512_inserti32x4(bytes, b, 1);
  bytes = _mm512_inserti32x4(bytes, c, 2);
  bytes = _mm512_inserti32x4(bytes, d, 3);
  const __m512i order =
      _mm512_set_epi32(0x3F2F1F0F, 0x3E2E1E0E, 0x3D2D1D0D, 0x3C2C1C0C, 0x3B2B1B0B, 0x3A2A1A0A,
                       0x39291909, 0x38281808, 0x37271707, 0x36261606, 0x35251505, 0x34241404,
                       0x33231303, 0x32221202, 0x31211101, 0x30201000);
  return {{_mm512_permutexvar_epi8(order, bytes)}};
}

FACEFORGE_KERNEL_PART __m128i sixteen_at(const uint8_t* bytes) {
  return _mm_loadu_si128(reinterpret_cast<const __m128i*>(bytes));
}

/// The bytes of one column of a window.
template <int kParts, bool kIsFull>
FACEFORGE_KERNEL_PART Vectors<kParts> column_of(const Rows& rows, int64_t column, __mmask16 mask) {
  Vectors<kParts> result;
  if (column < 0 || column >= rows.columns) {
    for (__m512i& part : result.part) part = _mm512_set1_epi8(static_cast<char>(rows.beyond));
    return result;
  }
  const uint8_t* at[4];
  for (size_t row = 0; row < 4; ++row) at[row] = rows.from[row] + column * rows.step[row];
  if constexpr (kParts == 4) {
    return interleaved(_mm512_loadu_si512(at[0]), _mm512_loadu_si512(at[1]),
                       _mm512_loadu_si512(at[2]), _mm512_loadu_si512(at[3]));
  } else if constexpr (kIsFull) {
    return interleaved(sixteen_at(at[0]), sixteen_at(at[1]), sixteen_at(at[2]), sixteen_at(at[3]));
  } else {
    return interleaved(_mm_maskz_loadu_epi8(mask, at[0]), _mm_maskz_loadu_epi8(mask, at[1]),
                       _mm_maskz_loadu_epi8(mask, at[2]), _mm_maskz_loadu_epi8(mask, at[3]));
  }
}

/// The weights of a block of channels, or the bytes below them.
template <int kParts>
struct Columns {
  Vectors<kParts> left, middle, right;
};

template <int kParts>
FACEFORGE_KERNEL_PART Vectors<kParts> sum(const Columns<kParts>& pixels,
                                          const Columns<kParts>& weights) {
  Vectors<kParts> result;
#pragma GCC unroll 4
  for (int part = 0; part < kParts; ++part) {
    __m512i sums = _mm512_setzero_si512();
    sums = _mm512_dpbusd_epi32(sums, pixels.left.part[part], weights.left.part[part]);
    sums = _mm512_dpbusd_epi32(sums, pixels.middle.part[part], weights.middle.part[part]);
    result.part[part] =
        _mm512_dpbusd_epi32(sums, pixels.right.part[part], weights.right.part[part]);
  }
  return result;
}

template <int kParts>
FACEFORGE_KERNEL_PART Vectors<kParts> largest(const Vectors<kParts>& a, const Vectors<kParts>& b) {
  Vectors<kParts> result;
#pragma GCC unroll 4
  for (int part = 0; part < kParts; ++part) {
    result.part[part] = _mm512_max_epi32(a.part[part], b.part[part]);
  }
  return result;
}

template <bool kBends, int kParts>
FACEFORGE_KERNEL_PART __m512 ended(const Vectors<kParts>& sums, const Ends<kParts>& ends,
                                   int part) {
  const __m512 sum = _mm512_cvtepi32_ps(sums.part[part]);
  const __m512 linear = _mm512_fmadd_ps(sum, ends.scale[part], ends.shift[part]);
  if constexpr (!kBends) return linear;
  const __mmask16 below = _mm512_cmp_ps_mask(linear, _mm512_setzero_ps(), _CMP_LT_OQ);
  return _mm512_mask_mul_ps(linear, below, linear, ends.slope[part]);
}

/// Results in floats.
struct Floats {
  using Number = float;

  template <bool kIsFull>
  FACEFORGE_KERNEL_PART static void write(const Vectors<1>& sums, const Ends<1>& ends, float* to) {
    const __m512 numbers = ended<true>(sums, ends, 0);
    if constexpr (kIsFull) {
      _mm512_storeu_ps(to, numbers);
    } else {
      _mm512_mask_storeu_ps(to, ends.mask, numbers);
    }
  }

  FACEFORGE_KERNEL_PART static void write_some(const Vectors<4>& sums, const Ends<4>& ends,
                                               float* to, int64_t count) {
    if (count == 64) return write<true>(sums, ends, to);
    alignas(64) std::array<float, 64> numbers;
    write<true>(sums, ends, numbers.data());
    std::copy_n(numbers.data(), count, to);
  }

  template <bool kIsFull>
  FACEFORGE_KERNEL_PART static void write(const Vectors<4>& sums, const Ends<4>& ends, float* to) {
    const __m512 a = ended<true>(sums, ends, 0), b = ended<true>(sums, ends, 1);
    const __m512 c = ended<true>(sums, ends, 2), d = ended<true>(sums, ends, 3);
    // Quarter by quarter back to the channels' order.
    const __m512 low_ab = _mm512_shuffle_f32x4(a, b, 0x44);
    const __m512 high_ab = _mm512_shuffle_f32x4(a, b, 0xEE);
    const __m512 low_cd = _mm512_shuffle_f32x4(c, d, 0x44);
    const __m512 high_cd = _mm512_shuffle_f32x4(c, d, 0xEE);
    _mm512_storeu_ps(to, _mm512_shuffle_f32x4(low_ab, low_cd, 0x88));
    _mm512_storeu_ps(to + 16, _mm512_shuffle_f32x4(low_ab, low_cd, 0xDD));
    _mm512_storeu_ps(to + 32, _mm512_shuffle_f32x4(high_ab, high_cd, 0x88));
    _mm512_storeu_ps(to + 48, _mm512_shuffle_f32x4(high_ab, high_cd, 0xDD));
  }
};

/// Results in bytes; those that do not bend have slopes of 0 and 1 alone and fit into 32 bits.
template <bool kBends>
struct Bytes {
  using Number = uint8_t;

  template <int kParts>
  FACEFORGE_KERNEL_PART static __m512i whole(const Vectors<kParts>& sums, const Ends<kParts>& ends,
                                             int part) {
    __m512 number = ended<kBends>(sums, ends, part);
    // What is far below 0 becomes the least integer, and so would what is far above.
    if constexpr (kBends) number = _mm512_min_ps(number, _mm512_set1_ps(512.0F));
    return _mm512_cvtps_epi32(number);
  }

  template <bool kIsFull>
  FACEFORGE_KERNEL_PART static void write(const Vectors<1>& sums, const Ends<1>& ends,
                                          uint8_t* to) {
    const __m512i moved = _mm512_add_epi32(whole(sums, ends, 0), ends.zero32);
    const __m512i positive = _mm512_max_epi32(moved, _mm512_setzero_si512());
    const __m128i bytes =
        _mm_max_epu8(_mm512_cvtusepi32_epi8(positive), _mm512_castsi512_si128(ends.least));
    if constexpr (kIsFull) {
      _mm_storeu_si128(reinterpret_cast<__m128i*>(to), bytes);
    } else {
      _mm_mask_storeu_epi8(to, ends.mask, bytes);
    }
  }

  FACEFORGE_KERNEL_PART static __m512i bytes_of(const Vectors<4>& sums, const Ends<4>& ends) {
    const __m512i low = _mm512_packs_epi32(whole(sums, ends, 0), whole(sums, ends, 1));
    const __m512i high = _mm512_packs_epi32(whole(sums, ends, 2), whole(sums, ends, 3));
    const __m512i bytes = _mm512_packus_epi16(_mm512_adds_epi16(low, ends.zero16),
                                              _mm512_adds_epi16(high, ends.zero16));
    return _mm512_max_epu8(bytes, ends.least);
  }

  template <bool kIsFull>
  FACEFORGE_KERNEL_PART static void write(const Vectors<4>& sums, const Ends<4>& ends,
                                          uint8_t* to) {
    _mm512_storeu_si512(to, bytes_of(sums, ends));
  }

  FACEFORGE_KERNEL_PART static void write_some(const Vectors<4>& sums, const Ends<4>& ends,
                                               uint8_t* to, int64_t count) {
    _mm512_mask_storeu_epi8(to, first_bits(count), bytes_of(sums, ends));
  }
};

template <int kParts>
FACEFORGE_KERNEL_PART Vectors<kParts> weights_of_column(const int8_t* weights, int column) {
  Vectors<kParts> result;
#pragma GCC unroll 4
  for (int part = 0; part < kParts; ++part) {
    result.part[part] = _mm512_loadu_si512(weights + (column * kParts + part) * 64);
  }
  return result;
}

/// The weights of the second row, whose windows begin a row further down.
template <int kParts>
FACEFORGE_KERNEL_PART Vectors<kParts> lowered(const Vectors<kParts>& weights) {
  Vectors<kParts> result;
#pragma GCC unroll 4
  for (int part = 0; part < kParts; ++part) {
    result.part[part] = _mm512_slli_epi32(weights.part[part], 8);
  }
  return result;
}

/// One or two rows of results of a block of channels.
///
/// in: `to` the first row's; the second's is `to_row` further
template <int kParts, bool kIsFull, int kStride, int kResultRows, bool kHalves, typename Out>
FACEFORGE_KERNEL_PART void convolve_rows(const Rows& rows, const Columns<kParts>& upper,
                                         const Columns<kParts>& lower, const Ends<kParts>& ends,
                                         int64_t channels, typename Out::Number* to,
                                         int64_t to_row) {
  Columns<kParts> window;
  window.left = column_of<kParts, kIsFull>(rows, rows.first_column, ends.mask);
  window.middle = column_of<kParts, kIsFull>(rows, rows.first_column + 1, ends.mask);
  for (int64_t x = 0; x < rows.result_columns; ++x) {
    const int64_t last = rows.first_column + x * kStride + 2;
    if constexpr (kStride == 2) {
      window.middle = column_of<kParts, kIsFull>(rows, last - 1, ends.mask);
    }
    window.right = column_of<kParts, kIsFull>(rows, last, ends.mask);
    if constexpr (kHalves) {
      const Columns<kParts> next{window.middle, window.right,
                                 column_of<kParts, kIsFull>(rows, last + 1, ends.mask)};
      const auto left = largest(sum(window, upper), sum(window, lower));
      const auto right = largest(sum(next, upper), sum(next, lower));
      Out::template write<kIsFull>(largest(left, right), ends, to);
      window = next;
      ++x;
    } else {
      Out::template write<kIsFull>(sum(window, upper), ends, to);
      if constexpr (kResultRows == 2) {
        Out::template write<kIsFull>(sum(window, lower), ends, to + to_row);
      }
    }
    to += channels;
    window.left = kStride == 1 ? window.middle : window.right;
    window.middle = window.right;
  }
}

template <int kParts>
FACEFORGE_KERNEL_TARGET Ends<kParts> ends_of(const ByteDepthwise& plan, int64_t block) {
  Ends<kParts> ends;
  __m512i least[kParts];
#pragma GCC unroll 4
  for (int part = 0; part < kParts; ++part) {
    const int64_t at = (block * kParts + part) * 16;
    ends.scale[part] = _mm512_loadu_ps(plan.scale.data() + at);
    ends.shift[part] = _mm512_loadu_ps(plan.shift.data() + at);
    ends.slope[part] = _mm512_loadu_ps(plan.slope.data() + at);
    const __mmask16 is_relu = _mm512_cmp_ps_mask(ends.slope[part], _mm512_setzero_ps(), _CMP_EQ_OQ);
    least[part] = _mm512_maskz_set1_epi32(is_relu, plan.result_zero);
  }
  const auto count = static_cast<unsigned>(std::min<int64_t>(16, plan.channels));
  ends.mask = static_cast<__mmask16>((1U << count) - 1U);
  ends.zero16 = _mm512_set1_epi16(plan.result_zero);
  ends.zero32 = _mm512_set1_epi32(plan.result_zero);
  if constexpr (kParts == 4) {
    ends.least = _mm512_packus_epi16(_mm512_packs_epi32(least[0], least[1]),
                                     _mm512_packs_epi32(least[2], least[3]));
  } else {
    ends.least = _mm512_castsi128_si512(_mm512_cvtusepi32_epi8(least[0]));
  }
  return ends;
}

/// The rows of a picture that are below the results from `row` on.
FACEFORGE_KERNEL_PART Rows rows_below(const ByteDepthwise& plan, const uint8_t* picture,
                                      int64_t row, const uint8_t* beyond, int64_t step) {
  Rows rows{.from = {},
            .step = {},
            .columns = plan.picture[1],
            .first_column = -plan.pads[1],
            .result_columns = plan.result[1],
            .beyond = plan.source_zero};
#pragma GCC unroll 4
  for (size_t index = 0; index < 4; ++index) {
    const int64_t y = row * plan.stride - plan.pads[0] + static_cast<int64_t>(index);
    const bool is_inside = y >= 0 && y < plan.picture[0];
    rows.from[index] = is_inside ? picture + y * plan.picture[1] * plan.channels : beyond;
    rows.step[index] = is_inside ? step : 0;
  }
  return rows;
}

/// What one thread convolves: some rows of results of one picture, and where they begin.
template <typename Number>
struct Share {
  const uint8_t* picture;
  int64_t first_row, end_row;
  Number* to;
};

template <typename Number>
Share<Number> last_row_of(const ByteDepthwise& plan, Share<Number> share) {
  const int64_t before = share.end_row - 1 - share.first_row;
  share.first_row += before;
  share.to += before * plan.result[1] * plan.channels;
  return share;
}

/// One block of channels of a share, but for a last row where two are convolved at once.
template <int kParts, bool kIsFull, int kStride, int kResultRows, bool kHalves, typename Out>
FACEFORGE_KERNEL_TARGET void convolve_block(const ByteDepthwise& plan, const int8_t* weights,
                                            int64_t block,
                                            const Share<typename Out::Number>& share) {
  alignas(64) std::array<uint8_t, 64> beyond;
  beyond.fill(plan.source_zero);
  const int64_t channel = first_channel(plan.channels, kParts * 16, block);
  const int64_t row_size = plan.result[1] * plan.channels;
  const Ends<kParts> ends = ends_of<kParts>(plan, block);
  weights += block * kParts * 3 * 64;
  const Columns<kParts> upper{weights_of_column<kParts>(weights, 0),
                              weights_of_column<kParts>(weights, 1),
                              weights_of_column<kParts>(weights, 2)};
  const Columns<kParts> lower{lowered(upper.left), lowered(upper.middle), lowered(upper.right)};
  auto* to = share.to + channel;
  for (int64_t row = share.first_row; row + kResultRows <= share.end_row; row += kResultRows) {
    const Rows rows = rows_below(plan, share.picture + channel, row, beyond.data(), plan.channels);
    convolve_rows<kParts, kIsFull, kStride, kResultRows, kHalves, Out>(rows, upper, lower, ends,
                                                                       plan.channels, to, row_size);
    to += kHalves ? row_size / 2 : row_size * kResultRows;
  }
}

/// Of 64 bytes, from `byte` of a row on, for each those of four rows; beyond the row as elsewhere.
FACEFORGE_KERNEL_PART Vectors<4> bytes_at(const Rows& rows, int64_t byte, int64_t row_bytes) {
  __m512i bytes[4];
  const bool is_inside = byte >= 0 && byte + 64 <= row_bytes;
  const __mmask64 mask = first_bits(row_bytes - byte) & ~first_bits(-byte);
  const __m512i beyond = _mm512_set1_epi8(static_cast<char>(rows.beyond));
#pragma GCC unroll 4
  for (size_t row = 0; row < 4; ++row) {
    // A number, for what the mask leaves out may lie before all that is the picture's, where a
    // pointer must not point.
    const auto place =
        reinterpret_cast<uintptr_t>(rows.from[row]) + static_cast<uintptr_t>(byte * rows.step[row]);
    const auto* at = reinterpret_cast<const uint8_t*>(place);
    bytes[row] = is_inside ? _mm512_loadu_si512(at) : _mm512_mask_loadu_epi8(beyond, mask, at);
  }
  return interleaved(bytes[0], bytes[1], bytes[2], bytes[3]);
}

/// As `convolve_block`, where vectors hold several pixels.
template <int kResultRows, typename Out>
FACEFORGE_KERNEL_TARGET void convolve_held_pixels(const ByteDepthwise& plan, const int8_t* weights,
                                                  const Share<typename Out::Number>& share) {
  alignas(64) std::array<uint8_t, 64> beyond;
  beyond.fill(plan.source_zero);
  const Ends<4> ends = ends_of<4>(plan, 0);
  const Columns<4> upper{weights_of_column<4>(weights, 0), weights_of_column<4>(weights, 1),
                         weights_of_column<4>(weights, 2)};
  const Columns<4> lower{lowered(upper.left), lowered(upper.middle), lowered(upper.right)};
  const int64_t channels = plan.channels;
  const int64_t row_bytes = plan.picture[1] * channels, result_size = plan.result[1] * channels;
  auto* to = share.to;
  for (int64_t row = share.first_row; row + kResultRows <= share.end_row; row += kResultRows) {
    const Rows rows = rows_below(plan, share.picture, row, beyond.data(), 1);
    for (int64_t at = 0; at < result_size; at += 64) {
      const int64_t byte = at - plan.pads[1] * channels;
      const int64_t count = std::min<int64_t>(64, result_size - at);
      const Columns<4> window{bytes_at(rows, byte, row_bytes),
                              bytes_at(rows, byte + channels, row_bytes),
                              bytes_at(rows, byte + 2 * channels, row_bytes)};
      Out::write_some(sum(window, upper), ends, to + at, count);
      if constexpr (kResultRows == 2) {
        Out::write_some(sum(window, lower), ends, to + result_size + at, count);
      }
    }
    to += result_size * kResultRows;
  }
}

/// As `convolve_share`, where vectors hold several pixels.
template <typename Out>
void convolve_share_of_pixels(const ByteDepthwise& plan, const int8_t* weights,
                              const Share<typename Out::Number>& share) {
  convolve_held_pixels<2, Out>(plan, weights, share);
  if ((share.end_row - share.first_row) % 2 == 0) return;
  convolve_held_pixels<1, Out>(plan, weights, last_row_of(plan, share));
}

/// All channels of a share.
template <int kParts, bool kIsFull, typename Out>
void convolve_share(const ByteDepthwise& plan, const int8_t* weights,
                    const Share<typename Out::Number>& share) {
  const auto convolve = plan.stride == 2 ? convolve_block<kParts, kIsFull, 2, 1, false, Out>
                        : plan.halves    ? convolve_block<kParts, kIsFull, 1, 2, true, Out>
                                         : convolve_block<kParts, kIsFull, 1, 2, false, Out>;
  const bool has_last = plan.stride == 1 && (share.end_row - share.first_row) % 2 == 1;
  for (int64_t block = 0; block < block_count(plan.channels, plan.stride); ++block) {
    convolve(plan, weights, block, share);
    if (!has_last) continue;
    convolve_block<kParts, kIsFull, 1, 1, false, Out>(plan, weights, block,
                                                      last_row_of(plan, share));
  }
}
