//! Plans as short text, for tests: functions as `f(a, b)`, relations as `Kind[…](input)`.

use firesteel_spec::*;
use firesteel_sql::*;

pub fn expression(text: &str) -> String {
    match parse_expression(text) {
        Ok(parsed) => expr(&parsed),
        Err(error) => format!("error {}", error.class),
    }
}

pub fn query(text: &str) -> String {
    match parse_query(text, &Parameters::None) {
        Ok(parsed) => relation(&parsed),
        Err(error) => format!("error {}", error.class),
    }
}

pub fn exprs(list: &[Expr]) -> String {
    list.iter().map(expr).collect::<Vec<_>>().join(", ")
}

pub fn expr(parsed: &Expr) -> String {
    match parsed {
        Expr::Literal(value) => literal(value),
        Expr::Attribute { name, .. } => name.join("."),
        Expr::Star { target, except, .. } => {
            let target = target.as_ref().map_or(String::new(), |target| format!("{}.", target.join(".")));
            let except: Vec<_> = except.iter().map(|name| name.join(".")).collect();
            let except = if except.is_empty() { String::new() } else { format!(" except {}", except.join(", ")) };
            format!("{target}*{except}")
        }
        Expr::Function(call) => function(call),
        Expr::Alias { expr: child, names, .. } => format!("{} AS {}", expr(child), names.join("+")),
        Expr::Cast { expr: child, to, mode } => {
            let mode = match mode {
                CastMode::Session => "cast",
                CastMode::Try => "try_cast",
                CastMode::Ansi => "ansi_cast",
                CastMode::Legacy => "legacy_cast",
            };
            format!("{mode}({} AS {})", expr(child), to.sql())
        }
        Expr::Lambda { body, parameters } => format!("{{{} -> {}}}", parameters.join(", "), expr(body)),
        Expr::LambdaVariable(name) => format!("${}", name.join(".")),
        Expr::Window { function, spec } => format!("{} over({})", expr(function), window(spec)),
        Expr::ExtractValue { child, extraction } => format!("{}[{}]", expr(child), expr(extraction)),
        Expr::NamedArgument { name, value } => format!("{name} => {}", expr(value)),
        Expr::ScalarSubquery(query) => format!("scalar({})", relation(query)),
        Expr::Exists(query) => format!("exists({})", relation(query)),
        Expr::InSubquery { values, relation: query } => format!("[{}] in({})", exprs(values), relation(query)),
        Expr::TableArgument { relation: input, partition_by, order_by, single_partition } => {
            let single = if *single_partition { " single" } else { "" };
            format!("table({}; {}; {}{single})", relation(input), exprs(partition_by), orders(order_by))
        }
        Expr::Located { expr: child, .. } => expr(child),
        other => format!("{other:?}"),
    }
}

fn function(call: &FunctionCall) -> String {
    let distinct = if call.distinct { "distinct " } else { "" };
    let mut text = format!("{}({distinct}{})", call.name.join("."), exprs(&call.arguments));
    if !call.within_group.is_empty() {
        text += &format!(" within({})", orders(&call.within_group));
    }
    if let Some(filter) = &call.filter {
        text += &format!(" filter({})", expr(filter));
    }
    match call.ignore_nulls {
        Some(true) => text + " ignore nulls",
        Some(false) => text + " respect nulls",
        None => text,
    }
}

pub fn orders(list: &[SortOrder]) -> String {
    let order = |order: &SortOrder| {
        let direction = if order.ascending { "" } else { " desc" };
        let nulls = match order.nulls_first {
            Some(true) => " nulls first",
            Some(false) => " nulls last",
            None => "",
        };
        format!("{}{direction}{nulls}", expr(&order.expr))
    };
    list.iter().map(order).collect::<Vec<_>>().join(", ")
}

