//! SQL text with its parameters, and the relations that it refers to by name.

#![expect(deprecated, reason = "older clients still send these fields, and read them")]

use std::collections::BTreeMap;

use firesteel_spec::{Command, CommonTable, Expr, Plan, Relation, RelationKind, SparkError, SparkResult};

use super::literal::literal;
use super::{Converter, required};
use crate::proto;
use crate::proto::relation::RelType;
use crate::text::{self, Parameters};

impl Converter<'_> {
    /// SQL as a relation: rows of a query, or of a command's answer.
    pub(super) fn sql_relation(&mut self, sql: proto::Sql) -> SparkResult<RelationKind> {
        Ok(as_relation(self.statement(sql)?).kind)
    }

    pub(super) fn with_relations(&mut self, with: proto::WithRelations) -> SparkResult<RelationKind> {
        let root = *required(with.root, "WithRelations.root")?;
        match root.rel_type {
            Some(RelType::Sql(sql)) => Ok(as_relation(self.statement_with_views(sql, with.references)?).kind),
            _ => Ok(self.with_references(root, with.references)?.kind),
        }
    }

    /// The statement of a `SqlCommand`.
    pub(crate) fn sql_command(&mut self, input: proto::Relation) -> SparkResult<Plan> {
        let plan_id = input.common.and_then(|common| common.plan_id);
        let plan = match input.rel_type {
            Some(RelType::Sql(sql)) => self.statement(sql)?,
            Some(RelType::WithRelations(with)) => {
                let root = *required(with.root, "WithRelations.root")?;
                match root.rel_type {
                    Some(RelType::Sql(sql)) => self.statement_with_views(sql, with.references)?,
                    _ => return Err(neither_sql_nor_relations()),
                }
            }
            _ => return Err(neither_sql_nor_relations()),
        };
        Ok(match plan {
            Plan::Query(relation) => Plan::Query(Relation { plan_id: plan_id.or(relation.plan_id), ..relation }),
            command => command,
        })
    }

    fn statement(&mut self, sql: proto::Sql) -> SparkResult<Plan> {
        let named = !sql.named_arguments.is_empty() || !sql.args.is_empty();
        let positional = !sql.pos_arguments.is_empty() || !sql.pos_args.is_empty();
        let parameters = if named {
            let mut values = BTreeMap::new();
            for (name, value) in sql.args {
                values.insert(name, Expr::Literal(literal(value)?));
            }
            for (name, value) in sql.named_arguments {
                values.insert(name, self.expression(value)?);
            }
            Parameters::Named(values)
        } else if positional {
            let mut values = self.expressions(sql.pos_arguments)?;
            for value in sql.pos_args {
                values.push(Expr::Literal(literal(value)?));
            }
            Parameters::Positional(values)
        } else {
            Parameters::None
        };
        text::statement(&sql.query, &parameters)
    }

    /// `spark.sql("… {df}", df=df)`: each relation is a view that the statement alone sees.
    fn statement_with_views(&mut self, sql: proto::Sql, references: Vec<proto::Relation>) -> SparkResult<Plan> {
        let mut tables = Vec::with_capacity(references.len());
        for reference in references {
            let Some(RelType::SubqueryAlias(alias)) = reference.rel_type else {
                return Err(SparkError::new(
                    "CONNECT_INVALID_PLAN.INVALID_SQL_WITH_REFERENCES",
                    "The Spark Connect plan is invalid. A reference of SQL is no view",
                ));
            };
            let relation = *self.input(alias.input)?;
            tables.push(CommonTable { name: alias.alias, columns: Vec::new(), relation });
        }
        match self.statement(sql)? {
            Plan::Query(input) => Ok(Plan::Query(with(input, &tables))),
            Plan::Command(command) => Ok(Plan::Command(Box::new(command_with(*command, &tables)?))),
        }
    }
}

fn with(input: Relation, tables: &[CommonTable]) -> Relation {
    if tables.is_empty() {
        return input;
    }
    let kind = RelationKind::With { input: Box::new(input), tables: tables.to_vec(), recursive: false };
    kind.into()
}

/// The views go to the queries within a command.
fn command_with(command: Command, tables: &[CommonTable]) -> SparkResult<Command> {
    Ok(match command {
        Command::Write(write) => Command::Write(firesteel_spec::Write { input: with(write.input, tables), ..write }),
        Command::Insert { table, input, mode, columns, partition, by_name } => {
            Command::Insert { table, input: with(input, tables), mode, columns, partition, by_name }
        }
        Command::InsertDirectory { path, format, options, input } => {
            Command::InsertDirectory { path, format, options, input: with(input, tables) }
        }
        Command::CreateTable(create) => Command::CreateTable(firesteel_spec::CreateTable {
            query: create.query.map(|query| with(query, tables)),
            ..create
        }),
        Command::CacheTable { name, query, lazy } => {
            Command::CacheTable { name, query: query.map(|query| with(query, tables)), lazy }
        }
        Command::DescribeQuery { query } => Command::DescribeQuery { query: with(query, tables) },
        Command::Explain { plan, mode } => {
            let plan = match *plan {
                Plan::Query(query) => Plan::Query(with(query, tables)),
                Plan::Command(inner) => Plan::Command(Box::new(command_with(*inner, tables)?)),
            };
            Command::Explain { plan: Box::new(plan), mode }
        }
        other if tables.is_empty() => other,
        _ => return Err(SparkError::unsupported("a DataFrame as a parameter of this statement")),
    })
}

fn as_relation(plan: Plan) -> Relation {
    match plan {
        Plan::Query(relation) => relation,
        Plan::Command(command) => RelationKind::Command(command).into(),
    }
}

fn neither_sql_nor_relations() -> SparkError {
    SparkError::new(
        "CONNECT_INVALID_PLAN.SQL_COMMAND_EXPECTS_SQL_OR_WITH_RELATIONS",
        "The Spark Connect plan is invalid. SQL command expects either a SQL or a WithRelations",
    )
}
