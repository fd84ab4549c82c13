//! From `--table`, `--set`, `-c` and `-f` to a planner and a query text.

use std::io::Read;
use std::path::Path;

use firesteel_planner::{Planner, PlannerOptions};
use firesteel_storage::Storage;

use crate::args::QueryText;
use crate::error::CliError;

/// Options from `KEY=VALUE` texts.
pub fn options(settings: &[String]) -> Result<PlannerOptions, CliError> {
    let mut options = PlannerOptions::default();
    for setting in settings {
        let (key, value) = setting
            .split_once('=')
            .ok_or_else(|| CliError::Usage(format!("--set {setting}: write it as KEY=VALUE")))?;
        options.set(key.trim(), value.trim())?;
    }
    Ok(options)
}

/// A planner that knows the tables of `NAME=PATH` texts; a name given again adds a path to its table.
pub async fn planner(storage: &Storage, options: PlannerOptions, tables: &[String]) -> Result<Planner, CliError> {
    let planner = Planner::new(storage.clone(), options)?;
    let mut by_name: Vec<(&str, Vec<String>)> = Vec::new();
    for table in tables {
        let (name, path) =
            table.split_once('=').ok_or_else(|| CliError::Usage(format!("--table {table}: write it as NAME=PATH")))?;
        match by_name.iter_mut().find(|(known, _)| *known == name) {
            Some((_, paths)) => paths.push(path.to_owned()),
            None => by_name.push((name, vec![path.to_owned()])),
        }
    }
    for (name, paths) in by_name {
        planner.register_parquet(name, &paths).await?;
    }
    Ok(planner)
}

/// The query, from the command line, a file or the standard input.
pub fn query_text(query: &QueryText) -> Result<String, CliError> {
    match (&query.command, &query.file) {
        (Some(sql), _) => Ok(sql.clone()),
        (None, Some(path)) if path == Path::new("-") => {
            let mut sql = String::new();
            std::io::stdin()
                .read_to_string(&mut sql)
                .map_err(|source| CliError::File { path: "the standard input".into(), source })?;
            Ok(sql)
        }
        (None, Some(path)) => {
            std::fs::read_to_string(path).map_err(|source| CliError::File { path: path.clone(), source })
        }
        (None, None) => Err(CliError::Usage("give the query with -c or -f".to_owned())),
    }
}
