//! `df.show()`: rows as a table of text, as Spark draws it.

use std::sync::Arc;

use arrow::array::{RecordBatch, StringArray};
use arrow::datatypes::Schema;
use firesteel_connect::engine::ProgressSink;
use firesteel_functions::{texts, to_field};
use firesteel_spec::{DataType, Relation, SparkError, SparkResult, StructField};
use futures::StreamExt;

use crate::query::{Rows, arrow_error, limited};
use crate::session::SparkSession;

/// The columns of the answer.
pub(crate) fn schema() -> DataType {
    DataType::Struct { fields: vec![StructField::new("show_string", DataType::STRING, false)] }
}

/// Texts of a table: a header, and rows of cells.
struct Table {
    header: Vec<String>,
    rows: Vec<Vec<String>>,
    /// There are more rows than these.
    more: bool,
}

impl SparkSession {
    pub(crate) async fn show_string(
        &self,
        input: &Relation,
        rows: usize,
        truncate: usize,
        vertical: bool,
        progress: &ProgressSink,
    ) -> SparkResult<Rows> {
        let table = self.table(input, rows, truncate, progress).await?;
        let text = if vertical { draw_vertical(&table, rows) } else { draw(&table, truncate, rows) };
        one_text(text)
    }

    pub(crate) async fn html_string(
        &self,
        input: &Relation,
        rows: usize,
        truncate: usize,
        progress: &ProgressSink,
    ) -> SparkResult<Rows> {
        let table = self.table(input, rows, truncate, progress).await?;
        one_text(draw_html(&table, rows))
    }

    async fn table(
        &self,
        input: &Relation,
        rows: usize,
        truncate: usize,
        progress: &ProgressSink,
    ) -> SparkResult<Table> {
        let answer = self.rows(&limited(input, rows.saturating_add(1)), progress).await?;
        let DataType::Struct { fields } = answer.schema.clone() else {
            return Err(SparkError::internal("the schema of rows is no struct"));
        };
        let zone = self.resolve_options().settings.time_zone;
        let mut cells: Vec<Vec<String>> = Vec::new();
        for batch in answer.collect().await? {
            let columns = batch
                .columns()
                .iter()
                .zip(&fields)
                .map(|(column, field)| texts(column, &field.data_type, &zone))
                .collect::<Result<Vec<StringArray>, _>>()
                .map_err(|error| SparkError::internal(format!("show a column: {error}")))?;
            let row = |row| columns.iter().map(|column| cell(column.value(row), truncate)).collect();
            cells.extend((0..batch.num_rows()).map(row));
        }
        let header = fields.iter().map(|field| cell(&field.name, 0)).collect();
        let more = cells.len() > rows;
        cells.truncate(rows);
        Ok(Table { header, rows: cells, more })
    }
}

fn one_text(text: String) -> SparkResult<Rows> {
    let schema = schema();
    let DataType::Struct { fields } = &schema else { return Ok(Rows::none()) };
    let arrow = Arc::new(Schema::new(fields.iter().map(to_field).collect::<Vec<_>>()));
    let batch = RecordBatch::try_new(arrow, vec![Arc::new(StringArray::from(vec![text]))]).map_err(arrow_error)?;
    Ok(Rows { schema, batches: futures::stream::iter([Ok(batch)]).boxed() })
}

/// A cell's text: control characters escaped, cut to `truncate` characters unless that is 0.
fn cell(text: &str, truncate: usize) -> String {
    let mut escaped = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '\n' => escaped.push_str("\\n"),
            '\r' => escaped.push_str("\\r"),
            '\t' => escaped.push_str("\\t"),
            '\u{c}' => escaped.push_str("\\f"),
            '\u{8}' => escaped.push_str("\\b"),
            '\u{b}' => escaped.push_str("\\v"),
            '\u{7}' => escaped.push_str("\\a"),
            other => escaped.push(other),
        }
    }
    if truncate == 0 || escaped.chars().count() <= truncate {
        return escaped;
    }
    let kept = if truncate < 4 { truncate } else { truncate - 3 };
    let dots = if truncate < 4 { "" } else { "..." };
    format!("{}{dots}", escaped.chars().take(kept).collect::<String>())
}

