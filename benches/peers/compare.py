"""All engines on one corpus, in turn, round after round; medians and ratios as a Markdown table.

    compare.py KEYTRAIL_BINARY LOGS OUT_FOLDER [ROUNDS] [ENGINE,...]
"""

import json
import os
import statistics
import subprocess
import sys

binary, logs, out = sys.argv[1:4]
rounds = int(sys.argv[4]) if len(sys.argv) > 4 else 3
here = os.path.dirname(os.path.abspath(__file__))
os.makedirs(out, exist_ok=True)
commands = {
    "keytrail": ["keytrail.py", binary, os.path.join(logs, "AWSLogs"), os.path.join(out, "lake")],
    "ClickHouse": ["clickhouse.py", logs, os.path.join(out, "clickhouse.parquet")],
    "DuckDB": ["duckdb_.py", logs, os.path.join(out, "duckdb.parquet")],
    "inflate only": ["inflate.py", os.path.join(logs, "AWSLogs")],
}
if len(sys.argv) > 5:
    commands = {name: command for name, command in commands.items() if name in sys.argv[5].split(",")}
runs = {name: [] for name in commands}
for turn in range(rounds):
    for name, command in commands.items():
        done = subprocess.run([sys.executable, os.path.join(here, command[0]), *command[1:]], capture_output=True, text=True)
        if done.returncode != 0:
            sys.exit(f"{name}: {done.stderr}")
        run = json.loads(done.stdout.strip().splitlines()[-1])
        runs[name].append(run)
        print(f"round {turn + 1}: {name} {run['seconds']:.2f} s", file=sys.stderr)


def median(name, figure):
    return statistics.median(run[figure] for run in runs[name])


gz = median("inflate only", "input_bytes") if "inflate only" in runs else 0
ours = [run["seconds"] for run in runs["keytrail"]]
print("| engine | seconds (min, median, max) | times keytrail | Parquet / gzip | peak MiB |")
print("| --- | --- | --- | --- | --- |")
for name, done in runs.items():
    seconds = sorted(run["seconds"] for run in done)
    ratio = statistics.median(run["seconds"] / own for run, own in zip(done, ours))
    size = f"{median(name, 'parquet_bytes') / gz:.2f}" if gz and median(name, "parquet_bytes") else "-"
    memory = f"{median(name, 'peak_rss_bytes') / 2**20:.0f}" if median(name, "peak_rss_bytes") else "-"
    print(f"| {name} | {seconds[0]:.2f}, {statistics.median(seconds):.2f}, {seconds[-1]:.2f} | {ratio:.2f} | {size} | {memory} |")
