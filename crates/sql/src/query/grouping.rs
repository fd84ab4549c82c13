//! `GROUP BY` with `ROLLUP`, `CUBE` and `GROUPING SETS`.

use firesteel_spec::{Expr, GroupingElement, SparkError, SparkResult};

use crate::parser::Parser;

/// `CUBE` within `GROUPING SETS` is spelled out, which gives 2^n sets.
const CUBE_IN_SETS_MAX: usize = 12;

impl Parser<'_> {
    pub(super) fn group_by(&mut self) -> SparkResult<Vec<GroupingElement>> {
        self.expect("GROUP BY")?;
        if self.is("ALL") && self.ends_clause(1) {
            self.advance();
            return Ok(vec![GroupingElement::All]);
        }
        let elements = self.comma_separated(Self::grouping_element)?;
        if self.are("GROUPING SETS") {
            return Ok(vec![self.grouping_sets()?]);
        }
        let rollup = self.are("WITH ROLLUP");
        if !rollup && !self.are("WITH CUBE") {
            return Ok(elements);
        }
        self.skip(2);
        let mut sets = Vec::with_capacity(elements.len());
        for element in elements {
            match element {
                GroupingElement::Expr(expr) => sets.push(vec![expr]),
                _ => return Err(self.unexpected()),
            }
        }
        Ok(vec![if rollup { GroupingElement::Rollup(sets) } else { GroupingElement::Cube(sets) }])
    }

    fn grouping_element(&mut self) -> SparkResult<GroupingElement> {
        if self.is("ROLLUP") && self.symbol_at(1, "(") {
            self.advance();
            return Ok(GroupingElement::Rollup(self.list(Self::grouping_set)?));
        }
        if self.is("CUBE") && self.symbol_at(1, "(") {
            self.advance();
            return Ok(GroupingElement::Cube(self.list(Self::grouping_set)?));
        }
        if self.are("GROUPING SETS") && self.symbol_at(2, "(") {
            return self.grouping_sets();
        }
        Ok(GroupingElement::Expr(self.expression()?))
    }

    fn grouping_sets(&mut self) -> SparkResult<GroupingElement> {
        self.nested(|parser| {
            parser.expect("GROUPING SETS")?;
            let elements = parser.list(|parser| {
                let start = parser.position;
                let analytics = parser.is_any(&["ROLLUP", "CUBE"]) && parser.symbol_at(1, "(");
                if analytics || parser.are("GROUPING SETS") {
                    let element = parser.grouping_element()?;
                    return sets_of(element).map_err(|error| parser.at(start, error));
                }
                Ok(vec![parser.grouping_set()?])
            })?;
            Ok(GroupingElement::Sets(elements.into_iter().flatten().collect()))
        })
    }

    /// `a`, `(a, b)` or `()`.
    fn grouping_set(&mut self) -> SparkResult<Vec<Expr>> {
        let is_set = self.symbol("(")
            && self
                .closing(0)
                .is_some_and(|closing| self.symbol_at(closing + 1, ",") || self.symbol_at(closing + 1, ")"));
        if !is_set || self.at_query(0) {
            return Ok(vec![self.expression()?]);
        }
        self.parenthesised(|parser| if parser.symbol(")") { Ok(Vec::new()) } else { parser.expressions() })
    }
}

/// The sets that an element of `GROUPING SETS` stands for.
fn sets_of(element: GroupingElement) -> SparkResult<Vec<Vec<Expr>>> {
    match element {
        GroupingElement::Sets(sets) => Ok(sets),
        GroupingElement::Rollup(sets) => Ok((0..=sets.len()).rev().map(|length| sets[..length].concat()).collect()),
        GroupingElement::Cube(sets) if sets.len() <= CUBE_IN_SETS_MAX => {
            let subset = |mask: usize| {
                let chosen = sets.iter().enumerate().filter(|(index, _)| mask >> (sets.len() - 1 - index) & 1 == 1);
                chosen.flat_map(|(_, set)| set.clone()).collect()
            };
            Ok((0..1_usize << sets.len()).rev().map(subset).collect())
        }
        GroupingElement::Cube(_) => {
            Err(SparkError::unsupported(format!("a CUBE of more than {CUBE_IN_SETS_MAX} columns in GROUPING SETS")))
        }
        GroupingElement::Expr(expr) => Ok(vec![vec![expr]]),
        GroupingElement::All => Ok(Vec::new()),
    }
}
