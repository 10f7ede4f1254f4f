#include "io/formats/json_text.h"

namespace clearline {
namespace {

char* put_utf8(char* out, unsigned point) {
  const auto byte = [&](unsigned value) { *out++ = static_cast<char>(value); };
  if (point < 0x80) {
    byte(point);
  } else if (point < 0x800) {
    byte(0xC0 | point >> 6);
    byte(0x80 | (point & 0x3F));
  } else if (point < 0x10000) {
    byte(0xE0 | point >> 12);
    byte(0x80 | (point >> 6 & 0x3F));
    byte(0x80 | (point & 0x3F));
  } else {
    byte(0xF0 | point >> 18);
    byte(0x80 | (point >> 12 & 0x3F));
    byte(0x80 | (point >> 6 & 0x3F));
    byte(0x80 | (point & 0x3F));
  }
  return out;
}

}  // namespace

char* unescape(const RawString& raw, char* out) {
  for (const char* p = raw.begin; p < raw.end;) {
    if (*p != '\\') {
      *out++ = *p++;
      continue;
    }
    const char escape = p[1];
    p += 2;
    switch (escape) {
      case 'b':
        *out++ = '\b';
        break;
      case 'f':
        *out++ = '\f';
        break;
      case 'n':
        *out++ = '\n';
        break;
      case 'r':
        *out++ = '\r';
        break;
      case 't':
        *out++ = '\t';
        break;
      case 'u': {
        auto point = static_cast<unsigned>(hex4(p));
        p += 4;
        if (point >= 0xD800 && point < 0xDC00) {
          point = 0x10000 + ((point - 0xD800) << 10) + (static_cast<unsigned>(hex4(p + 2)) - 0xDC00);
          p += 6;
        }
        out = put_utf8(out, point);
        break;
      }
      default:
        *out++ = escape;
    }
  }
  return out;
}

std::string unescaped(const RawString& raw) {
  std::string text(raw.view());
  if (raw.has_escapes) text.resize(static_cast<std::size_t>(unescape(raw, text.data()) - text.data()));
  return text;
}

}  // namespace clearline
