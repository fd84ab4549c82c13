//! Partitions of tables: folders whose names hold the values of columns.

use std::collections::BTreeSet;

use firesteel_functions::scalar;
use firesteel_planner::{ListOptions, list_files};
use firesteel_spec::{DataSource, DataType, Expr, Literal, SparkError, SparkResult};

use super::metastore::Table;
use crate::session::SparkSession;

impl SparkSession {
    /// The folders of a table's partitions, sorted.
    pub(crate) async fn partitions_of(&self, table: &Table) -> SparkResult<Vec<String>> {
        if table.partition_by.is_empty() {
            return Err(SparkError::new(
                "INVALID_PARTITION_OPERATION.PARTITION_SCHEMA_IS_EMPTY",
                format!("the table {} is not partitioned", table.name),
            )
            .with("name", table.quoted()));
        }
        if let Some(known) = &table.partitions {
            let mut known = known.clone();
            known.sort();
            return Ok(known);
        }
        let location = table.location.as_deref().unwrap_or_default();
        let objects = self.cluster.storage.list(location).await.map_err(|error| crate::error::from_storage(&error))?;
        let depth = table.partition_by.len();
        let folders = objects.iter().filter_map(|object| {
            let below = object.url.strip_prefix(location)?.trim_start_matches('/');
            let mut parts: Vec<&str> = below.split('/').collect();
            parts.pop();
            let are_values = parts.len() >= depth && parts[..depth].iter().all(|part| part.contains('='));
            are_values.then(|| parts[..depth].join("/"))
        });
        Ok(folders.collect::<BTreeSet<String>>().into_iter().collect())
    }

    /// The columns that folders of files name.
    pub(crate) async fn partition_names(&self, asked: &DataSource) -> SparkResult<Vec<String>> {
        match list_files(&self.cluster.storage, &asked.paths, &ListOptions::default()).await {
            Ok(list) => Ok(list.partition_columns),
            Err(error) if error.class == "PATH_NOT_FOUND" => Ok(Vec::new()),
            Err(error) => Err(error),
        }
    }

    /// The folder of a partition whose values are all given.
    pub(crate) fn partition_folder(&self, table: &Table, values: &[(String, Expr)]) -> SparkResult<String> {
        let parts = self.partition_parts(table, values)?;
        if parts.len() == table.partition_by.len() {
            return Ok(parts.join("/"));
        }
        Err(SparkError::new(
            "INVALID_PARTITION_OPERATION.PARTITION_SCHEMA_IS_EMPTY",
            format!("a partition of {} has values of {}", table.name, table.partition_by.join(", ")),
        )
        .with("name", table.quoted()))
    }

    /// Values of partition columns as parts of a folder's name, in the table's order.
    pub(crate) fn partition_parts(&self, table: &Table, values: &[(String, Expr)]) -> SparkResult<Vec<String>> {
        for (name, _) in values {
            if !table.partition_by.iter().any(|column| column.eq_ignore_ascii_case(name)) {
                return Err(SparkError::new(
                    "PARTITIONS_NOT_FOUND",
                    format!("{name} is no partition column of {}; {} are", table.name, table.partition_by.join(", ")),
                )
                .with("partitionList", format!("`{name}`"))
                .with("tableName", table.quoted()));
            }
        }
        let mut parts = Vec::new();
        for column in &table.partition_by {
            let Some((_, value)) = values.iter().find(|(name, _)| name.eq_ignore_ascii_case(column)) else { continue };
            let text = partition_text(value)?;
            parts.push(firesteel_formats::partition_folder([(column.as_str(), text.as_deref())]));
        }
        Ok(parts)
    }
}

/// A constant as a folder names it.
fn partition_text(value: &Expr) -> SparkResult<Option<String>> {
    let value = match value.unlocated() {
        Expr::Literal(literal) => literal.clone(),
        Expr::Cast { expr, .. } => return partition_text(expr),
        _ => return Err(SparkError::unsupported("a partition's value that is no constant")),
    };
    Ok(match value {
        Literal::Null(_) => None,
        Literal::String(text) => Some(text),
        Literal::Boolean(value) => Some(value.to_string()),
        Literal::Byte(value) => Some(value.to_string()),
        Literal::Short(value) => Some(value.to_string()),
        Literal::Integer(value) => Some(value.to_string()),
        Literal::Long(value) => Some(value.to_string()),
        other => {
            let data_type = other.data_type();
            let text = scalar(&other).ok().map(|value| value.to_string());
            match (&data_type, text) {
                (DataType::Date | DataType::Decimal { .. }, Some(text)) => Some(text),
                _ => return Err(SparkError::unsupported(format!("a partition's value of type {data_type}"))),
            }
        }
    })
}
