//! Bytes to lines to batches.

use std::collections::VecDeque;

use arrow::array::{ArrayRef, RecordBatch, RecordBatchOptions, StringBuilder};
use arrow::datatypes::SchemaRef;
use bytes::Bytes;
use datafusion::common::{DataFusionError, Result, exec_err};
use futures::stream::{self, BoxStream, StreamExt};
use std::sync::Arc;

use crate::codec::Decompressor;

/// Text of a batch before it is given on, even if it has few rows.
const BATCH_BYTES: usize = 8 * 1024 * 1024;
/// The longest line: an Arrow array of plain strings holds 2 GiB.
const LINE_BYTES_MAX: usize = 1 << 30;

/// How the text of a file is cut.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Cut {
    /// After `\n`, `\r` and `\r\n`.
    AnyEnd,
    /// After this text.
    At(Vec<u8>),
    /// Not at all: the file is one row.
    Whole,
}

/// Cuts the bytes that it is given; the last line may lack its end.
struct Cutter {
    cut: Cut,
    pending: Vec<u8>,
    /// Bytes of `pending` in which no end was found.
    searched: usize,
    /// The last line ended in `\r`: a `\n` that follows belongs to that end.
    after_return: bool,
}

impl Cutter {
    fn push(&mut self, bytes: &[u8], lines: &mut VecDeque<Vec<u8>>) -> Result<()> {
        self.pending.extend_from_slice(bytes);
        let mut from = 0;
        if std::mem::take(&mut self.after_return) {
            match self.pending.first() {
                Some(b'\n') => from = 1,
                Some(_) => {}
                None => self.after_return = true,
            }
        }
        let mut search = self.searched.max(from);
        while let Some((at, len)) = self.end_from(search) {
            lines.push_back(self.pending[from..at].to_vec());
            let mut next = at + len;
            if self.cut == Cut::AnyEnd && self.pending[at] == b'\r' {
                match self.pending.get(next) {
                    Some(b'\n') => next += 1,
                    Some(_) => {}
                    None => self.after_return = true,
                }
            }
            (from, search) = (next, next);
        }
        self.pending.drain(..from);
        // An end of several bytes may be cut in two.
        let overlap = if let Cut::At(end) = &self.cut { end.len() - 1 } else { 0 };
        self.searched = self.pending.len().saturating_sub(overlap);
        if self.pending.len() > LINE_BYTES_MAX {
            return exec_err!("a line is longer than {LINE_BYTES_MAX} bytes; is the file text, and its lineSep right?");
        }
        Ok(())
    }

    fn end_from(&self, from: usize) -> Option<(usize, usize)> {
        let rest = self.pending.get(from..)?;
        match &self.cut {
            Cut::AnyEnd => rest.iter().position(|byte| matches!(byte, b'\n' | b'\r')).map(|at| (from + at, 1)),
            Cut::At(end) => rest.windows(end.len()).position(|window| window == end).map(|at| (from + at, end.len())),
            Cut::Whole => None,
        }
    }
}

struct Lines {
    bytes: BoxStream<'static, Result<Bytes>>,
    decompressor: Option<Decompressor>,
    cutter: Cutter,
    ready: VecDeque<Vec<u8>>,
    is_ended: bool,
    header: Header,
    has_started: bool,
    schema: SchemaRef,
    batch_rows: usize,
}

/// The line with the names of columns, which is no row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Header {
    None,
    /// The first line that is not blank and does not begin with the comment letter.
    Skip {
        comment: Option<char>,
    },
}

/// The lines of `bytes` in batches of `schema`: of the one column of text, or of none.
pub(crate) fn batches(
    bytes: BoxStream<'static, Result<Bytes>>,
    decompressor: Option<Decompressor>,
    cut: Cut,
    header: Header,
    schema: SchemaRef,
    batch_rows: usize,
) -> BoxStream<'static, Result<RecordBatch>> {
    let cutter = Cutter { cut, pending: Vec::new(), searched: 0, after_return: false };
    let lines = Lines {
        bytes,
        decompressor,
        cutter,
        ready: VecDeque::new(),
        is_ended: false,
        header,
        has_started: false,
        schema,
        batch_rows,
    };
    stream::try_unfold(lines, |mut lines| async move {
        let batch = lines.next_batch().await?;
        Ok(batch.map(|batch| (batch, lines)))
    })
    .boxed()
}

