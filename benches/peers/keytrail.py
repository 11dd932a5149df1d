"""CloudTrail to a finished lake with keytrail: sorted, deduplicated, reconciled tables. Prints what the peers print."""

import json
import os
import resource
import shutil
import subprocess
import sys
import time

binary, source, out = sys.argv[1:4]
shutil.rmtree(out, ignore_errors=True)
began = time.monotonic()
subprocess.run([binary, "--lake", out, "-q", "ingest", source], check=True)
seconds = time.monotonic() - began
files = [os.path.join(folder, name) for folder, _, names in os.walk(os.path.join(out, "cloudtrail")) for name in names]
print(json.dumps({
    "engine": "keytrail",
    "seconds": round(seconds, 3),
    "parquet_bytes": sum(os.path.getsize(name) for name in files if name.endswith(".parquet")),
    "peak_rss_bytes": resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss * 1024,
    "files": len([name for name in files if name.endswith(".parquet")]),
}))
