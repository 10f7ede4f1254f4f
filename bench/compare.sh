#!/usr/bin/env bash
# Whole runs on the same made-up files in one sitting: clearline on 1 and 2 threads and on every form of input, a plain C++ program,
# and DuckDB (from PyPI, skipped with a word when it cannot be had). Prints medians of five and the ratios to clearline.
#   bench/compare.sh [CODES] [DECLARATIONS] [FOLDER]      26000000 4000000 a temporary folder; some 12 GB of it at these sizes
set -euo pipefail
cd "$(dirname "$0")/.."
codes=${1:-26000000} declarations=${2:-4000000} work=${3:-}
if [ -z "$work" ]; then work=$(mktemp -d); trap 'rm -rf "$work"' EXIT; fi
program=build/release/io/clearline
plain=build/release/bench/plain_day
python=$work/python/bin/python3

[ -e "$work/registry.csv" ] || $program generate registry --count "$codes" --seed 1 -o "$work/registry.csv"
for style in short full; do
  [ -e "$work/$style.csv" ] || $program generate declarations --style $style --count "$declarations" --seed 5 \
    --registry-count "$codes" --registry-seed 1 -o "$work/$style.csv"
  for packed in gz zst; do
    [ -e "$work/$style.ndjson.$packed" ] || $program generate declarations --style $style --count "$declarations" --seed 5 \
      --registry-count "$codes" --registry-seed 1 -o "$work/$style.ndjson.$packed"
  done
  [ -e "$work/$style.ndjson" ] || $program generate declarations --style $style --count "$declarations" --seed 5 \
    --registry-count "$codes" --registry-seed 1 -o "$work/$style.ndjson" --expected "$work/$style.expected"
done
median() { sort -n | sed -n 3p; }  # of five
seconds_of() { sed -n "s/.*$1 in \([0-9.]*\) s.*/\1/p"; }
build=$(for _ in 1 2 3 4 5; do $program registry build "$work/registry.csv" -o "$work/registry.img" 2>&1 | seconds_of records; done | median)
echo "registry build: $build s; image of $(($(stat -c %s "$work/registry.img") / codes)) bytes a code"
# The rate of one run, its files in the page cache: some systems drop what was not read for a while.
rate_of_run() {
  cat "$1" "$work/registry.img" >/dev/null
  $program screen "$1" -r "$work/registry.img" -o "$work/out.ndjson" -j "$2" 2>&1 | rate_of
}
start=$(for _ in 1 2 3 4 5; do
  cat "$work/registry.img" >/dev/null
  $program screen "$work/short.ndjson" -r "$work/registry.img" -o "$work/out.ndjson" 2>&1 | seconds_of "registry read"
done | median)
echo "image read and checked: $start s"

rate_of() { sed -n 's/.*: \([0-9,]*\) declarations\/s.*/\1/p' | tr -d ,; }

if [ ! -x "$python" ]; then
  { python3 -m venv "$work/python" && "$python" -m pip install -q duckdb==2.0.1; } >"$work/pip.log" 2>&1 || rm -rf "$work/python"
fi

for style in short full; do
  echo "== $style: $declarations declarations of $(($(stat -c %s "$work/$style.ndjson") / declarations)) bytes, $codes codes"
  $program screen "$work/$style.ndjson" -r "$work/registry.img" -o "$work/out.csv" --summary none
  cut -d, -f1-3 "$work/out.csv" | cmp - "$work/$style.expected" && echo "verdicts as expected"
  for threads in 1 2; do
    rate=$(for _ in 1 2 3 4 5; do rate_of_run "$work/$style.ndjson" $threads; done | median)
    echo "clearline -j$threads: $rate declarations/s"
  done
  for form in csv ndjson.zst ndjson.gz; do
    other=$(for _ in 1 2 3 4 5; do rate_of_run "$work/$style.$form" 2; done | median)
    echo "clearline -j2, .$form: $other declarations/s"
  done
  ratio() { awk -v a="$rate" -v b="$1" 'BEGIN { printf "clearline -j2 is %.1f times as fast\n", a / b }'; }
  if [ -x "$plain" ]; then
    other=$($plain "$work/registry.csv" "$work/$style.ndjson" "$work/out.plain" | rate_of)
    echo "plain C++ (one thread, one run): $other declarations/s; $(ratio "$other")"
  else
    echo "plain C++: skipped, RapidJSON is not installed"
  fi
  if [ -x "$python" ]; then
    read -r ordered unordered < <("$python" bench/duckdb_day.py "$work/registry.csv" "$work/$style.ndjson" "$work/out.duckdb")
    echo "DuckDB (two threads), verdicts in input order: $ordered declarations/s; $(ratio "$ordered")"
    echo "DuckDB (two threads), in no order: $unordered declarations/s; $(ratio "$unordered")"
  else
    echo "DuckDB: skipped, PyPI does not give it here"
  fi
done
