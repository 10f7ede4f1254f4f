#include "io/net/other_protocol.h"

#include <gtest/gtest.h>

#include <string>

namespace clearline::test {
namespace {

using namespace std::string_literals;

TEST(OtherProtocol, ItsFirstBytesAreRecognised) {
  for (const std::string method : {"GET", "POST", "PUT", "HEAD", "DELETE", "OPTIONS", "PATCH", "CONNECT", "TRACE"}) {
    EXPECT_EQ(other_protocol(method + " / HTTP/1.1\r\nHost: x\r\n\r\n"), "HTTP") << method;
    EXPECT_EQ(other_protocol(method + " "), "HTTP") << method;
    EXPECT_EQ(other_protocol("\r\n" + method + " "), "HTTP") << method;
    EXPECT_EQ(other_protocol(method), "") << method;
  }
  EXPECT_EQ(other_protocol("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"), "HTTP");
  EXPECT_EQ(other_protocol("\x16\x03\x01\x02"), "TLS");
  EXPECT_EQ(other_protocol("\x16\x03"), "TLS");
  EXPECT_EQ(other_protocol("PROXY TCP4 127.0.0.1 127.0.0.1 1 2\r\n"), "PROXY");
  EXPECT_EQ(other_protocol("\r\n\r\n\0\r\nQUIT\n\x21\x11"s), "PROXY");
}

TEST(OtherProtocol, LinesAreNone) {
  for (const std::string& line :
       {""s, " "s, "\n"s, "\r\n\r\n"s, "{\"id\":\"GET \"}\n"s, "GETTER\n"s, "GE"s, "get / HTTP/1.1\n"s, "\x16"s,
        "\x16{\n"s, "\0"s, "\0{\0"s, "PROXY\n"s, "x\nGET / HTTP/1.1\n"s, "  GET / HTTP/1.1\n"s, "\xEF\xBB\xBF{}"s,
        std::string(100, '\n') + "GET / "}) {
    EXPECT_EQ(other_protocol(line), "") << line;
  }
}

}  // namespace
}  // namespace clearline::test
