//! Files that a reader names, as a source.

use firesteel_functions::from_field;
use firesteel_spec::{DataSource, StructField};

use crate::resolve::Source;
use crate::{PlanError, Planner, tables};

impl Planner {
    /// The rows of files, with the columns that they have.
    pub async fn load_files(&self, asked: &DataSource) -> Result<Source, PlanError> {
        let format = asked.format.as_deref().unwrap_or("parquet").to_lowercase();
        if format != "parquet" {
            return Err(PlanError::Unsupported(format!("reading {format} files")));
        }
        if asked.paths.is_empty() {
            return Err(PlanError::Table { table: format, reason: "it has no path".to_owned() });
        }
        let provider = tables::parquet_table(&self.session().state(), &asked.paths.join(", "), &asked.paths).await?;
        let schema = provider.schema();
        let columns = schema.fields().iter().map(|field| {
            // A file may lack a column, or a value.
            from_field(field).map(|column| StructField { nullable: true, ..column })
        });
        let columns = columns.collect::<Result<Vec<_>, _>>().map_err(|error| PlanError::Unsupported(error.message))?;
        Ok(Source::Table { provider, columns, qualifier: Vec::new() })
    }
}
