// The canonical form of declared names: all paths of the engine, the vectors of each instruction set too, against the reference.
#include <cstdlib>

#include "engine/isa.h"
#include "engine/name.h"
#include "tests/support/reference.h"

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size) {
  using Form = clearline::DeclaredName::Form;
  static clearline::NameFolder folder;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  if (!clearline::reference::is_valid_utf8(text)) return 0;
  const auto expected = clearline::reference::declared_name(text);
  const Form form = expected.missing ? Form::kMissing : expected.unusable ? Form::kUnusable : Form::kUsable;
  for (const auto isa : {clearline::Isa::kScalar, clearline::Isa::kSse2, clearline::Isa::kAvx512}) {
    if (!clearline::machine_has(isa)) continue;
    clearline::use_isa(isa);
    const auto name = folder.fold_declared(text);
    if (name.form != form) std::abort();
    if (form != Form::kUsable) continue;
    if (name.hangul != expected.hangul) std::abort();
    if (std::string_view(name.latin, name.latin_size) != expected.latin) std::abort();
  }
  folder.fold_registered(text);
  return 0;
}
