// A live registry from the outside: changes through the built program, refused, read meanwhile, and on a full disk.
#include <gtest/gtest.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <string>
#include <vector>

#include "tests/support/live_fixture.h"

namespace clearline::test {
namespace {

namespace fs = std::filesystem;

// --- talking to it ---

TEST_F(Live, AnswersComeOneByOne) {
  Conversation process({"registry", "apply", directory, "-"});
  for (std::uint64_t i = 0; i < 10; ++i) {
    const std::string id = "k-" + std::to_string(i);
    ASSERT_TRUE(process.send(change_line("suspend", i, id)));
    const auto answer = process.read_line();
    ASSERT_TRUE(answer) << "none came while nothing else was sent";
    EXPECT_EQ(*answer, R"({"change_id":")" + id + R"(","ok":true,"seq":)" + std::to_string(i + 1) + "}");
  }
  const auto end = process.end();
  EXPECT_EQ(end.exit_code, 0) << end.err;
  EXPECT_EQ(end.out, "");
}

// Change s suspends code s - 1, so what each seq holds is known.
TEST_F(Live, ReadersBesideAWriter) {
  std::string day;
  for (std::uint64_t i = 0; i < kPeople; ++i) {
    day += R"({"id":"D)" + std::to_string(i) + R"(","code":")" + code_text(i) + R"(","name":"Kim A)" +
           std::to_string(i) + R"(","zip":")" + zip_text(i) + "\"}\n";
  }
  folder.write("day.ndjson", day);
  Conversation process({"registry", "apply", directory, "-"});
  std::uint64_t sent = 0;
  std::uint64_t answered = 0;
  const auto expect_seq = [&](std::uint64_t seq) {
    EXPECT_GE(seq, answered);
    EXPECT_LE(seq, sent);
  };
  for (int round = 0; round < (CLEARLINE_SANITIZED != 0 ? 4 : 12); ++round) {
    // Some that were answered, and some that are on their way while others read.
    for (int i = 0; i < 3; ++i, ++sent) {
      ASSERT_TRUE(process.send(change_line("suspend", sent, "s-" + std::to_string(sent))));
      if (i == 2) continue;
      const auto answer = process.read_line();
      ASSERT_TRUE(answer && is_ok(*answer));
      ++answered;
    }
    const auto result =
        run_clearline({"screen", folder.path("day.ndjson"), "-r", directory, "--explain", "--summary", "json"});
    ASSERT_EQ(result.exit_code, 0) << result.err;
    const std::uint64_t seq = number_of(result.err, "registry_seq");
    expect_seq(seq);
    const auto verdicts = lines_of(result.out);
    ASSERT_EQ(verdicts.size(), kPeople);
    for (std::uint64_t i = 0; i < kPeople; ++i) {
      EXPECT_EQ(number_of(verdicts[i], "registry_seq"), seq) << verdicts[i];
      EXPECT_EQ(value_of(verdicts[i], "verdict"), i < seq ? "hold" : "clear") << verdicts[i] << " at seq " << seq;
    }
    const auto looked_up = lookup(answered - 1);
    EXPECT_EQ(looked_up.exit_code, 1);
    EXPECT_NE(looked_up.out.find("code_suspended"), std::string::npos) << looked_up.out;
    expect_seq(number_of(looked_up.out, "registry_seq"));
    const auto last = process.read_line();
    ASSERT_TRUE(last && is_ok(*last)) << "readers were in its way";
    ++answered;
  }
  EXPECT_EQ(process.end().exit_code, 0);
  expect_sound();
}

TEST_F(Live, ASecondWriterIsRefused) {
  Conversation first({"registry", "apply", directory, "-"});
  ASSERT_TRUE(first.send(change_line("suspend", 1, "a")));
  ASSERT_TRUE(first.read_line());
  const auto second = apply(change_line("suspend", 2, "b"));
  EXPECT_EQ(second.exit_code, 4);
  EXPECT_EQ(second.out, "");
  EXPECT_NE(second.err.find("another process changes this registry"), std::string::npos) << second.err;
  EXPECT_EQ(run_clearline({"registry", "checkpoint", directory}).exit_code, 4);
  ASSERT_TRUE(first.send(change_line("suspend", 3, "c")));
  EXPECT_EQ(first.read_line(), R"({"change_id":"c","ok":true,"seq":2})");
  EXPECT_EQ(first.end().exit_code, 0);
  EXPECT_EQ(apply(change_line("suspend", 2, "b")).exit_code, 0) << "after its end";
}

TEST_F(Live, WrongUseIsTold) {
  const auto told = [](const std::vector<std::string>& arguments, int exit_code, const std::string& words) {
    const auto result = run_clearline(arguments);
    EXPECT_EQ(result.exit_code, exit_code) << arguments[1] << ": " << result.err;
    EXPECT_NE(result.err.find("error: "), std::string::npos) << result.err;
    EXPECT_NE(result.err.find(words), std::string::npos) << result.err;
    EXPECT_EQ(result.out, "");
  };
  const std::string other = folder.path("other");
  told({"registry", "init", other}, 2, "--from");
  told({"registry", "init", other, "--from", folder.path("no.img")}, 4, "no.img");
  EXPECT_FALSE(fs::exists(other));
  told({"registry", "init", directory, "--from", image}, 5, "is a registry already");
  fs::create_directory(other);
  folder.write("other/notes.txt", "mine");
  told({"registry", "init", other, "--from", image}, 5, "not empty");
  EXPECT_EQ(read_file(folder.path("other/notes.txt")), "mine");
  const std::string changes = folder.write("changes.ndjson", change_line("suspend", 1, "a"));
  told({"registry", "apply", other, changes}, 4, "registry init");
  told({"registry", "apply", folder.path("nowhere"), changes}, 4, "registry init");
  told({"registry", "apply", image, changes}, 4, "registry init");
  told({"registry", "checkpoint", other}, 4, "registry init");
  told({"registry", "apply", directory, folder.path("no.ndjson")}, 3, "no.ndjson");
  told({"registry", "apply", directory}, 2, "--help");
  told({"registry", "export", image, "--journal"}, 2, "--journal");
  told({"registry", "export", directory, "--journal", "--format", "csv"}, 2, "--journal");
  EXPECT_EQ(number_of(run_clearline({"registry", "info", directory, "--json"}).out, "seq"), 0U);
}

// --- what comes in ---

TEST_F(Live, ABadLineLeavesItsNeighboursAlone) {
  const std::string longest = padded(change_line("suspend", 7, "long"), 65'536);
  const std::string too_long = padded(change_line("suspend", 7, "long"), 65'537);
  std::string crlf = change_line("suspend", 1, "b");
  crlf.insert(crlf.size() - 1, "\r");
  std::string last = change_line("suspend", 8, "last");
  last.pop_back();
  const std::string text = "\xEF\xBB\xBF" + change_line("suspend", 0, "a") +                      // 1
                           "no object\n" +                                                        // 2
                           crlf +                                                                 // 3
                           "\n \t\r\n" +                                                          // 4, 5: blank
                           "{\"op\":\"suspend\"\n" +                                              // 6: cut off
                           R"({"op":"suspend","code":"P1","change_id":"c"})" + "\n" +             // 7
                           R"({"op":"suspend","code":"P000000000002"})" + "\n" +                  // 8
                           R"({"op":"explode","code":"P000000000002","change_id":"d"})" + "\n" +  // 9
                           R"({"op":"suspend","op":"cancel","code":"P000000000002","change_id":"e"})" + "\n" +  // 10
                           "\xFF\xFE\n" +                                                                       // 11
                           too_long +                                                                           // 12
                           longest +                                                                            // 13
                           change_line("amend", 2, "f", R"(,"zips":["1234"])") +                                // 14
                           "\xEF\xBB\xBF" + change_line("suspend", 3, "g") +  // 15: a BOM in the middle
                           change_line("suspend", 0, std::string(65, 'i')) +  // 16
                           last;                                              // 17
  const auto answers = applied(text);
  const std::vector<std::string> expected{R"({"change_id":"a","ok":true,"seq":1})",
                                          R"({"change_id":null,"line":2,"ok":false,"error":"malformed")",
                                          R"({"change_id":"b","ok":true,"seq":2})",
                                          R"({"change_id":null,"line":6,"ok":false,"error":"malformed")",
                                          R"({"change_id":"c","ok":false,"error":"malformed")",
                                          R"({"change_id":null,"line":8,"ok":false,"error":"malformed")",
                                          R"({"change_id":"d","ok":false,"error":"malformed")",
                                          R"({"change_id":"e","ok":false,"error":"malformed")",
                                          R"({"change_id":null,"line":11,"ok":false,"error":"malformed")",
                                          R"({"change_id":null,"line":12,"ok":false,"error":"malformed")",
                                          R"({"change_id":"long","ok":true,"seq":3})",
                                          R"({"change_id":"f","ok":false,"error":"malformed")",
                                          R"({"change_id":null,"line":15,"ok":false,"error":"malformed")",
                                          R"({"change_id":null,"line":16,"ok":false,"error":"malformed")",
                                          R"({"change_id":"last","ok":true,"seq":4})"};
  ASSERT_EQ(answers.size(), expected.size());
  for (std::size_t i = 0; i < expected.size(); ++i) {
    EXPECT_TRUE(answers[i].starts_with(expected[i])) << answers[i] << " is not " << expected[i];
  }
}

TEST_F(Live, CompressedChangesAreRead) {
  std::string text;
  for (std::uint64_t i = 0; i < kPeople; ++i) text += change_line("suspend", i, "k-" + std::to_string(i));
  const std::string packed = write_gz("changes.ndjson.gz", text);
  const auto result = run_clearline({"registry", "apply", directory, packed});
  EXPECT_EQ(result.exit_code, 0) << result.err;
  EXPECT_EQ(lines_of(result.out).size(), kPeople);
  EXPECT_EQ(lookup(kPeople - 1).exit_code, 1);

  // One that is cut off is told, and what was read of it before is answered.
  std::string issues;
  for (std::uint64_t i = 0; i < 20'000; ++i) {
    issues += change_line("issue", 1'000 + i, "i-" + std::to_string(i), R"(,"name":"LEE B)" + std::to_string(i) + "\"");
  }
  const std::string whole = read_file(write_gz("issues.gz", issues));
  const auto cut =
      run_clearline({"registry", "apply", directory, folder.write("cut.gz", whole.substr(0, whole.size() / 2))});
  EXPECT_EQ(cut.exit_code, 3);
  EXPECT_NE(cut.err.find("cut off"), std::string::npos) << cut.err;
  const auto answers = lines_of(cut.out);
  EXPECT_LT(answers.size(), 20'000U);
  EXPECT_TRUE(std::all_of(answers.begin(), answers.end(), is_ok)) << "half a change is none";
  EXPECT_EQ(number_of(run_clearline({"registry", "info", directory, "--json"}).out, "seq"), kPeople + answers.size());
}

TEST_F(Live, NoPersonalDataInWords) {
  const std::vector<std::string> secrets{"SECRET", "Secret", "비밀", "55556666", "777777777777", "secret-id", "54321"};
  const std::string person = R"(,"name":"HONG SECRET","name_ko":"비밀","phone":"01055556666","zips":["54321"])";
  const std::string issue = change_line("issue", 777'777'777'777, "secret-id-1", person);
  const std::string good = issue + change_line("suspend", 777'777'777'777, "secret-id-2") +
                           change_line("suspend", 777'777'777'777, "secret-id-3") +
                           change_line("cancel", 777'777'777'777, "secret-id-1") +
                           change_line("amend", 777'777'777'777, "secret-id-4", R"(,"name":"HONG SECRET"})");
  const std::vector<std::string> bad{
      R"({"op":"SECRET","code":"P777777777777","change_id":"secret-id-5"})",
      R"({"op":"issue","code":"P7777777777771","change_id":"secret-id-6","name":"HONG SECRET"})",
      R"({"op":"issue","code":"P777777777777","change_id":"secret-id-7","name":"비밀"})",
      R"({"op":"amend","code":"P777777777777","change_id":"secret-id-7","zips":["54321x","54321"]})",
      R"({"op":"amend","code":"P777777777777","change_id":"secret-id-7","phone":"SECRET"})",
      R"({"op":"suspend","code":"P777777777777","change_id":"secret-id-7","at":"SECRET","by":"SECRET"})",
      R"({"SECRET":"비밀","SECRET":54321x})",
      R"({"op":"suspend","code":"P777777777777","change_id":"secret-id-7")",
      "HONG SECRET,비밀,01055556666,54321,P777777777777,secret-id"};
  std::string all = good;
  for (const std::string& line : bad) all += line + "\n";
  // A change_id belongs into an answer, and nothing else does.
  const auto silent = [&](const std::string& text, bool is_answers) {
    for (const std::string& secret : secrets) {
      if (is_answers && secret == "secret-id") continue;
      EXPECT_EQ(text.find(secret), std::string::npos) << secret << " is told: " << text;
    }
  };
  const auto run = [&](const std::vector<std::string>& arguments, int exit_code, const std::string& input = "") {
    ProcessSetup setup;
    setup.input = input;
    const auto result = run_clearline(arguments, setup);
    EXPECT_EQ(result.exit_code, exit_code) << arguments[1] << result.err;
    EXPECT_NE(result.err, "");
    silent(result.err, false);
    silent(result.out, true);
  };
  const std::string changes = folder.write("changes", all);
  run({"registry", "apply", directory, changes}, 0);
  run({"registry", "apply", directory, "-"}, 0, all);
  const std::string packed = read_file(write_gz("all.gz", all));
  run({"registry", "apply", directory, folder.write("cut.gz", packed.substr(0, packed.size() - 9))}, 3);
  run({"registry", "apply", folder.path("none"), changes}, 4);
  run({"registry", "apply", directory, changes, "P777777777777"}, 2);
  run({"registry", "apply", directory, changes, "--SECRET=54321"}, 2);
  {
    Conversation first({"registry", "apply", directory, "-"});
    ASSERT_TRUE(first.send(issue));
    ASSERT_TRUE(first.read_line());
    run({"registry", "apply", directory, changes}, 4);
  }
  run({"registry", "checkpoint", directory}, 0);
  // Damage where the person is.
  for (const auto& file : fs::directory_iterator(directory)) {
    const std::string name = file.path().filename();
    if (!name.starts_with("image-")) continue;
    std::string bytes = read_file(file.path());
    const std::size_t at = bytes.find("SECRET");
    if (at != std::string::npos) bytes[at] = 'X';
    overwrite(file.path(), bytes);
  }
  run({"registry", "verify", directory}, 4);
  const std::string journal = directory + "/journal.db";
  std::string bytes = read_file(journal);
  for (std::size_t at = bytes.find("SECRET"); at != std::string::npos; at = bytes.find("SECRET")) bytes[at] = 'X';
  overwrite(journal, bytes);
  run({"registry", "verify", directory}, 4);
  run({"registry", "apply", directory, changes}, 4);
}

// --- where answers go ---

TEST_F(Live, AnswersInAClosedPipe) {
  std::string text;
  for (std::uint64_t i = 0; i < 20'000; ++i)
    text += change_line("issue", 1'000 + i, "i-" + std::to_string(i), R"(,"name":"LEE B")");
  ProcessSetup setup;
  setup.close_stdout_early = true;
  const auto result = apply(text, setup);
  EXPECT_EQ(result.exit_code, 0) << result.err;
  EXPECT_EQ(result.err.find("error"), std::string::npos) << result.err;
  const std::string whole = result.out.substr(0, result.out.rfind('\n') + 1);
  const auto answers = lines_of(whole);
  ASSERT_FALSE(answers.empty());
  const auto again = applied(text);
  ASSERT_EQ(again.size(), 20'000U);
  for (std::size_t i = 0; i < again.size(); ++i) {
    ASSERT_EQ(number_of(again[i], "seq"), i + 1) << "once, and in order";
    if (i < answers.size()) {
      ASSERT_TRUE(is_repeat(again[i])) << "what was answered is there";
    }
  }
}

// --- disks and permissions ---

/// Issues, until one is answered otherwise. How many were ok.
std::uint64_t issue_until_refused(Conversation& process, std::uint64_t first, std::string& refusal) {
  for (std::uint64_t i = first;; ++i) {
    if (!process.send(change_line("issue", 1'000 + i, "i-" + std::to_string(i), R"(,"name":"LEE B")")))
      return i - first;
    const auto answer = process.read_line();
    refusal = answer.value_or("");
    if (!answer || !is_ok(*answer)) return i - first;
  }
}

TEST_F(Live, AFullDiskIsToldAndHeals) {
  if (geteuid() != 0) GTEST_SKIP() << "a small file system can only be mounted by root";
  const std::string small = folder.path("small");
  fs::create_directory(small);
  if (mount("tmpfs", small.c_str(), "tmpfs", 0, "size=4m") != 0) GTEST_SKIP() << "tmpfs cannot be mounted here";
  struct Unmount {
    std::string path;
    ~Unmount() { umount2(path.c_str(), MNT_DETACH); }
  } const unmount{small};
  directory = small + "/live";
  make(directory);
  const auto fill = [&] {
    std::ofstream filler(small + "/filler", std::ios::binary);
    const std::string page(4096, 'x');
    while (filler.write(page.data(), static_cast<std::streamsize>(page.size())).flush()) {
    }
  };
  std::string refusal;
  std::uint64_t done = 0;
  for (const bool heals : {true, false}) {
    Conversation process({"registry", "apply", directory, "-"});
    ASSERT_TRUE(process.send(change_line("renew", 1, "r-" + std::to_string(done), R"(,"expires":"2040-01-01")")));
    ASSERT_TRUE(is_ok(process.read_line().value_or("")));
    fill();
    done += issue_until_refused(process, done, refusal);
    ASSERT_EQ(value_of(refusal, "error"), "busy") << refusal;
    EXPECT_EQ(lookup(2).exit_code, 0) << "readers go on";
    if (heals) {
      fs::remove(small + "/filler");
      ASSERT_TRUE(process.send(change_line("issue", 1'000 + done, "i-" + std::to_string(done), R"(,"name":"LEE B")")));
      ASSERT_TRUE(is_ok(process.read_line().value_or("")));
      ++done;
    }
    const auto end = process.end();
    EXPECT_EQ(end.exit_code, heals ? 0 : 5) << end.err;
    EXPECT_EQ(end.err.find("No space left") == std::string::npos, heals) << end.err;
  }
  fs::remove(small + "/filler");
  EXPECT_TRUE(
      is_ok(applied(change_line("issue", 1'000 + done, "i-" + std::to_string(done), R"(,"name":"LEE B")")).at(0)));
  expect_sound();
  EXPECT_EQ(number_of(run_clearline({"registry", "info", directory, "--json"}).out, "seq"), done + 3);
}

TEST_F(Live, AJournalThatMayNotGrowIsTold) {
  ProcessSetup limited;
  limited.file_bytes_max = 300'000;
  Conversation process({"registry", "apply", directory, "-"}, limited);
  std::string refusal;
  const std::uint64_t done = issue_until_refused(process, 0, refusal);
  EXPECT_GT(done, 1U);
  EXPECT_EQ(value_of(refusal, "error"), "busy") << refusal;
  const auto end = process.end();
  EXPECT_EQ(end.exit_code, 5) << end.err;
  EXPECT_NE(end.err.find("journal.db: error: "), std::string::npos) << end.err;
  EXPECT_TRUE(
      is_ok(applied(change_line("issue", 1'000 + done, "i-" + std::to_string(done), R"(,"name":"LEE B")")).at(0)));
  expect_sound();
  EXPECT_EQ(number_of(run_clearline({"registry", "info", directory, "--json"}).out, "seq"), done + 1);
}

TEST_F(Live, NobodyButRootMayLookIntoARunningProcess) {
  if (CLEARLINE_SANITIZED != 0) GTEST_SKIP() << "sanitizers must be able to";
  const ProcessSetup other = give_to_who_is_not_root();
  if (!can_run(other)) GTEST_SKIP() << "another user cannot run the program here";
  Conversation apply({"registry", "apply", directory, "-"}, other);
  ASSERT_TRUE(apply.send(change_line("suspend", 1, "a")));
  ASSERT_TRUE(is_ok(apply.read_line().value_or("")));
  // What the system lets nobody dump or trace belongs to root there: proc(5), /proc/pid; or is not shown at all (hidepid).
  struct stat memory{};
  if (stat(("/proc/" + std::to_string(apply.pid()) + "/maps").c_str(), &memory) == 0) {
    EXPECT_EQ(memory.st_uid, 0U);
  }
  EXPECT_EQ(apply.end().exit_code, 0);
}

TEST_F(Live, ADirectoryOfAnotherUserIsNotCalledMissing) {
  if (geteuid() != 0) GTEST_SKIP() << "needs the right to be another user";
  ProcessSetup other;
  other.user = 65'534;
  if (!can_run(other)) GTEST_SKIP() << "another user cannot run the program here";
  const std::string changes = change_line("suspend", 1, "a");
  const auto files = std::distance(fs::directory_iterator(directory), {});
  // The folder around it cannot be searched; it can; the directory can be searched, too.
  for (const auto& [around, own] : {std::pair(0700, 0700), std::pair(0705, 0700), std::pair(0705, 0755)}) {
    ASSERT_EQ(chmod(folder.path("").c_str(), static_cast<mode_t>(around)), 0);
    ASSERT_EQ(chmod(directory.c_str(), static_cast<mode_t>(own)), 0);
    for (const auto& result : {apply(changes, other), run_clearline({"registry", "checkpoint", directory}, other),
                               run_clearline({"registry", "verify", directory}, other),
                               run_clearline({"registry", "info", directory}, other),
                               run_clearline({"lookup", code_text(1), "-r", directory}, other)}) {
      EXPECT_EQ(result.exit_code, 4) << result.err;
      EXPECT_EQ(result.out, "");
      EXPECT_NE(result.err.find("belongs to uid 0, and this runs as uid 65534"), std::string::npos) << result.err;
      EXPECT_EQ(result.err.find("registry init"), std::string::npos) << result.err;
    }
  }
  EXPECT_EQ(std::distance(fs::directory_iterator(directory), {}), files);
}

TEST_F(Live, ADirectoryThatRootCheckpointsStaysWithItsOwner) {
  if (geteuid() != 0) GTEST_SKIP() << "needs the right to be another user";
  const ProcessSetup owner = give_to_who_is_not_root();
  if (!can_run(owner)) GTEST_SKIP() << "another user cannot run the program here";
  for (const std::string id : {"a", "b"}) {
    EXPECT_TRUE(is_ok(applied(change_line(id == "a" ? "suspend" : "resume", 1, id)).at(0)));
    EXPECT_EQ(run_clearline({"registry", "checkpoint", directory}).exit_code, 0);
  }
  expect_sound();
  const auto after = apply(change_line("suspend", 2, "c"), owner);
  EXPECT_EQ(after.exit_code, 0) << after.err;
  EXPECT_EQ(run_clearline({"registry", "checkpoint", directory}, owner).exit_code, 0);
  EXPECT_EQ(run_clearline({"registry", "verify", directory}, owner).exit_code, 0);
}

TEST_F(Live, AnImageThatCannotBeReadNowIsKept) {
  ASSERT_TRUE(is_ok(applied(change_line("suspend", 1, "a")).at(0)));
  ASSERT_EQ(run_clearline({"registry", "checkpoint", directory}).exit_code, 0);
  const ProcessSetup other = give_to_who_is_not_root();
  if (!can_run(other)) GTEST_SKIP() << "another user cannot run the program here";
  const std::string newest = directory + "/image-00000000000000000001.img";
  const std::string bytes = read_file(newest);
  ASSERT_EQ(chmod(newest.c_str(), 0), 0);
  const auto changed = apply(change_line("suspend", 2, "b"), other);
  EXPECT_EQ(changed.exit_code, 0) << changed.err;
  EXPECT_NE(changed.err.find("Permission denied"), std::string::npos) << changed.err;
  const auto made = run_clearline({"registry", "checkpoint", directory}, other);
  EXPECT_EQ(made.exit_code, 0) << made.err;
  EXPECT_NE(made.err.find("Permission denied"), std::string::npos) << "it is reported: " << made.err;
  ASSERT_TRUE(fs::exists(newest));
  ASSERT_EQ(chmod(newest.c_str(), 0600), 0);
  EXPECT_EQ(read_file(newest), bytes);
  EXPECT_EQ(run_clearline({"registry", "verify", directory}, other).exit_code, 0);
}

TEST_F(Live, AReadOnlyDirectoryIsReadAndNotChanged) {
  ASSERT_TRUE(is_ok(applied(change_line("suspend", 1, "a")).at(0)));
  const ProcessSetup other = give_to_who_is_not_root();
  if (!can_run(other)) GTEST_SKIP() << "another user cannot run the program here";
  ASSERT_EQ(chmod(directory.c_str(), 0500), 0);
  const auto looked_up = [&](std::uint64_t code) {
    return run_clearline({"lookup", code_text(code), "-r", directory}, other);
  };
  const auto suspended = looked_up(1);
  EXPECT_EQ(suspended.exit_code, 1) << suspended.err;
  EXPECT_NE(suspended.out.find("code_suspended"), std::string::npos) << suspended.out;
  EXPECT_EQ(looked_up(2).exit_code, 0);
  EXPECT_EQ(run_clearline({"registry", "verify", directory}, other).exit_code, 0);
  const auto files = std::distance(fs::directory_iterator(directory), {});
  const auto refused = apply(change_line("suspend", 2, "b"), other);
  EXPECT_EQ(refused.exit_code, 4) << refused.err;
  EXPECT_EQ(refused.out, "");
  EXPECT_NE(refused.err.find("error: "), std::string::npos) << refused.err;
  EXPECT_EQ(std::distance(fs::directory_iterator(directory), {}), files);
  ASSERT_EQ(chmod(directory.c_str(), 0700), 0);
  const auto after = apply(change_line("suspend", 2, "b"), other);
  EXPECT_EQ(after.exit_code, 0) << after.err;
}

}  // namespace
}  // namespace clearline::test
