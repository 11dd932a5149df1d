"""The limit: the same objects inflated and nothing else, on as many threads as there are cores (zlib, GIL released)."""

import json
import os
import sys
import time
import zlib
from concurrent.futures import ThreadPoolExecutor

names = [os.path.join(folder, name) for folder, _, names in os.walk(sys.argv[1]) for name in names]


def inflate(name):
    with open(name, "rb") as file:
        return len(zlib.decompress(file.read(), 31))


began = time.monotonic()
with ThreadPoolExecutor(os.cpu_count()) as pool:
    total = sum(pool.map(inflate, names, chunksize=64))
print(json.dumps({
    "engine": "inflate only",
    "seconds": round(time.monotonic() - began, 3),
    "input_bytes": sum(os.path.getsize(name) for name in names),
    "json_bytes": total,
    "parquet_bytes": 0,
    "peak_rss_bytes": 0,
}))
