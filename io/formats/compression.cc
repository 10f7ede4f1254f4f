#include "io/formats/compression.h"

#include <isa-l/crc.h>
#include <isa-l/igzip_lib.h>
#include <zstd.h>
#include <zstd_errors.h>

#include <algorithm>
#include <cassert>
#include <cstdint>
#include <cstdlib>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace clearline {
namespace {

constexpr std::size_t kPieceBytes = std::size_t{256} << 10;
constexpr std::size_t kMagicBytes = 4;
constexpr int kZstdWindowLogMax = 27;  // 128 MiB, what zstd itself takes without being asked
constexpr int kZstdLevel = 3;

bool is_gzip(std::string_view start) { return start.starts_with("\x1F\x8B"); }

/// A frame, or one that decoders skip.
bool is_zstd(std::string_view start) {
  if (start.starts_with("\x28\xB5\x2F\xFD")) return true;
  return start.size() >= kMagicBytes && (static_cast<unsigned char>(start[0]) & 0xF0U) == 0x50 &&
         start.substr(1, 3) == "\x2A\x4D\x18";
}

/// What both share: compressed pieces of the source below, and words for what is wrong with them.
class InflatingSource : public StackedSource {
 public:
  InflatingSource(std::unique_ptr<ByteSource> below, const char* kind)
      : StackedSource(std::move(below)), kind_(kind), piece_(kPieceBytes) {}

 protected:
  /// True: there is a new piece. False: the input has ended.
  Result<bool> next_piece() {
    const auto got = below().read(piece_);
    if (!got.ok()) return got.status();
    taken_ += *got;
    piece_size_ = *got;
    return *got != 0;
  }
  std::string_view piece() const { return {piece_.data(), piece_size_}; }

  /// `left`: bytes of the piece that were not read.
  Status wrong(const std::string& what, std::size_t left) const {
    return Status(StatusKind::kInput, name() + ": error: the " + kind_ + " data " + what + " at byte " +
                                          std::to_string(taken_ - left) + "; get the file anew");
  }
  Status cut_off() const { return wrong("is cut off", 0); }

  /// Data that is whole, and not for this program: getting it anew would give the same.
  Status unreadable(const std::string& what, const std::string& mend) const {
    return {StatusKind::kInput, name() + ": error: the " + kind_ + " data " + what + "; " + mend};
  }

 private:
  const char* kind_;
  std::vector<char> piece_;
  std::size_t piece_size_ = 0;
  std::uint64_t taken_ = 0;
};

/// The header of a gzip member, byte by byte. The library's own reader takes reserved flags and refuses a right CRC, and the
/// standard wants the reverse. Source  RFC 1952, 2.3.
class GzipHeader {
 public:
  enum class Outcome { kMore, kDone, kDamaged, kWrongChecksum, kReservedFlags };

  Outcome take(std::uint8_t byte) {
    if (part_ != Part::kChecksum) crc_ = crc32_gzip_refl(crc_, &byte, 1);
    switch (part_) {
      case Part::kFixed:
        return take_fixed(byte);
      case Part::kExtraSize:
        left_ |= std::size_t{byte} << 8 * at_++;
        if (at_ < 2) return Outcome::kMore;
        if (left_ != 0) return go_to(Part::kExtra);
        break;
      case Part::kExtra:
        if (--left_ != 0) return Outcome::kMore;
        break;
      case Part::kName:
      case Part::kComment:
        if (byte != 0) return Outcome::kMore;
        break;
      case Part::kChecksum:
        if (byte != (crc_ >> 8 * at_ & 0xFFU)) is_wrong_ = true;
        if (++at_ < 2) return Outcome::kMore;
        return is_wrong_ ? Outcome::kWrongChecksum : Outcome::kDone;
    }
    return next_part();
  }

 private:
  enum class Part { kFixed, kExtraSize, kExtra, kName, kComment, kChecksum };
  static constexpr unsigned kHasChecksum = 0x02;
  static constexpr unsigned kHasExtra = 0x04;
  static constexpr unsigned kHasName = 0x08;
  static constexpr unsigned kHasComment = 0x10;
  static constexpr unsigned kReserved = 0xE0;
  static constexpr std::size_t kFixedBytes = 10;

  Outcome take_fixed(std::uint8_t byte) {
    constexpr std::uint8_t kDeflate = 8;
    const std::size_t at = at_++;
    const bool is_wrong = (at == 0 && byte != 0x1F) || (at == 1 && byte != 0x8B) || (at == 2 && byte != kDeflate);
    if (is_wrong) return Outcome::kDamaged;
    if (at == 3) {
      flags_ = byte;
      if ((flags_ & kReserved) != 0) return Outcome::kReservedFlags;
    }
    return at_ < kFixedBytes ? Outcome::kMore : next_part();
  }

  Outcome go_to(Part part) {
    part_ = part;
    at_ = 0;
    return Outcome::kMore;
  }
  /// Each part has its flag, which goes once the part has come.
  Outcome next_part() {
    for (const auto& [flag, part] :
         {std::pair(kHasExtra, Part::kExtraSize), std::pair(kHasName, Part::kName),
          std::pair(kHasComment, Part::kComment), std::pair(kHasChecksum, Part::kChecksum)}) {
      if ((flags_ & flag) == 0) continue;
      flags_ &= ~flag;
      return go_to(part);
    }
    return Outcome::kDone;
  }

