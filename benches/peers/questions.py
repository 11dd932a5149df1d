"""One question in DuckDB over a Delta table, from a fresh start: `questions.py TABLE delta|parquet`, the SQL on standard
input, in which the table is `cloudtrail`. `delta` reads it as the README says, `parquet` its files, listed before the clock
starts. The rows are written as CSV to nowhere. Prints a JSON object: seconds from opening the table to the last row, and how
many rows there were."""
import json
import sys
import time

import duckdb

table, source = sys.argv[1:3]
sql = sys.stdin.read()
con = duckdb.connect()
con.execute("SET TimeZone = 'UTC'")
if source == "delta":
    import duckdb_extensions

    duckdb_extensions.import_extension("delta", con=con)
    con.execute("LOAD delta")
    scan = f"delta_scan('{table}')"
else:
    from deltalake import DeltaTable

    files = ", ".join(f"'{file}'" for file in DeltaTable(table).file_uris())
    scan = f"read_parquet([{files}], hive_partitioning = true)"
started = time.perf_counter()
con.execute(f"CREATE VIEW cloudtrail AS SELECT * FROM {scan}")
rows = con.execute(f"COPY ({sql}) TO '/dev/null' (FORMAT csv)").fetchone()[0]
print(json.dumps({"seconds": time.perf_counter() - started, "rows": rows}))
