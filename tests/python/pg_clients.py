"""Clients of `keytrail serve`: psycopg, what pgjdbc sends, dashboards' catalogue queries, hostile ones, many at once.

Usage: pg_clients.py PORT [PASSWORD CA_FILE]. Each part prints its name when it held; an assertion ends the script.
"""

import datetime
import os
import socket
import struct
import sys
import threading
import time

import psycopg

PORT = int(sys.argv[1])
PLAIN = f"host=127.0.0.1 port={PORT} dbname=keytrail user=tester connect_timeout=20"


def connect(**more):
    return psycopg.connect(PLAIN, **more)


def part(check):
    check()
    print(check.__name__, flush=True)


def parameters_of_every_kind():
    with connect() as connection, connection.cursor() as cursor:
        total = cursor.execute("SELECT count(*) FROM cloudtrail").fetchone()[0]
        assert total > 1000, total
        for prepare in (False, True):
            one = lambda sql, values: cursor.execute(sql, values, prepare=prepare).fetchone()
            named = one("SELECT count(*) FROM cloudtrail WHERE eventname = %s", ("Decrypt",))[0]
            assert 0 < named < total, named
            since = datetime.datetime(2026, 9, 1, tzinfo=datetime.timezone.utc)
            later = one("SELECT count(*) FROM cloudtrail WHERE eventtime >= %s", (since,))[0]
            assert 0 < later < total, later
            by_text = one("SELECT count(*) FROM cloudtrail WHERE eventtime >= %s", ("2026-09-01T00:00:00Z",))[0]
            assert by_text == later, (by_text, later)
            by_day = one("SELECT count(*) FROM cloudtrail WHERE event_date >= %s", (since.date(),))[0]
            assert by_day == later, (by_day, later)
            flags = [one("SELECT count(*) FROM cloudtrail WHERE readonly = %s", (flag,))[0] for flag in (True, False)]
            unknown = one("SELECT count(*) FROM cloudtrail WHERE readonly IS NULL", None)[0]
            assert sum(flags) + unknown == total, (flags, unknown, total)
            names = one("SELECT count(*) FROM cloudtrail WHERE eventname = ANY(%s)", (["Decrypt", "Encrypt"],))[0]
            assert names >= named, (names, named)
            limited = cursor.execute("SELECT eventid FROM cloudtrail LIMIT %s", (3,), prepare=prepare).fetchall()
            assert len(limited) == 3
            like = one("SELECT count(*) FROM cloudtrail WHERE eventname LIKE %s AND errorcode IS NOT NULL", ("De%",))[0]
            assert like >= 0
            # A value is never SQL.
            assert one("SELECT count(*) FROM cloudtrail WHERE eventname = %s", ("' OR '1'='1",))[0] == 0


def types_arrive_as_themselves():
    with connect() as connection, connection.cursor(binary=False) as cursor:
        for binary in (False, True):
            row = cursor.execute(
                "SELECT eventtime, event_date, readonly, source_index, eventname, useridentity, resources,"
                " array_agg(eventname) OVER () IS NOT NULL, CAST(1.5 AS double), make_array('a', 'b')"
                " FROM cloudtrail WHERE eventname = 'Decrypt' AND resources IS NOT NULL LIMIT 1",
                binary=binary,
            ).fetchone()
            assert isinstance(row[0], datetime.datetime) and row[0].utcoffset() == datetime.timedelta(0), row[0]
            assert row[1] == row[0].date(), row
            assert isinstance(row[2], bool) and isinstance(row[3], int) and row[4] == "Decrypt"
            assert isinstance(row[5], dict) and "arn" in row[5], row[5]
            assert isinstance(row[6], list) and "arn" in row[6][0], row[6]
            assert row[7] is True and row[8] == 1.5 and row[9] == ["a", "b"], row


def pasted_queries_run():
    with connect() as connection, connection.cursor() as cursor:
        cursor.execute("SELECT eventName, count(*) AS n FROM cloudtrail_logs GROUP BY eventName ORDER BY n DESC LIMIT 3")
        assert [column.name for column in cursor.description] == ["eventname", "n"], cursor.description
        assert len(cursor.fetchall()) == 3
        cursor.execute("SELECT element_at(requestParameters, 'keyId') FROM $EDS_ID WHERE eventName = 'Encrypt' LIMIT 1")
        assert cursor.fetchone() is not None


