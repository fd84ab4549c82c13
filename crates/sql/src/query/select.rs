//! `SELECT` with the clauses that belong to it, and inline tables.

use firesteel_spec::{Expr, Relation, RelationKind, SparkError, SparkResult};

use crate::parser::Parser;

struct Hint {
    name: String,
    parameters: Vec<Expr>,
}

impl Parser<'_> {
    /// `input` is what stood before, as in `FROM t SELECT a`.
    pub(crate) fn select(&mut self, input: Option<Relation>) -> SparkResult<Relation> {
        self.read_window_clause()?;
        let (hints, distinct, list) = self.select_clause()?;
        let mut input = match input {
            Some(input) => input,
            None if self.is("FROM") => self.relations_clause()?,
            None => RelationKind::OneRow.into(),
        };
        input = self.lateral_views(input)?;
        if self.take("WHERE") {
            let condition = self.expression()?;
            input = RelationKind::Filter { input: Box::new(input), condition }.into();
        }
        let mut query = self.aggregated_or_projected(input, list)?;
        if self.take("QUALIFY") {
            let condition = self.expression()?;
            query = RelationKind::Qualify { input: Box::new(query), condition }.into();
        }
        self.skip_window_clause();
        Ok(finished(query, distinct, hints))
    }

    /// `SELECT` in a pipe, with nothing but a `WINDOW` clause after it.
    pub(super) fn pipe_select(&mut self, input: Relation) -> SparkResult<Relation> {
        self.read_window_clause()?;
        let (hints, distinct, expressions) = self.select_clause()?;
        self.skip_window_clause();
        let query = RelationKind::Project { input: Box::new(input), expressions }.into();
        Ok(finished(query, distinct, hints))
    }

    fn select_clause(&mut self) -> SparkResult<(Vec<Hint>, bool, Vec<Expr>)> {
        self.expect("SELECT")?;
        let hints = self.hints()?;
        let distinct = self.is("DISTINCT") && !self.ends_operand(1) && self.take("DISTINCT");
        if !distinct && self.is("ALL") && !self.ends_operand(1) {
            self.advance();
        }
        if self.is("TRANSFORM") && self.symbol_at(1, "(") {
            let after = self.closing(1).unwrap_or_default() + 1;
            if self.is_at(after, "USING") || self.is_at(after, "ROW") && self.is_at(after + 1, "FORMAT") {
                return Err(self.at(self.position, SparkError::unsupported("SELECT TRANSFORM")));
            }
        }
        Ok((hints, distinct, self.named_expressions()?))
    }

    fn aggregated_or_projected(&mut self, input: Relation, list: Vec<Expr>) -> SparkResult<Relation> {
        let input = Box::new(input);
        let grouping = if self.are("GROUP BY") { Some(self.group_by()?) } else { None };
        let having = if self.take("HAVING") { Some(self.expression()?) } else { None };
        if grouping.is_none() && having.is_none() {
            return Ok(RelationKind::Project { input, expressions: list }.into());
        }
        Ok(RelationKind::Aggregate {
            input,
            grouping: grouping.unwrap_or_default(),
            aggregates: list,
            having,
            with_grouping: false,
            pivot: None,
        }
        .into())
    }

    /// `/*+ BROADCAST(a), REPARTITION(3) */`, possibly several times.
    fn hints(&mut self) -> SparkResult<Vec<Hint>> {
        let mut hints = Vec::new();
        while self.take_symbol("/*+") {
            while !self.take_symbol("*/") {
                let name = self.identifier()?;
                let mut parameters = Vec::new();
                if self.symbol("(") {
                    parameters = self.list(|parser| parser.nested(Self::primary))?;
                }
                hints.push(Hint { name, parameters });
                self.take_symbol(",");
            }
        }
        Ok(hints)
    }

    /// `LATERAL VIEW [OUTER] explode(a) t AS b, c`
    pub(super) fn lateral_views(&mut self, mut input: Relation) -> SparkResult<Relation> {
        let mut views = 0;
        while self.take_all("LATERAL VIEW") {
            views += 1;
            self.check_nesting(views)?;
            let outer = self.take("OUTER");
            let generator = self.nested(Self::primary)?;
            let table = if self.is("AS") { None } else { Some(self.strict_identifier()?) };
            let mut columns = Vec::new();
            if self.take("AS") || self.at_bare_alias() {
                columns = self.comma_separated(Self::strict_identifier)?;
            }
            input = RelationKind::LateralView { input: Box::new(input), generator, outer, table, columns }.into();
        }
        Ok(input)
    }

    /// `VALUES (1, 2), (3, 4) AS t(a, b)`
    pub(super) fn inline_table(&mut self) -> SparkResult<Relation> {
        let start = self.position;
        self.expect("VALUES")?;
        let rows: Vec<_> = self.comma_separated(Self::expression)?.into_iter().map(row).collect();
        let width = rows.first().map_or(0, Vec::len);
        if let Some(index) = rows.iter().position(|row| row.len() != width) {
            let found = rows[index].len();
            let message = format!("row {index} of VALUES has {found} columns, and the first one {width}");
            let error = SparkError::new("INVALID_INLINE_TABLE.NUM_COLUMNS_MISMATCH", message)
                .with("expectedNumCols", width.to_string())
                .with("actualNumCols", found.to_string())
                .with("rowIndex", index.to_string());
            return Err(self.at(start, error));
        }
        self.aliased(RelationKind::Values { rows }.into())
    }
}

/// `(1, 2)` is a row of two values, anything else of one.
fn row(expr: Expr) -> Vec<Expr> {
    match expr {
        Expr::Function(call) if call.name == ["struct"] => call
            .arguments
            .into_iter()
            .map(|value| match value {
                Expr::Alias { expr, .. } => *expr,
                value => value,
            })
            .collect(),
        Expr::Located { expr, .. } if matches!(expr.as_ref(), Expr::Function(call) if call.name == ["struct"]) => {
            row(*expr)
        }
        expr => vec![expr],
    }
}

fn finished(query: Relation, distinct: bool, hints: Vec<Hint>) -> Relation {
    let query = match distinct {
        true => RelationKind::Deduplicate { input: Box::new(query), columns: None, within_watermark: false }.into(),
        false => query,
    };
    // The first hint is the outermost.
    hints.into_iter().rev().fold(query, |input, Hint { name, parameters }| {
        RelationKind::Hint { input: Box::new(input), name, parameters }.into()
    })
}
