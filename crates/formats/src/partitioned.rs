//! [`PartitionedSink`]: rows to files, one for each combination of values of the partition columns.

use std::collections::HashMap;
use std::sync::Arc;

use arrow::array::{ArrayRef, AsArray, Int64Array, RecordBatch, StringArray, UInt32Array};
use arrow::compute::take_record_batch;
use arrow::datatypes::{DataType, Field, Int64Type, Schema, SchemaRef};
use datafusion::common::{Result, internal_err};
use firesteel_storage::Storage;
use uuid::Uuid;

use crate::part_path::partition_folder;
use crate::sink::{OpenFile, SinkSpec, file_schema, text_value};

/// Files that are open at a time: each holds up to a row group, and the bytes of a part of its upload.
const OPEN_FILES_MAX: usize = 64;

/// A file that an attempt has written, where no reader looks yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WrittenFile {
    pub url: String,
    /// `a=1/b=x`, or nothing.
    pub folder: String,
    pub rows: u64,
    pub bytes: u64,
}

/// The columns of [`written_batch`].
pub fn written_schema() -> SchemaRef {
    Arc::new(Schema::new(vec![
        Field::new("url", DataType::Utf8, false),
        Field::new("folder", DataType::Utf8, false),
        Field::new("rows", DataType::Int64, false),
        Field::new("bytes", DataType::Int64, false),
    ]))
}

/// What a task says of its files.
pub fn written_batch(files: &[WrittenFile]) -> Result<RecordBatch> {
    let columns: Vec<ArrayRef> = vec![
        Arc::new(StringArray::from_iter_values(files.iter().map(|file| &file.url))),
        Arc::new(StringArray::from_iter_values(files.iter().map(|file| &file.folder))),
        Arc::new(Int64Array::from_iter_values(files.iter().map(|file| file.rows as i64))),
        Arc::new(Int64Array::from_iter_values(files.iter().map(|file| file.bytes as i64))),
    ];
    Ok(RecordBatch::try_new(written_schema(), columns)?)
}

/// [`written_batch`] read back.
pub fn written_files(batch: &RecordBatch) -> Result<Vec<WrittenFile>> {
    let columns = (batch.columns().first(), batch.columns().get(1), batch.columns().get(2), batch.columns().get(3));
    let (Some(url), Some(folder), Some(rows), Some(bytes)) = columns else {
        return internal_err!("the answer of a write has {} columns", batch.num_columns());
    };
    let typed = (
        url.as_string_opt::<i32>(),
        folder.as_string_opt::<i32>(),
        rows.as_primitive_opt::<Int64Type>(),
        bytes.as_primitive_opt::<Int64Type>(),
    );
    let (Some(url), Some(folder), Some(rows), Some(bytes)) = typed else {
        return internal_err!("the answer of a write has other columns: {}", batch.schema());
    };
    Ok((0..batch.num_rows())
        .map(|row| WrittenFile {
            url: url.value(row).to_owned(),
            folder: folder.value(row).to_owned(),
            rows: rows.value(row) as u64,
            bytes: bytes.value(row) as u64,
        })
        .collect())
}

/// Takes the batches of one partition of a task.
pub struct PartitionedSink {
    storage: Storage,
    spec: SinkSpec,
    /// Open files by folder, with the number of the batch that last went there.
    open: HashMap<String, (OpenFile, u64)>,
    batches: u64,
    written: Vec<WrittenFile>,
}

impl PartitionedSink {
    pub fn new(storage: Storage, spec: SinkSpec) -> Self {
        Self { storage, spec, open: HashMap::new(), batches: 0, written: Vec::new() }
    }

    pub async fn write(&mut self, batch: &RecordBatch) -> Result<()> {
        if batch.num_columns() != self.spec.columns.len() {
            let found = batch.num_columns();
            return internal_err!("rows of {found} columns are to be written as {}", self.spec.columns.len());
        }
        self.batches += 1;
        let data = batch.num_columns() - self.spec.partition_columns;
        let schema = file_schema(&batch.schema(), &self.spec.columns[..data]);
        let of_file = RecordBatch::try_new(schema, batch.columns()[..data].to_vec())?;
        if self.spec.partition_columns == 0 {
            return self.write_to(String::new(), of_file).await;
        }
        for (folder, rows) in self.folders(batch, data) {
            let rows = take_record_batch(&of_file, &UInt32Array::from(rows))?;
            self.write_to(folder, rows).await?;
        }
        Ok(())
    }

    /// Rows by folder, in the order in which folders come.
    fn folders(&self, batch: &RecordBatch, data: usize) -> Vec<(String, Vec<u32>)> {
        let columns = &batch.columns()[data..];
        let names = &self.spec.columns[data..];
        let mut index: HashMap<Vec<Option<&str>>, usize> = HashMap::new();
        let mut folders: Vec<(String, Vec<u32>)> = Vec::new();
        for row in 0..batch.num_rows() {
            let values: Vec<Option<&str>> = columns.iter().map(|column| text_value(column, row)).collect();
            let at = index.get(&values).copied().unwrap_or_else(|| {
                let folder = partition_folder(names.iter().map(String::as_str).zip(values.iter().copied()));
                // Null and the empty text go to one folder.
                let known = folders.iter().position(|(known, _)| *known == folder);
                let at = known.unwrap_or(folders.len());
                if known.is_none() {
                    folders.push((folder, Vec::new()));
                }
                index.insert(values, at);
                at
            });
            folders[at].1.push(row as u32);
        }
        folders
    }

