//! Users' Python functions: as expressions, and over groups and batches. A function is a constant in the plan; see
//! `firesteel_python_udf`.
//!
//! What needs the rows of a group collects them into a list of structs by an ordinary aggregation, and calls Python on
//! the lists: so groups are spread over tasks, and stand in windows and in `HAVING`, as those of any other aggregate.

use std::collections::HashMap;
use std::sync::Arc;

use datafusion::common::tree_node::TreeNode;
use datafusion::common::{Column, DFSchema, ScalarValue};
use datafusion::logical_expr::expr::ScalarFunction;
use datafusion::logical_expr::{Expr as DfExpr, Extension, LogicalPlan, LogicalPlanBuilder};
use firesteel_functions::{Typed, to_field};
use firesteel_python_udf::{Argument, PythonCall, Shape, python_function};
use firesteel_spec::{
    DataType, Expr, FunctionCall, InlineFunction, Name, PythonFunction, SetOperator, SparkError, SparkResult,
    StructField,
};

use super::attribute::{Attribute, Scope};
use super::project::Item;
use super::set_operation::SetSpec;
use super::{Resolved, Resolver, build, plan_error};
use crate::python_map::PythonMap;

/// Of `PythonEvalType`: pickled, over Arrow, over pandas and its iterators, over Arrow's arrays and iterators of them.
const SCALARS: [i32; 6] = [100, 101, 200, 204, 250, 251];
/// Over pandas and its iterators, over Arrow's arrays and iterators of them.
const AGGREGATES: [i32; 4] = [202, 217, 252, 254];
const GROUP_MAPS: [i32; 4] = [201, 209, 215, 216];
const CO_GROUP_MAPS: [i32; 2] = [206, 210];
const BATCH_MAPS: [i32; 2] = [205, 207];

/// What a session has of Python.
#[derive(Debug, Clone, Default)]
pub struct PythonOptions {
    /// The program to run, if the session names one.
    pub interpreter: Option<String>,
    /// Settings that workers go by.
    pub settings: Vec<(String, String)>,
    /// Functions that were registered, by name in lower case.
    pub functions: Arc<HashMap<String, InlineFunction>>,
    pub table_functions: Arc<HashMap<String, InlineFunction>>,
}

impl PythonOptions {
    /// The registered function that a call means, with the call's arguments.
    pub(crate) fn function(&self, call: &FunctionCall) -> Option<InlineFunction> {
        let [name] = call.name.as_slice() else { return None };
        let function = self.functions.get(&name.to_lowercase())?;
        let distinct = function.distinct || call.distinct;
        Some(InlineFunction { arguments: call.arguments.clone(), distinct, ..function.clone() })
    }

    pub(crate) fn table_function(&self, name: &Name, arguments: &[Expr]) -> Option<InlineFunction> {
        let [name] = name.as_slice() else { return None };
        let function = self.table_functions.get(&name.to_lowercase())?;
        Some(InlineFunction { arguments: arguments.to_vec(), ..function.clone() })
    }
}

/// An argument: its value, and its name if it has one.
pub(super) type Passed = (Option<String>, Typed);

