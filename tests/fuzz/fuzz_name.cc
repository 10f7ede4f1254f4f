// The canonical form of names, declared and registered, of any bytes: all paths of the engine, the vectors of each instruction set
// too, against the reference.
#include <cstdlib>
#include <memory>
#include <string>

#include "engine/isa.h"
#include "engine/name.h"
#include "tests/support/reference.h"

namespace {

namespace reference = clearline::reference;

void require(bool holds) {
  if (!holds) std::abort();
}

/// The text in memory of just its size: a read behind it is seen.
class Exact {
 public:
  explicit Exact(std::string_view text) : bytes_(new char[text.size()]), size_(text.size()) {
    text.copy(bytes_.get(), size_);
  }
  std::string_view text() const { return {bytes_.get(), size_}; }

 private:
  std::unique_ptr<char[]> bytes_;
  std::size_t size_;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size) {
  using Form = clearline::DeclaredName::Form;
  static clearline::NameFolder folder;
  const Exact exact({reinterpret_cast<const char*>(data), size});
  const std::string_view text = exact.text();
  const auto declared = reference::declared_name(text);
  const auto registered = reference::registered_name(text);
  const auto hangul = reference::registered_hangul(text);
  const Form form = declared.missing ? Form::kMissing : declared.unusable ? Form::kUnusable : Form::kUsable;
  for (const auto isa : {clearline::Isa::kScalar, clearline::Isa::kSse2, clearline::Isa::kAvx512}) {
    if (!clearline::machine_has(isa)) continue;
    clearline::use_isa(isa);
    const auto name = folder.fold_declared(text);
    require(name.form == form);
    if (form == Form::kUsable) {
      require(name.hangul == declared.hangul);
      require(std::string_view(name.latin, name.latin_size) == declared.latin);
    }
    const auto on_file = folder.fold_registered(text);
    require((on_file.flaw != clearline::NameFlaw::kNone) == registered.flawed);
    if (!registered.flawed) {
      require(on_file.has_hangul == registered.has_hangul);
      require(on_file.has_latin_letter == registered.has_latin_letter);
      // A name with Hangul in it is refused.
      require(registered.has_hangul || on_file.family == registered.family);
      require(registered.has_hangul || on_file.whole == registered.family + registered.given);
    }
    const auto on_file_ko = folder.fold_hangul(text);
    require((on_file_ko.flaw != clearline::NameFlaw::kNone) == !hangul.has_value());
    require(!hangul || on_file_ko.hangul == *hangul);
  }
  return 0;
}
