#!/usr/bin/env bash
# The server: what its feed takes and how long an answer waits, beside a server that does nothing and beside Redis; and a suspend in
# a flood. Clients and servers share the machine's processors. The servers' runs come in turn; prints medians and ratios.
#   bench/feed.sh [FOLDER]      a temporary folder; some 6 GB of it, kept and used again when it is given
#
#   CODES=26000000 DECLARATIONS=1000000      the registry; the file that is sent again and again
#   RUNS=5 RUN_SECONDS=5
#   ROWS="short16 short1 full16 open single work suspend"
#   RATE=N                   of `open`; by itself half of what short16 gives just before each of its runs
#   FEED_THREADS=N           of clearline and the bare server; by itself as many as there are processors
#   IN_FLIGHT=1024           unanswered declarations a connection, in the rows that ask what a server takes
#   REDIS_KEYS=all           all people of the registry, as clearline has them; or `file`: those that are asked for
#   REDIS_PORT=16379 REDIS_ARGS="..."        redis-server is taken from the PATH; without one its column stays empty
set -euo pipefail
cd "$(dirname "$0")/.."
work=${1:-}
codes=${CODES:-26000000} declarations=${DECLARATIONS:-1000000} runs=${RUNS:-5} seconds=${RUN_SECONDS:-5}
rows=${ROWS:-short16 short1 full16 open single work suspend} in_flight=${IN_FLIGHT:-1024}
threads=${FEED_THREADS:-$(nproc)} redis_port=${REDIS_PORT:-16379}
program=build/release/io/clearline bench=build/release/bench
started=() temporary=
# Kernels that put each session into a scheduling group of its own (autogroup) may let their own threads wait for a second beside
# processors that are full, and with them the fsync of a suspend: seen on 6.18 (bench/README.md). Root turns that off as long as this runs.
autogroup=/proc/sys/kernel/sched_autogroup_enabled autogroup_was=
finish() {
  if [ -n "$autogroup_was" ]; then echo "$autogroup_was" >"$autogroup"; fi
  for pid in "${started[@]}"; do kill "$pid" 2>/dev/null || true; done
  wait
  if [ -n "$temporary" ]; then rm -rf "$temporary"; fi
}
trap finish EXIT
if [ -e "$autogroup" ] && [ "$(cat "$autogroup")" != 0 ]; then
  if [ -w "$autogroup" ]; then
    autogroup_was=$(cat "$autogroup")
    echo 0 >"$autogroup"
  else
    echo "feed.sh: sessions are scheduled in groups: an fsync may stall beside a flood; see it without: sudo sysctl kernel.sched_autogroup_enabled=0" >&2
  fi
fi
if [ -z "$work" ]; then work=$(mktemp -d) temporary=$work; fi
work=$(realpath "$work")

if [ ! -e "$work/live" ]; then
  $program generate registry --count "$codes" --seed 1 -o "$work/registry.csv"
  $program registry build "$work/registry.csv" -o "$work/registry.img"
  $program registry init "$work/live" --from "$work/registry.img"
  rm "$work/registry.csv" "$work/registry.img"
fi
# The generator declares some lines on the last day of a code, whenever that is, and strews blank ones. A feed takes nothing of days to
# come: lines of after the winter that the others are of go, with their expected verdicts; and so do blank ones, which have none.
to_come='declared_at"[^0-9]*(2026-(0[3-9]|1)|202[7-9]|20[3-9])'
for style in short full; do
  [ ! -e "$work/$style.expected" ] || continue
  $program generate declarations --style $style --count "$declarations" --seed 5 --registry-count "$codes" --registry-seed 1 \
    -o "$work/made.ndjson" --expected "$work/made.expected"
  LC_ALL=C grep -av '^[[:space:]]*$' "$work/made.ndjson" | paste -d $'\1' <(tail -n +2 "$work/made.expected") - |
    LC_ALL=C grep -Eav "$to_come" >"$work/made.both"
  cut -d $'\1' -f 2- "$work/made.both" >"$work/$style.ndjson"
  { head -n 1 "$work/made.expected" && cut -d $'\1' -f 1 "$work/made.both"; } >"$work/$style.expected"
  rm "$work"/made.*
done
cat >"$work/server.toml" <<END
[registry]
dir = "$work/live"
[feed]
listen = ["127.0.0.1:0"]
threads = $threads
declared_at_window = "3650d"
[changes]
socket = "$work/changes.sock"
[http]
listen = ["127.0.0.1:0"]
[log]
level = "warn"
END

# Starts a server that says where it listens; `address` is that of its feed.
serve() {
  local said=$work/$1.said
  shift
  "$@" >"$said" &
  started+=($!)
  until grep -qx ready "$said"; do
    kill -0 $! || exit 1
    sleep 0.1
  done
  address=$(sed -n 's/^listening feed //p' "$said" | head -n 1)
}
load() { $bench/feed_load "$@"; }

