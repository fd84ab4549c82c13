//! Pipe syntax: `query |> operator`.

use firesteel_spec::{Expr, GroupingElement, Name, Relation, RelationKind, SetOperator, SparkError, SparkResult};

use super::from::named;
use crate::parser::Parser;

impl Parser<'_> {
    /// After `|>`.
    pub(super) fn pipe_operator(&mut self, input: Relation) -> SparkResult<Relation> {
        if self.is("SELECT") {
            return self.pipe_select(input);
        }
        if self.take("EXTEND") {
            let mut expressions = vec![star(Vec::new())];
            expressions.extend(self.named_expressions()?);
            return Ok(projected(input, expressions));
        }
        if self.take("SET") {
            return self.pipe_set(input);
        }
        if self.take("DROP") {
            let names = self.comma_separated(|parser| Ok(vec![parser.strict_identifier()?]))?;
            return Ok(projected(input, vec![star(names)]));
        }
        if self.take("AS") {
            let alias = self.strict_identifier()?;
            return Ok(named(input, alias, Vec::new()));
        }
        if self.take("WHERE") {
            let condition = self.expression()?;
            return Ok(RelationKind::Filter { input: Box::new(input), condition }.into());
        }
        if self.take("AGGREGATE") {
            return self.pipe_aggregate(input);
        }
        if self.is("PIVOT") {
            return self.pivot(input);
        }
        if self.is("UNPIVOT") {
            return self.unpivot(input);
        }
        if self.is("TABLESAMPLE") {
            return self.sample(input);
        }
        if self.at_join() {
            return self.join(input);
        }
        if let Some(word) = self.take_any(&["UNION", "EXCEPT", "MINUS", "SETMINUS", "INTERSECT"]) {
            let operator = match word.to_ascii_uppercase().as_str() {
                "UNION" => SetOperator::Union,
                "INTERSECT" => SetOperator::Intersect,
                _ => SetOperator::Except,
            };
            return self.set_operation(input, operator, Self::query_primary);
        }
        let clauses = ["ORDER", "SORT", "CLUSTER", "DISTRIBUTE", "LIMIT", "OFFSET"];
        if self.is_any(&clauses) { self.organized(input) } else { Err(self.unexpected()) }
    }

    /// Each assignment sees those before it.
    fn pipe_set(&mut self, input: Relation) -> SparkResult<Relation> {
        let assignments = self.comma_separated(|parser| {
            let name = parser.strict_identifier()?;
            parser.expect_symbol("=")?;
            Ok(parser.expression()?.alias(name))
        })?;
        Ok(assignments.into_iter().fold(input, |input, assignment| {
            RelationKind::WithColumns { input: Box::new(input), columns: vec![assignment] }.into()
        }))
    }

    /// The result has the grouping expressions, then the aggregates.
    fn pipe_aggregate(&mut self, input: Relation) -> SparkResult<Relation> {
        let start = self.position;
        let aggregates = if self.are("GROUP BY") { Vec::new() } else { self.named_expressions()? };
        let mut grouping = Vec::new();
        if self.take_all("GROUP BY") {
            let analytics = ["ROLLUP", "CUBE", "GROUPING"];
            let keys = self.comma_separated(|parser| {
                if parser.is_any(&analytics) && (parser.symbol_at(1, "(") || parser.is_at(1, "SETS")) {
                    return Err(parser.at(start, unsupported_grouping()));
                }
                parser.named_expression()
            })?;
            if self.are("WITH ROLLUP") || self.are("WITH CUBE") || self.are("GROUPING SETS") {
                return Err(self.at(start, unsupported_grouping()));
            }
            grouping = keys.into_iter().map(GroupingElement::Expr).collect();
        }
        Ok(RelationKind::Aggregate {
            input: Box::new(input),
            grouping,
            aggregates,
            having: None,
            with_grouping: true,
            pivot: None,
        }
        .into())
    }
}

fn unsupported_grouping() -> SparkError {
    SparkError::new(
        "UNSUPPORTED_FEATURE.PIPE_OPERATOR_AGGREGATE_UNSUPPORTED_CASE",
        "|> AGGREGATE groups by plain expressions only, not by ROLLUP, CUBE or GROUPING SETS",
    )
    .with("case", "GROUP BY ROLLUP, CUBE or GROUPING SETS")
}

fn star(except: Vec<Name>) -> Expr {
    Expr::Star { target: None, plan_id: None, except }
}

fn projected(input: Relation, expressions: Vec<Expr>) -> Relation {
    RelationKind::Project { input: Box::new(input), expressions }.into()
}
