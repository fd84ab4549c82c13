//! The function that the emulator's tests deploy: speaks the Runtime API by hand, so that no library stands between
//! the test and the emulator, and does what the event tells it to.
//!
//! | event | reply or deed |
//! |---|---|
//! | `{"do": "echo", …}` | the event itself |
//! | `{"do": "pid"}` | the process id |
//! | `{"do": "env", "name": N}` | the value of an environment variable |
//! | `{"do": "context"}` | the headers that came with the event |
//! | `{"do": "sleep", "ms": N}` | the process id, after a while |
//! | `{"do": "linger", "ms": N}` | the process id; asks for the next event only after a while |
//! | `{"do": "touch", "path": P}` | writes its process id to a file |
//! | `{"do": "append", "path": P, "after": Q}` | adds its process id to a file as a line, once the file Q is there |
//! | `{"do": "print", "line": L}` | prints a line to stdout |
//! | `{"do": "allocate", "mb": N}` | holds so much memory until it is killed |
//! | `{"do": "respond", "bytes": N}` | a JSON string of N bytes |
//! | `{"do": "error"}` | reports an error |
//! | `{"do": "exit", "code": N}` | exits |
//! | `{"do": "abort"}` | aborts |
//!
//! The variables `INIT_EXIT` and `INIT_ERROR` make the start fail.

#![expect(clippy::print_stdout, reason = "a function's log is its standard output")]

use std::collections::BTreeMap;
use std::error::Error;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use serde_json::{Value, json};

const RUNTIME: &str = "/2018-06-01/runtime";

type Headers = BTreeMap<String, String>;

fn main() -> Result<(), Box<dyn Error>> {
    if std::env::var_os("INIT_EXIT").is_some() {
        std::process::exit(7);
    }
    let mut api = RuntimeApi::connect()?;
    if std::env::var_os("INIT_ERROR").is_some() {
        api.request("POST", "/init/error", br#"{"errorType":"Test.Init","errorMessage":"no"}"#)?;
        std::process::exit(1);
    }
    loop {
        let (headers, event) = api.request("GET", "/invocation/next", b"")?;
        let id = headers.get("lambda-runtime-aws-request-id").cloned().unwrap_or_default();
        let event: Value = serde_json::from_slice(&event)?;
        match act(&event, &headers) {
            Ok(reply) => api.request("POST", &format!("/invocation/{id}/response"), reply.to_string().as_bytes())?,
            Err(error) => api.request("POST", &format!("/invocation/{id}/error"), error.to_string().as_bytes())?,
        };
        if event["do"] == "linger" {
            pause(&event);
        }
    }
}

/// What an event asks for; `Err` is the error to report.
fn act(event: &Value, headers: &Headers) -> Result<Value, Value> {
    let number = |name: &str| event[name].as_u64().and_then(|number| usize::try_from(number).ok()).unwrap_or(0);
    let pid = json!(std::process::id());
    match event["do"].as_str().unwrap_or("echo") {
        "pid" | "linger" => Ok(pid),
        "env" => Ok(json!(std::env::var(event["name"].as_str().unwrap_or_default()).ok())),
        "context" => Ok(json!(headers)),
        "sleep" => {
            pause(event);
            Ok(pid)
        }
        "touch" => {
            let path = event["path"].as_str().unwrap_or_default();
            // Under another name first: whoever sees the file sees all of it.
            let written = std::fs::write(format!("{path}.new"), pid.to_string());
            let written = written.and_then(|()| std::fs::rename(format!("{path}.new"), path));
            pause(event);
            written.map(|()| pid).map_err(|error| json!({ "errorType": "Test.Io", "errorMessage": error.to_string() }))
        }
        "append" => {
            let after = event["after"].as_str();
            while after.is_some_and(|after| !std::path::Path::new(after).exists()) {
                std::thread::sleep(Duration::from_millis(5));
            }
            let path = event["path"].as_str().unwrap_or_default();
            let file = std::fs::OpenOptions::new().create(true).append(true).open(path);
            let written = file.and_then(|mut file| file.write_all(format!("{pid}\n").as_bytes()));
            written.map(|()| pid).map_err(|error| json!({ "errorType": "Test.Io", "errorMessage": error.to_string() }))
        }
        "print" => {
            println!("{}", event["line"].as_str().unwrap_or_default());
            Ok(pid)
        }
        "allocate" => {
            // Not zero, so that every page is really there.
            let held = vec![1_u8; number("mb") << 20];
            pause(event);
            Ok(json!(held.len()))
        }
        "respond" => Ok(json!("x".repeat(number("bytes").saturating_sub(2)))),
        "error" => Err(json!({ "errorType": "Test.Error", "errorMessage": "as asked" })),
        "exit" => std::process::exit(event["code"].as_i64().and_then(|code| i32::try_from(code).ok()).unwrap_or(0)),
        "abort" => std::process::abort(),
        _ => Ok(event.clone()),
    }
}

fn pause(event: &Value) {
    std::thread::sleep(Duration::from_millis(event["ms"].as_u64().unwrap_or(0)));
}

/// One kept-alive connection.
struct RuntimeApi {
    host: String,
    stream: BufReader<TcpStream>,
}

impl RuntimeApi {
    fn connect() -> Result<Self, Box<dyn Error>> {
        let host = std::env::var("AWS_LAMBDA_RUNTIME_API")?;
        let stream = TcpStream::connect(&host)?;
        stream.set_nodelay(true)?;
        Ok(Self { host, stream: BufReader::new(stream) })
    }

    fn request(&mut self, method: &str, path: &str, body: &[u8]) -> Result<(Headers, Vec<u8>), Box<dyn Error>> {
        let head = format!(
            "{method} {RUNTIME}{path} HTTP/1.1\r\nhost: {}\r\ncontent-length: {}\r\n\r\n",
            self.host,
            body.len()
        );
        let message = [head.as_bytes(), body].concat();
        self.stream.get_mut().write_all(&message)?;

        let mut status = String::new();
        self.stream.read_line(&mut status)?;
        let mut headers = Headers::new();
        loop {
            let mut line = String::new();
            self.stream.read_line(&mut line)?;
            let Some((name, value)) = line.trim_end().split_once(": ") else { break };
            headers.insert(name.to_ascii_lowercase(), value.to_owned());
        }
        let length = headers.get("content-length").map_or(Ok(0), |length| length.parse())?;
        let mut body = vec![0; length];
        self.stream.read_exact(&mut body)?;
        if !status.starts_with("HTTP/1.1 2") {
            return Err(format!("{method} {path}: {}", status.trim_end()).into());
        }
        Ok((headers, body))
    }
}