def named_queries_are_views_and_functions():
    with connect() as connection, connection.cursor() as cursor:
        whole = cursor.execute("SELECT count(*) FROM key_usage").fetchone()[0]
        assert whole > 0
        fewer = cursor.execute("SELECT count(*) FROM key_usage(since => '2026-10-01')").fetchone()[0]
        assert 0 < fewer < whole, (fewer, whole)
        # The values of a call as parameters, beside others; a statement that is prepared serves for each.
        since = "SELECT count(*) FROM key_usage(since => %s) WHERE coalesce(key_arn, '') <> %s"
        for value, expected in (("2026-10-01", fewer), (None, whole), ("2026-10-01", fewer)):
            counted = cursor.execute(since, (value, "none"), prepare=True).fetchone()[0]
            assert counted == expected, (value, counted, expected)
        moment = datetime.datetime(2026, 10, 1, tzinfo=datetime.timezone.utc)
        assert cursor.execute("SELECT count(*) FROM key_usage(%s::timestamptz)", (moment,)).fetchone()[0] == fewer
        whose = cursor.execute("SELECT verdict FROM unused_keys(%s, as_of => %s) LIMIT 1", ("30d", "2026-10-09T06:00:00Z")).fetchone()
        assert whose is not None
        try:
            cursor.execute("SELECT * FROM unused_keys(%s)", ("soon",))
            raise AssertionError("a window that is none was taken")
        except psycopg.Error as error:
            assert "window" in str(error), error
            connection.rollback()
        joined = cursor.execute(
            "SELECT u.verdict, count(*) FROM unused_keys AS u JOIN kms_keys k ON k.key_arn = u.key_arn GROUP BY 1"
        ).fetchall()
        assert joined, joined


def transactions_and_settings_of_drivers():
    with connect() as connection, connection.cursor() as cursor:
        for setting in (
            "SET extra_float_digits = 3",
            "SET application_name = 'x'",
            "SET SESSION CHARACTERISTICS AS TRANSACTION READ ONLY",
            "SET search_path TO public",
            "SET TIME ZONE 'UTC'",
            "SET client_min_messages TO warning",
            "SHOW transaction_isolation",
            "SHOW server_version",
            "DISCARD ALL",
        ):
            cursor.execute(setting)
    connection = connect()
    try:
        connection.execute("SELECT nothing FROM cloudtrail")
        raise AssertionError("an unknown column was found")
    except psycopg.errors.UndefinedColumn:
        pass
    try:
        connection.execute("SELECT 1")
        raise AssertionError("a failed transaction went on")
    except psycopg.errors.InFailedSqlTransaction:
        pass
    connection.rollback()
    assert connection.execute("SELECT 1").fetchone() == (1,)
    connection.close()


# What the tools themselves send when they connect or list what there is.
CATALOGUE = {
    "grafana: version": "SELECT current_setting('server_version_num')::int/100 as version",
    "grafana: tables": """SELECT CASE WHEN quote_ident(table_schema) IN ('public') THEN quote_ident(table_name)
        ELSE quote_ident(table_schema) || '.' || quote_ident(table_name) END AS "table"
        FROM information_schema.tables WHERE quote_ident(table_schema) NOT IN
        ('information_schema', 'pg_catalog', '_timescaledb_cache') ORDER BY 1""",
    "grafana: columns": """SELECT quote_ident(column_name) AS "column", data_type AS "type"
        FROM information_schema.columns WHERE table_name = 'cloudtrail'""",
    "grafana: panel": """SELECT floor(extract(epoch from eventtime)/3600)*3600 AS "time", count(*) AS value
        FROM cloudtrail WHERE eventtime BETWEEN '2026-09-01T00:00:00Z' AND '2026-09-02T00:00:00Z' GROUP BY 1 ORDER BY 1""",
    "metabase: tables": """SELECT n.nspname AS schema, c.relname AS name, c.relkind FROM pg_catalog.pg_class c
        JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
        WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f') AND n.nspname NOT IN ('pg_catalog', 'information_schema')""",
    "metabase: question": """SELECT "source"."eventname" AS "eventname", COUNT(*) AS "count" FROM
        (SELECT "public"."cloudtrail"."eventname" AS "eventname", DATE_TRUNC('day', "public"."cloudtrail"."eventtime") AS "day"
        FROM "public"."cloudtrail" WHERE "public"."cloudtrail"."eventtime" >= CAST('2026-09-01' AS timestamp with time zone))
        AS "source" GROUP BY "source"."eventname" ORDER BY "source"."eventname" ASC LIMIT 5""",
    "metabase: zone": "SHOW TIMEZONE",
    "dbeaver: database": "SELECT current_schema(), session_user",
    "dbeaver: databases": "SELECT db.oid, db.* FROM pg_catalog.pg_database db WHERE datallowconn AND NOT datistemplate",
    "dbeaver: schemas": "SELECT n.oid, n.* FROM pg_catalog.pg_namespace n ORDER BY nspname",
    "dbeaver: types": """SELECT t.oid, t.*, c.relkind FROM pg_catalog.pg_type t
        LEFT OUTER JOIN pg_class c ON c.oid = t.typrelid WHERE typnamespace = 11 LIMIT 20""",
    "dbeaver: classes": """SELECT c.oid, c.*, d.description FROM pg_catalog.pg_class c
        LEFT OUTER JOIN pg_catalog.pg_description d ON d.objoid = c.oid AND d.objsubid = 0
        WHERE c.relkind NOT IN ('i', 'I', 'c')""",
    "jdbc: tables": """SELECT NULL AS TABLE_CAT, n.nspname AS TABLE_SCHEM, c.relname AS TABLE_NAME, c.relkind
        FROM pg_catalog.pg_namespace n, pg_catalog.pg_class c WHERE c.relnamespace = n.oid AND n.nspname = 'public'""",
    "jdbc: version": "SELECT version()",
    "sqlalchemy: version": "SELECT pg_catalog.version()",
    "sqlalchemy: schema": "SELECT current_schema()",
    "psqlodbc: recovery": "SELECT pg_is_in_recovery()",
}


