//! Users' Python table functions: over constants, over the rows to their left, and over a table.

use datafusion::logical_expr::LogicalPlanBuilder;
use firesteel_functions::Typed;
use firesteel_python_udf::{Analysis, AnalyzedArgument, Analyzer, PythonCall, Shape};
use firesteel_spec::{
    DataType, Expr, InlineFunction, Relation, RelationKind, SortOrder, SparkError, SparkResult, StructField,
};

use super::attribute::{Attribute, Scope};
use super::join::JoinSpec;
use super::python::{Passed, argument_fields, called, nullable_rows, positions, python};
use super::{Resolved, Resolver, build};

/// Of `PythonEvalType`: pickled, over Arrow, and given Arrow's own arrays.
const TABLES: [i32; 3] = [300, 301, 302];

/// A table as an argument.
struct TableArgument<'a> {
    /// Among the arguments.
    index: usize,
    relation: &'a Relation,
    partition_by: &'a [Expr],
    order_by: &'a [SortOrder],
}

impl Resolver<'_> {
    /// A table function in `FROM`.
    pub fn python_table(&self, function: &InlineFunction, outer: Option<&Scope<'_>>) -> SparkResult<Resolved> {
        if let Some(table) = table_argument(function)? {
            return self.python_over_table(function, &table, outer);
        }
        let (resolved, columns) = self.python_beside(self.one_row(1)?, function, false, outer)?;
        self.only_output(Resolved::new(resolved.plan, columns))
    }

    /// The table function that a relation is, if it is a user's.
    pub fn python_table_of(&self, relation: &Relation) -> Option<InlineFunction> {
        match &relation.kind {
            RelationKind::InlineTableFunction(function) => Some(function.clone()),
            RelationKind::TableFunction { name, arguments } => self.options.python.table_function(name, arguments),
            _ => None,
        }
    }

    /// `LATERAL f(…)`: the function over the columns of the left side.
    pub fn python_join(
        &self,
        left: &Resolved,
        join: &JoinSpec<'_>,
        function: &InlineFunction,
        outer: Option<&Scope<'_>>,
    ) -> SparkResult<Resolved> {
        if join.condition.is_some() {
            return Err(SparkError::unsupported("a condition of a lateral join with a table function"));
        }
        let mut output = left.output.clone();
        let keeps_all = false;
        let (resolved, columns) = self.python_beside(left.clone(), function, keeps_all, outer)?;
        output.extend(columns);
        Ok(Resolved { output, ..resolved })
    }

    /// The input with the function's columns beside its own.
    fn python_beside(
        &self,
        input: Resolved,
        function: &InlineFunction,
        keeps_all: bool,
        outer: Option<&Scope<'_>>,
    ) -> SparkResult<(Resolved, Vec<Attribute>)> {
        if table_argument(function)?.is_some() {
            return Err(SparkError::unsupported("a table as an argument of a lateral table function"));
        }
        let passed = self.passed(&function.arguments, &Scope::of(&input.output, &input.hidden, outer))?;
        let analysis = analysis(self, function, &passed, None)?;
        let (call, output) = self.table_call(function, Shape::Table, argument_fields(&passed), analysis.as_ref())?;
        let call = PythonCall { arguments: positions(&passed), ..call };
        // Each row has its own calls, whatever its arguments are.
        let expr = called(&call, passed.into_iter().map(|(_, typed)| typed).collect(), false)?;
        let typed = Typed::new(expr, DataType::array(output, true), true, &function.name);
        self.unnested(input, typed, &function.name, &[], keeps_all)
    }

    /// One instance of the function for each partition of a table, or for all of it.
    fn python_over_table(
        &self,
        function: &InlineFunction,
        table: &TableArgument<'_>,
        outer: Option<&Scope<'_>>,
    ) -> SparkResult<Resolved> {
        let mut input = self.relation(table.relation, outer)?;
        let row = self.table_row(&input, &[])?;
        let nothing = Scope::empty(outer);
        let mut passed: Vec<Passed> = Vec::with_capacity(function.arguments.len());
        for (index, argument) in function.arguments.iter().enumerate() {
            let (name, value) = match argument.unlocated() {
                Expr::NamedArgument { name, value } => (Some(name.clone()), value.as_ref()),
                value => (None, value),
            };
            passed.push((name, if index == table.index { row.clone() } else { self.expr(value, &nothing)? }));
        }
        let analysis = analysis(self, function, &passed, Some(table.index))?;
        let asked = analysis.as_ref().map(|analysis| asked(function, table, analysis)).transpose()?;
        let (partition_by, order_by) = match &asked {
            Some(asked) => (asked.partition_by.as_slice(), asked.order_by.as_slice()),
            None => (table.partition_by, table.order_by),
        };
        if let Some(analysis) = analysis.as_ref().filter(|analysis| !analysis.select.is_empty())
            && let Some((_, value)) = passed.get_mut(table.index)
        {
            *value = self.table_row(&input, &analysis.select)?;
        }
        let keys = self.items(&input, partition_by, outer)?;
        if !order_by.is_empty() {
            let scope = Scope::of(&input.output, &input.hidden, outer);
            let order = order_by.iter().map(|order| Ok(self.sort_order(order, &scope)?.1));
            let order = order.collect::<SparkResult<Vec<_>>>()?;
            input = Resolved { plan: build(LogicalPlanBuilder::new(input.plan.clone()).sort(order))?, ..input };
        }
        let fields = argument_fields(&passed);
        let (call, output) = self.table_call(function, Shape::TablePartitions, fields, analysis.as_ref())?;
        let call = PythonCall { arguments: positions(&passed), table_arguments: vec![table.index as i32], ..call };
        let values: Vec<Typed> = passed.into_iter().map(|(_, typed)| typed).collect();
        let rows = super::project::Item::named(self.collected(&self.row_of(&values)?)?, "rows");
        let grouped = self.aggregate_by(input, keys, vec![rows])?;
        self.rows_of_lists(grouped, 1, &call, output)
    }

    /// A row of a table as a struct: all columns, or some of them under names of their own.
    fn table_row(&self, input: &Resolved, select: &[(String, String)]) -> SparkResult<Typed> {
        let scope = Scope::of(&input.output, &input.hidden, None);
        let mut pairs = Vec::new();
        for (column, alias) in select {
            let name = if alias.is_empty() { column } else { alias };
            pairs.extend([Typed::string(name), self.expr(&Expr::attribute(column), &scope)?]);
        }
        if select.is_empty() {
            pairs.extend(input.output.iter().flat_map(|column| [Typed::string(&column.name), column.typed()]));
        }
        self.call("named_struct", pairs)
    }

    fn table_call(
        &self,
        function: &InlineFunction,
        shape: Shape,
        arguments: Vec<StructField>,
        analysis: Option<&Analysis>,
    ) -> SparkResult<(PythonCall, DataType)> {
        let python = python(function)?;
        if !TABLES.contains(&python.eval_type) {
            return Err(SparkError::unsupported(format!(
                "the Python table function {} of evaluation type {}",
                function.name, python.eval_type
            )));
        }
        let declared = match analysis {
            Some(analysis) => Some(DataType::from_json(&analysis.schema)?),
            None => python.output_type.clone(),
        };
        let Some(declared) = declared else {
            return Err(SparkError::invalid_plan(format!("the table function {} has no columns", function.name)));
        };
        let output = nullable_rows(declared)?;
        let call = self.python_call(function, python, shape, &output, vec![arguments]);
        let analyzed = analysis.map(|analysis| analysis.pickled.clone()).unwrap_or_default();
        Ok((PythonCall { analyzed, ..call }, output))
    }
}

