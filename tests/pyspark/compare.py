#!/usr/bin/env python3
"""Hold a run of doctests.py against what passed before.

    compare.py results.jsonl               print how many pass, and each that does not, with its first error
    compare.py results.jsonl --check       the same for what ran; exit with 1 if one fails that passing.txt lists
    compare.py results.jsonl --write       write passing.txt and the tables of docs/compatibility.md

baseline.tsv says what real Spark Connect 4.2.0 and Sail 0.7.2 pass. Only what real Spark Connect passes counts.
"""
import argparse
import collections
import csv
import json
import pathlib
import sys

HERE = pathlib.Path(__file__).resolve().parent
PASSING = HERE / "passing.txt"
PAGE = HERE.parent.parent / "docs" / "compatibility.md"
CAUSES = HERE / "causes.tsv"


def read(path):
    ours = {}
    with open(path) as lines:
        for line in lines:
            record = json.loads(line)
            ours[f"{record['module']}.{record['name']}"] = record  # a later run of the same example wins
    return ours


def error_of(record):
    error = record.get("err") or {}
    if not isinstance(error, dict):
        return str(error)
    if error.get("kind") == "exc":
        return f"{error.get('type')}: {error.get('msg', '').splitlines()[0] if error.get('msg') else ''}"
    return f"another answer to {error.get('src', '').strip().splitlines()[0] if error.get('src') else ''}"


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("results")
    parser.add_argument("--check", action="store_true")
    parser.add_argument("--write", action="store_true")
    arguments = parser.parse_args()
    ours = read(arguments.results)
    with open(HERE / "baseline.tsv") as table:
        rows = [row for row in csv.DictReader(table, delimiter="\t") if row["spark_4.2.0"] == "pass"]
    names = [f"{row['module']}.{row['name']}" for row in rows]
    ran = [name for name in names if name in ours]
    passed = [name for name in ran if ours[name]["status"] == "pass"]
    failed = [name for name in ran if ours[name]["status"] != "pass"]
    print(f"{len(passed)} of {len(ran)} that ran pass; {len(names)} pass on real Spark Connect")
    known = set(PASSING.read_text().split()) if PASSING.exists() else set()
    for name in failed:
        print(f"{'LOST ' if name in known else ''}{name}: {ours[name]['status']}: {error_of(ours[name])[:300]}")
    if arguments.write:
        PASSING.write_text("".join(f"{name}\n" for name in sorted(passed)))
        write_page(rows, ours, passed, failed)
    lost = [name for name in failed if name in known]
    if arguments.check and (lost or not ran):
        sys.exit(f"{len(lost)} examples that passed before fail now" if ran else "nothing ran")


def write_page(rows, ours, passed, failed):
    """The part of the page between its two marks."""
    passed = set(passed)
    by_module = collections.OrderedDict()
    for row in rows:
        counts = by_module.setdefault(row["module"], [0, 0, 0])
        counts[0] += 1
        counts[1] += f"{row['module']}.{row['name']}" in passed
        counts[2] += row["sail_0.7.2"] == "pass"
    total = [sum(counts[index] for counts in by_module.values()) for index in range(3)]
    lines = [f"**{total[1]} of {total[0]} pass.** (Of the same examples Sail 0.7.2 passes {total[2]}.)", ""]
    lines += ["| Module | Examples | Firesteel | Sail 0.7.2 |", "| --- | --- | --- | --- |"]
    lines += [f"| `{module}` | {all_} | {own} | {sail} |" for module, (all_, own, sail) in by_module.items()]
    lines += ["", "## What does not pass", "", "| Example | Why |", "| --- | --- |"]
    causes = {}
    if CAUSES.exists():
        with open(CAUSES) as table:
            causes = {row["example"]: row["cause"] for row in csv.DictReader(table, delimiter="\t")}
    for name in failed:
        why = causes.get(name) or error_of(ours[name]).replace("|", "\\|")[:160]
        lines.append(f"| `{name.removeprefix('pyspark.sql.')}` | {why} |")
    text = PAGE.read_text()
    begin, end = "<!-- begin: written by tests/pyspark/compare.py -->\n", "<!-- end -->\n"
    before, rest = text.split(begin)
    PAGE.write_text(before + begin + "\n" + "\n".join(lines) + "\n\n" + end + rest.split(end)[1])


if __name__ == "__main__":
    main()
