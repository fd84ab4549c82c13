//! Aggregates and window functions over a table of five rows, as one whole and merged from partial results. Expected
//! values are real Spark's.

use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, BooleanArray, Decimal128Array, Float64Array, Int32Array, RecordBatch, StringArray,
};
use arrow::datatypes::{DataType as ArrowType, Field, Schema};
use arrow::util::display::{ArrayFormatter, FormatOptions};
use datafusion::datasource::MemTable;
use datafusion::logical_expr::expr::{Sort, WindowFunction};
use datafusion::logical_expr::{Expr, ExprFunctionExt, WindowFrame, WindowFunctionDefinition, col};
use datafusion::prelude::{DataFrame, SessionConfig, SessionContext};
use firesteel_functions::{Call, Settings, Typed, implementations, literal, lookup, to_arrow};
use firesteel_spec::{DataType, Literal, SparkError};

fn decimal() -> DataType {
    DataType::Decimal { precision: 5, scale: 2 }
}

fn table() -> RecordBatch {
    let schema = Schema::new(vec![
        Field::new("a", ArrowType::Int32, false),
        Field::new("s", ArrowType::Utf8, true),
        Field::new("x", ArrowType::Float64, true),
        Field::new("d", ArrowType::Decimal128(5, 2), true),
        Field::new("b", ArrowType::Boolean, true),
    ]);
    let decimals = Decimal128Array::from(vec![Some(125), Some(225), None, Some(700), Some(-775)]);
    let columns: Vec<ArrayRef> = vec![
        Arc::new(Int32Array::from(vec![1, 1, 2, 2, 3])),
        Arc::new(StringArray::from(vec![Some("a"), Some("b"), Some("a"), None, Some("c")])),
        Arc::new(Float64Array::from(vec![Some(1.5), Some(2.5), None, Some(-4.0), Some(10.0)])),
        Arc::new(decimals.with_precision_and_scale(5, 2).expect("decimals")),
        Arc::new(BooleanArray::from(vec![Some(true), Some(false), None, Some(true), Some(false)])),
    ];
    RecordBatch::try_new(Arc::new(schema), columns).expect("a batch")
}

fn column(name: &str) -> Typed {
    let (data_type, nullable) = match name {
        "a" => (DataType::Integer, false),
        "s" => (DataType::STRING, true),
        "x" => (DataType::Double, true),
        "d" => (decimal(), true),
        _ => (DataType::Boolean, true),
    };
    Typed::new(col(name), data_type, nullable, name)
}

/// A word is a column, `'…'` a text, and what else there is a constant.
fn argument(word: &str, settings: &Settings) -> Typed {
    let value = match word {
        "true" | "false" => Literal::Boolean(word == "true"),
        "NULL" => Literal::Null(DataType::Null),
        _ if word.starts_with('\'') => Literal::String(word.trim_matches('\'').to_owned()),
        _ if word.starts_with('[') => {
            let elements =
                word.trim_matches(['[', ']']).split(' ').map(|value| Literal::Double(value.parse().expect("a number")));
            Literal::Array { element: DataType::Double, contains_null: false, elements: elements.collect() }
        }
        _ if word.contains('.') => Literal::Double(word.parse().expect("a double")),
        _ => match word.parse() {
            Ok(number) => Literal::Integer(number),
            Err(_) => return column(word),
        },
    };
    literal(&value, settings).expect("a literal")
}

/// `name(a, b)` or `name(DISTINCT a)`, with `| key` or `| key DESC` for `WITHIN GROUP`.
fn call(text: &str, settings: &Settings) -> Result<Typed, SparkError> {
    let (text, key) = text.split_once(" | ").map_or((text, None), |(text, key)| (text, Some(key)));
    let (name, arguments) = text.trim_end_matches(')').split_once('(').expect("a call");
    let (distinct, arguments) = arguments.strip_prefix("DISTINCT ").map_or((false, arguments), |rest| (true, rest));
    let words = arguments.split(", ").filter(|word| !word.is_empty());
    let within_group = key.map(|key| {
        let (key, asc) = key.strip_suffix(" DESC").map_or((key, true), |key| (key, false));
        (column(key), Sort::new(col(key), asc, asc))
    });
    (lookup(name).unwrap_or_else(|| panic!("no function {name}")).build)(&Call {
        name,
        arguments: words.map(|word| argument(word, settings)).collect(),
        distinct,
        ignore_nulls: None,
        within_group: within_group.into_iter().collect(),
        settings,
    })
}

