//! `FROM`: tables, subqueries, inline tables, table functions, samples and aliases.

use firesteel_spec::{Expr, JoinKind, Name, Options, Relation, RelationKind, SparkError, SparkResult};

use crate::lexer::Kind;
use crate::parser::Parser;

/// Spark's name for a subquery in `FROM` that has none.
const NAMELESS_SUBQUERY: &str = "__auto_generated_subquery_name";

impl Parser<'_> {
    /// `FROM a, b JOIN c …` with lateral views and pivots after it.
    pub fn relations_clause(&mut self) -> SparkResult<Relation> {
        self.expect("FROM")?;
        let mut lateral = self.at_lateral_relation() && self.take("LATERAL");
        let mut from = self.relation()?;
        if lateral {
            from = comma_join(RelationKind::OneRow.into(), from, true);
        }
        let mut relations = 0;
        while self.take_symbol(",") {
            relations += 1;
            self.check_nesting(relations)?;
            lateral = self.at_lateral_relation() && self.take("LATERAL");
            let right = self.relation_primary()?;
            from = comma_join(from, right, lateral);
            from = self.extended(from)?;
        }
        self.lateral_views(from)
    }

    fn at_lateral_relation(&self) -> bool {
        self.is("LATERAL") && !self.is_at(1, "VIEW")
    }

    /// A relation with its joins and pivots.
    pub(super) fn relation(&mut self) -> SparkResult<Relation> {
        self.nested(|parser| {
            let first = parser.relation_primary()?;
            parser.extended(first)
        })
    }

    /// The joins, pivots and unpivots after a relation.
    fn extended(&mut self, mut relation: Relation) -> SparkResult<Relation> {
        let mut steps = 0;
        loop {
            relation = if self.at_join() {
                self.join(relation)?
            } else if self.is("PIVOT") && self.symbol_at(1, "(") {
                self.pivot(relation)?
            } else if self.is("UNPIVOT") && (self.symbol_at(1, "(") || self.is_at(2, "NULLS")) {
                self.unpivot(relation)?
            } else {
                return Ok(relation);
            };
            steps += 1;
            self.check_nesting(steps)?;
        }
    }

    pub(super) fn relation_primary(&mut self) -> SparkResult<Relation> {
        if self.symbol("(") {
            return self.relation_in_parentheses();
        }
        let values = self.symbol_at(1, "(") || self.number_at(1) || matches!(self.kind(1), Kind::Text);
        if self.is("VALUES") && values {
            return self.inline_table();
        }
        if self.is("STREAM") && (self.symbol_at(1, "(") || matches!(self.kind(1), Kind::Word | Kind::Quoted)) {
            return self.stream();
        }
        let name = self.name()?;
        if self.symbol("(") {
            let arguments = self.table_function_arguments()?;
            return self.aliased(RelationKind::TableFunction { name, arguments }.into());
        }
        let mut relation = self.table_at(name)?;
        if self.is("WITH") && self.symbol_at(1, "(") {
            self.advance();
            let given = self.properties()?;
            if let RelationKind::Table { options, .. } = &mut relation.kind {
                *options = given;
            }
        }
        self.sampled_and_aliased(relation, None)
    }

    /// A subquery, or a relation in parentheses.
    fn relation_in_parentheses(&mut self) -> SparkResult<Relation> {
        let subquery = self.at_query(0);
        let inner = if subquery { self.parenthesised(Self::query)? } else { self.parenthesised(Self::relation)? };
        self.sampled_and_aliased(inner, subquery.then_some(NAMELESS_SUBQUERY))
    }

    fn stream(&mut self) -> SparkResult<Relation> {
        self.expect("STREAM")?;
        let name = if self.symbol("(") { self.parenthesised(Self::name)? } else { self.name()? };
        self.aliased(RelationKind::Table { name, options: Options::new(), streaming: true }.into())
    }

    /// `t VERSION AS OF 3`, `t FOR TIMESTAMP AS OF '…'`
    fn table_at(&mut self, name: Name) -> SparkResult<Relation> {
        let ahead = usize::from(self.is("FOR"));
        let as_of = self.is_at(ahead + 1, "AS") && self.is_at(ahead + 2, "OF");
        if as_of && self.is_any_at(ahead, &["VERSION", "SYSTEM_VERSION"]) {
            self.skip(ahead + 3);
            let version =
                if self.kind(0) == Kind::Integer { self.whole_number()?.to_string() } else { self.text_literal()? };
            return Ok(RelationKind::TableAsOf { name, version: Some(version), timestamp: None }.into());
        }
        if as_of && self.is_any_at(ahead, &["TIMESTAMP", "SYSTEM_TIME"]) {
            self.skip(ahead + 3);
            let timestamp = Some(Box::new(self.nested(Self::operand)?));
            return Ok(RelationKind::TableAsOf { name, version: None, timestamp }.into());
        }
        Ok(super::table(name))
    }

    fn sampled_and_aliased(&mut self, relation: Relation, nameless: Option<&str>) -> SparkResult<Relation> {
        let start = self.position;
        if !self.is("TABLESAMPLE") {
            return self.aliased_or(relation, nameless);
        }
        // The sample is of the relation with its alias, which comes after it in the text.
        let end = self.closing(1).map_or(0, |closing| closing + 1);
        let end = end + if self.is_at(end, "REPEATABLE") { self.closing(end + 1).unwrap_or(end) + 1 - end } else { 0 };
        self.skip(end);
        let aliased = self.aliased_or(relation, nameless)?;
        let after = self.position;
        self.position = start;
        let sampled = self.sample(aliased)?;
        if self.position != start + end {
            return Err(self.unexpected());
        }
        self.position = after;
        Ok(sampled)
    }

    pub(super) fn aliased(&mut self, relation: Relation) -> SparkResult<Relation> {
        self.aliased_or(relation, None)
    }

    /// `relation [AS] alias [(a, b)]`
    fn aliased_or(&mut self, relation: Relation, nameless: Option<&str>) -> SparkResult<Relation> {
        let alias = match (self.table_alias_name()?, nameless) {
            (Some(alias), _) => alias,
            (None, Some(nameless)) => return Ok(named(relation, nameless.to_owned(), Vec::new())),
            (None, None) => return Ok(relation),
        };
        let columns = if self.symbol("(") { self.identifier_list()? } else { Vec::new() };
        Ok(named(relation, alias, columns))
    }

    /// `TABLESAMPLE (…) [REPEATABLE (seed)]`
    pub(super) fn sample(&mut self, input: Relation) -> SparkResult<Relation> {
        let start = self.position;
        self.expect("TABLESAMPLE")?;
        let sample = self.parenthesised(|parser| parser.sample_of(start))?;
        let mut seed = None;
        if self.take("REPEATABLE") {
            seed = Some(self.parenthesised(Self::whole_number)?);
        }
        let input = Box::new(input);
        let upper = match sample {
            Sample::Rows(limit) => return Ok(RelationKind::Limit { input, limit: Box::new(limit) }.into()),
            Sample::Fraction(upper) => upper,
        };
        if !(0.0..=1.0).contains(&upper) {
            let message = format!("Sampling fraction ({upper}) must be on interval [0, 1].");
            return Err(self.at(start, SparkError::new("_LEGACY_ERROR_TEMP_0064", &message).with("msg", message)));
        }
        let seed = seed.map(u64::cast_signed);
        Ok(RelationKind::Sample { input, lower: 0.0, upper, with_replacement: false, seed }.into())
    }

    fn sample_of(&mut self, start: usize) -> SparkResult<Sample> {
        if self.symbol(")") {
            let error = SparkError::new("_LEGACY_ERROR_TEMP_0014", "TABLESAMPLE does not accept empty inputs.");
            return Err(self.at(start, error));
        }
        if self.is("BUCKET") && self.kind(1) == Kind::Integer {
            self.advance();
            let bucket = self.whole_number()?;
            self.expect("OUT OF")?;
            let buckets = self.whole_number()?;
            if self.is("ON") {
                return Err(self.at(start, unsupported_sample("BUCKET x OUT OF y ON colname")));
            }
            #[expect(clippy::cast_precision_loss, reason = "buckets are few")]
            return Ok(Sample::Fraction(bucket as f64 / buckets as f64));
        }
        if self.number_at(0) && self.is_at(1, "PERCENT") || self.symbol("-") {
            let negative = self.take_symbol("-");
            let percent: f64 = self.token_text(0).parse().map_err(|_| self.unexpected())?;
            self.advance();
            self.expect("PERCENT")?;
            return Ok(Sample::Fraction(if negative { -percent / 100.0 } else { percent / 100.0 }));
        }
        if self.symbol_at(1, ")") && self.kind(0) == Kind::Word {
            return Err(self.at(start, unsupported_sample("byteLengthLiteral")));
        }
        let rows = self.expression()?;
        self.expect("ROWS")?;
        Ok(Sample::Rows(rows))
    }

    fn table_function_arguments(&mut self) -> SparkResult<Vec<Expr>> {
        self.parenthesised(|parser| {
            if parser.symbol(")") {
                return Ok(Vec::new());
            }
            parser.comma_separated(|parser| {
                if !parser.symbol_at(1, "=>") {
                    return parser.table_function_argument();
                }
                let name = parser.identifier()?;
                parser.expect_symbol("=>")?;
                Ok(Expr::NamedArgument { name, value: Box::new(parser.table_function_argument()?) })
            })
        })
    }

    fn table_function_argument(&mut self) -> SparkResult<Expr> {
        let start = self.position;
        if !self.is("TABLE") || !(self.symbol_at(1, "(") || matches!(self.kind(1), Kind::Word | Kind::Quoted)) {
            return self.expression();
        }
        self.advance();
        if !self.symbol("(") {
            const CLASS: &str = "INVALID_SQL_SYNTAX.INVALID_TABLE_FUNCTION_IDENTIFIER_ARGUMENT_MISSING_PARENTHESES";
            let name = self.name()?.join(".");
            let message = format!("the table {name} has to be in parentheses: TABLE({name})");
            return Err(self.at(start, SparkError::new(CLASS, message).with("argumentName", format!("`{name}`"))));
        }
        let relation = if self.at_query(0) {
            self.parenthesised(Self::query)?
        } else {
            super::table(self.parenthesised(Self::name)?)
        };
        let single_partition = self.take_all("WITH SINGLE PARTITION");
        let mut partition_by = Vec::new();
        if !single_partition && (self.take_all("PARTITION BY") || self.take_all("DISTRIBUTE BY")) {
            partition_by = self.partitioning()?;
        }
        let mut order_by = Vec::new();
        if self.take_all("ORDER BY") || self.take_all("SORT BY") {
            order_by = if self.lists_in_parentheses() { self.list(Self::sort_item)? } else { vec![self.sort_item()?] };
        }
        Ok(Expr::TableArgument { relation: Box::new(relation), partition_by, order_by, single_partition })
    }

    /// One expression, or several in parentheses.
    fn partitioning(&mut self) -> SparkResult<Vec<Expr>> {
        if self.lists_in_parentheses() { self.list(Self::expression) } else { Ok(vec![self.expression()?]) }
    }

    fn lists_in_parentheses(&self) -> bool {
        self.symbol("(")
            && self.closing(0).is_some_and(|closing| {
                self.symbol_at(closing + 1, ",")
                    || self.symbol_at(closing + 1, ")")
                    || self.is_any_at(closing + 1, &["ORDER", "SORT"])
            })
    }
}

enum Sample {
    Fraction(f64),
    Rows(Expr),
}

fn unsupported_sample(form: &str) -> SparkError {
    SparkError::new("_LEGACY_ERROR_TEMP_0015", format!("TABLESAMPLE({form}) is not supported.")).with("msg", form)
}

pub(super) fn named(input: Relation, alias: String, columns: Vec<String>) -> Relation {
    RelationKind::SubqueryAlias { input: Box::new(input), alias, qualifier: Vec::new(), columns }.into()
}

fn comma_join(left: Relation, right: Relation, lateral: bool) -> Relation {
    RelationKind::Join {
        left: Box::new(left),
        right: Box::new(right),
        kind: JoinKind::Inner,
        condition: None,
        using: Vec::new(),
        natural: false,
        lateral,
    }
    .into()
}
