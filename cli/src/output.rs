//! Writes an answer as it is read: a table for people, CSV, JSON lines or Parquet.

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::Path;

use arrow::array::RecordBatch;
use arrow::csv::WriterBuilder;
use arrow::json::LineDelimitedWriter;
use arrow::util::pretty::pretty_format_batches;
use firesteel_coordinator::Answer;
use futures::TryStreamExt;
use parquet::arrow::ArrowWriter;

use crate::args::Format;
use crate::error::CliError;

/// A table on a screen shows this many rows; the other formats have all.
const TABLE_ROWS_MAX: usize = 1000;

/// Writes all rows to `path`, or to the standard output. A file that was begun but not finished is deleted.
pub async fn write_answer(answer: Answer, format: Format, path: Option<&Path>) -> Result<(), CliError> {
    match path {
        None if format == Format::Parquet => {
            Err(CliError::Usage("--format parquet needs --output FILE: it is not for a terminal".to_owned()))
        }
        None => write_to(answer, format, Box::new(std::io::stdout())).await,
        Some(path) => {
            let file = File::create(path).map_err(|source| CliError::File { path: path.to_owned(), source })?;
            let written = write_to(answer, format, Box::new(file)).await;
            if written.is_err() {
                // The error at hand matters more than a file that can't be deleted.
                let _ = std::fs::remove_file(path);
            }
            written
        }
    }
}

async fn write_to(answer: Answer, format: Format, sink: Box<dyn Write + Send>) -> Result<(), CliError> {
    let mut sink = BufWriter::new(sink);
    let schema = answer.schema().clone();
    match format {
        Format::Table => write_table(answer, &mut sink).await?,
        Format::Csv => {
            let mut csv = WriterBuilder::new().with_header(true).build(&mut sink);
            csv.write(&RecordBatch::new_empty(schema)).map_err(output_error)?;
            let mut rows = answer.stream();
            while let Some(batch) = rows.try_next().await? {
                csv.write(&batch).map_err(output_error)?;
            }
        }
        Format::Json => {
            let mut json = LineDelimitedWriter::new(&mut sink);
            let mut rows = answer.stream();
            while let Some(batch) = rows.try_next().await? {
                json.write(&batch).map_err(output_error)?;
            }
            json.finish().map_err(output_error)?;
        }
        Format::Parquet => {
            let mut parquet = ArrowWriter::try_new(&mut sink, schema, None).map_err(output_error)?;
            let mut rows = answer.stream();
            while let Some(batch) = rows.try_next().await? {
                parquet.write(&batch).map_err(output_error)?;
            }
            parquet.close().map_err(output_error)?;
        }
    }
    sink.flush().map_err(output_error)
}

async fn write_table(answer: Answer, sink: &mut impl Write) -> Result<(), CliError> {
    let total = answer.rows() as usize;
    let schema = answer.schema().clone();
    let mut shown = Vec::new();
    let mut left = TABLE_ROWS_MAX;
    let mut rows = answer.stream();
    while left > 0
        && let Some(batch) = rows.try_next().await?
    {
        let batch = batch.slice(0, batch.num_rows().min(left));
        left -= batch.num_rows();
        shown.push(batch);
    }
    if shown.is_empty() {
        shown.push(RecordBatch::new_empty(schema));
    }
    let table = pretty_format_batches(&shown).map_err(output_error)?;
    writeln!(sink, "{table}").map_err(output_error)?;
    if total > TABLE_ROWS_MAX {
        let hint = "use --format csv, json or parquet for all";
        writeln!(sink, "first {TABLE_ROWS_MAX} of {total} rows; {hint}").map_err(output_error)?;
    }
    Ok(())
}

fn output_error(error: impl std::error::Error + Send + Sync + 'static) -> CliError {
    CliError::Output(Box::new(error))
}
