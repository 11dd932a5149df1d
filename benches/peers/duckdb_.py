"""CloudTrail to Parquet with DuckDB. The underscore keeps this file from hiding the package it imports."""

import duckdb
from job import FLAGS, IDENTITY, JSON_TEXT, RESOURCE, TEXT, arguments, measured

source, out = arguments()


def struct_of(fields):
    return "STRUCT(" + ", ".join(f'"{name}" {kind}' for name, kind in fields.items()) + ")"


types = dict.fromkeys([*TEXT, "eventTime"], "VARCHAR")
types |= dict.fromkeys(FLAGS, "BOOLEAN")
types |= dict.fromkeys(JSON_TEXT, "JSON")
types["userIdentity"] = struct_of(dict.fromkeys(IDENTITY, "VARCHAR") | {"sessionContext": "JSON"})
types["resources"] = struct_of(dict.fromkeys(RESOURCE, "VARCHAR")) + "[]"
columns = ['CAST(record."eventTime" AS TIMESTAMP) AS "eventTime"']
columns += [f'record."{name}"' for name in types if name != "eventTime"]

# Each object is one JSON value; DuckDB sets aside several buffers of the size named here, so it must stay small.
largest = 8_000_000
query = f"""
COPY (
    SELECT {", ".join(columns)}
    FROM (
        SELECT unnest("Records") AS record
        FROM read_json('{source}', maximum_object_size = {largest}, columns = {{'Records': '{struct_of(types)}[]'}})
    )
) TO '{out}' (FORMAT parquet, COMPRESSION zstd)
"""
connection = duckdb.connect()
connection.execute("SET preserve_insertion_order = false")


def rows():
    return connection.execute(f"SELECT count(*) FROM read_parquet('{out}')").fetchone()[0]


measured("DuckDB", duckdb.__version__, lambda: connection.execute(query), out, rows)
