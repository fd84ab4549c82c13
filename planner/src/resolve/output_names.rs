//! The names of columns that a list gives, where the user gave none (`ResolveAliases`).

use firesteel_functions::Typed;
use firesteel_spec::Expr;

/// The name that an expression has of its own: an alias, a column's, a field's.
pub(crate) fn own_name(expr: &Expr) -> Option<String> {
    match expr.unlocated() {
        Expr::Alias { names, .. } => names.first().cloned(),
        Expr::Attribute { name, .. } | Expr::LambdaVariable(name) => name.last().cloned(),
        Expr::ExtractValue { extraction, .. } => match extraction.unlocated() {
            Expr::Literal(firesteel_spec::Literal::String(field)) => Some(field.clone()),
            _ => None,
        },
        _ => None,
    }
}

/// The column's name in a list: a cast of a column keeps the column's.
pub(crate) fn output_name(expr: &Expr, typed: &Typed) -> String {
    match expr.unlocated() {
        Expr::Alias { names, .. } => names.first().cloned().unwrap_or_else(|| typed.name.clone()),
        Expr::Attribute { name, .. } => name.last().cloned().unwrap_or_else(|| typed.name.clone()),
        Expr::Cast { expr, .. } => match expr.unlocated() {
            Expr::Attribute { name, .. } => name.last().cloned().unwrap_or_else(|| typed.name.clone()),
            _ => typed.name.clone(),
        },
        _ => typed.name.clone(),
    }
}
