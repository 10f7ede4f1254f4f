// What a stranger's tool, or a bad disk, does to a journal.
#pragma once

#include <gtest/gtest.h>
#include <sqlite3.h>

#include <string>

namespace clearline::test {

inline void tamper(const std::string& journal_path, const std::string& sql) {
  sqlite3* database = nullptr;
  ASSERT_EQ(sqlite3_open(journal_path.c_str(), &database), SQLITE_OK);
  EXPECT_EQ(sqlite3_exec(database, sql.c_str(), nullptr, nullptr, nullptr), SQLITE_OK) << sqlite3_errmsg(database);
  sqlite3_close(database);
}

}  // namespace clearline::test