  Part part_ = Part::kFixed;
  std::size_t at_ = 0;  // in a part of fixed size
  std::size_t left_ = 0;
  unsigned flags_ = 0;
  std::uint32_t crc_ = 0;
  bool is_wrong_ = false;
};

class GzipSource : public InflatingSource {
 public:
  explicit GzipSource(std::unique_ptr<ByteSource> below) : InflatingSource(std::move(below), "gzip") {}

  Result<std::size_t> read(std::span<char> out) override {
    state_.next_out = reinterpret_cast<std::uint8_t*>(out.data());
    state_.avail_out = static_cast<std::uint32_t>(std::min<std::size_t>(out.size(), UINT32_MAX));
    const std::uint32_t wanted = state_.avail_out;
    while (state_.avail_out == wanted) {
      if (state_.avail_in == 0 && !at_end_) {
        const auto more = next_piece();
        if (!more.ok()) return more.status();
        at_end_ = !*more;
        state_.next_in = reinterpret_cast<std::uint8_t*>(const_cast<char*>(piece().data()));
        state_.avail_in = static_cast<std::uint32_t>(piece().size());
      }
      if (!in_member_ && !header_) {
        // Tapes and some tools fill up with zeros behind the last member.
        while (state_.avail_in != 0 && padded_ && *state_.next_in == 0) skip_byte();
        if (state_.avail_in == 0) {
          if (at_end_) return 0;
          continue;
        }
        if (*state_.next_in != 0x1F) {
          if (*state_.next_in != 0 || members_ == 0) return wrong("goes on with what is no member", state_.avail_in);
          padded_ = true;
          continue;
        }
        if (padded_) return wrong("goes on behind its padding", state_.avail_in);
        header_.emplace();
        ++members_;
      }
      if (header_) {
        if (Status status = take_header(); !status.ok()) return status;
        if (header_ && at_end_) return cut_off();
        if (header_ || (state_.avail_in == 0 && !at_end_)) continue;
      }
      // It says neither that its input ended within a member nor what comes behind one: only its state does.
      const int result = isal_inflate(&state_);
      if (result < 0)
        return wrong(result == ISAL_INCORRECT_CHECKSUM ? "has a wrong checksum" : "is damaged", state_.avail_in);
      if (state_.block_state == ISAL_BLOCK_FINISH) {
        in_member_ = false;
      } else if (state_.avail_in == 0 && at_end_ && state_.avail_out == wanted) {
        return cut_off();
      }
    }
    return wanted - state_.avail_out;
  }

 private:
  void skip_byte() {
    ++state_.next_in;
    --state_.avail_in;
  }
  /// Goes through the header of a member as far as it has come; it is gone once it is whole.
  Status take_header() {
    while (state_.avail_in != 0) {
      const auto outcome = header_->take(*state_.next_in);
      if (outcome == GzipHeader::Outcome::kDamaged) return wrong("is damaged", state_.avail_in);
      if (outcome == GzipHeader::Outcome::kWrongChecksum) {
        return wrong("has a wrong checksum of a header", state_.avail_in);
      }
      if (outcome == GzipHeader::Outcome::kReservedFlags) {
        return unreadable("has reserved flags set, which say that it is of a form unknown here",
                          "compress it again with gzip or zstd");
      }
      skip_byte();
      if (outcome == GzipHeader::Outcome::kMore) continue;
      header_.reset();
      start_member();
      break;
    }
    return {};
  }
  void start_member() {
    auto* const next_in = state_.next_in;
    const std::uint32_t avail_in = state_.avail_in;
    auto* const next_out = state_.next_out;
    const std::uint32_t avail_out = state_.avail_out;
    isal_inflate_init(&state_);
    state_.crc_flag = ISAL_GZIP_NO_HDR_VER;  // the trailer is checked; the header was
    state_.next_in = next_in;
    state_.avail_in = avail_in;
    state_.next_out = next_out;
    state_.avail_out = avail_out;
    in_member_ = true;
  }

  inflate_state state_{};
  std::optional<GzipHeader> header_;  // of the member that starts
  std::uint64_t members_ = 0;
  bool in_member_ = false;
  bool padded_ = false;
  bool at_end_ = false;
};

class ZstdSource : public InflatingSource {
 public:
  explicit ZstdSource(std::unique_ptr<ByteSource> below)
      : InflatingSource(std::move(below), "zstd"), stream_(ZSTD_createDStream(), &ZSTD_freeDStream) {
    if (!stream_) std::abort();  // out of memory
    ZSTD_DCtx_setParameter(stream_.get(), ZSTD_d_windowLogMax, kZstdWindowLogMax);
  }

