//! [`Attribute`], a column in a plan, and [`Scope`], where names are looked up.

use std::collections::HashMap;

use datafusion::common::Column;
use datafusion::logical_expr::Expr;
use firesteel_functions::Typed;
use firesteel_spec::{DataType, Name, SparkError, SparkResult, StructField};

#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Attribute {
    /// The column's name in the plan.
    pub id: String,
    /// The user's name.
    pub name: String,
    /// Such as `[catalog, database, table]`; a name may say any end of it.
    pub qualifier: Name,
    pub data_type: DataType,
    pub nullable: bool,
    pub metadata: Option<String>,
    /// Spark Connect's relations that this column has come through.
    pub plan_ids: Vec<i64>,
}

impl Attribute {
    pub fn new(id: String, name: impl Into<String>, data_type: DataType, nullable: bool) -> Self {
        Self { id, name: name.into(), qualifier: Vec::new(), data_type, nullable, metadata: None, plan_ids: Vec::new() }
    }

    pub fn column(&self) -> Expr {
        Expr::Column(Column::new_unqualified(&self.id))
    }

    pub fn typed(&self) -> Typed {
        Typed::new(self.column(), self.data_type.clone(), self.nullable, &self.name)
    }

    pub fn to_struct_field(&self) -> StructField {
        StructField {
            name: self.name.clone(),
            data_type: self.data_type.clone(),
            nullable: self.nullable,
            metadata: self.metadata.clone(),
        }
    }
}

/// The columns that an expression may name, innermost query first.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Scope<'a> {
    pub output: &'a [Attribute],
    pub hidden: &'a [Attribute],
    /// Columns of a list that came before in it, for names that are found nowhere else.
    pub aliases: &'a [(String, Typed)],
    /// Of the query that this one is part of.
    pub outer: Option<&'a Scope<'a>>,
    pub lambda: Option<&'a LambdaScope<'a>>,
}

/// Parameters of a lambda, and those of the lambda that it is in.
#[derive(Debug, Clone, Copy)]
pub(crate) struct LambdaScope<'a> {
    pub parameters: &'a [(String, Typed)],
    pub outer: Option<&'a LambdaScope<'a>>,
}

/// A column that a name means.
pub(crate) struct Found {
    pub typed: Typed,
    /// Parts of the name that are left: fields of a struct.
    pub fields: Vec<String>,
}

impl<'a> Scope<'a> {
    pub fn of(output: &'a [Attribute], hidden: &'a [Attribute], outer: Option<&'a Scope<'a>>) -> Self {
        Self { output, hidden, aliases: &[], outer, lambda: None }
    }

    /// No columns at all.
    pub fn empty(outer: Option<&'a Scope<'a>>) -> Self {
        Self::of(&[], &[], outer)
    }

    /// The column that a name means, here or in an outer query.
    pub fn find(&self, name: &[String], plan_id: Option<i64>, case_sensitive: bool) -> SparkResult<Found> {
        let mut scope = Some(self);
        let mut outside = false;
        while let Some(here) = scope {
            if let Some((attribute, used)) = here.find_here(name, plan_id, case_sensitive)? {
                let mut typed = attribute.typed();
                if outside {
                    let field = firesteel_functions::to_field(&attribute.to_struct_field());
                    typed.expr = Expr::OuterReferenceColumn(field, Column::new_unqualified(&attribute.id));
                }
                return Ok(Found { typed, fields: name[used..].to_vec() });
            }
            if !outside && let Some(found) = here.find_alias(name, case_sensitive) {
                return Ok(found);
            }
            scope = here.outer;
            outside = true;
        }
        Err(self.unresolved(name, plan_id))
    }

    fn find_alias(&self, name: &[String], case_sensitive: bool) -> Option<Found> {
        let (first, fields) = name.split_first()?;
        let (_, typed) = self.aliases.iter().rev().find(|(alias, _)| same_name(alias, first, case_sensitive))?;
        let name = format!("lateralAliasReference({first})");
        Some(Found { typed: typed.clone().named(name), fields: fields.to_vec() })
    }

    /// The column and how many parts of the name it took.
    fn find_here(
        &self,
        name: &[String],
        plan_id: Option<i64>,
        case_sensitive: bool,
    ) -> SparkResult<Option<(&'a Attribute, usize)>> {
        for columns in [self.output, self.hidden] {
            // The longest qualifier wins: `a.b` is column b of a before it is field b of a.
            for used in (1..=name.len()).rev() {
                let found: Vec<&Attribute> =
                    columns.iter().filter(|column| is_named(column, &name[..used], plan_id, case_sensitive)).collect();
                match found.as_slice() {
                    [] => {}
                    [one] => return Ok(Some((one, used))),
                    [first, rest @ ..] if rest.iter().all(|other| other.id == first.id) => {
                        return Ok(Some((first, used)));
                    }
                    many => return Err(ambiguous(name, many, plan_id)),
                }
            }
        }
        Ok(None)
    }

