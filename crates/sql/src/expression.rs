//! Expressions from the loosest operator to the tightest: `OR`, `AND`, `NOT`, predicates, then the binary operators by
//! precedence, then signs. What binds tighter is in the modules below.

mod call;
mod path;
mod predicate;
mod primary;
mod special;
mod window;

use firesteel_spec::{Expr, SparkResult};

use crate::lexer::Kind;
use crate::parser::Parser;

/// Of `= < …`, the loosest binary operators.
const COMPARISON: u8 = 1;
const BIT_OR: u8 = 2;
const BIT_XOR: u8 = 3;
const BIT_AND: u8 = 4;
const SHIFT: u8 = 5;
const ADDITION: u8 = 6;
const MULTIPLICATION: u8 = 7;

/// A binary operator as it stands in the text.
struct Operator {
    precedence: u8,
    /// Its name as a function; `!=` is the negation of `==`.
    name: &'static str,
    tokens: usize,
}

impl Parser<'_> {
    pub fn expression(&mut self) -> SparkResult<Expr> {
        self.nested(Self::disjunction)
    }

    pub fn expressions(&mut self) -> SparkResult<Vec<Expr>> {
        self.comma_separated(Self::expression)
    }

    /// An expression that may have a name: `a AS b`, `a b`, `f(a) AS (b, c)`.
    pub fn named_expression(&mut self) -> SparkResult<Expr> {
        let expr = self.expression()?;
        if self.take_as() {
            if self.symbol("(") {
                let names = self.identifier_list()?;
                return Ok(Expr::Alias { expr: Box::new(expr), names, metadata: None });
            }
            return Ok(expr.alias(self.strict_identifier()?));
        }
        if self.symbol("(") {
            let names = self.identifier_list()?;
            return Ok(Expr::Alias { expr: Box::new(expr), names, metadata: None });
        }
        if self.at_bare_alias() {
            return Ok(expr.alias(self.strict_identifier()?));
        }
        Ok(path::name_of_extraction(expr))
    }

    pub fn named_expressions(&mut self) -> SparkResult<Vec<Expr>> {
        self.comma_separated(Self::named_expression)
    }

    fn disjunction(&mut self) -> SparkResult<Expr> {
        let mut terms = vec![self.conjunction()?];
        while self.take("OR") {
            terms.push(self.conjunction()?);
        }
        Ok(balanced("or", terms))
    }

    fn conjunction(&mut self) -> SparkResult<Expr> {
        let mut terms = vec![self.negation()?];
        while self.take("AND") {
            terms.push(self.negation()?);
        }
        Ok(balanced("and", terms))
    }

    fn negation(&mut self) -> SparkResult<Expr> {
        let mut negations = 0;
        while self.at_negation() {
            self.advance();
            negations += 1;
            self.check_nesting(negations)?;
        }
        let mut expr = self.predicate()?;
        for _ in 0..negations {
            expr = Expr::function("not", vec![expr]);
        }
        Ok(expr)
    }

    /// `NOT` or `!`, and not a column that is called `not`.
    fn at_negation(&self) -> bool {
        self.symbol("!") || self.is("NOT") && !self.ends_operand(1)
    }

    /// Whether no expression can begin at a token.
    pub(super) fn ends_operand(&self, ahead: usize) -> bool {
        match self.kind(ahead) {
            Kind::End => true,
            Kind::Symbol => !["(", "-", "+", "~", "!", "*", "?", ":"].contains(&self.token_text(ahead)),
            Kind::Word => self.is_any_at(ahead, &["AS", "FROM", "THEN", "ELSE", "END", "AND", "OR"]),
            _ => false,
        }
    }

    /// Operands and binary operators of at least a precedence. All of them associate to the left.
    pub fn value(&mut self, precedence: u8) -> SparkResult<Expr> {
        let start = self.position;
        let mut left = self.signed()?;
        let mut operators = 0;
        while let Some(operator) = self.operator().filter(|operator| operator.precedence >= precedence) {
            operators += 1;
            self.check_nesting(operators)?;
            self.skip(operator.tokens);
            let right = self.value(operator.precedence + 1)?;
            left = match operator.name {
                "!=" => Expr::function("not", vec![Expr::function("==", vec![left, right])]),
                name => Expr::function(name, vec![left, right]),
            };
            left = self.located(start, left);
        }
        Ok(left)
    }

    /// An operand of predicates: everything that binds tighter.
    pub fn operand(&mut self) -> SparkResult<Expr> {
        self.value(COMPARISON)
    }

    fn operator(&self) -> Option<Operator> {
        let operator = |precedence, name| Some(Operator { precedence, name, tokens: 1 });
        if self.kind(0) == Kind::Word {
            return if self.is("DIV") && !self.ends_operand(1) { operator(MULTIPLICATION, "div") } else { None };
        }
        if self.kind(0) != Kind::Symbol {
            return None;
        }
        match self.token_text(0) {
            "=" | "==" => operator(COMPARISON, "=="),
            "<=>" => operator(COMPARISON, "<=>"),
            "<>" | "!=" => operator(COMPARISON, "!="),
            "<=" | "!>" => operator(COMPARISON, "<="),
            ">=" | "!<" => operator(COMPARISON, ">="),
            "<" | ">" => Some(self.shift_or_comparison()),
            "|" => operator(BIT_OR, "|"),
            "^" => operator(BIT_XOR, "^"),
            "&" => operator(BIT_AND, "&"),
            "+" => operator(ADDITION, "+"),
            "-" => operator(ADDITION, "-"),
            "||" => operator(ADDITION, "||"),
            "*" => operator(MULTIPLICATION, "*"),
            "/" => operator(MULTIPLICATION, "/"),
            "%" => operator(MULTIPLICATION, "%"),
            _ => None,
        }
    }

    /// Shifts are several tokens, since `>>` also ends types within types.
    fn shift_or_comparison(&self) -> Operator {
        let next = |ahead, symbol| self.symbol_at(ahead, symbol) && self.touches(ahead);
        if self.symbol("<") {
            return match next(1, "<") {
                true => Operator { precedence: SHIFT, name: "<<", tokens: 2 },
                false => Operator { precedence: COMPARISON, name: "<", tokens: 1 },
            };
        }
        match (next(1, ">"), next(2, ">")) {
            (true, true) => Operator { precedence: SHIFT, name: ">>>", tokens: 3 },
            (true, false) => Operator { precedence: SHIFT, name: ">>", tokens: 2 },
            (false, _) => Operator { precedence: COMPARISON, name: ">", tokens: 1 },
        }
    }

    /// Signs bind tighter than operators, and a minus before a number is a part of it.
    fn signed(&mut self) -> SparkResult<Expr> {
        let mut signs = Vec::new();
        while let Some(name) = self.sign() {
            signs.push((self.position, name));
            self.check_nesting(signs.len())?;
            self.advance();
        }
        let mut expr = self.primary()?;
        for (start, name) in signs.into_iter().rev() {
            expr = self.located(start, Expr::function(name, vec![expr]));
        }
        Ok(expr)
    }

    fn sign(&self) -> Option<&'static str> {
        if self.kind(0) != Kind::Symbol {
            return None;
        }
        match self.token_text(0) {
            "-" if self.number_at(1) => None,
            "-" => Some("-"),
            "+" => Some("+"),
            "~" => Some("~"),
            _ => None,
        }
    }
}

/// A tree of depth log n of terms that an associative operator joins, in order; as Spark builds them.
fn balanced(name: &str, mut terms: Vec<Expr>) -> Expr {
    if terms.len() == 1 {
        return terms.swap_remove(0);
    }
    let right = terms.split_off(terms.len().div_ceil(2));
    let (left, right) = (balanced(name, terms), balanced(name, right));
    Expr::function(name, vec![left, right])
}