  Result<std::size_t> read(std::span<char> out) override {
    ZSTD_outBuffer to{out.data(), out.size(), 0};
    while (to.pos == 0) {
      // Output that did not fit last time comes before new input.
      if (from_.pos == from_.size && !at_end_ && !output_waits_) {
        const auto more = next_piece();
        if (!more.ok()) return more.status();
        at_end_ = !*more;
        from_ = {piece().data(), piece().size(), 0};
      }
      if (at_end_ && from_.pos == from_.size && !output_waits_) {
        if (in_frame_) return cut_off();
        return 0;
      }
      const std::size_t result = ZSTD_decompressStream(stream_.get(), &to, &from_);
      if (ZSTD_isError(result) != 0) return failure(result);
      in_frame_ = result != 0;
      output_waits_ = to.pos == to.size && in_frame_;
    }
    return to.pos;
  }

 private:
  Status failure(std::size_t result) const {
    switch (ZSTD_getErrorCode(result)) {
      case ZSTD_error_frameParameter_windowTooLarge:
        return unreadable("needs a window larger than the 128 MiB read here",
                          "compress it again without --long, or with --long=27");
      case ZSTD_error_dictionary_wrong:
        return unreadable("needs a dictionary", "compress it again without one");
      case ZSTD_error_version_unsupported:
      case ZSTD_error_frameParameter_unsupported:
        return unreadable("is of a form unknown here", "compress it again with zstd or gzip");
      case ZSTD_error_memory_allocation:
        return unreadable("needs more memory than there is", "compress it again without --long");
      default:
        return wrong(std::string("is damaged (") + ZSTD_getErrorName(result) + ")", from_.size - from_.pos);
    }
  }

  std::unique_ptr<ZSTD_DStream, std::size_t (*)(ZSTD_DStream*)> stream_;
  ZSTD_inBuffer from_{nullptr, 0, 0};
  bool in_frame_ = false;
  bool output_waits_ = false;
  bool at_end_ = false;
};

}  // namespace

Result<std::unique_ptr<ByteSource>> decompress(std::unique_ptr<ByteSource> source) {
  auto peeked = PeekedSource::open(std::move(source), kMagicBytes);
  if (!peeked.ok()) return peeked.status();
  const std::string_view start = (*peeked)->start();
  const bool gzip = is_gzip(start);
  const bool zstd = is_zstd(start);
  std::unique_ptr<ByteSource> plain = std::move(*peeked);
  if (gzip) plain = std::make_unique<GzipSource>(std::move(plain));
  if (zstd) plain = std::make_unique<ZstdSource>(std::move(plain));
  return plain;
}

struct Compressor::State {
  explicit State(Compression which) : compression(which) {
    if (compression == Compression::kZstd) {
      zstd.reset(ZSTD_createCCtx());
      if (!zstd) std::abort();  // out of memory
      ZSTD_CCtx_setParameter(zstd.get(), ZSTD_c_compressionLevel, kZstdLevel);
      ZSTD_CCtx_setParameter(zstd.get(), ZSTD_c_checksumFlag, 1);
    }
    if (compression == Compression::kGzip) level_memory.resize(ISAL_DEF_LVL1_DEFAULT);
  }
  Compression compression;
  std::unique_ptr<ZSTD_CCtx, std::size_t (*)(ZSTD_CCtx*)> zstd{nullptr, &ZSTD_freeCCtx};
  isal_zstream gzip{};
  std::vector<std::uint8_t> level_memory;
};

Compressor::Compressor(Compression compression) : state_(std::make_unique<State>(compression)) {}
Compressor::~Compressor() = default;
Compressor::Compressor(Compressor&&) noexcept = default;
Compressor& Compressor::operator=(Compressor&&) noexcept = default;

void Compressor::append(std::string_view text, OutBuffer& out) {
  State& state = *state_;
  switch (state.compression) {
    case Compression::kNone:
      out.append(text);
      return;
    case Compression::kZstd: {
      const std::size_t bound = ZSTD_compressBound(text.size());
      const std::size_t size = ZSTD_compress2(state.zstd.get(), out.reserve(bound), bound, text.data(), text.size());
      if (ZSTD_isError(size) != 0) std::abort();  // out of memory: with room for the bound nothing else can fail
      out.advance(size);
      return;
    }
    case Compression::kGzip: {
      // Stored blocks of 65,535 bytes at the worst, and 18 bytes around them; more room than that never lacks.
      const std::size_t bound = text.size() + text.size() / 1000 + 1024;
      isal_zstream& stream = state.gzip;
      isal_deflate_stateless_init(&stream);
      stream.gzip_flag = IGZIP_GZIP;
      stream.level = 1;
      stream.level_buf = state.level_memory.data();
      stream.level_buf_size = static_cast<std::uint32_t>(state.level_memory.size());
      stream.end_of_stream = 1;
      stream.flush = NO_FLUSH;
      stream.next_in = reinterpret_cast<std::uint8_t*>(const_cast<char*>(text.data()));
      stream.avail_in = static_cast<std::uint32_t>(text.size());
      stream.next_out = reinterpret_cast<std::uint8_t*>(out.reserve(bound));
      stream.avail_out = static_cast<std::uint32_t>(bound);
      if (isal_deflate_stateless(&stream) != COMP_OK) std::abort();
      out.advance(bound - stream.avail_out);
      return;
    }
  }
}

}  // namespace clearline
