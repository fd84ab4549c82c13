//! Queries: common tables, set operations, and what orders and limits the result. A query's core and its `FROM` are in
//! the modules below.

mod from;
mod grouping;
mod join;
mod pipe;
mod pivot;
mod select;

use firesteel_spec::{
    CommonTable, Expr, Name, Relation, RelationKind, SetOperator, SortOrder, SparkError, SparkResult,
};

use crate::lexer::Kind;
use crate::parser::Parser;

impl Parser<'_> {
    /// A query and nothing after it, but a semicolon.
    pub fn single_query(&mut self) -> SparkResult<Relation> {
        let query = self.query()?;
        while self.take_symbol(";") {}
        Ok(query)
    }

    pub fn query(&mut self) -> SparkResult<Relation> {
        self.nested(|parser| {
            if !parser.at_with() {
                return parser.query_body();
            }
            let (tables, recursive) = parser.common_tables()?;
            let input = Box::new(parser.query_body()?);
            Ok(RelationKind::With { input, tables, recursive }.into())
        })
    }

    pub fn at_with(&self) -> bool {
        self.is("WITH") && matches!(self.kind(1), Kind::Word | Kind::Quoted)
    }

    /// `WITH a AS (…), b (c, d) AS (…)`
    pub fn common_tables(&mut self) -> SparkResult<(Vec<CommonTable>, bool)> {
        let start = self.position;
        self.expect("WITH")?;
        let recursive =
            self.is("RECURSIVE") && !self.is_at(1, "AS") && !self.symbol_at(1, "(") && self.take("RECURSIVE");
        let tables = self.comma_separated(Self::common_table)?;
        for (index, table) in tables.iter().enumerate() {
            if tables[..index].iter().any(|before| before.name.eq_ignore_ascii_case(&table.name)) {
                let message = format!("the name {} stands more than once in a WITH clause; rename one", table.name);
                let error = SparkError::new("DUPLICATED_CTE_NAMES", message);
                return Err(self.at(start, error.with("duplicateNames", format!("`{}`", table.name))));
            }
        }
        Ok((tables, recursive))
    }

    fn common_table(&mut self) -> SparkResult<CommonTable> {
        let name = self.strict_identifier()?;
        let columns = if self.symbol("(") && !self.at_query(0) { self.identifier_list()? } else { Vec::new() };
        if self.are("MAX RECURSION LEVEL") {
            return Err(self.at(self.position, SparkError::unsupported("MAX RECURSION LEVEL")));
        }
        self.take("AS");
        let relation = self.parenthesised(Self::query)?;
        Ok(CommonTable { name, columns, relation })
    }

    /// A query without its common tables.
    pub fn query_body(&mut self) -> SparkResult<Relation> {
        self.windows.push(Vec::new());
        let query = self.organized_query();
        self.windows.pop();
        query
    }

    fn organized_query(&mut self) -> SparkResult<Relation> {
        let mut query = self.union_term()?;
        let mut operators = 0;
        while self.take_symbol("|>") {
            operators += 1;
            self.check_nesting(operators)?;
            query = self.pipe_operator(query)?;
        }
        self.organized(query)
    }

    /// `INTERSECT` binds tighter than the other set operations.
    fn union_term(&mut self) -> SparkResult<Relation> {
        let mut left = self.intersect_term()?;
        let mut operators = 0;
        while let Some(word) = self.take_any(&["UNION", "EXCEPT", "MINUS", "SETMINUS"]) {
            operators += 1;
            self.check_nesting(operators)?;
            let operator = if word.eq_ignore_ascii_case("UNION") { SetOperator::Union } else { SetOperator::Except };
            left = self.set_operation(left, operator, Self::intersect_term)?;
        }
        Ok(left)
    }

    fn intersect_term(&mut self) -> SparkResult<Relation> {
        let mut left = self.query_primary()?;
        let mut operators = 0;
        while self.take("INTERSECT") {
            operators += 1;
            self.check_nesting(operators)?;
            left = self.set_operation(left, SetOperator::Intersect, Self::query_primary)?;
        }
        Ok(left)
    }

    /// After the operator's name.
    fn set_operation(
        &mut self,
        left: Relation,
        operator: SetOperator,
        right: fn(&mut Self) -> SparkResult<Relation>,
    ) -> SparkResult<Relation> {
        let all = self.take("ALL");
        if !all {
            self.take("DISTINCT");
        }
        let by_name = operator == SetOperator::Union && self.take_all("BY NAME");
        let (left, right) = (Box::new(left), Box::new(right(self)?));
        Ok(RelationKind::SetOperation { left, right, operator, all, by_name, allow_missing_columns: false }.into())
    }

    fn query_primary(&mut self) -> SparkResult<Relation> {
        if self.symbol("(") {
            return self.parenthesised(Self::query);
        }
        if self.is("SELECT") {
            return self.select(None);
        }
        if self.is("FROM") {
            return self.query_with_relations_first();
        }
        if self.is("VALUES") {
            return self.inline_table();
        }
        if self.take("TABLE") {
            return Ok(table(self.name()?));
        }
        Err(self.unexpected())
    }

    /// `FROM t SELECT …`; with several `SELECT`s their rows together; without, all of the relation.
    fn query_with_relations_first(&mut self) -> SparkResult<Relation> {
        let input = self.relations_clause()?;
        if !self.is("SELECT") {
            return Ok(input);
        }
        let mut query = self.select(Some(input.clone()))?;
        while self.is("SELECT") {
            let right = self.select(Some(input.clone()))?;
            query = RelationKind::SetOperation {
                left: Box::new(query),
                right: Box::new(right),
                operator: SetOperator::Union,
                all: true,
                by_name: false,
                allow_missing_columns: false,
            }
            .into();
        }
        Ok(query)
    }

    /// `ORDER BY`, `SORT BY`, `DISTRIBUTE BY`, `CLUSTER BY`, `WINDOW`, `LIMIT` and `OFFSET`.
    fn organized(&mut self, query: Relation) -> SparkResult<Relation> {
        let ordered = self.ordered(query)?;
        self.skip_window_clause();
        let mut limit = None;
        if self.take("LIMIT") && !(self.is("ALL") && self.ends_clause(1) && self.take("ALL")) {
            limit = Some(Box::new(self.expression()?));
        }
        let mut query = ordered;
        if self.take("OFFSET") {
            let offset = Box::new(self.expression()?);
            query = RelationKind::Offset { input: Box::new(query), offset }.into();
        }
        Ok(match limit {
            Some(limit) => RelationKind::Limit { input: Box::new(query), limit }.into(),
            None => query,
        })
    }

    fn ordered(&mut self, query: Relation) -> SparkResult<Relation> {
        let start = self.position;
        let mut clauses = 0;
        let mut ordered = query;
        if self.take_all("ORDER BY") {
            clauses += 1;
            ordered = self.order_by(ordered)?;
        }
        if self.take_all("CLUSTER BY") {
            clauses += 1;
            let expressions = self.expressions()?;
            let order = expressions.iter().cloned().map(SortOrder::ascending).collect();
            ordered = sorted(distributed(ordered, expressions), order, false);
        }
        let mut distribution = None;
        if self.take_all("DISTRIBUTE BY") {
            clauses += 1;
            distribution = Some(self.expressions()?);
        }
        let mut order = None;
        if self.take_all("SORT BY") {
            clauses += usize::from(distribution.is_none());
            order = Some(self.sort_items()?);
        }
        if clauses > 1 {
            let message = "ORDER BY, SORT BY, DISTRIBUTE BY and CLUSTER BY do not go together; write one of them";
            let error = SparkError::new("UNSUPPORTED_FEATURE.COMBINATION_QUERY_RESULT_CLAUSES", message);
            return Err(self.at(start, error));
        }
        if let Some(expressions) = distribution {
            ordered = distributed(ordered, expressions);
        }
        Ok(match order {
            Some(order) => sorted(ordered, order, false),
            None => ordered,
        })
    }

    fn order_by(&mut self, input: Relation) -> SparkResult<Relation> {
        if self.is("ALL") && self.ends_clause(1) {
            self.advance();
            let (ascending, nulls_first) = self.direction()?;
            return Ok(RelationKind::SortAll { input: Box::new(input), ascending, nulls_first }.into());
        }
        let order = self.sort_items()?;
        Ok(sorted(input, order, true))
    }

    /// Whether the word before a token stands alone: `ALL`, and not `all.b` or `all + 1`.
    fn ends_clause(&self, ahead: usize) -> bool {
        match self.kind(ahead) {
            Kind::End | Kind::Word => true,
            Kind::Symbol => [")", ";", "|>"].contains(&self.token_text(ahead)),
            _ => false,
        }
    }
}

pub(crate) fn table(name: Name) -> Relation {
    RelationKind::Table { name, options: Vec::new(), streaming: false }.into()
}

fn sorted(input: Relation, order: Vec<SortOrder>, global: bool) -> Relation {
    RelationKind::Sort { input: Box::new(input), order, global }.into()
}

fn distributed(input: Relation, expressions: Vec<Expr>) -> Relation {
    RelationKind::RepartitionByExpression { input: Box::new(input), expressions, partitions: None }.into()
}
