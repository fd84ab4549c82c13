#!/usr/bin/env python
"""PySpark's own docstring examples against a Spark Connect server, with the installed, unmodified client.

    doctests.py sc://127.0.0.1:15002 --out results.jsonl [--tenth] [--modules m1,m2] [--only REGEX] [--timeout 60]

One JSON line for each docstring: module, name, status (pass, fail, timeout, crash, allskip), seconds and the first error.
It does what the modules' own _test() does: the same finder, a fresh copy of the module's namespace for each docstring,
the same flags, one session for each module. A child process runs each module, so that a hang costs one docstring.
compare.py holds the outcome against baseline.tsv.
"""
import argparse, json, os, re, subprocess, sys, time, signal, select, zlib

SQL = """pyspark.sql.functions.builtin pyspark.sql.functions.partitioning pyspark.sql.dataframe pyspark.sql.column
pyspark.sql.connect.session pyspark.sql.readwriter pyspark.sql.connect.group pyspark.sql.window pyspark.sql.catalog
pyspark.sql.connect.conf pyspark.sql.observation pyspark.sql.tvf pyspark.sql.types pyspark.sql.udf pyspark.sql.udtf
pyspark.sql.pandas.functions pyspark.sql.connect.streaming.query pyspark.sql.connect.streaming.readwriter
pyspark.sql.streaming.listener pyspark.sql.datasource pyspark.sql.plot.core pyspark.sql.avro.functions
pyspark.sql.protobuf.functions""".split()
# docstrings that by design only work in classic mode (upstream deletes these too)
DROP = {"pyspark.sql.dataframe": ["DataFrame.rdd", "DataFrame.toJSON"]}


class Timeout(BaseException):
    pass


def in_tenth(module, name):
    return zlib.crc32(f"{module}.{name}".encode()) % 10 == 0


def child(remote, modname, start, timeout, only, tenth):
    import doctest, importlib, tempfile, shutil, warnings
    out = os.fdopen(os.dup(1), "w", buffering=1)
    devnull = os.open(os.devnull, os.O_WRONLY)
    os.dup2(devnull, 1)
    if not os.environ.get("DT_STDERR"):
        os.dup2(devnull, 2)
    warnings.simplefilter("ignore")
    emit = lambda d: (out.write(json.dumps(d) + "\n"), out.flush())

    os.environ["SPARK_REMOTE"] = remote
    try:
        mod = importlib.import_module(modname)
    except Exception as e:
        emit({"module_error": f"{type(e).__name__}: {e}"}); return
    from pyspark.sql import SparkSession
    mk = lambda: SparkSession.builder.remote(remote).appName(modname + " doctests").getOrCreate()
    try:
        spark = mk()
    except Exception as e:
        emit({"module_error": f"session: {type(e).__name__}: {e}"[:500]}); return
    if start == 0:      # upstream gives each module its own metastore; drop leftovers of earlier modules instead
        try:
            for t in spark.catalog.listTables():
                if not t.isTemporary:
                    spark.sql(f"DROP TABLE IF EXISTS `{t.name}`")
        except Exception:
            pass
    globs = mod.__dict__.copy()
    globs["spark"] = spark
    tmp = tempfile.mkdtemp(prefix="dt_")
    globs["path"] = tmp
    globs["temp_path"] = tmp
    if modname.endswith(".session"):
        globs["SparkSession"] = SparkSession

    finder = doctest.DocTestFinder(exclude_empty=True)
    tests = [t for t in finder.find(mod, mod.__name__, globs=globs) if t.examples]
    short = lambda n: n[len(modname) + 1:] if n.startswith(modname + ".") else n
    tests = [t for t in tests if short(t.name) not in DROP.get(modname, [])]
    if only:
        tests = [t for t in tests if re.search(only, short(t.name))]
    if tenth:
        tests = [t for t in tests if in_tenth(modname, short(t.name))]
    tests.sort(key=lambda t: (t.lineno or 0, t.name))
    emit({"total": len(tests)})
    flags = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE | doctest.IGNORE_EXCEPTION_DETAIL
    class Runner(doctest.DocTestRunner):
        first = None
        nfail = 0

        def report_start(self, *a): pass
        def report_success(self, *a): pass

        def report_failure(self, out, test, example, got):
            self.nfail += 1
            if self.first is None:
                self.first = {"kind": "diff", "src": example.source[:300], "want": example.want[:600], "got": got[:600]}

        def report_unexpected_exception(self, out, test, example, exc_info):
            self.nfail += 1
            if self.first is None:
                self.first = {"kind": "exc", "src": example.source[:300], "type": exc_info[0].__name__,
                              "msg": str(exc_info[1])[:700]}
            if isinstance(exc_info[1], Timeout):
                raise exc_info[1]

    def on_alarm(s, f):
        raise Timeout("doctest timeout")
    signal.signal(signal.SIGALRM, on_alarm)

    for i, t in enumerate(tests):
        if i < start:
            continue
        emit({"start": i, "name": short(t.name)})
        r = Runner(verbose=False, optionflags=flags)
        nskip = sum(1 for e in t.examples if e.options.get(doctest.SKIP))
        rec = {"i": i, "module": modname, "name": short(t.name), "n_examples": len(t.examples), "n_skip": nskip}
        t0 = time.time()
        bail = False
        cwd = os.getcwd()
        try:
            signal.alarm(timeout)
            r.run(t, out=lambda s: None, clear_globs=True)
            signal.alarm(0)
            rec["status"] = "fail" if r.nfail else ("allskip" if nskip == len(t.examples) else "pass")
        except Timeout:
            rec["status"] = "timeout"; bail = True
        except BaseException as e:
            signal.alarm(0)
            rec["status"] = "fail"; r.first = r.first or {"kind": "harness", "msg": f"{type(e).__name__}: {e}"[:500]}
            bail = True
        os.chdir(cwd)
        rec.update(n_failed=max(r.nfail, int(rec["status"] in ("fail", "timeout"))),
                   secs=round(time.time() - t0, 2), err=r.first)
        emit(rec)
        if bail:
            emit({"bail": i}); os._exit(3)
        # a docstring that stopped the session: continue with a new one
        try:
            if spark.is_stopped:
                emit({"bail": i}); os._exit(3)
        except Exception:
            pass
    emit({"done": True})
    try:
        shutil.rmtree(tmp, ignore_errors=True)
        signal.alarm(10)
        spark.stop()
    except BaseException:
        pass
    os._exit(0)