fn window(spec: &WindowSpec) -> String {
    let bound = |bound: &FrameBound| match bound {
        FrameBound::Unbounded => "unbounded".to_owned(),
        FrameBound::CurrentRow => "current".to_owned(),
        FrameBound::Value(value) => expr(value),
    };
    let frame = spec
        .frame
        .as_ref()
        .map_or(String::new(), |frame| format!("; {:?} {}..{}", frame.units, bound(&frame.lower), bound(&frame.upper)));
    format!("{}; {}{frame}", exprs(&spec.partition_by), orders(&spec.order_by))
}

pub fn literal(value: &Literal) -> String {
    match value {
        Literal::Null(DataType::Null) => "null".to_owned(),
        Literal::Boolean(value) => value.to_string(),
        Literal::Byte(value) => format!("{value}Y"),
        Literal::Short(value) => format!("{value}S"),
        Literal::Integer(value) => value.to_string(),
        Literal::Long(value) => format!("{value}L"),
        Literal::Float(value) => format!("{value}F"),
        Literal::Double(value) => format!("{value:?}D"),
        Literal::Decimal { unscaled, precision, scale } => format!("{unscaled}e-{scale}({precision},{scale})"),
        Literal::String(value) => format!("'{value}'"),
        Literal::Binary(value) => format!("{value:02X?}"),
        Literal::Date(days) => format!("date {days}"),
        Literal::Timestamp(micros) => format!("timestamp {micros}"),
        Literal::TimestampNtz(micros) => format!("timestamp_ntz {micros}"),
        Literal::Time { nanos, precision } => format!("time({precision}) {nanos}"),
        Literal::YearMonthInterval { months, .. } => format!("{} {months}", value.data_type().sql()),
        Literal::DayTimeInterval { microseconds, .. } => format!("{} {microseconds}", value.data_type().sql()),
        other => format!("{other:?}"),
    }
}