impl Resolver<'_> {
    /// A function as an expression: of a row, or of a group.
    pub fn python_function(&self, function: &InlineFunction, scope: &Scope<'_>) -> SparkResult<Typed> {
        let python = python(function)?;
        let passed = self.passed(&function.arguments, scope)?;
        let name = shown(&function.name, &passed);
        let output = output_type(function, python)?;
        if SCALARS.contains(&python.eval_type) {
            let call = self.python_call(function, python, Shape::Rows, &output, vec![argument_fields(&passed)]);
            let call = PythonCall { arguments: positions(&passed), ..call };
            return called(&call, passed.into_iter().map(|(_, typed)| typed).collect(), function.deterministic)
                .map(|expr| Typed::new(expr, output, true, name));
        }
        if AGGREGATES.contains(&python.eval_type) {
            if function.distinct {
                return Err(SparkError::unsupported(format!("{} over DISTINCT values", function.name)));
            }
            let call = self.python_call(function, python, Shape::Aggregate, &output, vec![argument_fields(&passed)]);
            let call = PythonCall { arguments: positions(&passed), ..call };
            let values: Vec<Typed> = passed.into_iter().map(|(_, typed)| typed).collect();
            let rows = self.collected(&self.row_of(&values)?)?;
            return called(&call, vec![rows], true).map(|expr| Typed::new(expr, output, true, name));
        }
        Err(SparkError::unsupported(format!(
            "the Python function {} of evaluation type {} as an expression",
            function.name, python.eval_type
        )))
    }

    /// `applyInPandas`, `applyInArrow`.
    pub fn group_map(
        &self,
        input: Resolved,
        grouping: &[Expr],
        function: &InlineFunction,
        outer: Option<&Scope<'_>>,
    ) -> SparkResult<Resolved> {
        let python = of_type(function, &GROUP_MAPS)?;
        let output = nullable_rows(output_type(function, python)?)?;
        let side = self.side(&input, grouping, outer)?;
        let call = self.python_call(function, python, Shape::Groups, &output, vec![side.fields.clone()]);
        let call = PythonCall { arguments: side.positions(), ..call };
        let rows = Item::named(self.collected(&self.row_of(&side.columns)?)?, "rows");
        let grouped = self.aggregate_by(input, side.keys, vec![rows])?;
        self.rows_of_lists(grouped, 1, &call, output)
    }

    /// `cogroup(…).applyInPandas`: both sides' rows under one another, grouped once.
    pub fn co_group_map(
        &self,
        left: (Resolved, &[Expr]),
        right: (Resolved, &[Expr]),
        function: &InlineFunction,
        outer: Option<&Scope<'_>>,
    ) -> SparkResult<Resolved> {
        let python = of_type(function, &CO_GROUP_MAPS)?;
        let output = nullable_rows(output_type(function, python)?)?;
        let sides = [self.side(&left.0, left.1, outer)?, self.side(&right.0, right.1, outer)?];
        let fields = sides.iter().map(|side| side.fields.clone()).collect();
        let call = self.python_call(function, python, Shape::CoGroups, &output, fields);
        let call = PythonCall { arguments: sides.iter().flat_map(Side::positions).collect(), ..call };
        let key_count = sides[0].keys.len();
        let rows = sides.iter().map(|side| self.row_of(&side.columns)).collect::<SparkResult<Vec<_>>>()?;
        let mut parts = Vec::with_capacity(2);
        for (index, (input, side)) in [left.0, right.0].into_iter().zip(sides).enumerate() {
            let mut items = side.keys;
            for (column, row) in rows.iter().enumerate() {
                let typed = if column == index { row.clone() } else { Typed::null(row.data_type.clone()) };
                items.push(Item::named(Typed { nullable: true, ..typed }, "rows"));
            }
            let items = items.into_iter().map(|item| Item { attribute: None, ..item }).collect();
            parts.push(self.project_items(input, items)?);
        }
        let (Some(right), Some(left)) = (parts.pop(), parts.pop()) else {
            return Err(SparkError::internal("a cogroup without two sides"));
        };
        let spec = SetSpec { operator: SetOperator::Union, all: true, by_name: false, allow_missing_columns: false };
        let both = self.set_operation(left, right, spec)?;
        let (keys, rows) = both.output.split_at(key_count);
        let keys = keys.iter().map(Item::column).collect();
        let lists = rows.iter().map(|row| Ok(Item::named(self.collected(&row.typed())?, "rows")));
        let lists = lists.collect::<SparkResult<Vec<_>>>()?;
        let grouped = self.aggregate_by(both, keys, lists)?;
        self.rows_of_lists(grouped, 2, &call, output)
    }

    /// `mapInPandas`, `mapInArrow`.
    pub fn map_partitions(&self, input: Resolved, function: &InlineFunction) -> SparkResult<Resolved> {
        let python = of_type(function, &BATCH_MAPS)?;
        let output = nullable_rows(output_type(function, python)?)?;
        let DataType::Struct { fields } = &output else { return Err(SparkError::internal("no rows")) };
        let input = self.only_output(input)?;
        let columns = input.output.iter().map(Attribute::to_struct_field).collect();
        let call = self.python_call(function, python, Shape::Batches, &output, vec![columns]);
        // All columns come as one struct.
        let call = PythonCall { arguments: vec![Argument { offset: 0, name: None }], ..call };
        let attributes: Vec<Attribute> = fields
            .iter()
            .map(|field| Attribute::new(self.fresh_id(), &field.name, field.data_type.clone(), true))
            .collect();
        let schema = attributes.iter().map(|column| {
            let field = StructField::new(&column.id, column.data_type.clone(), true);
            to_field(&field).as_ref().clone()
        });
        let schema = DFSchema::from_unqualified_fields(schema.collect(), HashMap::new()).map_err(plan_error)?;
        let map = PythonMap { input: input.plan, call, schema: Arc::new(schema) };
        Ok(Resolved::new(LogicalPlan::Extension(Extension { node: Arc::new(map) }), attributes))
    }

    /// The group of an aggregation without keys. Over no rows there is none if Python would be asked for its value.
    pub fn python_of_no_rows(&self, plan: LogicalPlan, items: &[Item]) -> SparkResult<LogicalPlan> {
        if !items.iter().any(|item| has_python_aggregate(&item.typed.expr)) {
            return Ok(plan);
        }
        let LogicalPlan::Aggregate(aggregate) = plan else { return Ok(plan) };
        let count = self.fresh_id();
        let rows = datafusion::functions_aggregate::expr_fn::count(datafusion::prelude::lit(1_i64)).alias(&count);
        let all = aggregate.aggr_expr.into_iter().chain([rows]);
        build(LogicalPlanBuilder::new(aggregate.input.as_ref().clone()).aggregate(Vec::<DfExpr>::new(), all).and_then(
            |builder| {
                let rows = DfExpr::Column(Column::new_unqualified(&count));
                builder.filter(rows.gt(datafusion::prelude::lit(0_i64)))
            },
        ))
    }

    /// Arguments with stars expanded.
    pub(super) fn passed(&self, arguments: &[Expr], scope: &Scope<'_>) -> SparkResult<Vec<Passed>> {
        let mut passed = Vec::with_capacity(arguments.len());
        for argument in arguments {
            match argument.unlocated() {
                Expr::Star { .. } | Expr::Regex { .. } => {
                    passed.extend(self.expand(argument, scope)?.into_iter().map(|item| (None, item.typed)));
                }
                Expr::NamedArgument { name, value } => passed.push((Some(name.clone()), self.expr(value, scope)?)),
                _ => passed.push((None, self.expr(argument, scope)?)),
            }
        }
        Ok(passed)
    }

    /// A call without its arguments' places.
    pub(super) fn python_call(
        &self,
        function: &InlineFunction,
        python: &PythonFunction,
        shape: Shape,
        output: &DataType,
        inputs: Vec<Vec<StructField>>,
    ) -> PythonCall {
        let options = &self.options.python;
        let mut settings = options.settings.clone();
        settings.push(("spark.sql.session.timeZone".to_owned(), self.settings().time_zone.to_string()));
        PythonCall {
            name: function.name.clone(),
            shape,
            eval_type: python.eval_type,
            command: python.command.clone(),
            python_version: python.python_version.clone(),
            interpreter: options.interpreter.clone(),
            arguments: Vec::new(),
            settings,
            inputs: inputs.into_iter().map(|fields| DataType::Struct { fields }.to_json()).collect(),
            output: output.to_json(),
            partition_columns: Vec::new(),
            table_arguments: Vec::new(),
            analyzed: Vec::new(),
        }
    }

    /// The list of a group's values that are not null.
    pub(super) fn collected(&self, value: &Typed) -> SparkResult<Typed> {
        // As the aggregation gives it: a cast to the declared type would copy every row.
        self.call("collect_list", vec![value.clone()])
    }

    /// Values as a struct whose fields are told by position.
    pub(super) fn row_of(&self, values: &[Typed]) -> SparkResult<Typed> {
        let mut pairs = Vec::with_capacity(2 * values.len());
        for (index, value) in values.iter().enumerate() {
            pairs.extend([Typed::string(&format!("_{index}")), value.clone()]);
        }
        if pairs.is_empty() {
            // A struct has a field.
            pairs.extend([Typed::string("_"), Typed::int(1)]);
        }
        self.call("named_struct", pairs)
    }

    /// The rows that a call gives for the lists in the last columns.
    pub(super) fn rows_of_lists(
        &self,
        grouped: Resolved,
        count: usize,
        call: &PythonCall,
        output: DataType,
    ) -> SparkResult<Resolved> {
        let lists = grouped.output.iter().skip(grouped.output.len().saturating_sub(count));
        let expr = called(call, lists.map(Attribute::typed).collect(), true)?;
        let typed = Typed::new(expr, DataType::array(output, true), true, &call.name);
        let (generated, columns) = self.unnested(grouped, typed, &call.name, &[], false)?;
        self.only_output(Resolved::new(generated.plan, columns))
    }

    fn side(&self, input: &Resolved, grouping: &[Expr], outer: Option<&Scope<'_>>) -> SparkResult<Side> {
        let keys = self.items(input, grouping, outer)?;
        let mut fields: Vec<StructField> = keys
            .iter()
            .map(|key| StructField::new(&key.name, key.typed.data_type.clone(), key.typed.nullable))
            .collect();
        fields.extend(input.output.iter().map(Attribute::to_struct_field));
        let columns = keys.iter().map(|key| key.typed.clone()).chain(input.output.iter().map(Attribute::typed));
        Ok(Side { columns: columns.collect(), keys, fields })
    }
}