def run_module(remote, m, timeout, only, tenth, fh):
    start, total, counts = 0, None, {}
    while True:
        p = subprocess.Popen([sys.executable, os.path.abspath(__file__), "--child", remote, m, str(start), str(timeout), only or "", "tenth" if tenth else ""],
                             stdout=subprocess.PIPE, text=True, bufsize=1)
        cur, deadline, finished, progressed = None, time.time() + 180, False, False
        while True:
            rl, _, _ = select.select([p.stdout], [], [], 1.0)
            if rl:
                line = p.stdout.readline()
                if not line:
                    break
                try:
                    d = json.loads(line)
                except ValueError:
                    continue
                if "module_error" in d:
                    fh.write(json.dumps({"module": m, "name": "<module>", "status": "module_error", "err": d["module_error"]}) + "\n"); fh.flush()
                    print(f"{m}: MODULE ERROR {d['module_error'][:200]}", flush=True); p.wait(); return
                if "total" in d: total = d["total"]
                elif "start" in d: cur = d; deadline = time.time() + timeout + 30
                elif "done" in d: finished = True
                elif "bail" in d: start = d["bail"] + 1
                elif "status" in d:
                    d.pop("i"); fh.write(json.dumps(d) + "\n"); fh.flush()
                    counts[d["status"]] = counts.get(d["status"], 0) + 1; start = cur["start"] + 1; cur = None; progressed = True
            elif time.time() > deadline:
                p.kill(); break
            if finished:
                break
        try:
            p.wait(20)
        except subprocess.TimeoutExpired:
            p.kill(); p.wait()
        if not finished and cur is not None:   # hung or died inside a docstring
            fh.write(json.dumps({"module": m, "name": cur["name"], "status": "crash", "n_failed": 1,
                                 "err": {"kind": "crash", "msg": f"client hung or died, rc={p.returncode}"}}) + "\n"); fh.flush()
            counts["crash"] = counts.get("crash", 0) + 1; start = cur["start"] + 1
        elif not finished and cur is None and not progressed:
            print(f"{m}: child died rc={p.returncode}", flush=True); break
        if finished or (total is not None and start >= total):
            break
    print(f"{m}: total={total} {counts}", flush=True)


if __name__ == "__main__":
    if sys.argv[1:2] == ["--child"]:
        _, _, remote, m, start, timeout, only, tenth = sys.argv
        child(remote, m, int(start), int(timeout), only, bool(tenth)); sys.exit(0)
    ap = argparse.ArgumentParser()
    ap.add_argument("remote"); ap.add_argument("--out", default="doctest.jsonl"); ap.add_argument("--modules")
    ap.add_argument("--tenth", action="store_true"); ap.add_argument("--timeout", type=int, default=60)
    ap.add_argument("--workdir", default=os.path.join(__import__("tempfile").gettempdir(), "pyspark-doctests")); ap.add_argument("--only")
    a = ap.parse_args()
    mods = a.modules.split(",") if a.modules else SQL
    out = os.path.abspath(a.out)
    os.makedirs(a.workdir, exist_ok=True); os.chdir(a.workdir)
    os.environ.update(SPARK_TESTING="1", TZ=os.environ.get("TZ", "UTC"), PYTHONHASHSEED="0", PYARROW_IGNORE_TIMEZONE="1", COLUMNS="80")
    with open(out, "a") as fh:
        for m in mods:
            t = time.time(); run_module(a.remote, m, a.timeout, a.only, a.tenth, fh); print(f"   {time.time()-t:.0f}s", flush=True)
