//! PySpark programs through `firesteel serve`, with the unmodified client: what they print is what real Spark prints
//! (`pyspark/golden`, written by `pyspark/refresh.py`), and a tenth of PySpark's own examples pass as before.

use std::fs;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use tempfile::TempDir;

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("pyspark")
}

/// A python that has the client, made once for each target folder.
fn python() -> PathBuf {
    let target = std::env::current_exe().expect("this test's path");
    let target = target.ancestors().find(|path| path.ends_with("target")).expect("a target folder").to_owned();
    let setup = Command::new(folder().join("setup.sh")).arg(target.join("pyspark")).output().expect("bash");
    assert!(setup.status.success(), "setup.sh: {}", String::from_utf8_lossy(&setup.stderr));
    PathBuf::from(String::from_utf8(setup.stdout).expect("a path").trim())
}

/// `firesteel serve` on a port of its own, ended when dropped.
struct Server {
    process: Child,
    remote: String,
    folder: TempDir,
}

impl Server {
    /// The server's Python functions run in `python`.
    fn start(python: &Path) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let mut process = Command::new(firesteel_tests::artifacts().join("firesteel"))
            .args(["serve", "--port", "0"])
            .current_dir(folder.path())
            .env("TZ", "UTC")
            .env("PYSPARK_PYTHON", python)
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("the server");
        let mut line = String::new();
        let stdout = process.stdout.take().expect("the server's output");
        BufReader::new(stdout).read_line(&mut line).expect("the address");
        let address = line.split_whitespace().find(|word| word.starts_with("sc://")).expect(&line).to_owned();
        Self { process, remote: address, folder }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // Failing to end what has ended is none.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

#[test]
fn programs_print_what_they_print_on_spark() {
    let python = python();
    for name in ["cache", "catalog", "files", "frames", "python"] {
        let server = Server::start(&python);
        let done = Command::new(&python)
            .arg(folder().join("programs").join(format!("{name}.py")))
            .arg(&server.remote)
            .arg(server.folder.path())
            .current_dir(server.folder.path())
            .env("TZ", "UTC")
            .output()
            .expect("python");
        assert!(done.status.success(), "{name}: {}", String::from_utf8_lossy(&done.stderr));
        let printed = String::from_utf8(done.stdout).expect("text");
        let expected = fs::read_to_string(folder().join("golden").join(format!("{name}.txt"))).expect("golden");
        let differences: Vec<String> = expected
            .lines()
            .zip(printed.lines())
            .filter(|(expected, printed)| expected != printed)
            .map(|(expected, printed)| format!("Spark:     {expected}\nFiresteel: {printed}"))
            .collect();
        assert!(differences.is_empty(), "{name}:\n{}", differences.join("\n"));
        assert_eq!(printed.lines().count(), expected.lines().count(), "{name} printed another number of lines");
    }
}

/// Runs a script of `tests/pyspark` against a server, and answers what it prints.
fn script(server: &Server, name: &str, arguments: &[&str]) -> String {
    let done = Command::new(python())
        .arg(folder().join(name))
        .args(arguments)
        .current_dir(server.folder.path())
        .env("TZ", "UTC")
        .output()
        .expect("python");
    let printed = format!("{}{}", String::from_utf8_lossy(&done.stdout), String::from_utf8_lossy(&done.stderr));
    assert!(done.status.success(), "{name}: {printed}");
    printed
}

fn golden(name: &str) -> String {
    folder().join("golden").join(name).to_str().expect("a path").to_owned()
}

#[test]
fn a_tenth_of_pyspark_s_own_examples_pass_as_before() {
    let server = Server::start(&python());
    let results = server.folder.path().join("results.jsonl");
    let results = results.to_str().expect("a path");
    script(&server, "doctests.py", &[&server.remote, "--tenth", "--timeout", "60", "--out", results]);
    println!("{}", script(&server, "compare.py", &[results, "--check"]));
}

#[test]
fn the_example_prints_what_it_prints_on_spark() {
    let server = Server::start(&python());
    let out = server.folder.path().join("trips");
    let arguments = ["--remote", &server.remote, "--out", out.to_str().expect("a path")];
    let printed = script(&server, "../../examples/pyspark/trips.py", &arguments);
    assert_eq!(printed, fs::read_to_string(golden("example-trips.txt")).expect("golden"));
}

#[test]
fn no_query_ends_the_server() {
    let mut server = Server::start(&python());
    println!("{}", script(&server, "hostile.py", &[&server.remote]));
    assert!(server.process.try_wait().expect("the server's state").is_none(), "the server has ended");
}

#[test]
fn tpc_h_has_spark_s_rows() {
    let server = Server::start(&python());
    let data = server.folder.path().join("tpch");
    firesteel_tpch::write_tables(&data, 0.01, |_| ()).expect("TPC-H data");
    let data = data.to_str().expect("a path");
    println!("{}", script(&server, "tpc.py", &[&server.remote, "tpch", data, &golden("tpch-sf0.01.json")]));
}

/// Each ninth of the 99 queries; all of them with `FIRESTEEL_TPCDS_EVERY=1`.
#[test]
fn tpc_ds_has_spark_s_rows() {
    let server = Server::start(&python());
    let data = firesteel_tests::tpcds_data(0.01);
    let data = data.to_str().expect("a path");
    let every = std::env::var("FIRESTEEL_TPCDS_EVERY").unwrap_or_else(|_| "9".to_owned());
    let arguments = [&server.remote, "tpcds", data, &golden("tpcds-sf0.01.json"), "--every", &every];
    println!("{}", script(&server, "tpc.py", &arguments));
}
