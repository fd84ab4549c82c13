//! The program: it tells where it listens, and no sandbox outlives it, even when it has no chance to clean up.

mod support;

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use support::TestResult;

type Outcome<T> = Result<T, Box<dyn std::error::Error>>;

const VARIABLES: [&str; 5] =
    ["AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL_LAMBDA", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_REGION"];

/// Starts the program and reads the environment that it prints.
fn start(root: &std::path::Path) -> Outcome<(Child, BTreeMap<String, String>)> {
    let mut child = Command::new(env!("CARGO_BIN_EXE_firesteel-emulator"))
        .arg("--root")
        .arg(root)
        .args(["--s3-port", "0", "--lambda-port", "0"])
        .stdout(Stdio::piped())
        .spawn()?;
    let mut environment = BTreeMap::new();
    for line in BufReader::new(child.stdout.take().ok_or("stdout")?).lines() {
        if let Some((name, value)) = line?.strip_prefix("export ").and_then(|export| export.split_once('=')) {
            environment.insert(name.to_owned(), value.to_owned());
        }
        if VARIABLES.iter().all(|name| environment.contains_key(*name)) {
            break;
        }
    }
    Ok((child, environment))
}

/// One request to the Lambda API, on a connection of its own.
fn lambda(environment: &BTreeMap<String, String>, path: &str, body: &Value) -> Outcome<Value> {
    let endpoint = environment["AWS_ENDPOINT_URL_LAMBDA"].trim_start_matches("http://");
    let mut stream = TcpStream::connect(endpoint)?;
    let body = body.to_string();
    write!(
        stream,
        "POST /2015-03-31/functions{path} HTTP/1.1\r\nhost: {endpoint}\r\nconnection: close\r\ncontent-length: {}\r\n\r\n\
         {body}",
        body.len()
    )?;
    let mut reply = String::new();
    stream.read_to_string(&mut reply)?;
    let (_, body) = reply.split_once("\r\n\r\n").ok_or("a body")?;
    Ok(serde_json::from_str(body)?)
}

fn signal(pid: u32, signal: &str) -> TestResult {
    let sent = Command::new("kill").args([signal, &pid.to_string()]).status()?;
    if sent.success() { Ok(()) } else { Err("kill failed".into()) }
}

/// Waits until a process that is not our child is gone.
fn await_end(pid: u64) -> TestResult {
    let until = Instant::now() + Duration::from_secs(10);
    let stat = format!("/proc/{pid}/stat");
    // Whoever inherits it may take its time to reap it: a zombie has ended.
    while std::fs::read_to_string(&stat).is_ok_and(|stat| !stat.contains(") Z ")) {
        if Instant::now() > until {
            return Err(format!("process {pid} still runs").into());
        }
        std::thread::sleep(Duration::from_millis(5));
    }
    Ok(())
}

#[test]
fn sandboxes_end_with_the_program_however_it_ends() -> TestResult {
    let root = tempfile::tempdir()?;
    let folder = support::bootstrap_folder(root.path());
    for (index, ending) in ["-TERM", "-INT", "-KILL"].into_iter().enumerate() {
        let (mut program, environment) = start(&root.path().join("state"))?;
        assert_eq!(environment["AWS_REGION"], "us-east-1");
        if index == 0 {
            let code = json!({ "S3Bucket": "hot-reload", "S3Key": folder });
            let function = json!({ "FunctionName": "f", "Runtime": "provided.al2023", "Code": code });
            assert_eq!(lambda(&environment, "", &function)?["State"], "Active");
        }
        // The function is still deployed in the second and third run.
        let pid = lambda(&environment, "/f/invocations", &json!({ "do": "pid" }))?.as_u64().ok_or("a pid")?;
        assert!(std::path::Path::new(&format!("/proc/{pid}")).exists());
        signal(program.id(), ending)?;
        let status = program.wait()?;
        assert_eq!(status.success(), ending != "-KILL", "{ending}: {status}");
        await_end(pid)?;
    }
    Ok(())
}

#[test]
fn the_help_has_examples() -> TestResult {
    let output = Command::new(env!("CARGO_BIN_EXE_firesteel-emulator")).arg("--help").output()?;
    let help = String::from_utf8(output.stdout)?;
    assert!(output.status.success() && help.contains("Examples:") && help.contains("--s3-port"), "{help}");
    Ok(())
}