fn context(partitions: usize) -> SessionContext {
    let context = SessionContext::new_with_config(SessionConfig::new().with_target_partitions(partitions));
    let own = implementations();
    own.scalar.iter().for_each(|function| context.register_udf(function.as_ref().clone()));
    own.aggregate.iter().for_each(|function| context.register_udaf(function.as_ref().clone()));
    context
}

/// All rows, or none, each a partition of its own where there are several.
fn frame(context: &SessionContext, empty: bool, split: bool) -> DataFrame {
    let batch = if empty { table().slice(0, 0) } else { table() };
    let partitions: Vec<Vec<RecordBatch>> =
        if split && !empty { (0..5).map(|row| vec![batch.slice(row, 1)]).collect() } else { vec![vec![batch.clone()]] };
    let table = MemTable::try_new(batch.schema(), partitions).expect("a table");
    context.read_table(Arc::new(table)).expect("a frame")
}

fn shown(array: &ArrayRef, row: usize) -> String {
    let options = FormatOptions::default().with_null("NULL");
    ArrayFormatter::try_new(array, &options).expect("a formatter").value(row).to_string()
}

/// Moves the aggregates of an expression below it, as the resolver does, and computes it.
async fn aggregate(typed: &Typed, distinct: bool, frame: DataFrame) -> Result<String, String> {
    use datafusion::common::tree_node::{Transformed, TreeNode};
    let mut aggregates: Vec<Expr> = Vec::new();
    let outer = typed.expr.clone().transform_down(|expr| {
        Ok(match expr {
            Expr::AggregateFunction(mut function) => {
                function.params.distinct = distinct;
                let name = format!("agg{}", aggregates.len());
                aggregates.push(Expr::AggregateFunction(function).alias(&name));
                Transformed::new(col(name), true, datafusion::common::tree_node::TreeNodeRecursion::Jump)
            }
            other => Transformed::no(other),
        })
    });
    let outer = outer.map_err(|error| error.to_string())?.data;
    let result = frame.aggregate(vec![], aggregates).and_then(|frame| frame.select(vec![outer.alias("out")]));
    let batches =
        result.map_err(|error| error.to_string())?.collect().await.map_err(|error| match error.find_root() {
            datafusion::common::DataFusionError::External(inner) => {
                inner.downcast_ref::<SparkError>().map_or_else(|| error.to_string(), |error| error.class.clone())
            }
            other => other.to_string(),
        })?;
    let batch = batches.iter().find(|batch| batch.num_rows() > 0).ok_or("no row")?;
    let array =
        arrow::compute::cast(batch.column(0), &to_arrow(&typed.data_type)).map_err(|error| error.to_string())?;
    if array.is_null(0) {
        assert!(typed.nullable, "{} is null, and says that it never is", typed.name);
    }
    Ok(shown(&array, 0))
}

async fn check(cases: &[(&str, &str, &str)]) {
    let settings = Settings::default();
    let mut failures = Vec::new();
    for (text, expected, of_none) in cases {
        let typed = match call(text, &settings) {
            Ok(typed) => typed,
            Err(error) => {
                if error.class != *expected {
                    failures.push(format!("{text}: {} and not {expected}", error.class));
                }
                continue;
            }
        };
        let distinct = text.contains("(DISTINCT ");
        for (what, partitions, empty, split, expected) in [
            ("whole", 1, false, false, expected),
            ("merged", 4, false, true, expected),
            ("empty", 1, true, false, of_none),
        ] {
            let context = context(partitions);
            let found = aggregate(&typed, distinct, frame(&context, empty, split)).await;
            let found = found.unwrap_or_else(|error| error);
            // The order of a list that is merged, or of a set, is not Spark's either.
            let same = found == *expected || ((what == "merged" || distinct) && sorted(&found) == sorted(expected));
            if !same {
                failures.push(format!("{text} {what}: {found} and not {expected}"));
            }
        }
    }
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}

fn sorted(text: &str) -> Vec<char> {
    let mut characters: Vec<char> = text.chars().collect();
    characters.sort_unstable();
    characters
}

