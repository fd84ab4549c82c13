//! `firesteel`: the composition root. It parses the command line, puts the rooms together, and turns errors into one
//! line and an exit status.

#![expect(clippy::print_stdout, clippy::print_stderr, reason = "this is the program that talks to people")]

mod args;
mod commands;
mod error;
mod output;
mod panics;
mod progress;
mod runtime;
mod session;

use std::process::ExitCode;

use clap::{CommandFactory, Parser};

use crate::args::{Cli, Command};
use crate::error::CliError;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    let cli = Cli::parse();
    let filter = tracing_subscriber::EnvFilter::try_from_default_env()
        .unwrap_or_else(|_| tracing_subscriber::EnvFilter::new("error"));
    tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).init();
    // Two of the linked crates would each pick another provider.
    if rustls::crypto::aws_lc_rs::default_provider().install_default().is_err() {
        tracing::warn!("a TLS provider was installed before");
    }
    panics::quiet();
    match panics::catch(|| run(cli)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("firesteel: {}", error.line());
            ExitCode::from(error.exit_code())
        }
    }
}

/// Planning, running and dropping a query go down into it by recursion, and a query may nest thousands of levels. It is
/// address space until it is used.
const THREAD_STACK_BYTES: usize = 512 << 20;

fn run(cli: Cli) -> Result<(), CliError> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .thread_stack_size(THREAD_STACK_BYTES)
        .enable_all()
        .build()
        .map_err(|source| CliError::File { path: "tokio runtime".into(), source })?;
    runtime.block_on(async {
        match cli.command {
            Command::Sql(args) => commands::sql(args).await,
            Command::Jobs(args) => commands::jobs(args).await,
            Command::Resume(args) => commands::resume(args).await,
            Command::Cancel(args) => commands::cancel(args).await,
            Command::Simulate(args) => commands::simulate(&args),
            Command::Gc(args) => commands::gc(args).await,
            Command::Explain(args) => commands::explain(args).await,
            Command::Demo(args) => commands::demo(args).await,
            Command::Tpch(args) => commands::tpch(&args),
            Command::Serve(args) => commands::serve(args).await,
            Command::Bench(args) => commands::bench(args).await,
            Command::Completions { shell } => {
                clap_complete::generate(shell, &mut Cli::command(), "firesteel", &mut std::io::stdout());
                Ok(())
            }
        }
    })
}