def catalogue_queries_of_tools():
    with connect(autocommit=True) as connection:
        for name, sql in CATALOGUE.items():
            try:
                rows = connection.execute(sql).fetchall()
            except psycopg.Error as error:
                raise AssertionError(f"{name}: {error}")
            assert rows, name
        tables = [row[0] for row in connection.execute(CATALOGUE["grafana: tables"])]
        assert "cloudtrail" in tables and "unused_keys" in tables, tables
        columns = dict(connection.execute(CATALOGUE["grafana: columns"]).fetchall())
        assert "eventtime" in columns, columns
        version = connection.execute("SELECT version()").fetchone()[0]
        assert version.startswith("PostgreSQL "), version


class Wire:
    """The protocol by hand, as pgjdbc speaks it."""

    def __init__(self):
        self.socket = socket.create_connection(("127.0.0.1", PORT), timeout=60)
        body = struct.pack("!I", 196608)
        for text in ("user", "tester", "database", "keytrail", "client_encoding", "UTF8", "DateStyle", "ISO"):
            body += text.encode() + b"\0"
        body += b"\0"
        self.socket.sendall(struct.pack("!I", len(body) + 4) + body)
        self.until(b"Z")

    def send(self, *messages):
        self.socket.sendall(b"".join(kind + struct.pack("!I", len(body) + 4) + body for kind, body in messages))

    def exactly(self, length):
        out = b""
        while len(out) < length:
            more = self.socket.recv(length - len(out))
            assert more, "the server hung up"
            out += more
        return out

    def until(self, last):
        messages = []
        while True:
            kind = self.exactly(1)
            (length,) = struct.unpack("!I", self.exactly(4))
            messages.append((kind, self.exactly(length - 4)))
            if kind == last:
                return messages


def text(value):
    return value.encode() + b"\0"


def a_prepared_statement_as_jdbc_has_it():
    wire = Wire()
    int4, varchar = 23, 1043
    sql = "SELECT eventid, source_index FROM cloudtrail WHERE eventname = $1 AND source_index >= $2 ORDER BY eventtime, eventid"
    parse = text("S_1") + text(sql) + struct.pack("!HII", 2, varchar, int4)
    bind = text("C_1") + text("S_1") + struct.pack("!HHH", 2, 0, 1) + struct.pack("!H", 2)
    bind += struct.pack("!I", 7) + b"Decrypt" + struct.pack("!II", 4, 0) + struct.pack("!HHH", 2, 0, 1)
    describe, sync = (b"D", b"P" + text("C_1")), (b"S", b"")
    execute = lambda rows: (b"E", text("C_1") + struct.pack("!I", rows))
    # A fetch size of ten: the portal stays open between the batches.
    wire.send((b"P", parse), (b"B", bind), describe, execute(10), sync)
    first = wire.until(b"Z")
    kinds = [kind for kind, _ in first]
    assert kinds.count(b"D") == 10 and b"s" in kinds and b"T" in kinds, kinds
    wire.send(execute(0), sync)
    rest = wire.until(b"Z")
    got = 10 + [kind for kind, _ in rest].count(b"D")
    with connect() as connection:
        expected = connection.execute("SELECT count(*) FROM cloudtrail WHERE eventname = 'Decrypt'").fetchone()[0]
    assert got == expected, (got, expected)
    # The statement again, as a server-prepared one is used.
    wire.send((b"B", bind), execute(0), sync)
    again = [kind for kind, _ in wire.until(b"Z")].count(b"D")
    assert again == expected, again
    # What is broken does not end the connection.
    wire.send((b"P", text("") + text("SELECT * FROM nowhere") + struct.pack("!H", 0)), sync)
    assert b"E" in [kind for kind, _ in wire.until(b"Z")]
    wire.send((b"Q", text("SELECT 1")))
    assert b"D" in [kind for kind, _ in wire.until(b"Z")]
    # Bytes that are no message end this connection and no other.
    wire.socket.sendall(b"\xff" * 64)
    wire.socket.close()
    Wire().send((b"X", b""))