#[tokio::test]
async fn counts_and_extremes() {
    check(&[
        ("any(b)", "true", "NULL"),
        ("every(b)", "false", "NULL"),
        ("first(s)", "a", "NULL"),
        ("last(x)", "10.0", "NULL"),
        ("count(1)", "5", "0"),
        ("count(s)", "4", "0"),
        ("count(s, x)", "3", "0"),
        ("count(DISTINCT a)", "3", "0"),
        ("count(DISTINCT a, s)", "4", "0"),
        ("count_if(b)", "2", "0"),
        ("count_if(DISTINCT b)", "1", "0"),
        ("count_if(a)", "DATATYPE_MISMATCH.UNEXPECTED_INPUT_TYPE", ""),
        ("approx_count_distinct(a)", "3", "0"),
        ("approx_count_distinct(x, 0.1)", "4", "0"),
        ("approx_count_distinct(x, 0.5)", "FAILED_FUNCTION_CALL", ""),
        ("approx_count_distinct(x, s)", "_LEGACY_ERROR_TEMP_1104", ""),
        ("max(s)", "c", "NULL"),
        ("min(d)", "-7.75", "NULL"),
        ("max(b)", "true", "NULL"),
        ("max_by(s, x)", "c", "NULL"),
        ("min_by(s, x)", "NULL", "NULL"),
        ("max_by(s, x, 2)", "[c, b]", "NULL"),
        ("min_by(s, x, 2)", "[NULL, a]", "NULL"),
        ("max_by(s, NULL)", "NULL", "NULL"),
        ("bit_and(a)", "0", "NULL"),
        ("bit_xor(a)", "3", "NULL"),
        ("bit_or(x)", "DATATYPE_MISMATCH.UNEXPECTED_INPUT_TYPE", ""),
    ])
    .await;
}

#[tokio::test]
async fn lists() {
    check(&[
        ("collect_list(s)", "[a, b, a, c]", "[]"),
        ("array_agg(DISTINCT a)", "[1, 2, 3]", "[]"),
        ("listagg(s)", "abac", "NULL"),
        ("listagg(s, ',')", "a,b,a,c", "NULL"),
        ("listagg(s, ',') | s DESC", "c,b,a,a", "NULL"),
        ("string_agg(a) | a DESC", "32211", "NULL"),
        ("listagg(DISTINCT s, ',') | s", "a,b,c", "NULL"),
        ("listagg(DISTINCT s, ',')", "a,b,c", "NULL"),
        ("string_agg(DISTINCT a)", "123", "NULL"),
        ("listagg(DISTINCT s, ',') | a", "INVALID_WITHIN_GROUP_EXPRESSION.MISMATCH_WITH_DISTINCT_INPUT", ""),
        ("listagg(s, s)", "DATATYPE_MISMATCH.NON_FOLDABLE_INPUT", ""),
        ("mode(s)", "a", "NULL"),
        ("mode(a, true)", "1", "NULL"),
        ("mode() | a DESC", "2", "NULL"),
        ("approx_top_k(s, 1)", "[{item: a, count: 2}]", "[]"),
    ])
    .await;
}

#[tokio::test]
async fn sums_and_averages() {
    check(&[
        ("sum(a)", "9", "NULL"),
        ("sum(DISTINCT a)", "6", "NULL"),
        ("sum(x)", "10.0", "NULL"),
        ("sum(d)", "2.75", "NULL"),
        ("try_sum(a)", "9", "NULL"),
        ("avg(a)", "1.8", "NULL"),
        ("avg(DISTINCT a)", "2.0", "NULL"),
        ("mean(x)", "2.5", "NULL"),
        ("avg(d)", "0.687500", "NULL"),
        ("try_avg(d)", "0.687500", "NULL"),
        ("sum(b)", "DATATYPE_MISMATCH.UNEXPECTED_INPUT_TYPE", ""),
        ("product(a)", "12.0", "NULL"),
    ])
    .await;
}

