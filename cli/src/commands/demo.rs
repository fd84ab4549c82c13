//! `firesteel demo`: data, three queries as stages of functions, answers, and what AWS would have asked for them.

use firesteel_tpch::queries;

use super::{make_data, tpch_tables};
use crate::args::{DemoArgs, Format};
use crate::error::CliError;
use crate::output::write_answer;
use crate::progress::{Progress, summary};
use crate::runtime::Runtime;
use crate::session;

const SHOWN: [&str; 3] = ["q01", "q05", "q13"];
/// Tasks of a demo's scale are made small, so that there are some.
const TARGET_BYTES: &str = "firesteel.task.target_bytes=4MiB";

pub async fn demo(args: DemoArgs) -> Result<(), CliError> {
    let root =
        args.data.clone().unwrap_or_else(|| std::env::temp_dir().join(format!("firesteel-tpch-sf{}", args.scale)));
    make_data(&root, args.scale)?;
    println!("TPC-H at scale factor {} is in {}", args.scale, root.display());
    let options = session::options(&[TARGET_BYTES.to_owned()])?;
    let runtime = Runtime::start(&args.runtime, &options).await?;
    let done = show(&runtime, options, &root).await;
    runtime.shutdown().await;
    done?;
    println!(
        "\nYour own: firesteel sql --table name=path.parquet -c 'select …'   (also --runtime process; see --help)"
    );
    Ok(())
}

async fn show(
    runtime: &Runtime,
    options: firesteel_planner::PlannerOptions,
    root: &std::path::Path,
) -> Result<(), CliError> {
    let planner = session::planner(&runtime.storage, options, &tpch_tables(root)).await?;
    for query in queries().iter().filter(|query| SHOWN.contains(&query.name)) {
        println!("\n{}\n", query.sql.trim());
        let planned = planner.plan_sql(query.sql).await?;
        let mut progress = Progress::new(false);
        let done = runtime.run(&planned, |event| progress.on_event(event)).await;
        progress.clear();
        let done = done?;
        write_answer(done.outcome.answer, Format::Table, None).await?;
        runtime.forget(&done.job_url).await;
        println!("{}", summary(&done.outcome.summary));
    }
    Ok(())
}
