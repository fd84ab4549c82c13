#!/usr/bin/env python3
"""Write the expected output of the programs anew, by real Spark: refresh.py [name …]. Needs pyspark[connect]==4.2.0 and Java 17."""
import os
import pathlib
import subprocess
import sys
import tempfile

here = pathlib.Path(__file__).resolve().parent
names = sys.argv[1:] or sorted(path.stem for path in (here / "programs").glob("*.py") if path.stem != "shared")
for number, name in enumerate(names, 1):
    print(f"[{number}/{len(names)}] {name}", flush=True)
    with tempfile.TemporaryDirectory() as folder:
        environment = {**os.environ, "TZ": "UTC"}
        done = subprocess.run(
            [sys.executable, here / "programs" / f"{name}.py", "local", folder],
            capture_output=True, text=True, env=environment, cwd=folder, check=False,
        )
        if done.returncode != 0:
            sys.exit(done.stderr)
        (here / "golden" / f"{name}.txt").write_text(done.stdout)

if not sys.argv[1:]:
    with tempfile.TemporaryDirectory() as folder:
        example = here.parent.parent / "examples" / "pyspark" / "trips.py"
        done = subprocess.run(
            [sys.executable, example, "--remote", "local", "--out", folder],
            capture_output=True, text=True, env={**os.environ, "TZ": "UTC"}, cwd=folder, check=True,
        )
        (here / "golden" / "example-trips.txt").write_text(done.stdout)
