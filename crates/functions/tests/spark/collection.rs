//! Functions of arrays, maps and structs over constants, and higher-order ones over constants and columns. Expected
//! values are real Spark's.

use std::sync::Arc;

use crate::support::{build, evaluate};
use arrow::array::{Array, ArrayRef, Int32Array, ListArray, RecordBatch};
use arrow::datatypes::{Field, Int32Type, Schema};
use arrow::util::display::{ArrayFormatter, FormatOptions};
use datafusion::catalog::MemTable;
use datafusion::common::DFSchema;
use datafusion::common::tree_node::{Transformed, TreeNode};
use datafusion::datasource::provider_as_source;
use datafusion::execution::context::{ExecutionProps, SessionContext};
use datafusion::logical_expr::expr::{Lambda, LambdaVariable};
use datafusion::logical_expr::physical_planning_context::PhysicalPlanningContext;
use datafusion::logical_expr::{Expr, LogicalPlanBuilder, col};
use datafusion::physical_expr::create_physical_expr;
use firesteel_functions::{Settings, Typed, lambda_parameters, to_field};
use firesteel_spec::{DataType, Literal, StructField};

#[test]
fn as_spark_answers() {
    crate::spark_sql::check(include_str!("spark_answers/collection.txt"));
}

/// By `spark.sql.mapKeyDedupPolicy`, the key is where it came first, with the value that came last.
#[test]
fn the_last_value_of_a_key_wins_if_it_is_to() {
    let settings = Settings { last_map_key_wins: true, ..Settings::default() };
    let numbers = |elements: &[i32]| Literal::Array {
        element: DataType::Integer,
        contains_null: false,
        elements: elements.iter().map(|element| Literal::Integer(*element)).collect(),
    };
    let text = |text: &str| Literal::String(text.to_owned());
    for (name, arguments, expected) in [
        ("map", [1, 5, 2, 6, 1, 7].map(Literal::Integer).to_vec(), "{1: 7, 2: 6}"),
        ("map_from_arrays", vec![numbers(&[1, 1]), numbers(&[2, 3])], "{1: 3}"),
        ("str_to_map", vec![text("a:1,b:2,a:3")], "{a: 3, b: 2}"),
    ] {
        assert_eq!(crate::support::eval_with(name, &arguments, &settings), expected);
        assert_eq!(crate::support::eval(name, &arguments), "DUPLICATED_MAP_KEY");
    }
}

