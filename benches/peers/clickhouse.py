"""CloudTrail to Parquet with ClickHouse (chdb)."""

import chdb
from job import FLAGS, IDENTITY, JSON_TEXT, RESOURCE, TEXT, arguments, measured

source, out = arguments()


def tuple_of(names):
    return "Tuple(" + ", ".join(f"{name} String" for name in names) + ")"


# Objects read as strings keep their JSON.
types = dict.fromkeys([*TEXT, *JSON_TEXT, "eventTime"], "String")
types |= dict.fromkeys(FLAGS, "Bool")
types["userIdentity"] = tuple_of([*IDENTITY, "sessionContext"])
types["resources"] = f"Array({tuple_of(RESOURCE)})"
structure = "Records Array(Tuple(" + ", ".join(f"{name} {kind}" for name, kind in types.items()) + "))"
columns = ["parseDateTimeBestEffort(record.eventTime) AS eventTime"]
columns += [f"record.{name} AS {name}" for name in types if name != "eventTime"]

settings = {
    "input_format_json_read_objects_as_strings": 1,
    "input_format_null_as_default": 1,
    "input_format_skip_unknown_fields": 1,
    "output_format_parquet_compression_method": "'zstd'",
    "engine_file_truncate_on_insert": 1,
}
query = f"""
INSERT INTO FUNCTION file('{out}', Parquet)
SELECT {", ".join(columns)}
FROM (SELECT arrayJoin(Records) AS record FROM file('{source}', JSONEachRow, '{structure}'))
SETTINGS {", ".join(f"{name} = {value}" for name, value in settings.items())}
"""


def rows():
    return int(str(chdb.query(f"SELECT count() FROM file('{out}', Parquet)", "TabSeparated")))


measured("ClickHouse", chdb.__version__, lambda: chdb.query(query), out, rows)
