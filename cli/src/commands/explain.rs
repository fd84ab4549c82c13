//! `firesteel explain`: a query's plans.

use datafusion::physical_plan::displayable;
use firesteel_storage::{Storage, StorageOptions};

use crate::args::ExplainArgs;
use crate::error::CliError;
use crate::session;

pub async fn explain(args: ExplainArgs) -> Result<(), CliError> {
    let options = session::options(&args.tables.settings)?;
    let sql = session::query_text(&args.query)?;
    let storage = Storage::new(StorageOptions::from_env());
    let planner = session::planner(&storage, options, &args.tables.tables).await?;
    let query = planner.plan_sql(&sql).await?;
    if args.dot {
        print!("{}", query.graph.dot());
        return Ok(());
    }
    println!("Logical plan\n{}\n", query.logical.display_indent());
    println!("Physical plan\n{}", displayable(query.physical.as_ref()).indent(false));
    println!("Stages\n{}", query.graph);
    Ok(())
}