    fn unresolved(&self, name: &[String], plan_id: Option<i64>) -> SparkError {
        let quoted = quote(name);
        if plan_id.is_some() && self.output.iter().all(|column| !column.plan_ids.contains(&plan_id.unwrap_or(-1))) {
            return SparkError::new(
                "CANNOT_RESOLVE_DATAFRAME_COLUMN",
                format!("the column {quoted} belongs to another DataFrame than the one that it is used on"),
            )
            .with("name", quoted);
        }
        if self.output.is_empty() {
            return SparkError::new("UNRESOLVED_COLUMN.WITHOUT_SUGGESTION", format!("there is no column {quoted}"))
                .with("objectName", quoted);
        }
        let proposal = suggestions(name, self.output).join(", ");
        SparkError::new(
            "UNRESOLVED_COLUMN.WITH_SUGGESTION",
            format!("there is no column, variable, or function parameter {quoted}; there are: [{proposal}]"),
        )
        .with("objectName", quoted)
        .with("proposal", proposal)
    }
}

fn is_named(column: &Attribute, name: &[String], plan_id: Option<i64>, case_sensitive: bool) -> bool {
    let Some((last, qualifier)) = name.split_last() else { return false };
    if !same_name(&column.name, last, case_sensitive) {
        return false;
    }
    if plan_id.is_some_and(|plan_id| !column.plan_ids.contains(&plan_id)) {
        return false;
    }
    qualifier.len() <= column.qualifier.len()
        && column
            .qualifier
            .iter()
            .rev()
            .zip(qualifier.iter().rev())
            .all(|(own, asked)| same_name(own, asked, case_sensitive))
}

/// Do two names mean the same under the session's rule?
pub(crate) fn same_name(left: &str, right: &str, case_sensitive: bool) -> bool {
    left == right || (!case_sensitive && left.to_lowercase() == right.to_lowercase())
}

/// `` `a`.`b` ``
pub(crate) fn quote(name: &[String]) -> String {
    let parts: Vec<_> = name.iter().map(|part| format!("`{}`", part.replace('`', "``"))).collect();
    parts.join(".")
}

fn ambiguous(name: &[String], found: &[&Attribute], plan_id: Option<i64>) -> SparkError {
    if plan_id.is_some() {
        return SparkError::new(
            "AMBIGUOUS_COLUMN_REFERENCE",
            format!(
                "column {} is in both sides of a join of a DataFrame with itself; give one side an alias \
                 (df.alias(\"a\")) and name the column by it",
                quote(name)
            ),
        )
        .with("name", quote(name));
    }
    let names: Vec<_> = found
        .iter()
        .map(|column| {
            let mut full = column.qualifier.clone();
            full.push(column.name.clone());
            quote(&full)
        })
        .collect();
    SparkError::new(
        "AMBIGUOUS_REFERENCE",
        format!("{} may mean any of [{}]; say which by its table", quote(name), names.join(", ")),
    )
    .with("name", quote(name))
    .with("referenceNames", format!("[{}]", names.join(", ")))
}

/// The nearest names first, by how many letters they share.
fn suggestions(name: &[String], columns: &[Attribute]) -> Vec<String> {
    let asked = name.last().map(|last| last.to_lowercase()).unwrap_or_default();
    let mut letters: HashMap<char, usize> = HashMap::new();
    asked.chars().for_each(|letter| *letters.entry(letter).or_default() += 1);
    let distance = |other: &str| {
        let mut left = letters.clone();
        let shared = other
            .to_lowercase()
            .chars()
            .filter(|letter| {
                left.get_mut(letter).is_some_and(|count| std::mem::replace(count, count.saturating_sub(1)) > 0)
            })
            .count();
        asked.len().max(other.len()) - shared.min(asked.len())
    };
    let mut all: Vec<(usize, String)> = columns
        .iter()
        .map(|column| {
            let mut full: Vec<String> = column.qualifier.last().into_iter().cloned().collect();
            full.push(column.name.clone());
            (distance(&column.name), quote(&full))
        })
        .collect();
    all.sort_by_key(|(distance, _)| *distance);
    all.into_iter().take(5).map(|(_, name)| name).collect()
}
