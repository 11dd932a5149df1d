"""The job both peers do, and how it is measured: columns of the Parquet file, wall clock, peak memory."""

import json
import os
import resource
import sys
import time

# Top-level fields of a record that become columns, in CloudTrail's spelling.
TEXT = [
    "eventVersion", "eventSource", "eventName", "awsRegion", "sourceIPAddress", "userAgent", "errorCode", "errorMessage",
    "requestID", "eventID", "eventType", "recipientAccountId", "sharedEventID", "eventCategory",
]
FLAGS = ["readOnly", "managementEvent"]
# Fields whose shape differs from call to call stay JSON text.
JSON_TEXT = ["requestParameters", "responseElements", "additionalEventData", "tlsDetails"]
# Typed parts of userIdentity; sessionContext in it stays JSON text.
IDENTITY = ["type", "principalId", "arn", "accountId", "accessKeyId", "userName", "invokedBy"]
RESOURCE = ["accountId", "type", "ARN"]


def arguments():
    """Folder with AWSLogs in it, and the Parquet file to write."""
    if len(sys.argv) != 3:
        sys.exit(f"usage: {sys.argv[0]} LOGS OUT.parquet")
    logs, out = (os.path.abspath(path) for path in sys.argv[1:])
    return f"{logs}/AWSLogs/**/*.json.gz", out


def measured(engine, version, run, out, count):
    """Runs the job and prints one JSON object: seconds, rows, bytes of Parquet, peak resident bytes."""
    start = time.perf_counter()
    run()
    seconds = time.perf_counter() - start
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    print(json.dumps({
        "engine": engine,
        "version": version,
        "seconds": round(seconds, 3),
        "rows": count(),
        "parquet_bytes": os.path.getsize(out),
        "peak_rss_bytes": peak,
    }))
