"""Runs SQL with the deltalake package over Delta tables. Standard input: {"tables": {name: address}, "sql": ..., "s3": endpoint
or null}. Standard output: the rows as a JSON array of objects."""
import json
import sys

from deltalake import DeltaTable, QueryBuilder

job = json.load(sys.stdin)
options = None
if job.get("s3"):
    options = {
        "AWS_ENDPOINT_URL": job["s3"],
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_REGION": "us-east-1",
        "AWS_ALLOW_HTTP": "true",
    }
query = QueryBuilder()
for name, address in job["tables"].items():
    query = query.register(name, DeltaTable(address, storage_options=options))
table = query.execute(job["sql"]).read_all()
names = table.schema.names
columns = [[value.as_py() for value in table.column(name)] for name in names]
json.dump([dict(zip(names, row)) for row in zip(*columns)], sys.stdout, default=str)
