"""Answers queries written for Athena and CloudTrail Lake in DuckDB, over the same Delta table, offline.

Standard input: {"table": address, "queries": [{"name": ..., "sql": ...}]}. Standard output: a JSON array, per query
{"columns": ..., "rows": [[...]]} or {"error": ...}. The table is two views: as Athena's DDL has it, where times and flags are
texts, and as Lake has it, where they are not. Trino's functions that DuckDB lacks or means otherwise are macros; a query
that uses others is one DuckDB cannot say, and so is one whose words mean something else there.
"""
import datetime
import decimal
import json
import re
import sys

import duckdb
import duckdb_extensions

VIEWS = """
CREATE VIEW held AS SELECT * FROM delta_scan('{address}');
CREATE VIEW lake AS SELECT * REPLACE (timezone('UTC', eventtime) AS eventtime), awsregion AS region,
  recipientaccountid AS account FROM held;
CREATE VIEW athena AS SELECT * REPLACE (
    strftime(timezone('UTC', eventtime), '%Y-%m-%dT%H:%M:%SZ') AS eventtime,
    CAST(readonly AS VARCHAR) AS readonly, CAST(managementevent AS VARCHAR) AS managementevent),
  awsregion AS region, recipientaccountid AS account, strftime(timezone('UTC', eventtime), '%Y') AS year,
  strftime(timezone('UTC', eventtime), '%m') AS month, strftime(timezone('UTC', eventtime), '%d') AS day,
  strftime(timezone('UTC', eventtime), '%Y/%m/%d') AS "timestamp",
  strftime(timezone('UTC', eventtime), '%Y/%m/%d') AS date_partition, awsregion AS region_partition,
  recipientaccountid AS account_partition FROM held;
"""

# Trino's meaning in DuckDB's words.
MACROS = """
CREATE MACRO json_extract_scalar(j, p) AS CASE WHEN json_valid(j) AND json_type(json_extract(j, p)) NOT IN
  ('OBJECT', 'ARRAY', 'NULL') THEN json_extract_string(j, p) END;
CREATE MACRO json_parse(j) AS CAST(j AS JSON);
CREATE MACRO json_format(j) AS CAST(j AS VARCHAR);
CREATE MACRO json_size(j, p) AS coalesce(len(json_keys(j, p)), json_array_length(j, p));
CREATE MACRO json_array_contains(j, v) AS list_contains(CAST(j AS VARCHAR[]), v);
CREATE MACRO from_iso8601_timestamp(t) AS CAST(replace(CAST(t AS VARCHAR), 'Z', '') AS TIMESTAMP);
CREATE MACRO as_time(t) AS CAST(replace(CAST(t AS VARCHAR), 'Z', '') AS TIMESTAMP);
CREATE MACRO date(t) AS CAST(left(CAST(t AS VARCHAR), 10) AS DATE);
CREATE MACRO day_of_week(t) AS isodow(t);
CREATE MACRO to_unixtime(t) AS epoch(t);
CREATE MACRO from_unixtime(s) AS make_timestamp(CAST(s * 1000000 AS BIGINT));
CREATE MACRO date_diff(u, a, b) AS datesub(u, CAST(a AS TIMESTAMP), CAST(b AS TIMESTAMP));
CREATE MACRO date_add(u, n, t) AS CAST(t AS TIMESTAMP) + n * CAST('1 ' || u AS INTERVAL);
CREATE MACRO cardinality(l) AS array_length(l);
CREATE MACRO regexp_like(t, p) AS regexp_matches(t, p);
CREATE MACRO strpos(t, p) AS instr(t, p);
CREATE MACRO array_join(l, s) AS array_to_string(l, s);
CREATE MACRO set_agg(x) AS list(DISTINCT x);
CREATE MACRO contains(l, x) AS list_contains(l, x);
"""

# What the placeholders and pasted names of either table are.
TABLES = [
    (r'\$\{?EDS_ID\}?|<EDS[ _]ID>|<event_data_store_id>', "lake"),
    (r'"?[\w-]+"?\."?cloudtrail[\w-]*"?|\bcloudtrail_logs\b|\bcloudtrail\b(?=\s+(?:where|WHERE))', "athena"),
]


CODES = [("%M", "%B"), ("%i", "%M"), ("%s", "%S"), ("%W", "%A")]


def form(codes):
    for trino, duck in CODES:
        codes = codes.replace(trino, duck)
    return codes


def translated(sql):
    for pattern, view in TABLES:
        sql = re.sub(pattern, view, sql)
    sql = sql.replace("`", '"')
    sql = re.sub(r"\barbitrary\(", "any_value(", sql)
    sql = re.sub(r"\bdate_format\((.*?), '([^']*)'\)", lambda m: f"strftime(as_time({m[1]}), '{form(m[2])}')", sql)
    sql = re.sub(r"\bdate_parse\((.*?), '([^']*)'\)", lambda m: f"strptime({m[1]}, '{form(m[2])}')", sql)
    return sql


def plain(value):
    if isinstance(value, datetime.datetime):
        if value.tzinfo is not None:
            value = value.astimezone(datetime.timezone.utc).replace(tzinfo=None)
        return value.isoformat()
    if isinstance(value, datetime.date):
        return value.isoformat()
    if isinstance(value, decimal.Decimal):
        return float(value)
    if isinstance(value, dict):
        return {str(key): plain(held) for key, held in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(held) for held in value]
    return value


def main():
    job = json.load(sys.stdin)
    con = duckdb.connect()
    duckdb_extensions.import_extension("delta", con=con)
    con.execute("LOAD delta")
    con.execute("SET TimeZone = 'UTC'")
    con.execute(VIEWS.replace("{address}", job["table"]))
    for macro in MACROS.strip().split(";\n"):
        con.execute(macro)
    answers = []
    for query in job["queries"]:
        try:
            result = con.execute(translated(query["sql"]))
            columns = [column[0] for column in result.description]
            answers.append({"columns": columns, "rows": [plain(list(row)) for row in result.fetchall()]})
        except duckdb.Error as error:
            answers.append({"error": str(error).splitlines()[0]})
    json.dump(answers, sys.stdout, default=str)


main()
