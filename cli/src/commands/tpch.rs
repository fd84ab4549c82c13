//! `firesteel tpch`: data to try things on.

use std::path::Path;

use firesteel_tpch::{TABLES, is_complete, part_count, table_dir, write_tables};
use indicatif::{ProgressBar, ProgressStyle};

use crate::args::TpchArgs;
use crate::error::CliError;

pub fn tpch(args: &TpchArgs) -> Result<(), CliError> {
    make_data(&args.output, args.scale)?;
    println!("TPC-H at scale factor {} is in {}", args.scale, args.output.display());
    Ok(())
}

/// Makes the tables unless they are there.
pub fn make_data(root: &Path, scale: f64) -> Result<(), CliError> {
    if is_complete(root, scale) {
        return Ok(());
    }
    let files = TABLES.iter().map(|table| part_count(table, scale)).sum::<usize>();
    let style = ProgressStyle::with_template("TPC-H data [{bar:30}] {pos}/{len} files  {elapsed}")
        .unwrap_or_else(|_| ProgressStyle::default_bar());
    let bar = ProgressBar::new(files as u64).with_style(style);
    let written = write_tables(root, scale, |_| bar.inc(1));
    bar.finish_and_clear();
    Ok(written?)
}

/// The eight tables as `--table` has them.
pub fn tpch_tables(root: &Path) -> Vec<String> {
    TABLES.iter().map(|table| format!("{table}={}", table_dir(root, table).display())).collect()
}