fn draw(table: &Table, truncate: usize, rows: usize) -> String {
    const WIDTH_MIN: usize = 3;
    let widths: Vec<usize> = (0..table.header.len())
        .map(|column| {
            let cells = table.rows.iter().map(|row| width(&row[column]));
            cells.chain([width(&table.header[column]), WIDTH_MIN]).max().unwrap_or(WIDTH_MIN)
        })
        .collect();
    let rule = format!("+{}+\n", widths.iter().map(|width| "-".repeat(*width)).collect::<Vec<_>>().join("+"));
    let line = |cells: &[String]| {
        let padded: Vec<String> = cells
            .iter()
            .zip(&widths)
            .map(|(cell, wanted)| {
                let space = " ".repeat(wanted.saturating_sub(width(cell)));
                if truncate > 0 { format!("{space}{cell}") } else { format!("{cell}{space}") }
            })
            .collect();
        format!("|{}|\n", padded.join("|"))
    };
    let mut text = format!("{rule}{}{rule}", line(&table.header));
    table.rows.iter().for_each(|row| text.push_str(&line(row)));
    text.push_str(&rule);
    if table.more {
        text.push_str(&only_showing(rows));
    }
    text
}

fn draw_vertical(table: &Table, rows: usize) -> String {
    if table.rows.is_empty() {
        return "(0 rows)\n".to_owned();
    }
    const WIDTH_MIN: usize = 3;
    let names = table.header.iter().map(|name| width(name)).chain([WIDTH_MIN]).max().unwrap_or(WIDTH_MIN);
    let cells = table.rows.iter().flatten().map(|cell| width(cell)).chain([WIDTH_MIN]).max().unwrap_or(WIDTH_MIN);
    let mut text = String::new();
    for (index, row) in table.rows.iter().enumerate() {
        let head = format!("-RECORD {index}");
        text.push_str(&format!("{head:-<width$}\n", width = names + cells + 5));
        for (name, cell) in table.header.iter().zip(row) {
            let (name_space, cell_space) = (" ".repeat(names - width(name)), " ".repeat(cells - width(cell)));
            text.push_str(&format!(" {name}{name_space} | {cell}{cell_space} \n"));
        }
    }
    if table.more {
        text.push_str(&only_showing(rows));
    }
    text
}

fn draw_html(table: &Table, rows: usize) -> String {
    let escape = |text: &String| text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
    let line = |cells: &[String], tag: &str| {
        let cells: Vec<String> = cells.iter().map(|cell| format!("<{tag}>{}</{tag}>", escape(cell))).collect();
        format!("<tr>{}</tr>\n", cells.concat())
    };
    let mut text = format!("<table border='1'>\n{}", line(&table.header, "th"));
    table.rows.iter().for_each(|row| text.push_str(&line(row, "td")));
    text.push_str("</table>\n");
    if table.more {
        text.push_str(&only_showing(rows));
    }
    text
}

fn only_showing(rows: usize) -> String {
    format!("only showing top {rows} {}\n", if rows == 1 { "row" } else { "rows" })
}

/// Columns of a terminal that a text takes: letters of East Asia take two.
fn width(text: &str) -> usize {
    text.chars().map(|letter| if is_wide(letter) { 2 } else { 1 }).sum()
}

fn is_wide(letter: char) -> bool {
    matches!(letter,
        '\u{1100}'..='\u{115F}' | '\u{2E80}'..='\u{303E}' | '\u{3041}'..='\u{33FF}' | '\u{3400}'..='\u{4DBF}'
        | '\u{4E00}'..='\u{9FFF}' | '\u{A000}'..='\u{A4CF}' | '\u{AC00}'..='\u{D7A3}' | '\u{F900}'..='\u{FAFF}'
        | '\u{FE30}'..='\u{FE4F}' | '\u{FF00}'..='\u{FF60}' | '\u{FFE0}'..='\u{FFE6}')
}
