//! Windows: `OVER (…)`, named ones, frames; and what is sorted by.

use firesteel_spec::{
    Expr, FrameBound, FrameUnits, Literal, SortOrder, SparkError, SparkResult, WindowFrame, WindowSpec,
};

use crate::lexer::Kind;
use crate::parser::Parser;

impl Parser<'_> {
    /// What comes after `OVER`: a window, or the name of one.
    pub(super) fn window_reference(&mut self) -> SparkResult<WindowSpec> {
        if matches!(self.kind(0), Kind::Word | Kind::Quoted) {
            return self.window_by_name();
        }
        let named = matches!(self.kind(1), Kind::Word | Kind::Quoted) && self.symbol_at(2, ")");
        if self.symbol("(") && named {
            return self.parenthesised(Self::window_by_name);
        }
        self.parenthesised(Self::window_spec)
    }

    fn window_by_name(&mut self) -> SparkResult<WindowSpec> {
        let start = self.position;
        let name = self.identifier()?;
        let known = self.windows.iter().rev().flatten().find(|(known, _)| known.eq_ignore_ascii_case(&name));
        known.map(|(_, spec)| spec.clone()).ok_or_else(|| {
            let message = format!("there is no window {name} in a WINDOW clause; define it there");
            self.at(start, SparkError::new("MISSING_WINDOW_SPECIFICATION", message).with("windowName", &name))
        })
    }

    /// Reads the `WINDOW` clause of the query that is at the position, since what is before it refers to it.
    pub(crate) fn read_window_clause(&mut self) -> SparkResult<()> {
        let Some(ahead) = self.window_clause_ahead() else { return Ok(()) };
        let before = self.position;
        self.skip(ahead);
        let start = self.position;
        self.expect("WINDOW")?;
        loop {
            let name = self.identifier()?;
            self.expect("AS")?;
            let spec = self.window_reference()?;
            if let Some(windows) = self.windows.last_mut() {
                windows.push((name, spec));
            }
            if !self.take_symbol(",") {
                break;
            }
        }
        self.window_clauses.push((start, self.position));
        self.position = before;
        Ok(())
    }

    /// Passes over a clause that has been read.
    pub(crate) fn skip_window_clause(&mut self) {
        let clause = self.window_clauses.iter().rev().find(|(start, _)| *start == self.position);
        if let Some((_, end)) = clause {
            self.position = *end;
        }
    }

    /// How far ahead the clause is, if the query has one.
    fn window_clause_ahead(&self) -> Option<usize> {
        let mut ahead = 0;
        loop {
            match self.kind(ahead) {
                Kind::End => return None,
                Kind::Symbol => match self.token_text(ahead) {
                    "(" => ahead = self.closing(ahead)?,
                    ")" | ";" | "|>" => return None,
                    _ => {}
                },
                Kind::Word if self.is_any_at(ahead, &["UNION", "INTERSECT", "MINUS", "SETMINUS"]) => return None,
                Kind::Word if self.is_at(ahead, "WINDOW") && self.is_named_window(ahead + 1) => return Some(ahead),
                _ => {}
            }
            ahead += 1;
        }
    }

    /// `w AS (…)` or `w AS v`
    fn is_named_window(&self, ahead: usize) -> bool {
        let is_name = |ahead| matches!(self.kind(ahead), Kind::Word | Kind::Quoted);
        is_name(ahead) && self.is_at(ahead + 1, "AS") && (self.symbol_at(ahead + 2, "(") || is_name(ahead + 2))
    }

    fn window_spec(&mut self) -> SparkResult<WindowSpec> {
        let mut spec = WindowSpec::default();
        if self.take_all("CLUSTER BY") {
            spec.partition_by = self.expressions()?;
            return Ok(spec);
        }
        if self.take_all("PARTITION BY") || self.take_all("DISTRIBUTE BY") {
            spec.partition_by = self.expressions()?;
        }
        if self.take_all("ORDER BY") || self.take_all("SORT BY") {
            spec.order_by = self.sort_items()?;
        }
        if self.is_any(&["ROWS", "RANGE"]) {
            spec.frame = Some(self.frame()?);
        }
        Ok(spec)
    }

    fn frame(&mut self) -> SparkResult<WindowFrame> {
        let units = if self.take("ROWS") {
            FrameUnits::Rows
        } else {
            self.expect("RANGE")?;
            FrameUnits::Range
        };
        if !self.take("BETWEEN") {
            let lower = self.bound("PRECEDING")?;
            return Ok(WindowFrame { units, lower, upper: FrameBound::CurrentRow });
        }
        let lower = self.bound("PRECEDING")?;
        self.expect("AND")?;
        let upper = self.bound("FOLLOWING")?;
        Ok(WindowFrame { units, lower, upper })
    }

    /// `direction` is what `UNBOUNDED` must be followed by.
    fn bound(&mut self, direction: &str) -> SparkResult<FrameBound> {
        if self.take("UNBOUNDED") {
            self.expect(direction)?;
            return Ok(FrameBound::Unbounded);
        }
        if self.take_all("CURRENT ROW") {
            return Ok(FrameBound::CurrentRow);
        }
        let distance = self.nested(Self::operand)?;
        if self.take("FOLLOWING") {
            return Ok(FrameBound::Value(Box::new(distance)));
        }
        self.expect("PRECEDING")?;
        Ok(FrameBound::Value(Box::new(negated(distance))))
    }

    pub(crate) fn sort_items(&mut self) -> SparkResult<Vec<SortOrder>> {
        self.comma_separated(Self::sort_item)
    }

    pub(crate) fn sort_item(&mut self) -> SparkResult<SortOrder> {
        let expr = self.expression()?;
        let (ascending, nulls_first) = self.direction()?;
        Ok(SortOrder { expr, ascending, nulls_first })
    }

    /// `[ASC | DESC] [NULLS FIRST | LAST]`
    pub(crate) fn direction(&mut self) -> SparkResult<(bool, Option<bool>)> {
        let descending = self.take("DESC");
        if !descending {
            self.take("ASC");
        }
        let nulls_first = if self.take_all("NULLS FIRST") {
            Some(true)
        } else if self.take("NULLS") {
            self.expect("LAST")?;
            Some(false)
        } else {
            None
        };
        Ok((!descending, nulls_first))
    }
}

/// A literal's opposite is a literal too.
fn negated(expr: Expr) -> Expr {
    match expr.unlocated() {
        Expr::Literal(Literal::Integer(value)) if *value != i32::MIN => Expr::Literal(Literal::Integer(-value)),
        Expr::Literal(Literal::Long(value)) if *value != i64::MIN => Expr::Literal(Literal::Long(-value)),
        Expr::Literal(Literal::DayTimeInterval { microseconds, start, end }) if *microseconds != i64::MIN => {
            Expr::Literal(Literal::DayTimeInterval { microseconds: -microseconds, start: *start, end: *end })
        }
        Expr::Literal(Literal::YearMonthInterval { months, start, end }) if *months != i32::MIN => {
            Expr::Literal(Literal::YearMonthInterval { months: -months, start: *start, end: *end })
        }
        Expr::Literal(Literal::Decimal { unscaled, precision, scale }) => {
            Expr::Literal(Literal::Decimal { unscaled: -unscaled, precision: *precision, scale: *scale })
        }
        _ => Expr::function("negative", vec![expr]),
    }
}
