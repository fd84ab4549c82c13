//! `firesteel resume`: goes on where a coordinator stopped.

use firesteel_coordinator::journal;

use super::jobs::job_url;
use crate::args::ResumeArgs;
use crate::error::CliError;
use crate::output::write_answer;
use crate::progress::{Progress, summary};
use crate::runtime::Runtime;
use crate::session;

pub async fn resume(args: ResumeArgs) -> Result<(), CliError> {
    if args.runtime.work.is_none() {
        return Err(CliError::Usage("--work URL: where the job has its folder".to_owned()));
    }
    let options = session::options(&[])?;
    let runtime = Runtime::start(&args.runtime, &options).await?;
    let done = run(&args, &runtime).await;
    runtime.shutdown().await;
    done
}

async fn run(args: &ResumeArgs, runtime: &Runtime) -> Result<(), CliError> {
    let url = job_url(&runtime.storage, runtime.work_url(), &args.job).await?;
    let state = journal::state(&runtime.storage, &url).await?;
    let is_table = state.spec.is_some_and(|spec| spec.output.is_some());
    let mut progress = Progress::new(args.quiet);
    let done = runtime.resume(url, |event| progress.on_event(event)).await;
    progress.clear();
    let done = done?;
    if is_table {
        runtime.trim(&done.job_url).await;
    } else {
        let written = write_answer(done.outcome.answer, args.format, args.output.as_deref()).await;
        runtime.forget(&done.job_url).await;
        written?;
    }
    if !args.quiet {
        eprintln!("{}", summary(&done.outcome.summary));
    }
    Ok(())
}
