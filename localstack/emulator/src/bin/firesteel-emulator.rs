//! The emulator as a program: prints where it listens and runs until Ctrl-C.

#![expect(clippy::print_stdout, reason = "the endpoints are the program's output")]

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Parser;
use firesteel_emulator::{ACCESS_KEY_ID, Emulator, EmulatorConfig, EmulatorError, Faults, REGION, SECRET_ACCESS_KEY};
use tracing_subscriber::EnvFilter;

const EXAMPLES: &str = "Examples:
  Start it, and use it from another shell:
    $ firesteel-emulator --root ./aws
    $ eval \"$(firesteel-emulator --print-env)\"
    $ aws s3 mb s3://data

  Deploy a folder that holds `bootstrap`, without a zip:
    $ aws lambda create-function --function-name hello --runtime provided.al2023 \\
        --handler bootstrap --role arn:aws:iam::000000000000:role/lambda \\
        --code S3Bucket=hot-reload,S3Key=\"$PWD/target/lambda/hello\"
    $ aws lambda invoke --function-name hello --payload '{}' --cli-binary-format raw-in-base64-out /dev/stdout

  Every twentieth request to S3 fails, and every tenth function dies after its work:
    $ firesteel-emulator --faults seed=7,s3=0.05,lambda.crash_after=0.1

  State for one run only, on any ports that are free:
    $ firesteel-emulator --root \"$(mktemp -d)\" --s3-port 0 --lambda-port 0";

/// S3 and Lambda on this machine, without Docker: buckets are folders, functions are processes.
#[derive(Debug, Parser)]
#[command(version, after_help = EXAMPLES)]
struct Arguments {
    /// Folder of the state: objects, functions, logs. Made if missing; what is in it stays
    #[arg(long, env = "FIRESTEEL_EMULATOR_ROOT", default_value = ".firesteel-emulator")]
    root: PathBuf,
    /// Port of S3 on 127.0.0.1; 0 takes any that is free
    #[arg(long, default_value_t = 9000)]
    s3_port: u16,
    /// Port of Lambda on 127.0.0.1; 0 takes any that is free
    #[arg(long, default_value_t = 9001)]
    lambda_port: u16,
    /// How many invocations may run at once, over all functions
    #[arg(long, default_value_t = 1000)]
    account_concurrency: usize,
    /// Fail as AWS does on a bad day, by chance and by seed, such as seed=7,s3=0.05,lambda.crash_after=0.1
    #[arg(long, value_name = "TEXT", default_value = "")]
    faults: Faults,
    /// Print the environment for these ports as shell commands, and exit
    #[arg(long)]
    print_env: bool,
}

#[tokio::main]
async fn main() -> ExitCode {
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("warn,s3s=off"));
    tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).init();
    let arguments = Arguments::parse();
    if arguments.print_env {
        let endpoint = |port: u16| format!("http://127.0.0.1:{port}");
        print_env(&endpoint(arguments.s3_port), &endpoint(arguments.lambda_port));
        return ExitCode::SUCCESS;
    }
    match run(arguments).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            let source = std::error::Error::source(&error).map(|source| format!(": {source}")).unwrap_or_default();
            tracing::error!("{error}{source}");
            ExitCode::FAILURE
        }
    }
}

async fn run(arguments: Arguments) -> Result<(), EmulatorError> {
    let Arguments { root, s3_port, lambda_port, account_concurrency, faults, .. } = arguments;
    let emulator = Emulator::start(EmulatorConfig { root, s3_port, lambda_port, account_concurrency, faults }).await?;
    println!("# Running until Ctrl-C. For the shells that use it:");
    print_env(emulator.s3_endpoint(), emulator.lambda_endpoint());
    ended().await;
    emulator.shutdown().await;
    Ok(())
}

fn print_env(s3_endpoint: &str, lambda_endpoint: &str) {
    println!("export AWS_ENDPOINT_URL_S3={s3_endpoint}");
    println!("export AWS_ENDPOINT_URL_LAMBDA={lambda_endpoint}");
    println!("export AWS_ACCESS_KEY_ID={ACCESS_KEY_ID}");
    println!("export AWS_SECRET_ACCESS_KEY={SECRET_ACCESS_KEY}");
    println!("export AWS_REGION={REGION}");
}

/// Ctrl-C, or the signal by which services are stopped.
async fn ended() {
    use tokio::signal::unix::{SignalKind, signal};
    let Ok(mut terminate) = signal(SignalKind::terminate()) else {
        // Without the second, the first will do.
        let _ = tokio::signal::ctrl_c().await;
        return;
    };
    tokio::select! {
        _ = tokio::signal::ctrl_c() => {}
        _ = terminate.recv() => {}
    }
}
