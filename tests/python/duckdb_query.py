"""Runs SQL in DuckDB over Delta tables, offline. Standard input: {"tables": {name: address}, "sql": ..., "s3": endpoint or
null}. Standard output: the rows as a JSON array of objects."""
import json
import sys

import duckdb
import duckdb_extensions

job = json.load(sys.stdin)
con = duckdb.connect()
if job.get("s3"):
    duckdb_extensions.import_extension("httpfs", con=con)
    con.execute("LOAD httpfs")
duckdb_extensions.import_extension("delta", con=con)
con.execute("LOAD delta")
if job.get("s3"):
    host = job["s3"].removeprefix("http://")
    con.execute(
        "CREATE SECRET (TYPE s3, KEY_ID 'test', SECRET 'test', REGION 'us-east-1', "
        f"ENDPOINT '{host}', URL_STYLE 'path', USE_SSL false)"
    )
con.execute("SET TimeZone = 'UTC'")
for name, address in job["tables"].items():
    con.execute(f"""CREATE VIEW "{name}" AS SELECT * FROM delta_scan('{address}')""")
result = con.execute(job["sql"])
names = [column[0] for column in result.description]
json.dump([dict(zip(names, row)) for row in result.fetchall()], sys.stdout, default=str)
