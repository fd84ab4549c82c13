//! What a query reads, loaded before it is resolved.

use std::collections::HashMap;
use std::sync::Arc;

use datafusion::catalog::TableProvider;
use firesteel_spec::{DataSource, Name, Relation, RelationKind, StructField};

/// A table or a view.
#[derive(Debug, Clone)]
pub enum Source {
    /// Rows, with the columns that Spark sees in them; the provider has as many, in this order, of any Arrow types.
    Table { provider: Arc<dyn TableProvider>, columns: Vec<StructField>, qualifier: Name },
    /// A query under a name.
    View { relation: Relation, qualifier: Name },
}

/// Tables by name, files by what was asked of them, what checkpoints kept by id, and cached parts of the query.
#[derive(Debug, Clone, Default)]
pub struct Sources {
    tables: HashMap<Name, Source>,
    files: HashMap<String, Source>,
    kept: HashMap<String, Source>,
    cached: Vec<(Relation, Source)>,
}

impl Sources {
    pub fn add_table(&mut self, name: &[String], source: Source) {
        self.tables.insert(lower(name), source);
    }

    pub fn table(&self, name: &[String]) -> Option<&Source> {
        self.tables.get(&lower(name))
    }

    pub fn add_files(&mut self, asked: &DataSource, source: Source) {
        self.files.insert(format!("{asked:?}"), source);
    }

    pub fn files(&self, asked: &DataSource) -> Option<&Source> {
        self.files.get(&format!("{asked:?}"))
    }

    pub fn add_kept(&mut self, id: &str, source: Source) {
        self.kept.insert(id.to_owned(), source);
    }

    pub fn kept(&self, id: &str) -> Option<&Source> {
        self.kept.get(id)
    }

    /// Rows that stand for a part of the query wherever it is.
    pub fn add_cached(&mut self, relation: Relation, rows: Source) {
        self.cached.push((relation, rows));
    }

    pub(crate) fn has_cached(&self) -> bool {
        !self.cached.is_empty()
    }

    pub(crate) fn without_cached(&self) -> Self {
        Self { cached: Vec::new(), ..self.clone() }
    }

    pub(crate) fn cached(&self, relation: &Relation) -> Option<&Source> {
        self.cached.iter().find(|(cached, _)| cached == relation).map(|(_, rows)| rows)
    }

    /// Adds all of other's.
    pub fn extend(&mut self, other: Self) {
        self.tables.extend(other.tables);
        self.files.extend(other.files);
        self.kept.extend(other.kept);
        self.cached.extend(other.cached);
    }
}

/// What a relation reads from outside, each once.
#[derive(Debug, Clone, Default)]
pub struct SourceNames {
    pub tables: Vec<Name>,
    pub files: Vec<DataSource>,
    pub kept: Vec<String>,
}

/// The tables, files and checkpoints that a relation names.
pub fn source_names(relation: &Relation) -> SourceNames {
    let mut names = SourceNames::default();
    relation.walk(&mut |relation| match &relation.kind {
        RelationKind::Table { name, .. } if !names.tables.contains(name) => names.tables.push(name.clone()),
        RelationKind::DataSource(source) if !names.files.contains(source) => names.files.push(source.clone()),
        RelationKind::Cached { id } if !names.kept.contains(id) => names.kept.push(id.clone()),
        _ => {}
    });
    names
}

fn lower(name: &[String]) -> Name {
    name.iter().map(|part| part.to_lowercase()).collect()
}
