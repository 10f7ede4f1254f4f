#include "io/formats/encoding.h"

#include <algorithm>
#include <cstdlib>
#include <span>
#include <string>
#include <vector>

#include "io/formats/block.h"
#include "io/formats/cp949.h"
#include "io/formats/utf16.h"
#include "io/formats/utf8.h"

namespace clearline {
namespace {

constexpr std::size_t kPieceBytes = std::size_t{64} << 10;

bool is_ascii(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char c) { return static_cast<unsigned char>(c) < 0x80; });
}

/// Calls `use` for each line that ends in LF, and returns what stands after the last one.
template <typename Use>
std::string_view for_each_line(std::string_view text, const Use& use) {
  for (std::size_t end = text.find('\n'); end != std::string_view::npos; end = text.find('\n')) {
    use(text.substr(0, end));
    text.remove_prefix(end + 1);
  }
  return text;
}

/// The source below as UTF-8, piece by piece.
template <typename Decoder>
class RecodedSource : public StackedSource {
 public:
  RecodedSource(std::unique_ptr<ByteSource> below, Decoder decoder)
      : StackedSource(std::move(below)),
        decoder_(std::move(decoder)),
        piece_(kPieceBytes),
        text_(Decoder::bytes_max(kPieceBytes)) {}

  Result<std::size_t> read(std::span<char> out) override {
    while (at_ == size_ && !at_end_) {
      const auto got = below().read(piece_);
      if (!got.ok()) return got.status();
      at_end_ = *got == 0;
      at_ = 0;
      size_ = at_end_ ? decoder_.finish(text_.data()) : decoder_.decode({piece_.data(), *got}, text_.data());
    }
    const std::size_t size = std::min(out.size(), size_ - at_);
    std::copy_n(text_.data() + at_, size, out.data());
    at_ += size;
    return size;
  }

  const Decoder& decoder() const { return decoder_; }

 private:
  Decoder decoder_;
  std::vector<char> piece_;
  std::vector<char> text_;
  std::size_t at_ = 0;
  std::size_t size_ = 0;
  bool at_end_ = false;
};

/// Cp949Decoder, and a count of the lines that fail in it and are UTF-8. Only near bad bytes are lines looked at.
class CountingCp949Decoder {
 public:
  static constexpr std::size_t bytes_max(std::size_t bytes) { return Cp949Decoder::bytes_max(bytes); }

  std::size_t decode(std::string_view in, char* out) {
    const std::size_t size = decoder_.decode(in, out);
    const bool is_bad = decoder_.bad_bytes() != bad_bytes_;
    bad_bytes_ = decoder_.bad_bytes();
    if (is_bad || tail_is_bad_) {
      tail_.append(in);
      keep_tail(for_each_line(tail_, [this](std::string_view line) { count(line); }), is_bad);
    } else {
      const std::size_t end = in.rfind('\n');
      if (end != std::string_view::npos) tail_.clear();
      tail_.append(end == std::string_view::npos ? in : in.substr(end + 1));
      keep_tail(tail_, false);
    }
    return size;
  }
  std::size_t finish(char* out) {
    const std::size_t size = decoder_.finish(out);
    if (tail_is_bad_ || size != 0) count(tail_);
    return size;
  }

  const std::uint64_t& utf8_lines() const { return utf8_lines_; }

 private:
  void count(std::string_view line) {
    if (!is_ascii(line) && !is_cp949(line) && is_utf8(line)) ++utf8_lines_;
  }
  /// A line that is longer than any may be is not kept whole, and so does not count.
  void keep_tail(std::string_view tail, bool is_bad) {
    constexpr std::size_t kKept = 2 * kLineBytesMaxDefault;
    std::string kept(tail.substr(0, kKept));
    tail_ = std::move(kept);
    tail_is_bad_ = is_bad;
  }

  Cp949Decoder decoder_;
  std::uint64_t bad_bytes_ = 0;
  std::string tail_;          // the start of the line that goes on in the next piece
  bool tail_is_bad_ = false;  // a bad byte may be in it
  std::uint64_t utf8_lines_ = 0;
};

Status refused(std::string_view what) { return {StatusKind::kInput, " error: " + std::string(what)}; }

