//! The eight tables as folders of Parquet files.

use std::fs::{self, File};
use std::path::{Path, PathBuf};

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use parquet::arrow::ArrowWriter;
use parquet::basic::Compression;
use parquet::file::properties::WriterProperties;
use tpchgen::generators::{
    CustomerGenerator, LineItemGenerator, NationGenerator, OrderGenerator, PartGenerator, PartSuppGenerator,
    RegionGenerator, SupplierGenerator,
};
use tpchgen_arrow::{
    CustomerArrow, LineItemArrow, NationArrow, OrderArrow, PartArrow, PartSuppArrow, RecordBatchIterator, RegionArrow,
    SupplierArrow,
};

/// The tables' names, largest first.
pub const TABLES: [&str; 8] = ["lineitem", "orders", "partsupp", "part", "customer", "supplier", "nation", "region"];

/// Small row groups, so that a file can be shared by many tasks.
const ROW_GROUP_ROWS: usize = 128 * 1024;
const BATCH_ROWS: usize = 8192;

#[derive(Debug, thiserror::Error)]
pub enum TpchError {
    #[error("write TPC-H data to {path}")]
    Io {
        path: PathBuf,
        #[source]
        source: std::io::Error,
    },
    #[error("write TPC-H data to {path}")]
    Parquet {
        path: PathBuf,
        #[source]
        source: parquet::errors::ParquetError,
    },
    #[error("scale factor {scale}: it has to be above 0 and at most 100000")]
    Scale { scale: f64 },
}

/// The folder of a table within `root`.
pub fn table_dir(root: &Path, table: &str) -> PathBuf {
    root.join(table)
}

/// How many files a table has: about one for each million rows of it.
pub fn part_count(table: &str, scale: f64) -> usize {
    let rows_per_scale = match table {
        "lineitem" => 6.0e6,
        "orders" => 1.5e6,
        "partsupp" => 0.8e6,
        "part" => 0.2e6,
        "customer" => 0.15e6,
        "supplier" => 0.01e6,
        _ => 0.0,
    };
    ((rows_per_scale * scale / 1.0e6).ceil() as usize).max(1)
}

/// Whether an earlier [`write_tables`] of this scale came to its end.
pub fn is_complete(root: &Path, scale: f64) -> bool {
    fs::read_to_string(done_file(root)).is_ok_and(|text| text == scale.to_string())
}

fn done_file(root: &Path) -> PathBuf {
    root.join("_SCALE")
}

/// Writes all tables of a scale factor below `root`, with as many threads as there are cores. `on_part` hears of each
/// finished file.
pub fn write_tables(root: &Path, scale: f64, on_part: impl Fn(&str) + Sync) -> Result<(), TpchError> {
    if !(scale > 0.0 && scale <= 100_000.0) {
        return Err(TpchError::Scale { scale });
    }
    let mut parts: Vec<(&str, usize, usize)> = Vec::new();
    for table in TABLES {
        let path = table_dir(root, table);
        fs::create_dir_all(&path).map_err(|source| TpchError::Io { path, source })?;
        let count = part_count(table, scale);
        parts.extend((1..=count).map(|part| (table, part, count)));
    }
    let next = std::sync::atomic::AtomicUsize::new(0);
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    std::thread::scope(|scope| {
        let work = || -> Result<(), TpchError> {
            loop {
                let index = next.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
                let Some((table, part, count)) = parts.get(index) else { return Ok(()) };
                write_part(root, table, scale, *part, *count)?;
                on_part(table);
            }
        };
        let workers: Vec<_> = (0..threads).map(|_| scope.spawn(work)).collect();
        workers.into_iter().try_for_each(|worker| worker.join().unwrap_or(Ok(())))
    })?;
    let path = done_file(root);
    fs::write(&path, scale.to_string()).map_err(|source| TpchError::Io { path, source })
}

fn write_part(root: &Path, table: &str, scale: f64, part: usize, count: usize) -> Result<(), TpchError> {
    let (part_number, count) = (part as i32, count as i32);
    let path = table_dir(root, table).join(format!("part-{part:05}.parquet"));
    match table {
        "lineitem" => write(
            path,
            LineItemArrow::new(LineItemGenerator::new(scale, part_number, count)).with_batch_size(BATCH_ROWS),
        ),
        "orders" => {
            write(path, OrderArrow::new(OrderGenerator::new(scale, part_number, count)).with_batch_size(BATCH_ROWS))
        }
        "partsupp" => write(
            path,
            PartSuppArrow::new(PartSuppGenerator::new(scale, part_number, count)).with_batch_size(BATCH_ROWS),
        ),
        "part" => {
            write(path, PartArrow::new(PartGenerator::new(scale, part_number, count)).with_batch_size(BATCH_ROWS))
        }
        "customer" => write(
            path,
            CustomerArrow::new(CustomerGenerator::new(scale, part_number, count)).with_batch_size(BATCH_ROWS),
        ),
        "supplier" => write(
            path,
            SupplierArrow::new(SupplierGenerator::new(scale, part_number, count)).with_batch_size(BATCH_ROWS),
        ),
        "nation" => write(path, NationArrow::new(NationGenerator::new(scale, part_number, count))),
        _ => write(path, RegionArrow::new(RegionGenerator::new(scale, part_number, count))),
    }
}

fn write(path: PathBuf, batches: impl RecordBatchIterator) -> Result<(), TpchError> {
    let schema = SchemaRef::clone(batches.schema());
    let properties = WriterProperties::builder()
        .set_compression(Compression::SNAPPY)
        .set_max_row_group_row_count(Some(ROW_GROUP_ROWS))
        .build();
    let file = File::create(&path).map_err(|source| TpchError::Io { path: path.clone(), source })?;
    let failed = |source| TpchError::Parquet { path: path.clone(), source };
    let mut writer = ArrowWriter::try_new(file, schema, Some(properties)).map_err(failed)?;
    batches.into_iter().try_for_each(|batch: RecordBatch| writer.write(&batch)).map_err(failed)?;
    writer.close().map_err(failed)?;
    Ok(())
}