type Body = fn(&[Typed]) -> Typed;
/// The names of a lambda's parameters, and its body.
type Function = (&'static [&'static str], Body);
type Four = [&'static str; 4];

/// A call whose arguments are values, then lambdas with the names of their parameters.
fn higher_order(name: &str, values: Vec<Typed>, lambdas: &[Function]) -> Result<Typed, String> {
    let mut known: Vec<Option<Typed>> = values.iter().cloned().map(Some).collect();
    known.extend(lambdas.iter().map(|_| None));
    let mut arguments = values;
    for (names, body) in lambdas {
        let parameters = lambda_parameters(name, &known, arguments.len(), names.len()).map_err(|error| error.class)?;
        let variables: Vec<Typed> = names
            .iter()
            .zip(parameters)
            .map(|(name, (data_type, nullable))| {
                let field = to_field(&StructField::new(*name, data_type.clone(), nullable));
                let variable = LambdaVariable::new((*name).to_owned(), Some(field));
                Typed::new(Expr::LambdaVariable(variable), data_type, nullable, "namedlambdavariable()")
            })
            .collect();
        let body = body(&variables);
        let shown = format!("lambdafunction({}{})", body.name, ", namedlambdavariable()".repeat(names.len()));
        let lambda = Lambda::new(names.iter().map(|name| (*name).to_owned()).collect(), body.expr);
        arguments.push(Typed::new(Expr::Lambda(lambda), body.data_type, body.nullable, shown));
    }
    build(name, arguments, &Settings::default()).map_err(|error| error.class)
}

fn of(name: &str, arguments: Vec<Typed>) -> Typed {
    build(name, arguments, &Settings::default()).expect(name)
}

fn binary(operator: &str, left: &Typed, right: &Typed) -> Typed {
    of(operator, vec![left.clone(), right.clone()])
}

/// `coalesce`, which DataFusion computes in optimized plans only.
fn first([value, other]: &[&Typed; 2]) -> Typed {
    of("when", vec![of("isnotnull", vec![(*value).clone()]), (*value).clone(), (*other).clone()])
}

fn ints(values: &[Option<i32>]) -> Typed {
    let elements = values.iter().map(|value| value.map_or_else(|| Typed::null(DataType::Integer), Typed::int));
    of("array", elements.collect())
}

/// `map('a', 1, 'b', null)`
fn letters() -> Typed {
    let null = Typed::null(DataType::Integer);
    of("map", vec![Typed::string("a"), Typed::int(1), Typed::string("b"), null])
}

#[test]
fn lambdas_over_constants() {
    let a = || ints(&[Some(1), Some(2), None]);
    let b = || ints(&[Some(1), Some(2)]);
    let one = || Typed::int(1);
    let plus: Body = |x| binary("+", &x[0], &x[1]);
    let double: Body = |x| binary("*", &x[0], &Typed::int(2));
    let above_one: Body = |x| binary(">", &x[0], &Typed::int(1));
    let above_five: Body = |x| binary(">", &x[0], &Typed::int(5));
    let descending: Body = |x| binary("-", &x[1], &x[0]);
    let same: Body = |x| x[0].clone();
    let value_above: Body = |x| binary(">", &x[1], &Typed::int(0));
    let cases: Vec<(&str, Vec<Typed>, Vec<Function>, &str)> = vec![
        ("transform", vec![a()], vec![(&["x"], double)], "array<int> nn [2, 4, NULL]"),
        ("transform", vec![a()], vec![(&["x", "i"], plus)], "array<int> nn [1, 3, NULL]"),
        ("transform", vec![b()], vec![(&["x"], same)], "array<int> nn [1, 2]"),
        ("transform", vec![a()], vec![(&["x"], |_| Typed::int(7))], "array<int> nn [7, 7, 7]"),
        ("filter", vec![a()], vec![(&["x"], above_one)], "array<int> nn [2]"),
        ("filter", vec![a()], vec![(&["x", "i"], value_above)], "array<int> nn [2, NULL]"),
        ("filter", vec![a()], vec![(&["x"], same)], "DATATYPE_MISMATCH.UNEXPECTED_INPUT_TYPE"),
        ("exists", vec![a()], vec![(&["x"], above_one)], "boolean null true"),
        ("exists", vec![a()], vec![(&["x"], above_five)], "boolean null NULL"),
        ("exists", vec![b()], vec![(&["x"], above_five)], "boolean nn false"),
        ("forall", vec![a()], vec![(&["x"], |x| binary(">", &x[0], &Typed::int(0)))], "boolean null NULL"),
        ("forall", vec![a()], vec![(&["x"], above_one)], "boolean null false"),
        ("aggregate", vec![b(), Typed::int(0)], vec![(&["s", "x"], plus)], "int null 3"),
        ("aggregate", vec![a(), Typed::int(0)], vec![(&["s", "x"], plus)], "int null NULL"),
        ("reduce", vec![b(), Typed::int(0)], vec![(&["s", "x"], plus), (&["s"], double)], "int null 6"),
        (
            "aggregate",
            vec![b(), Typed::string("0")],
            vec![(&["s", "x"], plus)],
            "DATATYPE_MISMATCH.UNEXPECTED_INPUT_TYPE",
        ),
        ("zip_with", vec![a(), b()], vec![(&["x", "y"], plus)], "array<int> nn [2, 4, NULL]"),
        (
            "array_sort",
            vec![ints(&[Some(3), Some(1), Some(2)])],
            vec![(&["x", "y"], descending)],
            "array<int> nn [3, 2, 1]",
        ),
        ("array_sort", vec![a()], vec![(&["x", "y"], descending)], "array<int> nn COMPARATOR_RETURNS_NULL"),
        ("array_sort", vec![a()], vec![(&["x", "y"], |_| Typed::long(1))], "DATATYPE_MISMATCH.UNEXPECTED_RETURN_TYPE"),
        (
            "transform_keys",
            vec![letters()],
            vec![(&["k", "v"], |_| Typed::string("x"))],
            "map<string,int> nn DUPLICATED_MAP_KEY",
        ),
        (
            "transform_values",
            vec![letters()],
            vec![(&["k", "v"], |x| binary("+", &x[1], &Typed::int(1)))],
            "map<string,int> nn {a: 2, b: NULL}",
        ),
        ("map_filter", vec![letters()], vec![(&["k", "v"], value_above)], "map<string,int> nn {a: 1}"),
        (
            "map_filter",
            vec![letters()],
            vec![(&["k", "v"], |x| binary(">", &x[0], &Typed::string("a")))],
            "map<string,int> nn {b: NULL}",
        ),
        ("transform", vec![one()], vec![(&["x"], same)], "DATATYPE_MISMATCH.UNEXPECTED_INPUT_TYPE"),
        ("transform", vec![a()], vec![(&["x", "i", "z"], same)], "INVALID_LAMBDA_FUNCTION_CALL.NUM_ARGS_MISMATCH"),
        (
            "size",
            vec![a()],
            vec![(&["x"], same)],
            "INVALID_LAMBDA_FUNCTION_CALL.PARAMETER_DOES_NOT_ACCEPT_LAMBDA_FUNCTION",
        ),
    ];
    for (name, values, lambdas, expected) in cases {
        let shown: Vec<String> = values.iter().map(|value| value.name.clone()).collect();
        let found = match higher_order(name, values, &lambdas) {
            Ok(typed) => {
                let nullable = if typed.nullable { "null" } else { "nn" };
                format!("{} {nullable} {}", typed.data_type.simple_string(), evaluate(&typed))
            }
            Err(class) => class,
        };
        assert_eq!(found, expected, "{name} {shown:?}");
    }
}

#[test]
fn maps_are_zipped_by_their_keys() {
    let other = of("map", vec![Typed::string("b"), Typed::long(2), Typed::string("c"), Typed::long(3)]);
    let zipped =
        higher_order("map_zip_with", vec![letters(), other], &[(&["k", "x", "y"], |x| first(&[&x[1], &x[2]]))]);
    assert_eq!(evaluate(&zipped.expect("a call")), "{a: 1, b: 2, c: 3}");
}

#[test]
fn names_are_as_spark_shows_them() {
    let a = || column("a", DataType::array(DataType::Integer, true));
    let sum = higher_order("aggregate", vec![a(), Typed::int(0)], &[(&["s", "x"], |x| binary("+", &x[0], &x[1]))]);
    let variable = "namedlambdavariable()";
    assert_eq!(
        sum.expect("a call").name,
        format!(
            "aggregate(a, 0, lambdafunction(({variable} + {variable}), {variable}, {variable}), \
             lambdafunction({variable}, {variable}))"
        )
    );
    let sorted = of("array_sort", vec![a()]);
    assert!(sorted.name.starts_with(&format!("array_sort(a, lambdafunction((IF((({variable} IS NULL) AND")));
    let structure = StructField::new("f", DataType::Integer, true);
    let s = Typed::null(DataType::Struct { fields: vec![structure] }).named("s");
    let field = of("extract_value", vec![s.clone(), Typed::string("F")]);
    assert_eq!(field.name, "s.F");
    assert_eq!(of("struct", vec![field, Typed::int(1)]).data_type.simple_string(), "struct<F:int,col2:int>");
    assert_eq!(of("extract_value", vec![a(), Typed::int(0)]).name, "a[0]");
    assert_eq!(of("extract_value", vec![letters().named("m"), Typed::string("a")]).name, "m[a]");
    assert_eq!(of("with_field", vec![s, Typed::string("g"), Typed::int(1)]).name, "update_fields(s, WithField(1))");
}

/// Three rows of an array `a`, one of which is null over elements that nobody must see, and a number `n`.
fn rows() -> RecordBatch {
    let lists = vec![Some(vec![Some(3), None, Some(1)]), None, Some(vec![]), Some(vec![Some(5)])];
    let lists = ListArray::from_iter_primitive::<Int32Type, _, _>(lists);
    let numbers = Int32Array::from(vec![Some(10), Some(20), None, Some(40)]);
    let schema = Schema::new(vec![
        Field::new("a", lists.data_type().clone(), true),
        Field::new("n", arrow::datatypes::DataType::Int32, true),
    ]);
    RecordBatch::try_new(Arc::new(schema), vec![Arc::new(lists), Arc::new(numbers)]).expect("rows")
}

fn over_rows(typed: &Typed, batch: &RecordBatch) -> Vec<String> {
    let schema = DFSchema::try_from(batch.schema().as_ref().clone()).expect("a schema");
    let (props, context) = (ExecutionProps::new(), PhysicalPlanningContext::default());
    let physical = create_physical_expr(&typed.expr, &schema, &props, &context).expect("a physical expression");
    let values = physical.evaluate(batch).and_then(|value| value.into_array(batch.num_rows())).expect("values");
    assert_eq!(values.data_type(), &typed.arrow_type());
    let options = FormatOptions::default().with_null("NULL");
    let format = ArrayFormatter::try_new(&values, &options).expect("a formatter");
    (0..values.len()).map(|row| format.value(row).to_string()).collect()
}

/// What DataFusion's analyzer and optimizer make of the expression in a projection.
fn optimized(typed: &Typed) -> Typed {
    let table = MemTable::try_new(rows().schema(), vec![vec![rows()]]).expect("a table");
    let plan = LogicalPlanBuilder::scan("t", provider_as_source(Arc::new(table)), None)
        .and_then(|scan| scan.project(vec![typed.expr.clone(), col("n")]))
        .and_then(LogicalPlanBuilder::build)
        .and_then(|plan| SessionContext::new().state().optimize(&plan))
        .expect("an optimized plan");
    let expr = plan.expressions().into_iter().next().expect("an expression");
    let unqualified = |expr: Expr| match expr {
        Expr::Column(column) => Ok(Transformed::yes(col(column.name))),
        other => Ok(Transformed::no(other)),
    };
    let expr = expr.transform(unqualified).expect("an expression").data;
    Typed { expr, ..typed.clone() }
}

fn column(name: &str, data_type: DataType) -> Typed {
    Typed::new(col(name), data_type, true, name)
}

#[test]
fn lambdas_capture_columns() {
    let a = || column("a", DataType::array(DataType::Integer, true));
    let n = || column("n", DataType::Integer);
    let cases: Vec<(&str, Vec<Typed>, Vec<Function>, Four)> = vec![
        (
            "transform",
            vec![a()],
            vec![(&["x"], |x| binary("+", &x[0], &column("n", DataType::Integer)))],
            ["[13, NULL, 11]", "NULL", "[]", "[45]"],
        ),
        (
            "aggregate",
            vec![a(), n()],
            vec![(&["s", "x"], |x| first(&[&binary("+", &x[0], &x[1]), &x[0]]))],
            ["14", "NULL", "NULL", "45"],
        ),
        (
            "aggregate",
            vec![a(), Typed::int(0)],
            vec![
                (&["s", "x"], |x| first(&[&binary("+", &x[0], &x[1]), &x[0]])),
                (&["s"], |x| binary("*", &x[0], &column("n", DataType::Integer))),
            ],
            ["40", "NULL", "NULL", "200"],
        ),
        (
            "filter",
            vec![a()],
            vec![(&["x"], |x| binary("<", &x[0], &column("n", DataType::Integer)))],
            ["[3, 1]", "NULL", "[]", "[5]"],
        ),
        (
            "array_sort",
            vec![a()],
            vec![(&["x", "y"], |x| {
                let number = |value: &Typed| first(&[value, &column("n", DataType::Integer)]);
                binary("-", &number(&x[0]), &number(&x[1]))
            })],
            ["[1, 3, NULL]", "NULL", "[]", "[5]"],
        ),
        (
            "zip_with",
            vec![a(), of("array", vec![n()])],
            vec![(&["x", "y"], |x| first(&[&x[0], &x[1]]))],
            ["[3, NULL, 1]", "NULL", "[NULL]", "[5]"],
        ),
    ];
    for (name, values, lambdas, expected) in cases {
        let typed = higher_order(name, values, &lambdas).expect(name);
        assert_eq!(over_rows(&typed, &rows()), expected, "{name}");
        // A slice, of which the elements don't start at the first.
        assert_eq!(over_rows(&typed, &rows().slice(1, 3)), expected[1..], "{name}, sliced");
        assert_eq!(over_rows(&optimized(&typed), &rows()), expected, "{name}, optimized");
    }
}

#[test]
fn a_lambda_in_a_lambda_sees_the_outer_parameter() {
    let nested = of("array", vec![ints(&[Some(1), Some(2)]), ints(&[Some(3)])]);
    let typed = higher_order(
        "transform",
        vec![nested],
        &[(&["x"], |x| {
            let outer = x[0].clone();
            let element =
                LambdaVariable::new("y".to_owned(), Some(to_field(&StructField::new("y", DataType::Integer, false))));
            let y = Typed::new(Expr::LambdaVariable(element), DataType::Integer, false, "y");
            let body = binary("+", &y, &of("size", vec![outer.clone()]));
            let lambda = Expr::Lambda(Lambda::new(vec!["y".to_owned()], body.expr));
            of("transform", vec![outer, Typed::new(lambda, body.data_type, body.nullable, "f")])
        })],
    );
    assert_eq!(evaluate(&typed.expect("a call")), "[[3, 4], [4]]");
}

#[test]
fn a_null_struct_has_null_fields() {
    let fields = vec![Field::new("f", arrow::datatypes::DataType::Int32, false)];
    let below: ArrayRef = Arc::new(Int32Array::from(vec![1, 2]));
    let structs = arrow::array::StructArray::new(fields.into(), vec![below], Some(vec![true, false].into()));
    let schema = Schema::new(vec![Field::new("s", structs.data_type().clone(), true)]);
    let batch = RecordBatch::try_new(Arc::new(schema), vec![Arc::new(structs)]).expect("rows");
    let data_type = DataType::Struct { fields: vec![StructField::new("f", DataType::Integer, false)] };
    let s = column("s", data_type);
    let field = of("extract_value", vec![s.clone(), Typed::string("f")]);
    assert_eq!(over_rows(&field, &batch), ["1", "NULL"]);
    let more = of("with_field", vec![s.clone(), Typed::string("g"), Typed::string("x")]);
    assert_eq!(over_rows(&more, &batch), ["{f: 1, g: x}", "NULL"]);
    let all = of("with_field", vec![s.clone(), Typed::string("g"), Typed::string("x")]);
    assert_eq!(over_rows(&of("drop_field", vec![all, Typed::string("f")]), &batch), ["{g: x}", "NULL"]);
}

#[test]
fn generators_give_rows() {
    for (name, argument, data_type, expected) in [
        ("explode", ints(&[Some(1), None]), "array<struct<col:int>>", "[{col: 1}, {col: NULL}]"),
        ("posexplode", ints(&[Some(7)]), "array<struct<pos:int,col:int>>", "[{pos: 0, col: 7}]"),
        ("explode", letters(), "array<struct<key:string,value:int>>", "[{key: a, value: 1}, {key: b, value: NULL}]"),
        (
            "posexplode_outer",
            letters(),
            "array<struct<pos:int,key:string,value:int>>",
            "[{pos: 0, key: a, value: 1}, {pos: 1, key: b, value: NULL}]",
        ),
    ] {
        let typed = of(name, vec![argument]);
        assert_eq!(
            (typed.data_type.simple_string().as_str(), evaluate(&typed).as_str()),
            (data_type, expected),
            "{name}"
        );
    }
    let row = of("struct", vec![Typed::int(1), Typed::string("x")]);
    let null = Typed::null(row.data_type.clone());
    let inline = of("inline", vec![of("array", vec![row, null])]);
    assert_eq!(evaluate(&inline), "[{col1: 1, col2: x}, {col1: NULL, col2: NULL}]");
    let stack = of("stack", vec![Typed::int(2), Typed::int(1), Typed::int(2), Typed::int(3)]);
    assert_eq!(evaluate(&stack), "[{col0: 1, col1: 2}, {col0: 3, col1: NULL}]");
    let refused = build("stack", vec![Typed::int(2), Typed::int(1), Typed::long(2)], &Settings::default());
    assert_eq!(refused.expect_err("two types").class, "DATATYPE_MISMATCH.STACK_COLUMN_DIFF_TYPES");
}

#[test]
fn the_optimizer_goes_into_lambdas() {
    let a = column("a", DataType::array(DataType::Integer, true));
    let or_n: Body = |x| of("coalesce", vec![x[0].clone(), column("n", DataType::Integer)]);
    let typed = higher_order("transform", vec![a], &[(&["x"], or_n)]).expect("a call");
    assert_eq!(over_rows(&optimized(&typed), &rows()), ["[3, 10, 1]", "NULL", "[]", "[5]"]);
}