#[tokio::test]
async fn statistics() {
    check(&[
        ("median(a)", "2.0", "NULL"),
        ("percentile(a, 0.3)", "1.2", "NULL"),
        ("percentile(a, [0.25 0.5])", "[1.0, 2.0]", "NULL"),
        ("percentile(x, 0.5, a)", "2.5", "NULL"),
        ("percentile(a, 2)", "DATATYPE_MISMATCH.VALUE_OUT_OF_RANGE", ""),
        ("percentile(a, a)", "DATATYPE_MISMATCH.NON_FOLDABLE_INPUT", ""),
        ("percentile(a, 0.5, -1)", "NEGATIVE_VALUES_IN_FREQUENCY_EXPRESSION", "NULL"),
        ("percentile(DISTINCT a, 0.5)", "2.0", "NULL"),
        ("percentile_cont(0.25) | a DESC", "2.0", "NULL"),
        ("percentile_disc(0.25) | x", "-4.0", "NULL"),
        ("percentile_disc([0.25 0.75]) | x DESC", "[10.0, 1.5]", "NULL"),
        ("percentile_approx(a, 0.5)", "2", "NULL"),
        ("percentile_approx(x, [0.1 0.5 0.9])", "[-4.0, 1.5, 10.0]", "NULL"),
        ("approx_percentile(d, 0.5)", "1.25", "NULL"),
        ("approx_percentile(a, 0.5, 0)", "DATATYPE_MISMATCH.VALUE_OUT_OF_RANGE", ""),
        ("histogram_numeric(a, 5)", "[{x: 1, y: 2.0}, {x: 2, y: 2.0}, {x: 3, y: 1.0}]", "NULL"),
        ("histogram_numeric(x, 2)", "[{x: 0.0, y: 3.0}, {x: 10.0, y: 1.0}]", "NULL"),
        ("stddev_pop(x)", "4.987484335815001", "NULL"),
        ("var_samp(x)", "33.166666666666664", "NULL"),
        ("kurtosis(x)", "-1.0", "NULL"),
        ("covar_pop(a, x)", "2.125", "NULL"),
        ("covar_samp(a, x)", "2.8333333333333335", "NULL"),
        ("regr_count(a, x)", "4", "0"),
        ("regr_avgx(a, x)", "2.5", "NULL"),
        ("regr_sxx(a, x)", "99.5", "NULL"),
        ("regr_syy(a, x)", "2.75", "NULL"),
        ("regr_slope(a, x)", "0.08542713567839195", "NULL"),
        ("regr_r2(1, a)", "1.0", "NULL"),
        ("regr_r2(a, 1)", "NULL", "NULL"),
        ("corr(1, a)", "DIVIDE_BY_ZERO", "NULL"),
    ])
    .await;
}

#[tokio::test]
async fn sketches_and_bitmaps() {
    let settings = Settings::default();
    for (text, expected) in [
        (
            "count_min_sketch(a, 0.5, 0.5, 1)",
            "0000000100000000000000050000000100000004000000005d8d6ab90000000000000001000000000000000200000000000000020000000000000000",
        ),
        (
            "count_min_sketch(s, 0.5, 0.5, 1)",
            "0000000100000000000000040000000100000004000000005d8d6ab90000000000000000000000000000000200000000000000010000000000000001",
        ),
    ] {
        for (partitions, split) in [(1, false), (4, true)] {
            let typed = call(text, &settings).expect("a call");
            let context = context(partitions);
            assert_eq!(aggregate(&typed, false, frame(&context, false, split)).await.expect(text), expected, "{text}");
        }
    }
    let typed = call("bitmap_construct_agg(a)", &settings).expect("a call");
    let context = context(1);
    let bits = aggregate(&typed, false, frame(&context, false, false)).await.expect("bits");
    assert_eq!((&bits[..6], bits.len()), ("0e0000", 8192));
}

#[test]
fn names() {
    let settings = Settings::default();
    for (text, shown, data_type) in [
        ("count(1)", "count(1)", "BIGINT"),
        ("count(DISTINCT a, s)", "count(DISTINCT a, s)", "BIGINT"),
        ("array_agg(s)", "collect_list(s)", "ARRAY<STRING>"),
        ("array_agg(DISTINCT a)", "collect_list(DISTINCT a)", "ARRAY<INT>"),
        ("listagg(s)", "listagg(s, NULL)", "STRING"),
        ("string_agg(a) | a DESC", "listagg(a, NULL) WITHIN GROUP (ORDER BY a DESC NULLS LAST)", "STRING"),
        ("avg(d)", "avg(d)", "DECIMAL(9,6)"),
        ("sum(d)", "sum(d)", "DECIMAL(15,2)"),
        ("sum(a)", "sum(a)", "BIGINT"),
        ("first(x, true)", "first(x)", "DOUBLE"),
        ("mode(a, true)", "mode() WITHIN GROUP (ORDER BY a DESC)", "INT"),
        ("mode() | a DESC", "mode() WITHIN GROUP (ORDER BY a)", "INT"),
        ("percentile(a, 0.3)", "percentile(a, 0.3, 1)", "DOUBLE"),
        ("percentile(DISTINCT a, 0.5)", "percentile(DISTINCT a, 0.5, 1)", "DOUBLE"),
        ("percentile_cont(0.25) | a DESC", "percentile_cont(0.25) WITHIN GROUP (ORDER BY a DESC)", "DOUBLE"),
        ("percentile_approx(a, 0.5)", "percentile_approx(a, 0.5, 10000)", "INT"),
        ("approx_count_distinct(a, 0.1)", "approx_count_distinct(a)", "BIGINT"),
        ("approx_top_k(s)", "approx_top_k(s, 5, 10000)", "ARRAY<STRUCT<item: STRING, count: BIGINT NOT NULL>>"),
        ("row_number()", "row_number()", "INT"),
        ("rank()", "RANK()", "INT"),
        ("ntile()", "ntile(1)", "INT"),
        ("lag(a)", "lag(a, 1, NULL)", "INT"),
        ("lead(a, 1, 1.5)", "lead(a, 1, 1.5)", "INT"),
        ("nth_value(s, 2, true)", "nth_value(s, 2) ignore nulls", "STRING"),
    ] {
        let typed = call(text, &settings).expect(text);
        assert_eq!((typed.name.as_str(), typed.data_type.sql().as_str()), (shown, data_type), "{text}");
    }
    for (text, class) in [
        ("ntile(0)", "DATATYPE_MISMATCH.VALUE_OUT_OF_RANGE"),
        ("ntile(a)", "DATATYPE_MISMATCH.NON_FOLDABLE_INPUT"),
        ("nth_value(s, 0)", "DATATYPE_MISMATCH.VALUE_OUT_OF_RANGE"),
        ("lead(a, a)", "DATATYPE_MISMATCH.NON_FOLDABLE_INPUT"),
    ] {
        assert_eq!(call(text, &settings).map(|typed| typed.name).map_err(|error| error.class), Err(class.to_owned()));
    }
}

