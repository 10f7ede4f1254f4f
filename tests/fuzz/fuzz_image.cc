// Opening damaged images: refused, never served. The input is a list of edits on a good image; with its first bit set
// the checksums are made right again, as a forger would, and then nothing may crash.
#include <sys/mman.h>
#include <unistd.h>

#include <cstdlib>
#include <cstring>

#include "io/formats/entry_writer.h"
#include "io/formats/utf8.h"
#include "io/store/image.h"
#include "tests/support/files.h"
#include "tests/support/forged_image.h"
#include "tests/support/random_input.h"
#include "tests/support/screening.h"

namespace {

std::string good_image() {
  const clearline::test::TestFolder folder;
  const std::string path = folder.path("r.img");
  if (!write_image(clearline::test::make_registry(clearline::test::RandomInput(1).people()), path).ok()) std::abort();
  return clearline::test::read_file(path);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size) {
  static const std::string good = good_image();
  static const auto people = clearline::test::RandomInput(1).people();
  if (size < 5) return 0;
  std::string bytes = good;
  const bool forged = (data[0] & 1) != 0;
  if ((data[0] & 2) != 0) bytes.resize(bytes.size() * data[0] / 256);
  for (std::size_t i = 1; i + 4 <= size && !bytes.empty(); i += 4) {
    const std::size_t place = (data[i] | data[i + 1] << 8 | data[i + 2] << 16) % bytes.size();
    bytes[place] = static_cast<char>(bytes[place] ^ data[i + 3]);
  }
  if (forged && bytes.size() >= 8192) clearline::test::forge_checksums(bytes);
  const int fd = memfd_create("image", MFD_CLOEXEC);
  if (write(fd, bytes.data(), bytes.size()) != static_cast<ssize_t>(bytes.size())) std::abort();
  const auto registry = clearline::read_image("/proc/self/fd/" + std::to_string(fd));
  close(fd);
  if (!forged && registry.ok() != (bytes == good)) std::abort();
  if (registry.ok()) {
    // What can be read can be written, and verify finds all that cannot.
    const bool is_sound = !registry->table().content_fault();
    for (const clearline::Code code : registry->table().codes_sorted()) {
      const auto entry = registry->find(code);
      if (!entry && is_sound) std::abort();
      if (!entry) continue;
      clearline::OutBuffer out;
      append_entry_csv(*entry, out);
      append_entry_ndjson(*entry, out);
      if (!clearline::is_utf8(out.text())) std::abort();
    }
    for (const auto& person : people) (void)registry->find(*clearline::parse_code(person.code));
    (void)clearline::test::screen_to_text(clearline::test::RandomInput(1).ndjson(20), *registry, {});
  }
  return 0;
}
