//! [`SparkError`]: an error as Spark has it, with a class, a SQLSTATE and parameters.

use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::sync::LazyLock;

pub type SparkResult<T> = Result<T, SparkError>;

/// What a user did that cannot be done, by Spark's error classes (`error-conditions.json`).
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub struct SparkError {
    /// Such as `UNRESOLVED_COLUMN.WITH_SUGGESTION`.
    pub class: String,
    /// What happened, why, and what to do.
    pub message: String,
    pub parameters: BTreeMap<String, String>,
    pub context: Option<Box<QueryContext>>,
}

/// The part of the query's text that an error is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct QueryContext {
    pub fragment: String,
    /// In characters from the start of the text, both inclusive.
    pub start: usize,
    pub stop: usize,
    /// From 1.
    pub line: usize,
    /// From 0.
    pub column: usize,
}

impl SparkError {
    pub fn new(class: impl Into<String>, message: impl Into<String>) -> Self {
        Self { class: class.into(), message: message.into(), parameters: BTreeMap::new(), context: None }
    }

    /// Adds a parameter of the message.
    #[must_use]
    pub fn with(mut self, name: &str, value: impl Into<String>) -> Self {
        self.parameters.insert(name.to_owned(), value.into());
        self
    }

    /// Names the text that the error is about, if nothing further in has.
    #[must_use]
    pub fn at(mut self, context: QueryContext) -> Self {
        self.context.get_or_insert_with(|| Box::new(context));
        self
    }

    /// Something of Spark's that is not here.
    pub fn unsupported(what: impl fmt::Display) -> Self {
        Self::new("UNSUPPORTED_FEATURE", format!("{what} is not supported by Firesteel"))
            .with("feature", what.to_string())
    }

    /// A plan that no client of Spark's makes.
    pub fn invalid_plan(what: impl fmt::Display) -> Self {
        Self::new("CONNECT_INVALID_PLAN", format!("the plan is invalid: {what}")).with("reason", what.to_string())
    }

    /// A defect of ours.
    pub fn internal(what: impl fmt::Display) -> Self {
        Self::new("INTERNAL_ERROR", format!("{what}; this is a defect of Firesteel")).with("message", what.to_string())
    }

    pub fn is(&self, class: &str) -> bool {
        self.class == class
    }

    /// The SQLSTATE of the class: five characters, or nothing for the classes that Spark itself calls legacy.
    pub fn sqlstate(&self) -> &'static str {
        let main = self.class.split('.').next().unwrap_or_default();
        if main.starts_with("_LEGACY_ERROR_TEMP_") {
            return "";
        }
        SQLSTATES.get(main).copied().unwrap_or(NO_SQLSTATE)
    }
}

impl fmt::Display for SparkError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "[{}] {}", self.class, self.message)?;
        if !matches!(self.sqlstate(), "" | NO_SQLSTATE) {
            write!(formatter, " SQLSTATE: {}", self.sqlstate())?;
        }
        if let Some(context) = &self.context {
            write!(
                formatter,
                "\n== SQL (line {}, position {}) ==\n{}",
                context.line,
                context.column + 1,
                context.fragment
            )?;
        }
        Ok(())
    }
}

/// Spark's own answer for a class without one.
const NO_SQLSTATE: &str = "XXKD0";

/// Of each of Spark 4.2's error classes.
static SQLSTATES: LazyLock<HashMap<&str, &str>> =
    LazyLock::new(|| include_str!("sqlstates.csv").lines().filter_map(|line| line.split_once(',')).collect());

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_class_has_the_sqlstate_of_its_main_class() {
        assert_eq!(SparkError::new("UNRESOLVED_COLUMN.WITH_SUGGESTION", "").sqlstate(), "42703");
        assert_eq!(SparkError::new("DIVIDE_BY_ZERO", "").sqlstate(), "22012");
    }
}