HOSTILE = [
    "CREATE EXTERNAL TABLE x STORED AS CSV LOCATION '/etc/passwd'",
    "CREATE EXTERNAL TABLE x STORED AS PARQUET LOCATION '/etc/passwd'",
    "COPY (SELECT 1) TO '/tmp/keytrail-was-here.csv'",
    "COPY cloudtrail FROM '/etc/passwd'",
    "COPY cloudtrail TO STDOUT",
    "SELECT * FROM '/etc/passwd'",
    'SELECT * FROM "/etc/passwd"',
    'SELECT * FROM "file:///etc/passwd"',
    "SELECT * FROM read_csv('/etc/passwd')",
    "SELECT * FROM read_parquet('/etc/passwd')",
    "SELECT * FROM parquet_metadata('/etc/passwd')",
    "SELECT pg_read_file('/etc/passwd')",
    "SELECT pg_ls_dir('/')",
    "SELECT lo_import('/etc/passwd')",
    "INSERT INTO cloudtrail SELECT * FROM cloudtrail",
    "UPDATE cloudtrail SET eventname = 'x'",
    "DELETE FROM cloudtrail",
    "TRUNCATE cloudtrail",
    "DROP TABLE cloudtrail",
    "DROP VIEW kms_events",
    "CREATE TABLE t AS SELECT 1",
    "CREATE VIEW v AS SELECT 1",
    "CREATE SCHEMA s",
    "CREATE DATABASE d",
    "CREATE FUNCTION f() RETURNS int RETURN 1",
    "ALTER TABLE cloudtrail RENAME TO x",
    "SELECT * INTO t FROM cloudtrail",
    "WITH x AS (DELETE FROM cloudtrail RETURNING *) SELECT * FROM x",
    "SET datafusion.execution.batch_size = 1",
    "SET datafusion.runtime.memory_limit = '100G'",
    "EXPLAIN ANALYZE INSERT INTO cloudtrail SELECT * FROM cloudtrail",
    "PREPARE p AS DELETE FROM cloudtrail",
    "EXECUTE p",
    "DO $$ BEGIN END $$",
    "CALL x()",
    "VACUUM",
    "SELECT repeat('a', 1000000000000)",
    "SELECT lpad('a', 2000000000, 'b')",
    "SELECT replace(repeat('a', 10000000), 'a', repeat('b', 10000000))",
    "SELECT generate_series(1, 1000000000000)",
    "SELECT array_repeat(1, 10000000000)",
    "SELECT " + "(" * 5000 + "1" + ")" * 5000,
    "SELECT " + "1+" * 100000 + "1",
    "SELECT 1 " + "UNION ALL SELECT 1 " * 50000,
]

# Answered or cut off by the limits the test set, in the time they say.
ENDLESS = [
    "SELECT sum(length(a.eventid || b.eventid || c.eventid)) FROM cloudtrail a, cloudtrail b, cloudtrail c",
    "WITH RECURSIVE t AS (SELECT 1 AS n UNION ALL SELECT n + 1 FROM t) SELECT count(*) FROM t",
    "SELECT count(*) FROM generate_series(1, 1000000000000)",
    "SELECT a.eventid FROM cloudtrail a, cloudtrail b, cloudtrail c",
    "SELECT array_agg(a.eventid || b.eventid) FROM cloudtrail a, cloudtrail b, cloudtrail c",
    "SELECT a.eventid, b.eventid, c.eventid FROM cloudtrail a, cloudtrail b, cloudtrail c ORDER BY 1, 2, 3",
    "SELECT count(DISTINCT a.eventid || b.eventid || c.eventid) FROM cloudtrail a, cloudtrail b, cloudtrail c",
]


