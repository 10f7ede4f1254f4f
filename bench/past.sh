#!/usr/bin/env bash
# The registry as it was, and whom a day's changes hit: whole runs in one sitting, each beside a plain screening of the same file. Prints
# medians of five.
#   bench/past.sh [CODES] [DECLARATIONS] [FOLDER]      26000000 10000000 a temporary folder; some 25 GB of it at these sizes
#
# A year of changes with a surge at its end (1,092,979 of them) is applied and two images are written behind it, so that the past is not in
# any image: it is read beside the newest one. Verdicts of before all changes must be those of the first image, and those that
# impact tells must be where two screenings differ.
set -euo pipefail
cd "$(dirname "$0")/.."
codes=${1:-26000000} declarations=${2:-10000000} work=${3:-}
if [ -z "$work" ]; then work=$(mktemp -d); trap 'rm -rf "$work"' EXIT; fi
program=build/release/io/clearline

[ -e "$work/registry.csv" ] || $program generate registry --count "$codes" --seed 1 -o "$work/registry.csv"
[ -e "$work/registry.img" ] || $program registry build "$work/registry.csv" -o "$work/registry.img"
for style in short full; do
  [ -e "$work/past-$style.ndjson" ] || $program generate declarations --style $style --count "$declarations" --seed 5 \
    --registry-count "$codes" --registry-seed 1 -o "$work/past-$style.ndjson"
done
[ -e "$work/changes.ndjson" ] || $program generate changes -r "$work/registry.img" --profile surge -o "$work/changes.ndjson"
if [ ! -e "$work/past" ]; then
  $program registry init "$work/past" --from "$work/registry.img"
  head -n -1 "$work/changes.ndjson" | $program registry apply "$work/past" - >"$work/answers.ndjson"
  $program registry checkpoint "$work/past"
  tail -n 1 "$work/changes.ndjson" | $program registry apply "$work/past" - >>"$work/answers.ndjson"
  $program registry checkpoint "$work/past"
  if grep -v '"ok":true' "$work/answers.ndjson"; then exit 1; fi
fi
cat "$work"/past/*.img "$work/past/journal.db" >/dev/null

median() { sort -n | sed -n 3p; }  # of five
screen() { $program screen "$work/past-$style.ndjson" -r "$1" -o "$work/out.ndjson" "${@:2}" 2>&1; }
impact() { $program registry impact "$work/past" --since 2025-11-30 "$work/past-$style.ndjson" -o "$work/impact.ndjson" "$@" 2>&1; }
field() { sed -n "s/.*$1.*/\1/p" | tr -d ,; }
rate='s: \([0-9,]*\) [a-z]*\/s'
opening='registry read in \([0-9.]*\) s'

for style in short full; do
  echo "== $style: $declarations declarations of $(($(stat -c %s "$work/past-$style.ndjson") / declarations)) bytes, $codes codes"
  for run in 1 2 3 4 5; do
    cat "$work/past-$style.ndjson" >/dev/null
    screen "$work/past" >"$work/$run.now"
    screen "$work/past" --as-of seq:0 >"$work/$run.before"
    screen "$work/past" --as-of declared >"$work/$run.declared"
    impact >"$work/$run.impact"
  done
  for kind in now before declared impact; do
    echo "$kind: $(for run in 1 2 3 4 5; do field "$rate" <"$work/$run.$kind"; done | median) a second, after an opening of" \
      "$(for run in 1 2 3 4 5; do field "$opening" <"$work/$run.$kind"; done | median) s"
  done
  screen "$work/past" --as-of seq:0 --summary none
  mv "$work/out.ndjson" "$work/before.ndjson"
  screen "$work/registry.img" --summary none
  cmp "$work/out.ndjson" "$work/before.ndjson" && echo "before all changes: verdicts as by the first image"
done
# With a date of their own declarations are judged alike whatever the day of the question is.
style=dated
head -n 1000000 "$work/past-full.ndjson" | grep -a declared_at >"$work/past-dated.ndjson"
screen "$work/past" --as-of 2025-11-30 --summary none
mv "$work/out.ndjson" "$work/before.ndjson"
screen "$work/past" --summary none
impact --emit changed --summary none
different=$(diff "$work/out.ndjson" "$work/before.ndjson" | grep -c '^<' || true)
told=$(wc -l <"$work/impact.ndjson")
if [ "$different" -ne "$told" ] || [ "$told" -eq 0 ]; then
  echo "impact: $told verdicts, where two screenings differ in $different"
  exit 1
fi
echo "impact: $told verdicts, as by two screenings"
