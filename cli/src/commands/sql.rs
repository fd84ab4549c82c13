//! `firesteel sql`: plan, run, write the answer or a table, say what it took.

use firesteel_coordinator::{EmptyFile, JobControl, JobPolicy, StoredSchema, TableOutput};
use firesteel_formats::Replaces;
use firesteel_planner::{PlannedQuery, Planner, PlannerOptions};
use firesteel_storage::to_url;

use crate::args::SqlArgs;
use crate::error::CliError;
use crate::output::write_answer;
use crate::progress::{Progress, summary};
use crate::runtime::{JobRequest, Runtime};
use crate::session;

pub async fn sql(args: SqlArgs) -> Result<(), CliError> {
    let options = session::options(&args.tables.settings)?;
    let sql = session::query_text(&args.query)?;
    let runtime = Runtime::start(&args.runtime, &options).await?;
    let done = run(&args, &sql, &runtime, options).await;
    runtime.shutdown().await;
    done
}

async fn run(args: &SqlArgs, sql: &str, runtime: &Runtime, options: PlannerOptions) -> Result<(), CliError> {
    let planner = session::planner(&runtime.storage, options, &args.tables.tables).await?;
    let policy = JobPolicy { deadline: args.deadline, ..JobPolicy::default() };
    let control = JobControl { policy, budget_usd: args.budget, ..JobControl::default() };
    let mut request = JobRequest { label: sql.trim().to_owned(), control, ..JobRequest::default() };
    let query = match &args.into {
        Some(path) => plan_into(args, &planner, sql, path, &mut request).await?,
        None => planner.plan_sql(sql).await?,
    };
    if args.runtime.work.is_some() && !args.quiet {
        eprintln!("{} in {}", request.job, runtime.work_url());
    }
    let is_table = request.output.is_some();
    let mut progress = Progress::new(args.quiet);
    let done = runtime.run_as(&query, request, |event| progress.on_event(event)).await;
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

/// A query whose rows become files of a table.
async fn plan_into(
    args: &SqlArgs,
    planner: &Planner,
    sql: &str,
    path: &str,
    request: &mut JobRequest,
) -> Result<PlannedQuery, CliError> {
    let table_url = to_url(path)?.as_str().trim_end_matches('/').to_owned();
    let staging_url = format!("{table_url}/_temporary/{}", request.job);
    let (query, sink, schema) = planner.plan_sql_write(sql, &staging_url).await?;
    let schema = StoredSchema::of(&schema).map_err(|error| CliError::Output(error))?;
    request.output = Some(TableOutput {
        table_url,
        staging_url,
        replaces: if args.overwrite { Replaces::All } else { Replaces::Nothing },
        empty: Some(EmptyFile { sink, schema }),
    });
    Ok(query)
}