/// What a function that declares no columns says of its call.
fn analysis(
    resolver: &Resolver<'_>,
    function: &InlineFunction,
    passed: &[Passed],
    table: Option<usize>,
) -> SparkResult<Option<Analysis>> {
    let python = python(function)?;
    if python.output_type.is_some() {
        return Ok(None);
    }
    let arguments = passed.iter().enumerate().map(|(index, (name, typed))| {
        let is_table = table == Some(index);
        AnalyzedArgument {
            name: name.clone(),
            data_type: typed.data_type.clone(),
            value: if is_table { None } else { typed.folded() },
            is_table,
        }
    });
    let analyzer = Analyzer {
        name: &function.name,
        command: &python.command,
        python_version: &python.python_version,
        interpreter: resolver.options.python.interpreter.as_deref(),
    };
    analyzer.analyze(&arguments.collect::<Vec<_>>()).map(Some)
}

/// How a function wants its table.
struct Asked {
    partition_by: Vec<Expr>,
    order_by: Vec<SortOrder>,
}

fn asked(function: &InlineFunction, table: &TableArgument<'_>, analysis: &Analysis) -> SparkResult<Asked> {
    let asks = analysis.single_partition || !analysis.partition_by.is_empty() || !analysis.order_by.is_empty();
    if !asks {
        return Ok(Asked { partition_by: table.partition_by.to_vec(), order_by: table.order_by.to_vec() });
    }
    if !table.partition_by.is_empty() || !table.order_by.is_empty() {
        let message = format!(
            "{} says by its analyze method how its table is partitioned; its call must not say it too",
            function.name
        );
        return Err(SparkError::new("TABLE_VALUED_FUNCTION_REQUIRED_METADATA_INCOMPATIBLE_WITH_CALL", message)
            .with("functionName", function.name.clone()));
    }
    let order_by = analysis.order_by.iter().map(|order| SortOrder {
        expr: Expr::attribute(&order.column),
        ascending: order.ascending,
        nulls_first: order.nulls_first,
    });
    Ok(Asked {
        partition_by: analysis.partition_by.iter().map(Expr::attribute).collect(),
        order_by: order_by.collect(),
    })
}

/// The table among a function's arguments.
fn table_argument(function: &InlineFunction) -> SparkResult<Option<TableArgument<'_>>> {
    let mut found = None;
    for (index, argument) in function.arguments.iter().enumerate() {
        let value = match argument.unlocated() {
            Expr::NamedArgument { value, .. } => value.unlocated(),
            value => value,
        };
        let Expr::TableArgument { relation, partition_by, order_by, .. } = value else { continue };
        if found.is_some() {
            return Err(SparkError::new(
                "TABLE_VALUED_FUNCTION_TOO_MANY_TABLE_ARGUMENTS",
                format!("{} has several tables as arguments, and may have one", function.name),
            )
            .with("num", "2"));
        }
        found = Some(TableArgument { index, relation, partition_by, order_by });
    }
    Ok(found)
}
