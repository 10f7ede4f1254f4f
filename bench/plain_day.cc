// What one gets in a day: the same screening with an unordered_map, RapidJSON and one thread. Measured beside clearline by
// bench/compare.sh; matches upper-case Latin names, zips, phones, status and expiry, and nothing more.
//   plain_day REGISTRY.csv DECLARATIONS.ndjson OUT
#include <rapidjson/document.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <fstream>
#include <iostream>
#include <string>
#include <unordered_map>
#include <vector>

namespace {

struct Person {
  std::string family_first;
  std::string given_first;
  std::string name_ko;
  std::string phone;
  std::string zips;
  std::string status;
  std::string expires;
};

std::vector<std::string> split(const std::string& line) {
  std::vector<std::string> fields(1);
  bool quoted = false;
  for (const char c : line) {
    if (c == '"') {
      quoted = !quoted;
    } else if (c == ',' && !quoted) {
      fields.emplace_back();
    } else {
      fields.back() += c;
    }
  }
  return fields;
}

std::string letters(const std::string& text) {
  std::string out;
  for (const char c : text) {
    if (isalnum(static_cast<unsigned char>(c)) != 0) out += static_cast<char>(toupper(c));
    if (static_cast<unsigned char>(c) >= 0x80) out += c;
  }
  return out;
}

std::string digits(const std::string& text) {
  std::string out;
  for (const char c : text) {
    if (isdigit(static_cast<unsigned char>(c)) != 0) out += c;
  }
  return out;
}

double seconds() { return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count(); }

}  // namespace

int main(int argc, char** argv) {
  if (argc != 4) return 2;
  std::unordered_map<std::string, Person> registry;
  std::ifstream people(argv[1]);
  std::string line;
  std::getline(people, line);
  while (std::getline(people, line)) {
    // code,name,name_ko,phone,zips,status,replaced_by,issued,changed,expires
    auto f = split(line);
    const std::size_t end = std::min(f[1].find_first_of(", <"), f[1].size());
    const std::string family = letters(f[1].substr(0, end));
    const std::string given = letters(f[1].substr(end));
    registry[f[0]] = {family + given, given + family, f[2], f[3], f[4], f[5], f[9]};
  }
  const double start = seconds();
  std::ifstream declarations(argv[2]);
  std::ofstream out(argv[3]);
  std::size_t count = 0;
  while (std::getline(declarations, line)) {
    ++count;
    rapidjson::Document json;
    if (json.Parse(line.c_str()).HasParseError() || !json.IsObject()) {
      out << "{\"id\":null,\"line\":" << count << ",\"verdict\":\"error\",\"reasons\":[\"malformed\"]}\n";
      continue;
    }
    const auto text = [&](const char* key) {
      const auto member = json.FindMember(key);
      return member != json.MemberEnd() && member->value.IsString() ? std::string(member->value.GetString())
                                                                    : std::string();
    };
    std::string reasons;
    const auto add = [&](const char* reason) {
      reasons += (reasons.empty() ? "\"" : ",\"") + std::string(reason) + "\"";
    };
    const auto found = registry.find(text("code"));
    if (found == registry.end()) {
      add("code_unknown");
    } else {
      const Person& person = found->second;
      if (person.status != "active") {
        add(("code_" + person.status).c_str());
      } else if (!person.expires.empty() && text("declared_at").substr(0, 10) > person.expires) {
        add("code_expired");
      }
      const std::string name = letters(text("name"));
      if (name.empty()) {
        add("name_missing");
      } else if (name != person.family_first && name != person.given_first && name != person.name_ko) {
        add("name_mismatch");
      }
      const std::string phone = digits(text("phone"));
      if (!phone.empty() && phone != person.phone) add("phone_mismatch");
      const std::string zip = text("zip");
      if (zip.empty()) {
        add("zip_missing");
      } else if (person.zips.find(zip) == std::string::npos) {
        add("zip_mismatch");
      }
    }
    out << "{\"id\":\"" << text("id") << "\",\"verdict\":\"" << (reasons.empty() ? "clear" : "hold") << "\"";
    if (!reasons.empty()) out << ",\"reasons\":[" << reasons << "]";
    out << "}\n";
  }
  out.close();
  const double took = seconds() - start;
  std::printf("%zu declarations in %.2f s: %.0f declarations/s\n", count, took, static_cast<double>(count) / took);
}
