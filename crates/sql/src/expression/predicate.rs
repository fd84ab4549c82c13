//! Predicates: `BETWEEN`, `IN`, `LIKE` and its kin, and `IS …`. An operand has at most one.

use firesteel_spec::{Expr, Literal, SparkError, SparkResult};

use crate::parser::Parser;

impl Parser<'_> {
    /// An operand, and a predicate on it if there is one.
    pub fn predicate(&mut self) -> SparkResult<Expr> {
        let start = self.position;
        let operand = self.operand()?;
        let negated = self.is("NOT")
            && self.is_any_at(1, &["BETWEEN", "IN", "LIKE", "ILIKE", "RLIKE", "REGEXP"])
            && self.take("NOT");
        let predicate = if self.take("BETWEEN") {
            self.between(operand)?
        } else if self.is("IN") && self.symbol_at(1, "(") {
            self.advance();
            self.membership(operand)?
        } else if self.take_any(&["RLIKE", "REGEXP"]).is_some() {
            Expr::function("rlike", vec![operand, self.operand()?])
        } else if self.is_any(&["LIKE", "ILIKE"]) {
            return self.like(start, operand, negated);
        } else if self.take("IS") {
            self.is_predicate(operand)?
        } else if negated {
            return Err(self.unexpected());
        } else {
            return Ok(operand);
        };
        let predicate = self.located(start, predicate);
        Ok(if negated { not(predicate) } else { predicate })
    }

    fn between(&mut self, operand: Expr) -> SparkResult<Expr> {
        let lower = self.operand()?;
        self.expect("AND")?;
        let upper = self.operand()?;
        Ok(Expr::function("between", vec![operand, lower, upper]))
    }

    fn membership(&mut self, operand: Expr) -> SparkResult<Expr> {
        if self.at_query(0) {
            let relation = Box::new(self.parenthesised(Self::query)?);
            let values = match row_values(&operand) {
                Some(values) => values.to_vec(),
                None => vec![operand],
            };
            return Ok(Expr::InSubquery { values, relation });
        }
        if self.symbol("(") && self.symbol_at(1, ")") {
            let message = "IN needs at least one value; write WHERE FALSE for a condition that is never met";
            let error = SparkError::new("INVALID_SQL_SYNTAX.EMPTY_IN_PREDICATE", message);
            return Err(self.at(self.position, error));
        }
        let mut arguments = vec![operand];
        arguments.extend(self.list(Self::expression)?);
        Ok(Expr::function("in", arguments))
    }

    fn like(&mut self, start: usize, operand: Expr, negated: bool) -> SparkResult<Expr> {
        let name = if self.take("ILIKE") {
            "ilike"
        } else {
            self.expect("LIKE")?;
            "like"
        };
        if self.is_any(&["ANY", "SOME", "ALL"]) && self.symbol_at(1, "(") {
            let all = self.is("ALL");
            self.advance();
            let patterns = self.list(Self::expression)?;
            let expr = like_quantified(name, operand, patterns, all, negated);
            return Ok(self.located(start, expr));
        }
        let mut arguments = vec![operand, self.operand()?];
        if self.take("ESCAPE") {
            let escape = self.text_literal()?;
            if escape.chars().count() != 1 {
                let message = format!("the escape of LIKE has to be one character, and not '{escape}'");
                return Err(self.at(start, SparkError::new("INVALID_ESC", message).with("invalidEscape", escape)));
            }
            arguments.push(Expr::Literal(Literal::String(escape)));
        }
        let like = self.located(start, Expr::function(name, arguments));
        Ok(if negated { not(like) } else { like })
    }

    /// What comes after `IS`.
    fn is_predicate(&mut self, operand: Expr) -> SparkResult<Expr> {
        let negated = self.take("NOT");
        if self.take_all("DISTINCT FROM") {
            let same = Expr::function("<=>", vec![operand, self.operand()?]);
            return Ok(if negated { same } else { not(same) });
        }
        if self.take("NULL") || self.take("UNKNOWN") {
            return Ok(Expr::function(if negated { "isnotnull" } else { "isnull" }, vec![operand]));
        }
        let value = if self.take("TRUE") {
            true
        } else {
            self.expect("FALSE")?;
            false
        };
        let same = Expr::function("<=>", vec![operand, Expr::Literal(Literal::Boolean(value))]);
        Ok(if negated { not(same) } else { same })
    }
}

fn not(expr: Expr) -> Expr {
    Expr::function("not", vec![expr])
}

/// The values of a row such as `(a, b)`.
fn row_values(expr: &Expr) -> Option<&[Expr]> {
    match expr.unlocated() {
        Expr::Function(call) if call.name == ["struct"] => Some(&call.arguments),
        _ => None,
    }
}

/// There are functions for `LIKE` only; `ILIKE` is spelled out.
fn like_quantified(name: &str, operand: Expr, patterns: Vec<Expr>, all: bool, negated: bool) -> Expr {
    if name == "like" {
        let name = match (negated, all) {
            (false, true) => "like_all",
            (false, false) => "like_any",
            (true, true) => "not_like_all",
            (true, false) => "not_like_any",
        };
        return Expr::function(name, std::iter::once(operand).chain(patterns).collect());
    }
    let terms = patterns.into_iter().map(|pattern| {
        let like = Expr::function(name, vec![operand.clone(), pattern]);
        if negated { not(like) } else { like }
    });
    super::balanced(if all { "and" } else { "or" }, terms.collect())
}
