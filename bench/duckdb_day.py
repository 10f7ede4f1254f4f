"""The same screening as one SQL join: letters of names, zip, phone, status and expiry, verdicts to a file.

    duckdb_day.py REGISTRY.csv DECLARATIONS.ndjson OUT [RUNS]

Prints two rates, in declarations/s, each the median of RUNS (3): verdicts in the order of the input, which clearline gives, and in whatever order
the join leaves them. A join has no order of its own: to have one, rows are numbered as they are read, and sorted by that. Runs of both kinds take turns, and
loading the registry is not counted. The order of the sorted file is checked; RUNS is odd.
"""

import csv
import os
import re
import statistics
import sys
import time

import duckdb

registry, declarations, out = sys.argv[1:4]
runs = int(sys.argv[4]) if len(sys.argv) > 4 else 3
db = duckdb.connect(config={"threads": 2, "memory_limit": "16GB", "temp_directory": os.path.dirname(out) or "."})
letters = "regexp_replace(upper({}), '[^A-Z0-9]', '', 'g')"
db.execute(f"""
    create table people as
    select code, {letters.format("name")} as family_first,
           {letters.format("regexp_replace(name, '^[^ ,<]*', '')")} || {letters.format("regexp_extract(name, '^[^ ,<]*')")} as given_first,
           name_ko, phone, zips, status, expires
    from read_csv('{registry}', all_varchar = true)""")
read = f"""read_json('{declarations}', format = 'newline_delimited', ignore_errors = true,
           columns = {{id: 'VARCHAR', code: 'VARCHAR', name: 'VARCHAR', zip: 'VARCHAR', phone: 'VARCHAR', declared_at: 'VARCHAR'}})"""


def screen(is_ordered):
    """Seconds of one run."""
    source = f"(select row_number() over () as number, * from {read})" if is_ordered else read
    start = time.monotonic()
    db.execute(f"""
        copy (
          select d.id, concat_ws(';',
            case when p.code is null then 'code_unknown' when p.status <> 'active' then 'code_' || p.status
                 when p.expires is not null and substr(d.declared_at, 1, 10) > p.expires then 'code_expired' end,
            case when {letters.format("d.name")} not in (p.family_first, p.given_first) and d.name <> p.name_ko then 'name_mismatch' end,
            case when d.phone is not null and regexp_replace(d.phone, '[^0-9]', '', 'g') <> p.phone then 'phone_mismatch' end,
            case when not contains(p.zips, d.zip) then 'zip_mismatch' end) as reasons
          from {source} d left join people p on p.code = d.code
          {"order by d.number" if is_ordered else ""}
        ) to '{out}' (format csv)""")
    return time.monotonic() - start


def ids_are_in_order():
    """Made-up ids are a D and 19 digits, of full lines 10, and grow along the input; a broken line may have another, or none."""
    with open(out, encoding="utf-8", newline="") as file:
        ids = [row[0] for row in csv.reader(file) if re.fullmatch("D([0-9]{9})?[0-9]{10}", row[0])]
    return len(ids) > 0 and all(before <= after for before, after in zip(ids, ids[1:]))


seconds = {True: [], False: []}
for run in range(runs):
    for is_ordered in (False, True):
        seconds[is_ordered].append(screen(is_ordered))
        if is_ordered and run == 0 and not ids_are_in_order():
            sys.exit("duckdb_day.py: the verdicts are not in the order of the input: nothing is measured")
count = db.execute(f"select count(*) from read_csv('{out}', all_varchar = true)").fetchone()[0]
print(*(round(count / statistics.median(seconds[is_ordered])) for is_ordered in (True, False)))