serve clearline $program serve --config "$work/server.toml"
ours=$address
serve bare $bench/bare_server "$threads"
bare=$address
for style in short full; do load "$work/$style.ndjson" --to "$ours" --check "$work/$style.expected" --seconds 0; done
echo "verdicts as expected"
redis=
if command -v redis-server >/dev/null; then
  # shellcheck disable=SC2086  # words of their own
  redis-server --port "$redis_port" --bind 127.0.0.1 --save "" --appendonly no ${REDIS_ARGS:-} >"$work/redis.log" &
  started+=($!)
  redis=127.0.0.1:$redis_port
  until redis-cli -p "$redis_port" ping >/dev/null 2>&1; do
    kill -0 $! || exit 1
    sleep 0.1
  done
  if [ "${REDIS_KEYS:-all}" = all ]; then
    # As many people as clearline has; those of the file again below, checked.
    $program registry export "$work/live" --format csv -o - | tail -n +2 | LC_ALL=C awk '{
      record = substr($0, 15)
      printf "*3\r\n$3\r\nSET\r\n$13\r\n%s\r\n$%d\r\n%s\r\n", substr($0, 1, 13), length(record), record
    }' | redis-cli -p "$redis_port" --pipe | tail -n 1
  fi
  echo "Redis: $(load "$work/short.ndjson" --to "$redis" --protocol redis --load --seconds 0), values as stored"
else
  echo "Redis: skipped, it is not installed"
fi

wants() { [[ " $rows " == *" $1 "* ]]; }
# The median of a field of the runs of a row and server; nothing where there are none.
median() {
  [ -e "$work/$1.$2.runs" ] || return 0
  sed -n "s/.*\b$3=\([-0-9.]*\).*/\1/p" "$work/$1.$2.runs" | sort -n | sed -n "$(((runs + 1) / 2))p"
}
# Runs a row on its servers in turn: row ROW "SERVER..." FILE OPTION...
row() {
  local row=$1 servers=$2 file=$3
  shift 3
  rm -f "$work/$row".*.runs
  for _ in $(seq "$runs"); do
    for server in $servers; do
      local address=${!server} redis_options=()
      [ -n "$address" ] || continue
      if [ "$server" = redis ]; then redis_options=(--protocol redis); fi
      load "$file" --to "$address" --seconds "$seconds" "${redis_options[@]}" "$@" >>"$work/$row.$server.runs"
    done
  done
}
# A line of the table: print ROW FIELD WORDS; ratios are ours / the other's.
print() {
  local a b c
  a=$(median "$1" ours "$2") b=$(median "$1" bare "$2") c=$(median "$1" redis "$2")
  awk -v row="$1" -v what="$3" -v a="$a" -v b="$b" -v c="$c" 'BEGIN {
    printf "%-8s %-16s %12s %12s %12s", row, what, a, b == "" ? "-" : b, c == "" ? "-" : c
    if (b != "") printf "   %.2f of the bare one", a / b
    if (c != "") printf "   %.1f times Redis", a / c
    print ""
  }'
}

printf '%-8s %-16s %12s %12s %12s\n' row what clearline bare Redis
closed() {
  wants "$1" || return 0
  row "$1" "$2" "$work/$3.ndjson" --connections "$4" --in-flight "$in_flight"
  print "$1" per_second "declarations/s"
}
closed short16 "ours bare redis" short 16
closed short1 "ours bare redis" short 1
closed full16 "ours bare" full 16
# Redis may go on moving so many keys to their places while nobody asks: a millisecond in each 100 (activerehashing).
if [ -n "$redis" ]; then
  redis-cli -p "$redis_port" shutdown nosave || true
  redis=
fi
if wants open; then
  # The machine has faster and slower minutes, so each pair of runs is at half of the peak of its own minute.
  rm -f "$work"/open.*.runs
  for _ in $(seq "$runs"); do
    rate=${RATE:-}
    if [ -z "$rate" ]; then
      rate=$(load "$work/short.ndjson" --to "$ours" --seconds "$seconds" --connections 16 --in-flight "$in_flight" |
        sed -n 's/.*\bper_second=\([0-9]*\).*/\1/p')
      rate=$((rate / 2))
    fi
    for server in ours bare; do
      load "$work/short.ndjson" --to "${!server}" --seconds "$seconds" --connections 16 --rate "$rate" >>"$work/open.$server.runs"
    done
  done
  print open per_second "declarations/s"
  for field in p50 p99; do print open ${field}_us "$field, us"; done
  for field in late_p99 hiccup_p99; do print open ${field}_us "$field, us"; done
fi
if wants single; then
  row single "ours bare" "$work/short.ndjson" --connections 1 --in-flight 1
  for field in p50 p99; do print single ${field}_us "$field, us"; done
fi
if wants work; then
  $program status --socket "$work/changes.sock" --format json |
    sed -n 's/.*"work_us":{[^}]*"p999":\([0-9.]*\).*/work     p99.9, us of processor time a declaration, of all runs before: \1/p'
fi
if wants suspend; then
  rm -f "$work/suspend.ours.runs"
  for _ in $(seq "$runs"); do
    $bench/suspend_bench "$work/short.ndjson" "$ours" "$work/changes.sock" "$codes" 48 "$seconds" >>"$work/suspend.ours.runs"
  done
  for kind in p50 p99 max; do
    printf '%-8s %-16s %12s   hiccup meter %s, more %s\n' suspend "$kind, ms" "$(median suspend ours ${kind}_ms)" \
      "$(median suspend ours hiccup_${kind}_ms)" "$(median suspend ours more_${kind}_ms)"
  done
  print suspend flood_per_second "flood, a second"
fi