/// One input of a function over groups: its keys, and then all of its columns.
struct Side {
    keys: Vec<Item>,
    columns: Vec<Typed>,
    fields: Vec<StructField>,
}

impl Side {
    /// How many numbers follow, how many of them are keys, the keys, and the values.
    fn positions(&self) -> Vec<Argument> {
        let count = self.columns.len() as i32;
        [count + 1, self.keys.len() as i32]
            .into_iter()
            .chain(0..count)
            .map(|offset| Argument { offset, name: None })
            .collect()
    }
}

/// The function, if it is Python's.
pub(super) fn python(function: &InlineFunction) -> SparkResult<&PythonFunction> {
    function.function.as_ref().map_err(|other| {
        SparkError::unsupported(format!("the user-defined function {} in {}", function.name, other.language))
    })
}

fn of_type<'a>(function: &'a InlineFunction, allowed: &[i32]) -> SparkResult<&'a PythonFunction> {
    let python = python(function)?;
    if allowed.contains(&python.eval_type) {
        return Ok(python);
    }
    Err(SparkError::unsupported(format!(
        "the Python function {} of evaluation type {} here",
        function.name, python.eval_type
    )))
}

fn output_type(function: &InlineFunction, python: &PythonFunction) -> SparkResult<DataType> {
    python.output_type.clone().ok_or_else(|| {
        SparkError::invalid_plan(format!("the Python function {} has no type of what it returns", function.name))
    })
}