/// What is UTF-16 or UTF-32 by its look, and may not be read as such. Drops the BOM of UTF-16, and of UTF-8.
Result<std::optional<Utf16Order>> take_utf16(PeekedSource& source, Encoding wanted) {
  using namespace std::string_view_literals;
  const std::string_view start = source.start();
  if (start.starts_with("\xFF\xFE\0\0"sv) || start.starts_with("\0\0\xFE\xFF"sv)) {
    return refused("this is UTF-32; save it as UTF-8");
  }
  const bool may_be = wanted == Encoding::kAuto || wanted == Encoding::kUtf16;
  if (const auto order = utf16_order_of_bom(start)) {
    if (!may_be) return refused("this is UTF-16 by its BOM; leave out --encoding, or say --encoding utf-16");
    source.skip(kUtf16BomBytes);
    return order;
  }
  const auto order = utf16_order_of_content(start);
  if (wanted == Encoding::kUtf16) {
    if (order == Utf16Order::kLittle || start.empty()) return std::optional(Utf16Order::kLittle);
    return refused(order ? "this is UTF-16 in big-endian order without BOM; save it with a BOM, or as UTF-8"
                         : "this is not UTF-16; leave out --encoding");
  }
  if (order == Utf16Order::kLittle)
    return refused("this is UTF-16 without BOM; say --encoding utf-16, or save it as UTF-8");
  if (order) return refused("this is UTF-16 in big-endian order without BOM; save it with a BOM, or as UTF-8");
  if (start.starts_with(kBom)) source.skip(kBom.size());  // before CP949 would make characters of it
  return std::optional<Utf16Order>();
}

}  // namespace

std::string_view to_string(Encoding encoding) {
  switch (encoding) {
    case Encoding::kAuto:
      return "auto";
    case Encoding::kUtf8:
      return "UTF-8";
    case Encoding::kCp949:
      return "CP949";
    case Encoding::kUtf16:
      return "UTF-16";
  }
  std::abort();
}

std::string_view bad_byte_of(Encoding encoding) {
  if (encoding == Encoding::kCp949) return "a byte that is not CP949";
  return encoding == Encoding::kUtf16 ? "half of a character of UTF-16" : kBadUtf8;
}

Encoding encoding_of_csv(std::string_view start, bool is_cut) {
  std::uint64_t lines = 0;
  std::uint64_t as_utf8 = 0;
  std::uint64_t as_cp949 = 0;
  const auto look_at = [&](std::string_view line) {
    if (is_ascii(line)) return;
    ++lines;
    as_utf8 += static_cast<std::uint64_t>(is_utf8(line));
    as_cp949 += static_cast<std::uint64_t>(is_cp949(line));
  };
  const std::string_view last = for_each_line(start, look_at);
  if (!is_cut) look_at(last);
  if (lines == 0 || 2 * as_utf8 >= lines) return Encoding::kUtf8;
  // Nine in ten of two lines would be both. One odd byte must not decide about a small file.
  const bool one_is_odd = as_utf8 == 0 && as_cp949 != 0 && as_cp949 + 1 == lines;
  return 10 * as_cp949 >= 9 * lines || one_is_odd ? Encoding::kCp949 : Encoding::kUtf8;
}

bool is_cp949_alone(std::string_view line) { return !is_utf8(line) && is_cp949(line); }

Result<DecodedInput> decode_input(std::unique_ptr<PeekedSource> source, Encoding wanted, std::optional<Format> format) {
  const auto order = take_utf16(*source, wanted);
  if (!order.ok()) return order.status();
  DecodedInput input;
  if (*order) {
    input.encoding = Encoding::kUtf16;
    input.source = std::make_unique<RecodedSource<Utf16Decoder>>(std::move(source), Utf16Decoder(**order));
    return input;
  }
  const std::string_view start = source->start();
  input.encoding = wanted;
  if (wanted == Encoding::kAuto) {
    const bool is_csv = format.value_or(format_of_content(start)) == Format::kCsv;
    input.encoding = is_csv ? encoding_of_csv(start, !source->is_all()) : Encoding::kUtf8;
  }
  if (input.encoding == Encoding::kCp949) {
    auto recoded = std::make_unique<RecodedSource<CountingCp949Decoder>>(std::move(source), CountingCp949Decoder());
    input.utf8_lines = &recoded->decoder().utf8_lines();
    input.source = std::move(recoded);
  } else {
    input.source = std::move(source);
  }
  return input;
}

}  // namespace clearline