/// The function over a window by `a, s`, with the frame from `preceding` rows before, or from the start.
async fn over(text: &str, preceding: Option<u64>) -> String {
    let settings = Settings::default();
    let typed = call(text, &settings).expect(text);
    let context = context(1);
    let frame = match preceding {
        Some(rows) => WindowFrame::new_bounds(
            datafusion::logical_expr::WindowFrameUnits::Rows,
            datafusion::logical_expr::WindowFrameBound::Preceding(datafusion::common::ScalarValue::UInt64(Some(rows))),
            datafusion::logical_expr::WindowFrameBound::CurrentRow,
        ),
        None => WindowFrame::new(Some(false)),
    };
    let function = match typed.expr {
        Expr::WindowFunction(function) => *function,
        Expr::AggregateFunction(aggregate) => {
            WindowFunction::new(WindowFunctionDefinition::AggregateUDF(aggregate.func), aggregate.params.args)
        }
        other => panic!("{other} has no window"),
    };
    let window = Expr::WindowFunction(Box::new(function))
        .order_by(vec![col("a").sort(true, true), col("s").sort(true, true)])
        .window_frame(frame)
        .build()
        .expect("a window");
    let rows = self::frame(&context, false, false).window(vec![window.alias("out")]).expect("a plan");
    let rows = rows.sort(vec![col("a").sort(true, true), col("s").sort(true, true)]).expect("a sort");
    let rows = rows.select(vec![col("out")]).expect("a column").collect().await.expect(text);
    let all = arrow::compute::concat_batches(&rows[0].schema(), &rows).expect("one batch");
    let column = arrow::compute::cast(all.column(0), &to_arrow(&typed.data_type)).expect("Spark's type");
    (0..column.len()).map(|row| shown(&column, row)).collect::<Vec<_>>().join(" ")
}

#[tokio::test]
async fn windows() {
    for (text, preceding, expected) in [
        ("row_number()", None, "1 2 3 4 5"),
        ("ntile(2)", None, "1 1 1 2 2"),
        ("lag(a, 1, 0)", None, "0 1 1 2 2"),
        ("lag(s, -1, 'z')", None, "b NULL a c z"),
        ("lead(a, 1, 1.5)", None, "1 2 2 3 1"),
        ("nth_value(s, 2, true)", None, "NULL b b b b"),
        ("first_value(s)", None, "a a a a a"),
        ("last_value(s)", None, "a b NULL a c"),
        ("max_by(s, x)", None, "a b b b c"),
        ("collect_list(a)", None, "[1] [1, 1] [1, 1, 2] [1, 1, 2, 2] [1, 1, 2, 2, 3]"),
        ("listagg(s)", None, "a ab ab aba abac"),
        ("sum(a)", None, "1 2 4 6 9"),
        ("avg(a)", Some(1), "1.0 1.0 1.5 2.0 2.5"),
        ("stddev(x)", Some(1), "NULL 0.7071067811865476 4.596194077712559 NULL NULL"),
        ("first_value(s)", Some(1), "a a b NULL a"),
    ] {
        assert_eq!(over(text, preceding).await, expected, "{text}");
    }
}

#[test]
fn every_implementation_has_a_name_of_its_own() {
    let own = implementations();
    let mut names: Vec<&str> = own.aggregate.iter().map(|function| function.name()).collect();
    let all = names.len();
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), all);
}
