// Screens a batch through the installed library.

#include <clearline/policy.h>
#include <clearline/registry.h>
#include <clearline/screener.h>

#include <array>
#include <cstdio>

int main() {
  using namespace clearline;
  RegistryKey key{};
  key[0] = 1;
  RegistryBuilder builder(key, {});
  Entry hong;
  hong.code = *parse_code("P123456789012");
  hong.name = "HONG GILDONG";
  hong.zips = {4524};
  builder.add(hong);
  Entry kim = hong;
  kim.code = *parse_code("P000000000001");
  kim.status = CodeStatus::kSuspended;
  builder.add(kim);
  const auto built = builder.build(RegistryBuilder::OnDuplicate::kRefuse);
  if (!built.registry || built.registry->size() != 2) return 1;

  const Policy policy = standard_policy();
  Screener screener(*built.registry, policy, *parse_date("2026-01-15"));
  const std::array<Declaration, 3> day{{{"P123456789012", "Gil-Dong Hong", "04524", "", {}},
                                        {"P000000000001", "HONG GILDONG", "04524", "", {}},
                                        {"P999999999999", "HONG GILDONG", "04524", "", {}}}};
  std::array<Verdict, 3> verdicts;
  screener.screen(day, verdicts);
  for (const Verdict& verdict : verdicts) std::printf("%s\n", to_string(verdict.outcome).data());
  return verdicts[0].outcome == Outcome::kClear && verdicts[0].name == ItemCheck::kSameGivenFirst &&
                 verdicts[1].reasons.has(Reason::kCodeSuspended) && verdicts[2].reasons.has(Reason::kCodeUnknown)
             ? 0
             : 1;
}