def hostile_statements_are_refused():
    for sql in HOSTILE:
        with connect(autocommit=True) as connection:
            try:
                connection.execute(sql)
            except psycopg.Error as error:
                assert "passwd" not in str(error) or "root:" not in str(error), error
                assert not isinstance(error, psycopg.OperationalError), f"{sql[:80]}: {error}"
            else:
                raise AssertionError(f"was done: {sql[:80]}")
        with connect() as connection:
            assert connection.execute("SELECT 1").fetchone() == (1,)
    assert not os.path.exists("/tmp/keytrail-was-here.csv")


def endless_queries_are_cut_off():
    limit = float(os.environ["QUERY_SECONDS"])
    for sql in ENDLESS:
        started = time.monotonic()
        with connect(autocommit=True) as connection:
            try:
                connection.execute(sql)
                raise AssertionError(f"ended: {sql}")
            except psycopg.Error as error:
                assert error.sqlstate in ("57014", "54000", "53200"), f"{sql}: {error.sqlstate} {error}"
            assert connection.execute("SELECT 1").fetchone() == (1,)
        took = time.monotonic() - started
        assert took < limit + 10, f"{sql}: {took} s"
    with connect(autocommit=True) as connection:
        connection.execute("SET statement_timeout = '500ms'")
        started = time.monotonic()
        try:
            connection.execute(ENDLESS[0])
            raise AssertionError("ended")
        except psycopg.errors.QueryCanceled:
            assert time.monotonic() - started < limit


def a_client_can_cancel_its_query():
    connection = connect(autocommit=True)
    timer = threading.Timer(1, connection.cancel)
    timer.start()
    try:
        connection.execute(ENDLESS[0])
        raise AssertionError("ended")
    except psycopg.errors.QueryCanceled as error:
        # And not by the limit of time, whose code is the same.
        assert "user request" in str(error), error
    assert connection.execute("SELECT 1").fetchone() == (1,)
    connection.close()


def fifty_clients_at_once():
    failures, slowest = [], [0.0]
    expected = None
    with connect() as connection:
        expected = connection.execute("SELECT count(*) FROM cloudtrail WHERE eventname = 'Decrypt'").fetchone()

    def ask(number):
        try:
            with connect(autocommit=True) as connection:
                for _ in range(3):
                    started = time.monotonic()
                    found = connection.execute("SELECT count(*) FROM cloudtrail WHERE eventname = %s", ("Decrypt",))
                    assert found.fetchone() == expected, number
                    slowest[0] = max(slowest[0], time.monotonic() - started)
        except Exception as error:
            failures.append(f"{number}: {error!r}")

    def hog():
        try:
            with connect(autocommit=True) as connection:
                connection.execute(ENDLESS[0])
        except psycopg.Error:
            pass

    hogs = [threading.Thread(target=hog) for _ in range(4)]
    clients = [threading.Thread(target=ask, args=(number,)) for number in range(50)]
    for thread in hogs + clients:
        thread.start()
    for thread in clients:
        thread.join()
    for thread in hogs:
        thread.join()
    assert not failures, failures
    print(f"slowest of 150 answers beside 4 endless queries: {slowest[0]:.1f} s", file=sys.stderr)


def only_who_knows_the_password_over_tls():
    password, authority = sys.argv[2], sys.argv[3]
    tls = dict(user="keytrail", sslmode="verify-ca", sslrootcert=authority)
    with connect(password=password, **tls) as connection:
        assert connection.execute("SELECT 1").fetchone() == (1,)
        assert connection.info.pgconn.ssl_in_use
    refused = [
        dict(tls, password="wrong"),
        dict(tls, user="somebody", password=password),
        dict(user="keytrail", password=password, sslmode="disable"),
        dict(tls),
    ]
    for wrong in refused:
        try:
            connect(**wrong)
            raise AssertionError(f"was let in: {sorted(wrong)}")
        except psycopg.OperationalError:
            pass


if len(sys.argv) > 2:
    part(only_who_knows_the_password_over_tls)
else:
    only = os.environ.get("ONLY", "").split()
    for check in (
        parameters_of_every_kind,
        types_arrive_as_themselves,
        pasted_queries_run,
        named_queries_are_views_and_functions,
        transactions_and_settings_of_drivers,
        catalogue_queries_of_tools,
        a_prepared_statement_as_jdbc_has_it,
        hostile_statements_are_refused,
        endless_queries_are_cut_off,
        a_client_can_cancel_its_query,
        fifty_clients_at_once,
    ):
        if not only or check.__name__ in only:
            part(check)
