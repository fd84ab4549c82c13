//! What binds tightest: literals, names, calls, parentheses, and what may come after one of them (`.`, `[…]`, `::`,
//! `COLLATE`, `:`).

use firesteel_spec::{Expr, Literal, Name, SparkError, SparkResult};

use crate::Parameters;
use crate::lexer::Kind;
use crate::name::among;
use crate::parser::Parser;

impl Parser<'_> {
    pub fn primary(&mut self) -> SparkResult<Expr> {
        let start = self.position;
        let mut expr = self.primary_base()?;
        let mut steps = 0;
        loop {
            let before = self.position;
            expr = if self.symbol(".") {
                self.advance();
                let field = Expr::Literal(Literal::String(self.identifier()?));
                self.located(start, Expr::ExtractValue { child: Box::new(expr), extraction: Box::new(field) })
            } else if self.take_symbol("[") {
                let extraction = Box::new(self.inner_operand()?);
                self.expect_symbol("]")?;
                self.located(start, Expr::ExtractValue { child: Box::new(expr), extraction })
            } else if self.take_symbol("::") {
                let to = self.data_type()?;
                self.located(start, expr.cast(to))
            } else if self.is("COLLATE") && matches!(self.kind(1), Kind::Word | Kind::Quoted) {
                self.advance();
                let collation = Literal::String(self.name()?.join("."));
                self.located(start, Expr::function("collate", vec![expr, collation.into()]))
            } else if self.symbol(":") && (matches!(self.kind(1), Kind::Word | Kind::Quoted) || self.symbol_at(1, "["))
            {
                let expr = self.variant_path(expr)?;
                self.located(start, expr)
            } else {
                return Ok(expr);
            };
            steps += 1;
            self.check_nesting(steps)?;
            debug_assert!(self.position > before);
        }
    }

    fn primary_base(&mut self) -> SparkResult<Expr> {
        match self.kind(0) {
            Kind::Integer
            | Kind::Decimal
            | Kind::Exponent
            | Kind::Long
            | Kind::Short
            | Kind::Byte
            | Kind::Float
            | Kind::Double
            | Kind::BigDecimal => self.number().map(Expr::Literal),
            Kind::Text => Ok(Expr::Literal(Literal::String(self.text_literal()?))),
            Kind::Symbol => self.symbolic_primary(),
            Kind::Quoted => self.name_or_call(),
            Kind::Word => match self.special_form()? {
                Some(expr) => Ok(expr),
                None => self.name_or_call(),
            },
            Kind::Unknown | Kind::End => Err(self.unexpected()),
        }
    }

    fn symbolic_primary(&mut self) -> SparkResult<Expr> {
        match self.token_text(0) {
            "-" => self.number().map(Expr::Literal),
            "*" => {
                self.advance();
                self.star(None)
            }
            "(" => self.in_parentheses(),
            "?" | ":" => self.parameter(),
            _ => Err(self.unexpected()),
        }
    }

    /// A subquery, a lambda's parameters, a row, or an expression.
    fn in_parentheses(&mut self) -> SparkResult<Expr> {
        if self.at_query(0) {
            return self.parenthesised(|parser| parser.query().map(|query| Expr::ScalarSubquery(Box::new(query))));
        }
        if self.closing(0).is_some_and(|closing| self.symbol_at(closing + 1, "->")) {
            let parameters = self.identifier_list()?;
            return self.lambda(parameters);
        }
        self.expect_symbol("(")?;
        let first = self.expression()?;
        if self.take_symbol(")") {
            return Ok(first);
        }
        // Only a row's values may have names.
        let mut values = vec![self.named_value(first)?];
        if !self.symbol(",") {
            return Err(self.unexpected());
        }
        while self.take_symbol(",") {
            values.push(self.named_expression()?);
        }
        self.expect_symbol(")")?;
        Ok(Expr::function("struct", values))
    }

    fn named_value(&mut self, value: Expr) -> SparkResult<Expr> {
        if self.take_as() || self.at_bare_alias() {
            return Ok(value.alias(self.strict_identifier()?));
        }
        Ok(value)
    }

    pub(super) fn lambda(&mut self, parameters: Vec<String>) -> SparkResult<Expr> {
        self.expect_symbol("->")?;
        self.lambdas.push(parameters.clone());
        let body = self.expression();
        self.lambdas.pop();
        Ok(Expr::Lambda { body: Box::new(body?), parameters })
    }

    /// What comes after the asterisk.
    fn star(&mut self, target: Option<Name>) -> SparkResult<Expr> {
        let except = if self.is("EXCEPT") && self.symbol_at(1, "(") && !self.at_query(1) && self.is_name_list(1) {
            self.advance();
            self.list(Self::name)?
        } else {
            Vec::new()
        };
        Ok(Expr::Star { target, plan_id: None, except })
    }

    /// `EXCEPT (…)` after a star is a set operation if a query is in the parentheses.
    fn is_name_list(&self, ahead: usize) -> bool {
        matches!(self.kind(ahead + 1), Kind::Word | Kind::Quoted)
    }

    fn parameter(&mut self) -> SparkResult<Expr> {
        let start = self.position;
        let first = self.token(0).first;
        let index = self.marker_index();
        let (name, value) = if self.take_symbol("?") {
            let value = match self.parameters() {
                Parameters::Positional(values) => values.get(index),
                _ => None,
            };
            (format!("_{first}"), value)
        } else {
            self.expect_symbol(":")?;
            let name = self.identifier()?;
            let value = match self.parameters() {
                Parameters::Named(values) => values.get(&name),
                _ => None,
            };
            (name, value)
        };
        value.cloned().ok_or_else(|| {
            let message = format!("there is no value for the parameter {name}; give one with `args`");
            self.at(start, SparkError::new("UNBOUND_SQL_PARAMETER", message).with("name", name.clone()))
        })
    }

    /// A column, a star of a table, a lambda of one parameter, a call, or a literal with its type's name before it.
    fn name_or_call(&mut self) -> SparkResult<Expr> {
        let start = self.position;
        if self.kind(1) == Kind::Text && self.kind(0) == Kind::Word {
            return self.typed_literal();
        }
        if self.symbol_at(1, "->") {
            let parameter = self.identifier()?;
            return self.lambda(vec![parameter]);
        }
        let mut name = if self.at_identifier_clause() { self.identifier_clause()? } else { vec![self.identifier()?] };
        while self.symbol(".") {
            if self.symbol_at(1, "*") {
                self.skip(2);
                return self.star(Some(name));
            }
            self.advance();
            if self.at_identifier_clause() {
                name.extend(self.identifier_clause()?);
            } else {
                name.push(self.identifier()?);
            }
        }
        if self.symbol("(") {
            return self.call(start, name);
        }
        let column = self.column(name);
        Ok(self.located(start, column))
    }

    /// A column, or the parameter of a lambda around it.
    fn column(&self, mut name: Name) -> Expr {
        let parameter = name.first().and_then(|first| {
            self.lambdas.iter().rev().flatten().find(|parameter| parameter.eq_ignore_ascii_case(first))
        });
        match parameter {
            Some(parameter) => {
                name[0].clone_from(parameter);
                Expr::LambdaVariable(name)
            }
            None => Expr::Attribute { name, plan_id: None, metadata_column: false },
        }
    }

    /// Whether a query begins within the parenthesis at a token.
    pub fn at_query(&self, ahead: usize) -> bool {
        let mut inner = ahead;
        while self.symbol_at(inner, "(") {
            inner += 1;
        }
        if inner == ahead || !self.query_starts_at(inner) {
            return false;
        }
        // `((SELECT 1) + 1)` is an expression: each inner query's end has to be followed by what a query goes on with.
        (ahead + 1..inner).all(|opening| {
            self.closing(opening).is_some_and(|closing| {
                self.symbol_at(closing + 1, ")")
                    || self.symbol_at(closing + 1, "|>")
                    || self.word(closing + 1).is_some_and(|word| among(word, &QUERY_CONTINUATIONS))
            })
        })
    }

    fn query_starts_at(&self, ahead: usize) -> bool {
        let followed = |kinds: &[Kind]| kinds.contains(&self.kind(ahead + 1));
        if self.is_at(ahead, "SELECT") {
            return !(self.symbol_at(ahead + 1, ")")
                || self.symbol_at(ahead + 1, ",")
                || self.symbol_at(ahead + 1, "."));
        }
        if self.is_any_at(ahead, &["WITH", "FROM", "TABLE"]) {
            return followed(&[Kind::Word, Kind::Quoted])
                || self.is_at(ahead, "FROM") && self.symbol_at(ahead + 1, "(");
        }
        let is_value = || followed(&[Kind::Text, Kind::Integer, Kind::Decimal, Kind::Word, Kind::Quoted]);
        self.is_any_at(ahead, &["VALUES"]) && (self.symbol_at(ahead + 1, "(") || is_value())
            || self.is_any_at(ahead, &["MAP", "REDUCE"]) && is_value()
    }
}

/// Words that may come after a query in parentheses, within a larger query.
const QUERY_CONTINUATIONS: [&str; 12] = [
    "UNION",
    "EXCEPT",
    "MINUS",
    "SETMINUS",
    "INTERSECT",
    "ORDER",
    "SORT",
    "CLUSTER",
    "DISTRIBUTE",
    "LIMIT",
    "OFFSET",
    "WINDOW",
];