    async fn write_to(&mut self, folder: String, mut rows: RecordBatch) -> Result<()> {
        let max = self.spec.records_per_file_max.unwrap_or(usize::MAX).max(1);
        while rows.num_rows() > 0 {
            if !self.open.contains_key(&folder) {
                self.make_room().await?;
                let url = format!("{}/{}{}", self.spec.folder, Uuid::new_v4(), self.spec.format.extension());
                let file = OpenFile::create(&self.storage, url, &self.spec.format, rows.schema()).await?;
                self.open.insert(folder.clone(), (file, 0));
            }
            let Some((file, used)) = self.open.get_mut(&folder) else { return internal_err!("a file was lost") };
            *used = self.batches;
            let taken = rows.num_rows().min(max - file.rows);
            file.write(&rows.slice(0, taken)).await?;
            let is_full = file.rows >= max;
            rows = rows.slice(taken, rows.num_rows() - taken);
            if is_full {
                self.close(&folder).await?;
            }
        }
        Ok(())
    }

    /// Closes the file that has waited longest, if there are too many.
    async fn make_room(&mut self) -> Result<()> {
        if self.open.len() < OPEN_FILES_MAX {
            return Ok(());
        }
        let oldest = self.open.iter().min_by_key(|(_, (_, used))| *used).map(|(folder, _)| folder.clone());
        match oldest {
            Some(folder) => self.close(&folder).await,
            None => Ok(()),
        }
    }

    async fn close(&mut self, folder: &str) -> Result<()> {
        if let Some((file, _)) = self.open.remove(folder) {
            let (url, rows, bytes) = file.finish().await?;
            self.written.push(WrittenFile { url, folder: folder.to_owned(), rows: rows as u64, bytes });
        }
        Ok(())
    }

    /// Bytes that open files hold back.
    pub fn memory_bytes(&self) -> usize {
        self.open.values().map(|(file, _)| file.memory_bytes()).sum()
    }

    /// Lets go of what is held back.
    pub async fn flush(&mut self) -> Result<()> {
        for (file, _) in self.open.values_mut() {
            file.flush().await?;
        }
        Ok(())
    }

    /// The file of no rows that keeps a schema, or a header, when there was nothing to write.
    pub async fn write_empty(&mut self, schema: SchemaRef) -> Result<()> {
        let url = format!("{}/{}{}", self.spec.folder, Uuid::new_v4(), self.spec.format.extension());
        let schema = file_schema(&schema, &self.spec.columns);
        let file = OpenFile::create(&self.storage, url, &self.spec.format, schema).await?;
        self.open.insert(String::new(), (file, 0));
        Ok(())
    }

    /// All files, whole.
    pub async fn finish(mut self) -> Result<Vec<WrittenFile>> {
        let mut folders: Vec<String> = self.open.keys().cloned().collect();
        folders.sort();
        for folder in folders {
            self.close(&folder).await?;
        }
        Ok(self.written)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sink::FileFormat;
    use firesteel_storage::StorageOptions;

    fn rows(values: &[(&str, Option<&str>)]) -> RecordBatch {
        let text = StringArray::from_iter_values(values.iter().map(|(value, _)| value));
        let key = StringArray::from_iter(values.iter().map(|(_, key)| *key));
        let columns = [("#1", Arc::new(text) as ArrayRef), ("#2", Arc::new(key) as ArrayRef)];
        RecordBatch::try_from_iter(columns).expect("columns of a length")
    }

    #[tokio::test]
    async fn rows_go_to_the_folders_of_their_values() {
        let storage = Storage::new(StorageOptions::default());
        let format = FileFormat::Text {
            codec: None,
            line_separator: "\n".to_owned(),
            header: Some("h".to_owned()),
            extension: ".csv".to_owned(),
        };
        let spec = SinkSpec {
            folder: "memory://sink/t".to_owned(),
            format,
            columns: vec!["v".to_owned(), "k".to_owned()],
            partition_columns: 1,
            records_per_file_max: Some(2),
        };
        let mut sink = PartitionedSink::new(storage.clone(), spec);
        sink.write(&rows(&[("a", Some("x")), ("b", None), ("c", Some("x"))])).await.expect("to memory");
        sink.write(&rows(&[("d", Some("")), ("e", Some("x"))])).await.expect("to memory");
        let files = sink.finish().await.expect("to memory");
        assert_eq!(written_files(&written_batch(&files).expect("a batch")).expect("files"), files);
        let mut texts = Vec::new();
        for file in &files {
            let bytes = storage.get(&file.url).await.expect("it was written");
            texts.push((file.folder.clone(), file.rows, String::from_utf8(bytes.to_vec()).expect("text")));
        }
        texts.sort();
        let none = "k=__HIVE_DEFAULT_PARTITION__".to_owned();
        assert_eq!(
            texts,
            [
                (none, 2, "h\nb\nd\n".to_owned()),
                ("k=x".to_owned(), 1, "h\ne\n".to_owned()),
                ("k=x".to_owned(), 2, "h\na\nc\n".to_owned()),
            ]
        );
    }
}
