"""Seconds of one query in DuckDB over a Delta table: `uses_per_key.py TABLE ROUNDS`, the SQL on standard input, in which the
table is `cloudtrail`. Prints the best of so many rounds."""
import sys
import time

import duckdb
import duckdb_extensions

table, rounds = sys.argv[1], int(sys.argv[2])
sql = sys.stdin.read()
con = duckdb.connect()
duckdb_extensions.import_extension("delta", con=con)
con.execute("LOAD delta")
con.execute("SET TimeZone = 'UTC'")
con.execute(f"CREATE VIEW cloudtrail AS SELECT * FROM delta_scan('{table}')")
best = float("inf")
for _ in range(rounds):
    started = time.perf_counter()
    # Times as text: as Python's own they want a module of time zones.
    con.execute(f"SELECT COLUMNS(*)::VARCHAR FROM ({sql})").fetchall()
    best = min(best, time.perf_counter() - started)
print(f"{best:.3f}")
