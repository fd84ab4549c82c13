"""Asks real Spark, in local mode, what the corpus's queries answer, and writes golden/<theme>.jsonl.

    python refresh.py              asks what has no answer yet, and drops the answers of cases that are gone
    python refresh.py casts joins  only these themes
    python refresh.py --all        asks everything again

Needs `pyspark==4.2.0` and Java 17. Stopped half way, it goes on from there.
"""

import argparse
import importlib
import json
import logging
import os
import pathlib
import re
import shutil
import sys
import tempfile
import time

HERE = pathlib.Path(__file__).parent
GOLDEN = HERE / "golden"
# Asked queries between two writes of a theme's file.
WRITE_EVERY = 200
ROWS_MAX = 1000

DEFAULTS = {"spark.sql.ansi.enabled": "true", "spark.sql.session.timeZone": "UTC"}


def themes() -> dict:
    """Name of each theme, and what makes its cases when it is given a session."""
    sys.path.insert(0, str(HERE))
    calls = importlib.import_module("corpus.function_calls")
    found = {
        "function_examples": calls.examples,
        "function_nulls": calls.nulls,
        "function_columns": calls.columns,
        "function_wrong_values": calls.wrong_values,
        "function_wrong_counts": calls.wrong_counts,
        "function_ansi_off": calls.ansi_off,
    }
    for path in sorted((HERE / "corpus").glob("*.py")):
        if path.stem in ("case", "function_calls", "__init__"):
            continue
        module = importlib.import_module(f"corpus.{path.stem}")
        found[path.stem] = lambda _, module=module: module.cases()
    return found


def start_spark(warehouse: str):
    from pyspark.sql import SparkSession

    builder = SparkSession.builder.master("local[1]").appName("oracle")
    for key, value in {
        "spark.ui.enabled": "false",
        "spark.ui.showConsoleProgress": "false",
        "spark.sql.shuffle.partitions": "1",
        "spark.sql.codegen.wholeStage": "false",
        "spark.sql.codegen.factoryMode": "NO_CODEGEN",
        "spark.sql.adaptive.enabled": "false",
        "spark.sql.warehouse.dir": warehouse,
        "spark.sql.debug.maxToStringFields": "1000",
        "spark.sql.binaryOutputStyle": "HEX",
        "spark.sql.timeType.enabled": "true",
        **DEFAULTS,
    }.items():
        builder = builder.config(key, value)
    spark = builder.getOrCreate()
    spark.sparkContext.setLogLevel("OFF")
    logging.getLogger("SQLQueryContextLogger").setLevel(logging.CRITICAL)
    for statement in (HERE / "tables.sql").read_text().split(";\n"):
        if statement.strip():
            spark.sql(statement)
    return spark


def condition(error) -> tuple[str, str]:
    """Condition and SQLSTATE of the error, or of the first of its causes that has them."""
    name = getattr(error, "getCondition", lambda: None)()
    if name:
        return name, error.getSqlState() or ""
    cause = getattr(error, "_origin", None) or getattr(error, "java_exception", None)
    while cause is not None:
        try:
            if cause.getCondition():
                return cause.getCondition(), cause.getSqlState() or ""
        except Exception:  # noqa: BLE001: a Java exception without a condition has no such method
            pass
        cause = cause.getCause()
    return type(error).__name__, ""


def is_ordered(sql: str) -> bool:
    """Whether the query's last clauses order its rows."""
    return re.search(r"order by[^)]*$", sql, re.I) is not None


def answer(spark, case) -> dict:
    line = {"id": case.id, "sql": case.sql}
    if case.settings:
        line["set"] = dict(case.settings)
    try:
        for key, value in case.settings:
            spark.conf.set(key, value)
        frame = spark.sql(case.sql)
        plan = frame._jdf.queryExecution().executedPlan()
        result = spark._jvm.org.apache.spark.sql.execution.HiveResult
        rows = list(result.hiveResultString(plan).mkString("\x01").split("\x01"))
        count = frame._jdf.count() if rows == [""] else len(rows)
        if len(rows) > ROWS_MAX:
            raise ValueError(f"{len(rows)} rows are too many for a golden file")
        line["schema"] = frame._jdf.schema().simpleString()
        line["rows"] = rows if count else []
        if is_ordered(case.sql):
            line["ordered"] = True
    except ValueError:
        raise
    except Exception as error:  # noqa: BLE001: any error is the answer
        line["error"], line["state"] = condition(error)
        line.pop("schema", None)
    finally:
        for key, _ in case.settings:
            if key in DEFAULTS:
                spark.conf.set(key, DEFAULTS[key])
            else:
                spark.conf.unset(key)
    return line


def read_golden(path: pathlib.Path) -> dict[str, dict]:
    if not path.exists():
        return {}
    return {line["id"]: line for line in map(json.loads, path.read_text().splitlines())}


def write_golden(path: pathlib.Path, cases, known) -> None:
    draft = path.with_suffix(".draft")
    with draft.open("w") as out:
        for case in cases:
            if case.id in known:
                out.write(json.dumps(known[case.id], ensure_ascii=False, separators=(",", ":")) + "\n")
    draft.replace(path)


def refresh(spark, theme: str, make, again: bool) -> None:
    path = GOLDEN / f"{theme}.jsonl"
    cases = list({case.id: case for case in make(spark)}.values())
    known = {} if again else read_golden(path)
    wanted = [case for case in cases if case.id not in known]
    start = time.time()
    for count, case in enumerate(wanted, 1):
        known[case.id] = answer(spark, case)
        if count % WRITE_EVERY == 0:
            write_golden(path, cases, known)
            print(f"{theme}: {count} of {len(wanted)}, {time.time() - start:.0f} s", flush=True)
    write_golden(path, cases, known)
    errors = sum("error" in known[case.id] for case in cases)
    print(f"{theme}: {len(cases)} cases, {errors} of them errors, {len(wanted)} asked", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("themes", nargs="*")
    parser.add_argument("--all", action="store_true")
    arguments = parser.parse_args()
    os.environ["TZ"] = "UTC"
    GOLDEN.mkdir(exist_ok=True)
    warehouse = tempfile.mkdtemp()
    spark = start_spark(warehouse)
    try:
        made = themes()
        for theme in arguments.themes or made:
            refresh(spark, theme, made[theme], arguments.all)
        for path in GOLDEN.glob("*.jsonl"):
            if path.stem not in made:
                path.unlink()
    finally:
        spark.stop()
        shutil.rmtree(warehouse, ignore_errors=True)


if __name__ == "__main__":
    main()
