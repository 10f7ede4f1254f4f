"""The same screening as one SQL join: letters of names, zip, phone, status and expiry, verdicts in input order to a file.

    duckdb_day.py REGISTRY.csv DECLARATIONS.ndjson OUT      prints declarations/s; loading the registry is not counted
"""

import os
import sys
import time

import duckdb

registry, declarations, out = sys.argv[1:]
db = duckdb.connect(config={"threads": 2, "memory_limit": "16GB", "temp_directory": os.path.dirname(out) or "."})
letters = "regexp_replace(upper({}), '[^A-Z0-9]', '', 'g')"
db.execute(f"""
    create table people as
    select code, {letters.format("name")} as family_first,
           {letters.format("regexp_replace(name, '^[^ ,<]*', '')")} || {letters.format("regexp_extract(name, '^[^ ,<]*')")} as given_first,
           name_ko, phone, zips, status, expires
    from read_csv('{registry}', all_varchar = true)""")
start = time.monotonic()
db.execute(f"""
    copy (
      select d.id, concat_ws(';',
        case when p.code is null then 'code_unknown' when p.status <> 'active' then 'code_' || p.status
             when p.expires is not null and substr(d.declared_at, 1, 10) > p.expires then 'code_expired' end,
        case when {letters.format("d.name")} not in (p.family_first, p.given_first) and d.name <> p.name_ko then 'name_mismatch' end,
        case when d.phone is not null and regexp_replace(d.phone, '[^0-9]', '', 'g') <> p.phone then 'phone_mismatch' end,
        case when not contains(p.zips, d.zip) then 'zip_mismatch' end) as reasons
      from read_json('{declarations}', format = 'newline_delimited', ignore_errors = true,
             columns = {{id: 'VARCHAR', code: 'VARCHAR', name: 'VARCHAR', zip: 'VARCHAR', phone: 'VARCHAR', declared_at: 'VARCHAR'}}) d
      left join people p on p.code = d.code
    ) to '{out}' (format csv)""")
seconds = time.monotonic() - start
count = db.execute(f"select count(*) from read_csv('{out}', all_varchar = true)").fetchone()[0]
print(round(count / seconds))