impl Lines {
    async fn next_batch(&mut self) -> Result<Option<RecordBatch>> {
        let mut values = StringBuilder::new();
        let mut rows = 0;
        let mut bytes = 0;
        while rows < self.batch_rows && bytes < BATCH_BYTES {
            let Some(line) = self.next_line().await? else { break };
            if self.is_header(&line) {
                continue;
            }
            rows += 1;
            bytes += line.len();
            // As Java decodes text: what is no UTF-8 is a replacement letter.
            values.append_value(String::from_utf8_lossy(&line));
        }
        if rows == 0 {
            return Ok(None);
        }
        let columns: Vec<ArrayRef> =
            if self.schema.fields().is_empty() { Vec::new() } else { vec![Arc::new(values.finish())] };
        let options = RecordBatchOptions::new().with_row_count(Some(rows));
        Ok(Some(RecordBatch::try_new_with_options(Arc::clone(&self.schema), columns, &options)?))
    }

    fn is_header(&mut self, line: &[u8]) -> bool {
        let Header::Skip { comment } = self.header else { return false };
        let text = String::from_utf8_lossy(line);
        if text.trim().is_empty() || comment.is_some_and(|comment| text.starts_with(comment)) {
            return false;
        }
        self.header = Header::None;
        true
    }

    async fn next_line(&mut self) -> Result<Option<Vec<u8>>> {
        loop {
            if let Some(line) = self.ready.pop_front() {
                return Ok(Some(line));
            }
            if self.is_ended {
                return Ok(None);
            }
            self.read().await?;
        }
    }

    async fn read(&mut self) -> Result<()> {
        let plain = match self.bytes.next().await {
            Some(bytes) => {
                let bytes = bytes?;
                match &mut self.decompressor {
                    Some(decompressor) => decompressor.push(&bytes).map_err(DataFusionError::IoError)?,
                    None => bytes.to_vec(),
                }
            }
            None => {
                self.is_ended = true;
                match self.decompressor.take() {
                    Some(decompressor) => decompressor.finish().map_err(DataFusionError::IoError)?,
                    None => Vec::new(),
                }
            }
        };
        let plain = self.without_mark(&plain);
        self.cutter.push(plain, &mut self.ready)?;
        let is_left = !self.cutter.pending.is_empty() || self.cutter.cut == Cut::Whole;
        if self.is_ended && is_left {
            self.ready.push_back(std::mem::take(&mut self.cutter.pending));
        }
        Ok(())
    }

    /// A file may begin with the byte order mark of UTF-8.
    fn without_mark<'a>(&mut self, plain: &'a [u8]) -> &'a [u8] {
        if plain.is_empty() || std::mem::replace(&mut self.has_started, true) {
            return plain;
        }
        plain.strip_prefix(b"\xef\xbb\xbf").unwrap_or(plain)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use arrow::array::AsArray;
    use arrow::datatypes::{DataType, Field, Schema};

    async fn lines(chunks: &[&'static str], cut: Cut, header: Header) -> Vec<String> {
        let bytes =
            stream::iter(chunks.iter().map(|chunk| Ok(Bytes::from_static(chunk.as_bytes()))).collect::<Vec<_>>());
        let schema = Arc::new(Schema::new(vec![Field::new("value", DataType::Utf8, true)]));
        let batches: Vec<_> = batches(bytes.boxed(), None, cut, header, schema, 2).collect().await;
        let batches = batches.into_iter().map(|batch| batch.expect("text"));
        batches
            .flat_map(|batch| {
                batch.column(0).as_string::<i32>().iter().flatten().map(str::to_owned).collect::<Vec<_>>()
            })
            .collect()
    }

    #[tokio::test]
    async fn ends_are_found_across_chunks() {
        let plain = |chunks| lines(chunks, Cut::AnyEnd, Header::None);
        assert_eq!(plain(&["a\r", "\nb\rc\n\nd"]).await, ["a", "b", "c", "", "d"]);
        assert_eq!(plain(&["a\n"]).await, ["a"]);
        assert_eq!(plain(&["\u{feff}a"]).await, ["a"]);
        assert!(plain(&[""]).await.is_empty());
        assert_eq!(lines(&["a|", "|b|||", "|c"], Cut::At(b"||".to_vec()), Header::None).await, ["a", "b", "", "c"]);
        assert_eq!(lines(&["a\nb", "\n"], Cut::Whole, Header::None).await, ["a\nb\n"]);
    }

    #[tokio::test]
    async fn a_header_is_the_first_line_that_says_something() {
        let header = Header::Skip { comment: Some('#') };
        assert_eq!(lines(&["\n# x\na,b\n1,2\na,b\n"], Cut::AnyEnd, header).await, ["", "# x", "1,2", "a,b"]);
    }
}
