//! Calls of functions: arguments, `DISTINCT`, `WITHIN GROUP`, `FILTER`, `IGNORE NULLS` and `OVER`.

use firesteel_spec::{Expr, FunctionCall, Literal, Name, SparkError, SparkResult};

use crate::name::among;
use crate::parser::Parser;

/// What `date_add`, `datediff` and their kin take as a unit, without quotes.
const UNITS: [&str; 11] =
    ["YEAR", "QUARTER", "MONTH", "WEEK", "DAY", "DAYOFYEAR", "HOUR", "MINUTE", "SECOND", "MILLISECOND", "MICROSECOND"];
const ADDITIONS: [&str; 3] = ["TIMESTAMPADD", "DATEADD", "DATE_ADD"];
const DIFFERENCES: [&str; 4] = ["TIMESTAMPDIFF", "DATEDIFF", "DATE_DIFF", "TIMEDIFF"];

impl Parser<'_> {
    /// From the opening parenthesis on; the name began at `start`.
    pub(super) fn call(&mut self, start: usize, name: Name) -> SparkResult<Expr> {
        if let [single] = name.as_slice()
            && (among(single, &ADDITIONS) || among(single, &DIFFERENCES))
            && let Some(expr) = self.call_with_unit(start, single)?
        {
            return Ok(self.located(start, expr));
        }
        self.expect_symbol("(")?;
        let distinct = self.is("DISTINCT") && !self.ends_operand(1) && self.take("DISTINCT");
        if !distinct && self.is("ALL") && !self.ends_operand(1) {
            self.advance();
        }
        let mut call = FunctionCall { name, distinct, ..FunctionCall::default() };
        if !self.symbol(")") {
            call.arguments = self.comma_separated(Self::argument)?;
        }
        call.ignore_nulls = self.nulls_option();
        self.expect_symbol(")")?;
        count_rows(&mut call);
        self.after_arguments(start, call)
    }

    fn after_arguments(&mut self, start: usize, mut call: FunctionCall) -> SparkResult<Expr> {
        if self.take_all("WITHIN GROUP") {
            call.within_group = self.parenthesised(|parser| {
                parser.expect("ORDER BY")?;
                parser.sort_items()
            })?;
        }
        if self.is("FILTER") && self.symbol_at(1, "(") {
            self.advance();
            let condition = self.parenthesised(|parser| {
                parser.expect("WHERE")?;
                parser.expression()
            })?;
            call.filter = Some(Box::new(condition));
        }
        if let Some(ignore) = self.nulls_option() {
            call.ignore_nulls = Some(ignore);
        }
        let function = self.located(start, Expr::Function(call));
        if self.is("OVER") && !self.ends_operand(1) {
            self.advance();
            let spec = Box::new(self.window_reference()?);
            return Ok(self.located(start, Expr::Window { function: Box::new(function), spec }));
        }
        Ok(function)
    }

    fn nulls_option(&mut self) -> Option<bool> {
        if self.take_all("IGNORE NULLS") {
            Some(true)
        } else if self.take_all("RESPECT NULLS") {
            Some(false)
        } else {
            None
        }
    }

    /// `a`, or `name => a`.
    fn argument(&mut self) -> SparkResult<Expr> {
        if self.symbol_at(1, "=>") {
            let name = self.identifier()?;
            self.expect_symbol("=>")?;
            let value = Box::new(self.expression()?);
            return Ok(Expr::NamedArgument { name, value });
        }
        self.expression()
    }

    /// `date_add(DAY, 1, d)` and `datediff(DAY, a, b)`: the unit is a word. None if there is no unit.
    fn call_with_unit(&mut self, start: usize, name: &str) -> SparkResult<Option<Expr>> {
        let unit = self.word(1).filter(|word| among(word, &UNITS) && self.symbol_at(2, ","));
        let Some(unit) = unit else {
            return match self.kind(1) == crate::lexer::Kind::Text && self.symbol_at(2, ",") {
                true if self.has_three_arguments() => Err(self.at(start, invalid_unit(name, self.token_text(1)))),
                _ => Ok(None),
            };
        };
        if !self.has_three_arguments() {
            return Ok(None);
        }
        self.skip(3);
        let mut arguments = vec![Expr::Literal(Literal::String(unit.to_owned()))];
        arguments.push(self.expression()?);
        self.expect_symbol(",")?;
        arguments.push(self.expression()?);
        self.expect_symbol(")")?;
        let function = if among(name, &ADDITIONS) { "timestampadd" } else { "timestampdiff" };
        Ok(Some(Expr::function(function, arguments)))
    }

    /// Whether the parentheses that begin here hold two commas of their own.
    fn has_three_arguments(&self) -> bool {
        let Some(end) = self.closing(0) else { return false };
        let (mut ahead, mut commas) = (1, 0);
        while ahead < end {
            if self.symbol_at(ahead, "(") {
                ahead = self.closing(ahead).unwrap_or(end);
            } else {
                commas += usize::from(self.symbol_at(ahead, ","));
            }
            ahead += 1;
        }
        commas == 2
    }
}

/// `count(*)` counts rows: Spark has it as `count(1)`.
fn count_rows(call: &mut FunctionCall) {
    if let ([name], [Expr::Star { target: None, except, .. }]) = (call.name.as_slice(), call.arguments.as_slice())
        && name.eq_ignore_ascii_case("count")
        && except.is_empty()
        && !call.distinct
    {
        call.arguments = vec![Expr::Literal(Literal::Integer(1))];
    }
}

fn invalid_unit(name: &str, unit: &str) -> SparkError {
    SparkError::new(
        "INVALID_PARAMETER_VALUE.DATETIME_UNIT",
        format!("the unit of {name} is a word without quotes, such as DAY, and not {unit}"),
    )
    .with("functionName", format!("`{}`", name.to_lowercase()))
    .with("parameter", "`unit`")
    .with("invalidValue", unit)
}
