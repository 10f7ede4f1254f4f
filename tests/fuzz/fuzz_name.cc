// The canonical form of declared names: both paths of the engine against the reference.
#include <cstdlib>

#include "engine/name.h"
#include "tests/support/reference.h"

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size) {
  using Form = clearline::DeclaredName::Form;
  static clearline::NameFolder folder;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  if (!clearline::reference::is_valid_utf8(text)) return 0;
  const auto expected = clearline::reference::declared_name(text);
  const auto name = folder.fold_declared(text);
  const Form form = expected.missing ? Form::kMissing : expected.unusable ? Form::kUnusable : Form::kUsable;
  if (name.form != form) std::abort();
  if (form != Form::kUsable) return 0;
  if (name.hangul != expected.hangul) std::abort();
  if (std::string_view(name.latin, name.latin_size) != expected.latin) std::abort();
  folder.fold_registered(text);
  return 0;
}
