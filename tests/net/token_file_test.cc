#include "io/net/token_file.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <string>

#include "tests/support/files.h"

namespace clearline::test {
namespace {

class TokenFileTest : public testing::Test {
 protected:
  TokenFile read(const std::string& content, mode_t mode = 0600) const {
    const std::string path = folder_.write("a.token", content);
    chmod(path.c_str(), mode);
    return read_token_file(path);
  }
  void expect_token(const std::string& content, const std::string& token) const {
    const TokenFile file = read(content);
    EXPECT_EQ(file.fault, "") << content;
    EXPECT_EQ(file.token, token);
  }
  void expect_refused(const std::string& content, const std::string& words, mode_t mode = 0600) const {
    const TokenFile file = read(content, mode);
    EXPECT_EQ(file.token, "");
    EXPECT_TRUE(file.fault.starts_with(words)) << file.fault;
  }

  TestFolder folder_;
};

TEST_F(TokenFileTest, TheTokenIsTheFirstLineWithoutWhatSurroundsIt) {
  expect_token("abc", "abc");
  expect_token("abc\n", "abc");
  expect_token("abc\r\nmore\n", "abc");
  expect_token("abc\r", "abc");
  expect_token(
      "\xEF\xBB\xBF"
      "abc\n",
      "abc");
  expect_token(" \tabc \t\r\n", "abc");
  expect_token("a b", "a b");
  expect_token("토큰\n", "토큰");
  expect_token("x", "x");
  expect_token(std::string(kTokenBytesMax, 'x'), std::string(kTokenBytesMax, 'x'));
  expect_token(std::string(kTokenBytesMax, 'x') + "\r\n" + std::string(5'000, 'y'), std::string(kTokenBytesMax, 'x'));
}

TEST_F(TokenFileTest, AnEmptyOneIsRefused) {
  for (const std::string empty : {"", "\n", "\r\n", "\nabc", " \t\nabc", "\xEF\xBB\xBF", "\xEF\xBB\xBF\n", " \r\n"}) {
    expect_refused(empty, "holds no token in its first line");
  }
  expect_refused(std::string(5'000, ' ') + "abc", "holds no token in its first line");
}

TEST_F(TokenFileTest, ALongOneIsRefused) {
  expect_refused(std::string(kTokenBytesMax + 1, 'x'), "holds a token of more than 1024 bytes");
  expect_refused(std::string(kTokenBytesMax + 1, 'x') + "\n", "holds a token of more than 1024 bytes");
  expect_refused(std::string(100'000, 'x') + "\n", "holds a token of more than 1024 bytes");
}

TEST_F(TokenFileTest, WhatNoTokenIsMadeOfIsRefused) {
  expect_refused(
      "\xFF\xFE"
      "a\0b\0",
      "is not UTF-8");
  expect_refused("\xB0\xA1", "is not UTF-8");
  expect_refused(std::string("a\0b", 3), "holds a control character");
  expect_refused("old\rmac\r", "holds a control character");
  expect_refused("a\x7F", "holds a control character");
  expect_refused("a\tb", "holds a control character");
}

TEST_F(TokenFileTest, OneThatOthersMayUseIsRefused) {
  for (const mode_t mode : {0640, 0604, 0620, 0601, 0666}) expect_refused("abc", "can be used by others", mode);
  EXPECT_EQ(read("abc", 0400).token, "abc");
}

TEST_F(TokenFileTest, WhatIsNoFileIsRefused) {
  EXPECT_TRUE(read_token_file(folder_.path("none")).fault.starts_with("cannot be opened"));
  EXPECT_TRUE(read_token_file(folder_.path("")).fault.starts_with("is no file"));
  const std::string pipe = folder_.path("pipe");
  ASSERT_EQ(mkfifo(pipe.c_str(), 0600), 0);
  EXPECT_TRUE(read_token_file(pipe).fault.starts_with("is no file"));  // and nobody waits for a writer
}

}  // namespace
}  // namespace clearline::test