pub fn relation(parsed: &Relation) -> String {
    use RelationKind as R;
    match &parsed.kind {
        R::Table { name, options, streaming } => {
            let options: Vec<_> = options.iter().map(|(key, value)| format!(" {key}={value}")).collect();
            format!("{}{}{}", name.join("."), options.concat(), if *streaming { " stream" } else { "" })
        }
        R::TableAsOf { name, version, timestamp } => {
            let timestamp = timestamp.as_deref().map(expr);
            format!("{} as of {}", name.join("."), version.clone().or(timestamp).unwrap_or_default())
        }
        R::Values { rows } => format!("values({})", rows.iter().map(|row| exprs(row)).collect::<Vec<_>>().join("; ")),
        R::OneRow => "one".to_owned(),
        R::TableFunction { name, arguments } => format!("{}({})", name.join("."), exprs(arguments)),
        R::Project { input, expressions } => format!("project[{}]({})", exprs(expressions), relation(input)),
        R::Filter { input, condition } => format!("filter[{}]({})", expr(condition), relation(input)),
        R::Qualify { input, condition } => format!("qualify[{}]({})", expr(condition), relation(input)),
        R::Aggregate { input, grouping, aggregates, having, with_grouping, .. } => {
            let having = having.as_ref().map_or(String::new(), |having| format!("; having {}", expr(having)));
            let kind = if *with_grouping { "group" } else { "aggregate" };
            let grouping: Vec<_> = grouping.iter().map(element).collect();
            format!("{kind}[{}; {}{having}]({})", grouping.join(", "), exprs(aggregates), relation(input))
        }
        R::Pivot { input, aggregates, pivot } => {
            let value = |value: &PivotValue| match &value.alias {
                Some(alias) => format!("{} AS {alias}", expr(&value.value)),
                None => expr(&value.value),
            };
            let values: Vec<_> = pivot.values.iter().map(value).collect();
            let columns = exprs(&pivot.columns);
            format!("pivot[{}; {columns}; {}]({})", exprs(aggregates), values.join(", "), relation(input))
        }
        R::Unpivot(unpivot) => {
            let value = |value: &UnpivotValue| match &value.alias {
                Some(alias) => format!("{} AS {alias}", exprs(&value.columns)),
                None => exprs(&value.columns),
            };
            let values: Vec<_> = unpivot.values.iter().flatten().map(value).collect();
            format!(
                "unpivot[{}; {}; {}{}]({})",
                unpivot.variable,
                unpivot.value_names.join(", "),
                values.join(" | "),
                if unpivot.include_nulls { "; nulls" } else { "" },
                relation(&unpivot.input)
            )
        }
        R::Sort { input, order, global } => {
            format!("{}[{}]({})", if *global { "sort" } else { "sort_within" }, orders(order), relation(input))
        }
        R::SortAll { input, ascending, nulls_first } => {
            format!("sort_all[{ascending}, {nulls_first:?}]({})", relation(input))
        }
        R::Limit { input, limit } => format!("limit[{}]({})", expr(limit), relation(input)),
        R::Offset { input, offset } => format!("offset[{}]({})", expr(offset), relation(input)),
        R::Deduplicate { input, .. } => format!("distinct({})", relation(input)),
        R::Sample { input, upper, seed, .. } => format!("sample[{upper}, {seed:?}]({})", relation(input)),
        R::SubqueryAlias { input, alias, columns, .. } => {
            let columns = if columns.is_empty() { String::new() } else { format!("({})", columns.join(", ")) };
            format!("as[{alias}{columns}]({})", relation(input))
        }
        R::RepartitionByExpression { input, expressions, .. } => {
            format!("distribute[{}]({})", exprs(expressions), relation(input))
        }
        R::WithColumns { input, columns } => format!("with_columns[{}]({})", exprs(columns), relation(input)),
        R::Hint { input, name, parameters } => format!("hint[{name}; {}]({})", exprs(parameters), relation(input)),
        R::LateralView { input, generator, outer, table, columns } => {
            let outer = if *outer { "outer " } else { "" };
            let table = table.clone().unwrap_or_default();
            format!("view[{outer}{}; {table}; {}]({})", expr(generator), columns.join(", "), relation(input))
        }
        R::With { input, tables, recursive } => {
            let table = |table: &CommonTable| {
                format!("{}[{}]={}", table.name, table.columns.join(", "), relation(&table.relation))
            };
            let tables: Vec<_> = tables.iter().map(table).collect();
            format!("with{}({}; {})", if *recursive { "_recursive" } else { "" }, tables.join(", "), relation(input))
        }
        R::Join { left, right, kind, condition, using, natural, lateral } => {
            let mut details = format!("{kind:?}");
            if *natural {
                details += " natural";
            }
            if *lateral {
                details += " lateral";
            }
            if let Some(condition) = condition {
                details += &format!(" on {}", expr(condition));
            }
            if !using.is_empty() {
                details += &format!(" using {}", using.join(", "));
            }
            format!("join[{details}]({}, {})", relation(left), relation(right))
        }
        R::SetOperation { left, right, operator, all, by_name, .. } => {
            let all = if *all { " all" } else { "" };
            let by_name = if *by_name { " by name" } else { "" };
            let operator = format!("{operator:?}").to_lowercase();
            format!("{operator}{all}{by_name}({}, {})", relation(left), relation(right))
        }
        other => format!("{other:?}"),
    }
}

fn element(element: &GroupingElement) -> String {
    let sets = |sets: &[Vec<Expr>]| sets.iter().map(|set| format!("({})", exprs(set))).collect::<Vec<_>>().join(" ");
    match element {
        GroupingElement::Expr(key) => expr(key),
        GroupingElement::Rollup(list) => format!("rollup {}", sets(list)),
        GroupingElement::Cube(list) => format!("cube {}", sets(list)),
        GroupingElement::Sets(list) => format!("sets {}", sets(list)),
        GroupingElement::All => "all".to_owned(),
    }
}