/// Rows whose columns may be null, whatever was declared: what the function gives decides.
pub(super) fn nullable_rows(output: DataType) -> SparkResult<DataType> {
    let DataType::Struct { fields } = output else {
        return Err(SparkError::new("DATATYPE_MISMATCH", format!("a function over rows gives {output}, not a struct")));
    };
    let fields = fields.into_iter().map(|field| StructField { nullable: true, ..field }).collect();
    Ok(DataType::Struct { fields })
}

/// Does an expression call a function over groups?
fn has_python_aggregate(expr: &DfExpr) -> bool {
    let is_aggregate = |expr: &DfExpr| {
        let DfExpr::ScalarFunction(function) = expr else { return false };
        let is_python = [true, false].iter().any(|known| python_function(*known).name() == function.func.name());
        match function.args.first() {
            Some(DfExpr::Literal(ScalarValue::Utf8(Some(call)), _)) if is_python => {
                PythonCall::from_text(call).is_ok_and(|call| call.shape == Shape::Aggregate)
            }
            _ => false,
        }
    };
    expr.exists(|expr| Ok(is_aggregate(expr))).unwrap_or(false)
}

/// `f(call, argument, …)`. Over constants alone it counts as volatile: user code is not to run while a query is planned.
pub(super) fn called(call: &PythonCall, arguments: Vec<Typed>, deterministic: bool) -> SparkResult<DfExpr> {
    let depends = arguments.iter().any(|argument| !argument.expr.column_refs().is_empty());
    let mut all = vec![Typed::string(&call.to_text().map_err(plan_error)?).expr];
    all.extend(arguments.into_iter().map(|argument| argument.expr));
    Ok(DfExpr::ScalarFunction(ScalarFunction::new_udf(python_function(deterministic && depends), all)))
}

pub(super) fn argument_fields(passed: &[Passed]) -> Vec<StructField> {
    let fields = passed.iter().enumerate();
    fields.map(|(index, (_, typed))| StructField::new(format!("_{index}"), typed.data_type.clone(), true)).collect()
}

pub(super) fn positions(passed: &[Passed]) -> Vec<Argument> {
    let arguments = passed.iter().enumerate();
    arguments.map(|(index, (name, _))| Argument { offset: index as i32, name: name.clone() }).collect()
}

/// `f(a, b => c)`
fn shown(name: &str, passed: &[Passed]) -> String {
    let arguments: Vec<String> = passed
        .iter()
        .map(|(name, typed)| match name {
            Some(name) => format!("{name} => {}", typed.name),
            None => typed.name.clone(),
        })
        .collect();
    format!("{name}({})", arguments.join(", "))
}
