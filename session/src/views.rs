//! Views: of a session, and of all sessions of a server (`global_temp`).

use std::collections::BTreeMap;
use std::sync::Arc;

use firesteel_spec::{CreateView, Name, Relation, SparkError, SparkResult, ViewKind};
use parking_lot::RwLock;

/// The database of views that all sessions see.
pub(crate) const GLOBAL: &str = "global_temp";

/// Views by name in lower case, with the name as it was given.
#[derive(Debug, Clone, Default)]
pub(crate) struct Views(Arc<RwLock<BTreeMap<String, (String, Relation)>>>);

impl Views {
    /// Views of their own, the same at first.
    pub fn duplicate(&self) -> Self {
        Self(Arc::new(RwLock::new(self.0.read().clone())))
    }

    pub fn find(&self, name: &str) -> Option<Relation> {
        self.0.read().get(&name.to_lowercase()).map(|(_, relation)| relation.clone())
    }

    pub fn names(&self) -> Vec<String> {
        self.0.read().values().map(|(name, _)| name.clone()).collect()
    }

    /// True if there was such a view.
    pub fn remove(&self, name: &str) -> bool {
        self.0.write().remove(&name.to_lowercase()).is_some()
    }

    pub fn add(&self, name: &str, relation: Relation, replace: bool) -> SparkResult<()> {
        let mut views = self.0.write();
        if !replace && views.contains_key(&name.to_lowercase()) {
            return Err(SparkError::new(
                "TEMP_TABLE_OR_VIEW_ALREADY_EXISTS",
                format!("there is a temporary view `{name}`; replace it, drop it, or take another name"),
            )
            .with("relationName", format!("`{name}`")));
        }
        views.insert(name.to_lowercase(), (name.to_owned(), relation));
        Ok(())
    }
}

/// The views that a session sees.
#[derive(Debug, Clone, Default)]
pub(crate) struct VisibleViews {
    pub own: Views,
    pub global: Views,
}

impl VisibleViews {
    pub fn create(&self, view: &CreateView) -> SparkResult<()> {
        let name = view.name.last().cloned().unwrap_or_default();
        let mut query = view.query.clone();
        if !view.columns.is_empty() {
            let names = view.columns.iter().map(|(name, _)| name.clone()).collect();
            query = firesteel_spec::RelationKind::ToDf { input: Box::new(query), names }.into();
        }
        match view.kind {
            ViewKind::Temporary => self.own.add(&name, query, view.replace),
            ViewKind::GlobalTemporary => self.global.add(&name, query, view.replace),
            ViewKind::Kept => Err(SparkError::unsupported("a view that is kept in the catalog")),
        }
    }

    pub fn find(&self, name: &Name) -> Option<Relation> {
        match name.as_slice() {
            [name] => self.own.find(name),
            [database, name] if database.eq_ignore_ascii_case(GLOBAL) => self.global.find(name),
            _ => None,
        }
    }
}
