//! `firesteel sql`: plan, run, write the answer, say what it took.

use crate::args::SqlArgs;
use crate::error::CliError;
use crate::output::write_answer;
use crate::progress::{Progress, summary};
use crate::runtime::Runtime;
use crate::session;

pub async fn sql(args: SqlArgs) -> Result<(), CliError> {
    let options = session::options(&args.tables.settings)?;
    let sql = session::query_text(&args.query)?;
    let runtime = Runtime::start(&args.runtime, &options).await?;
    let done = run(&args, &sql, &runtime, options).await;
    runtime.shutdown().await;
    done
}

async fn run(
    args: &SqlArgs,
    sql: &str,
    runtime: &Runtime,
    options: firesteel_planner::PlannerOptions,
) -> Result<(), CliError> {
    let planner = session::planner(&runtime.storage, options, &args.tables.tables).await?;
    let query = planner.plan_sql(sql).await?;
    let mut progress = Progress::new(args.quiet);
    let done = runtime.run(&query, |event| progress.on_event(event)).await;
    progress.clear();
    let done = done?;
    let written = write_answer(done.outcome.answer, args.format, args.output.as_deref()).await;
    runtime.forget(&done.job_url).await;
    written?;
    if !args.quiet {
        eprintln!("{}", summary(&done.outcome.summary));
    }
    Ok(())
}
