//! Sketches: their bytes, estimates and errors are those that real Spark gave to the same rows, as one whole and merged
//! from partial results.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, Int64Array, RecordBatch};
use arrow::datatypes::{DataType as ArrowType, Field, Schema};
use arrow::util::display::{ArrayFormatter, FormatOptions};
use datafusion::common::tree_node::{Transformed, TreeNode, TreeNodeRecursion};
use datafusion::datasource::MemTable;
use datafusion::logical_expr::{Expr, col};
use datafusion::prelude::{SessionConfig, SessionContext};
use firesteel_functions::{
    Call, CastEvaluation, Settings, Typed, cast, implementations, literal, lookup, names, to_arrow,
};
use firesteel_spec::{DataType, Literal, SparkError};

/// The rows of a question: of the one column `id`.
#[derive(Clone, Copy)]
enum Rows {
    /// 1, 2, 2 and 3.
    Few,
    /// From 0.
    Range(i64),
}

impl Rows {
    fn values(self) -> Vec<i64> {
        match self {
            Self::Few => vec![1, 2, 2, 3],
            Self::Range(end) => (0..end).collect(),
        }
    }
}

fn constant(value: &Literal) -> Typed {
    literal(value, &Settings::default()).expect("a literal")
}

/// `f(a, b)`, with a column `id`, constants, and `id+n`, `int(id)`, `double(id)`, `text(id)` for columns made of it.
fn parse(text: &str) -> Result<Typed, SparkError> {
    let settings = Settings::default();
    let text = text.trim();
    if let Some((name, arguments)) = text.strip_suffix(')').and_then(|text| text.split_once('(')) {
        let arguments = split(arguments).into_iter().map(parse).collect::<Result<Vec<_>, _>>()?;
        let made = |to: &DataType| cast(arguments[0].clone(), to, CastEvaluation::Ansi, &settings);
        return match name {
            "int" => made(&DataType::Integer),
            "double" => made(&DataType::Double),
            "short" => made(&DataType::Short),
            "float" => made(&DataType::Float),
            "text" => made(&DataType::STRING),
            _ => call(name, arguments),
        };
    }
    if let Some(number) = text.strip_prefix("id+") {
        return call("+", vec![parse("id")?, parse(number)?]);
    }
    Ok(match text {
        "id" => Typed::new(col("id"), DataType::Long, false, "id"),
        "NULL" => constant(&Literal::Null(DataType::Null)),
        "true" => constant(&Literal::Boolean(true)),
        _ if text.starts_with('\'') => constant(&Literal::String(text.trim_matches('\'').to_owned())),
        _ if text.starts_with("X'") => {
            let digits = text.trim_start_matches("X'").trim_end_matches('\'');
            let byte = |at: usize| u8::from_str_radix(&digits[at..at + 2], 16).expect("digits");
            constant(&Literal::Binary((0..digits.len()).step_by(2).map(byte).collect()))
        }
        _ if text.contains('.') => constant(&Literal::Double(text.parse().expect("a double"))),
        _ => match text.parse() {
            Ok(number) => constant(&Literal::Integer(number)),
            Err(_) => constant(&Literal::Long(text.parse().expect("a number"))),
        },
    })
}

fn call(name: &str, arguments: Vec<Typed>) -> Result<Typed, SparkError> {
    let settings = Settings::default();
    let function = lookup(name).unwrap_or_else(|| panic!("no function {name}"));
    let call =
        Call { name, arguments, distinct: false, ignore_nulls: None, within_group: Vec::new(), settings: &settings };
    (function.build)(&call)
}

/// At the commas that are in no parentheses.
fn split(text: &str) -> Vec<&str> {
    let (mut parts, mut depth, mut start) = (Vec::new(), 0, 0);
    for (at, character) in text.char_indices() {
        match character {
            '(' => depth += 1,
            ')' => depth -= 1,
            ',' if depth == 0 => {
                parts.push(&text[start..at]);
                start = at + 1;
            }
            _ => {}
        }
    }
    parts.push(&text[start..]);
    parts.retain(|part| !part.trim().is_empty());
    parts
}

fn context(partitions: usize) -> SessionContext {
    let context = SessionContext::new_with_config(SessionConfig::new().with_target_partitions(partitions));
    let own = implementations();
    own.scalar.iter().for_each(|function| context.register_udf(function.as_ref().clone()));
    own.aggregate.iter().for_each(|function| context.register_udaf(function.as_ref().clone()));
    context
}

/// The answer over the rows in so many partitions, or the class of the error.
async fn answer(typed: &Typed, rows: Rows, partitions: usize) -> Result<ArrayRef, String> {
    let schema = Arc::new(Schema::new(vec![Field::new("id", ArrowType::Int64, false)]));
    let values = rows.values();
    let parts = values.chunks(values.len().div_ceil(partitions).max(1)).map(|part| {
        let column: ArrayRef = Arc::new(Int64Array::from(part.to_vec()));
        vec![RecordBatch::try_new(Arc::clone(&schema), vec![column]).expect("a batch")]
    });
    let parts: Vec<_> = parts.collect();
    let context = context(partitions);
    let table = MemTable::try_new(Arc::clone(&schema), if parts.is_empty() { vec![vec![]] } else { parts });
    let frame = context.read_table(Arc::new(table.expect("a table"))).expect("a frame");
    let mut aggregates: Vec<Expr> = Vec::new();
    let outer = typed.expr.clone().transform_down(|expr| {
        Ok(match expr {
            Expr::AggregateFunction(_) => {
                let name = format!("agg{}", aggregates.len());
                aggregates.push(expr.alias(&name));
                Transformed::new(col(name), true, TreeNodeRecursion::Jump)
            }
            other => Transformed::no(other),
        })
    });
    let outer = outer.expect("an expression").data;
    let frame = if aggregates.is_empty() { frame } else { frame.aggregate(vec![], aggregates).expect("aggregates") };
    let batches = frame.select(vec![outer.alias("out")]).expect("a column").collect().await;
    let batches = batches.map_err(|error| match error.find_root() {
        datafusion::common::DataFusionError::External(inner) => {
            inner.downcast_ref::<SparkError>().map_or_else(|| error.to_string(), |error| error.class.clone())
        }
        other => other.to_string(),
    })?;
    let batch = batches.iter().find(|batch| batch.num_rows() > 0).ok_or("no row")?;
    let array =
        arrow::compute::cast(batch.column(0), &to_arrow(&typed.data_type)).map_err(|error| error.to_string())?;
    assert!(!array.is_null(0) || typed.nullable, "{} is null, and says that it never is", typed.name);
    Ok(array)
}

fn shown(array: &ArrayRef) -> String {
    if let Some(bytes) = array.as_binary_opt::<i32>().filter(|bytes| !bytes.is_null(0)) {
        return bytes.value(0).iter().map(|byte| format!("{byte:02x}")).collect();
    }
    let options = FormatOptions::default().with_null("NULL");
    ArrayFormatter::try_new(array, &options).expect("a formatter").value(0).to_string()
}

async fn check(rows: Rows, cases: &[(&str, &str)]) {
    let mut failures = Vec::new();
    for (text, expected) in cases {
        let typed = match parse(text) {
            Ok(typed) => typed,
            Err(error) => {
                if error.class != *expected {
                    failures.push(format!("{text}: {} and not {expected}", error.class));
                }
                continue;
            }
        };
        for partitions in [1, 4] {
            let found = answer(&typed, rows, partitions).await.map_or_else(|error| error, |array| shown(&array));
            // The entries of a tuple sketch have no order; values of a KLL sketch neither.
            let same = if expected.len() > 60 { sorted(&found) == sorted(expected) } else { found == *expected };
            if !same {
                failures.push(format!("{text} of {partitions}: {found}\n   and not {expected}"));
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
async fn hll() {
    const FEW: &str = "0201070c030003082bf2fb06862ff90d758166070000000000000000000000000000000000000000";
    const NONE: &str = "0201070c030400080000000000000000000000000000000000000000000000000000000000000000";
    check(
        Rows::Few,
        &[
            ("hll_sketch_agg(int(id))", FEW),
            ("hll_sketch_agg(id)", FEW),
            ("hll_sketch_agg(NULL)", NONE),
            ("hll_sketch_agg(id, 3)", "HLL_INVALID_LG_K"),
            ("hll_sketch_agg(id, NULL)", "HLL_INVALID_LG_K"),
            ("hll_sketch_agg(id, int(id))", "HLL_K_MUST_BE_CONSTANT"),
            ("hll_sketch_agg(double(id))", "DATATYPE_MISMATCH.UNEXPECTED_INPUT_TYPE"),
            ("hll_sketch_estimate(X'00')", "HLL_INVALID_INPUT_SKETCH_BUFFER"),
            ("hll_sketch_estimate(NULL)", "NULL"),
            ("hll_sketch_estimate('a')", "DATATYPE_MISMATCH.UNEXPECTED_INPUT_TYPE"),
            (
                "hll_union(hll_sketch_agg(id), hll_sketch_agg(id+2))",
                "0201070c030005082bf2fb06862ff90d7581660781bc5d067b65e608000000000000000000000000",
            ),
            ("hll_union(hll_sketch_agg(id), hll_sketch_agg(id, 14))", "HLL_UNION_DIFFERENT_LG_K"),
            ("hll_union_agg(X'00')", "HLL_INVALID_INPUT_SKETCH_BUFFER"),
        ],
    )
    .await;
    check(Rows::Range(0), &[("hll_union_agg(X'00', true)", NONE)]).await;
    const SET: &str = "0301070c05000009140000000000000081bc5d0600000000cef05b1f6ec5340600000000862ff90d0000000000000000\
        db522d0400000000cbd7c20400000000b05b4612ae3c881100000000c1e9170500000000d21673070000000034a2610e75816607f671f206\
        00000000b83ff907464ab704fc2d420a7b65e6082bf2fb06c3dd5104000000007c74b907";
    check(Rows::Range(20), &[("hll_sketch_agg(id)", SET)]).await;
}

#[tokio::test]
async fn estimates_are_sparks() {
    check(
        Rows::Range(100_000),
        &[
            ("theta_sketch_estimate(theta_sketch_agg(id))", "98046"),
            ("theta_sketch_estimate(theta_sketch_agg(id, 8))", "100366"),
            ("theta_sketch_estimate(theta_union(theta_sketch_agg(id), theta_sketch_agg(id+50000)))", "149587"),
            ("theta_sketch_estimate(theta_intersection(theta_sketch_agg(id), theta_sketch_agg(id+50000)))", "48118"),
            ("theta_sketch_estimate(theta_difference(theta_sketch_agg(id), theta_sketch_agg(id+50000)))", "49983"),
            ("tuple_sketch_estimate_double(tuple_sketch_agg_double(id, id, 8))", "100365.68752889847"),
            ("tuple_sketch_theta_double(tuple_sketch_agg_double(id, id, 8))", "0.0025506725087325235"),
            ("tuple_sketch_summary_double(tuple_sketch_agg_double(id, id, 8))", "12209291.0"),
            ("tuple_sketch_summary_integer(tuple_sketch_agg_integer(id, int(id)))", "203044526"),
        ],
    )
    .await;
    for (rows, deviation, expected) in [
        (100_000, "0.05", "95546"),
        (100_000, "0.1", "102065"),
        (100_000, "0.39", "78139"),
        (1_000, "0.05", "1026"),
        (1_000, "0.01", "996"),
        (1_000, "0.2", "748"),
        (2_000, "0.05", "1947"),
    ] {
        check(Rows::Range(rows), &[(&format!("approx_count_distinct(id, {deviation})"), expected)]).await;
    }
    // Spark's estimates too differ by whether there is one partition or more.
    for (text, partitions, expected) in [
        ("hll_sketch_estimate(hll_sketch_agg(id))", 1, "101148"),
        ("hll_sketch_estimate(hll_sketch_agg(id))", 4, "102878"),
        ("hll_sketch_estimate(hll_sketch_agg(id, 10))", 4, "105434"),
        ("hll_sketch_estimate(hll_sketch_agg(id, 15))", 1, "100028"),
        ("hll_sketch_estimate(hll_sketch_agg(text(id)))", 1, "98814"),
        ("hll_sketch_estimate(hll_union(hll_sketch_agg(id), hll_sketch_agg(id+50000)))", 1, "153040"),
    ] {
        let typed = parse(text).expect(text);
        let found = answer(&typed, Rows::Range(100_000), partitions).await.expect(text);
        assert_eq!(shown(&found), expected, "{text} of {partitions}");
    }
}

#[tokio::test]
async fn count_min() {
    check(
        Rows::Range(100),
        &[
            (
                "count_min_sketch(id, 1.5, 0.2, 5)",
                "0000000100000000000000640000000100000002000000005d81acdf00000000000000330000000000000031",
            ),
            (
                "count_min_sketch(id, 1.5, 0.2, 1111111111111111111)",
                "00000001000000000000006400000001000000020000000044078ba100000000000000320000000000000032",
            ),
        ],
    )
    .await;
}

#[tokio::test]
async fn vectors() {
    check(
        Rows::Range(4),
        &[
            ("vector_sum(array(float(id), float(id)))", "[6.0, 6.0]"),
            ("vector_avg(array(float(id)))", "[1.5]"),
            ("vector_avg(array(id))", "DATATYPE_MISMATCH.UNEXPECTED_INPUT_TYPE"),
            ("vector_norm(array(float(3), float(4)))", "5.0"),
            ("vector_norm(array(float(3), float(4)), float(1))", "7.0"),
            ("vector_norm(array(float(3), float(4)), float(3))", "INVALID_VECTOR_NORM_DEGREE"),
            ("vector_norm(array(3.0))", "DATATYPE_MISMATCH.UNEXPECTED_INPUT_TYPE"),
            ("vector_norm(array(float(3), NULL))", "NULL"),
            ("vector_normalize(array(float(3), float(4)))", "[0.6, 0.8]"),
            ("vector_normalize(array(float(0), float(0)))", "NULL"),
            ("vector_inner_product(array(float(1), float(2)), array(float(4), float(5)))", "14.0"),
            ("vector_inner_product(array(float(1)), array(float(4), float(5)))", "VECTOR_DIMENSION_MISMATCH"),
            (
                "vector_cosine_similarity(array(float(1), float(2), float(3)), array(float(4), float(5), float(6)))",
                "0.9746319",
            ),
            (
                "vector_l2_distance(array(float(1), float(2), float(3)), array(float(4), float(5), float(6)))",
                "5.196152",
            ),
        ],
    )
    .await;
    check(Rows::Range(0), &[("vector_sum(array(float(id)))", "NULL")]).await;
}

#[tokio::test]
async fn theta() {
    const FEW: &str = "0104033e011acc930316861af72df7e4558fbe9c3477e9eaefb2e5966badaa3dc0";
    const NONE: &str = "01030300001e0000";
    check(
        Rows::Few,
        &[
            ("theta_sketch_agg(id)", FEW),
            ("theta_sketch_agg(NULL)", NONE),
            ("theta_union_agg(NULL)", NONE),
            ("theta_sketch_agg(id, 27)", "SKETCH_INVALID_LG_NOM_ENTRIES"),
            ("theta_sketch_agg(id, int(id))", "THETA_LG_NOM_ENTRIES_MUST_BE_CONSTANT"),
            ("theta_sketch_agg(id, id)", "DATATYPE_MISMATCH.UNEXPECTED_INPUT_TYPE"),
            ("theta_sketch_agg(true)", "DATATYPE_MISMATCH.UNEXPECTED_INPUT_TYPE"),
            ("theta_union(X'00', X'00')", "THETA_INVALID_INPUT_SKETCH_BUFFER"),
            // Two hashes out of order.
            (
                "theta_sketch_estimate(X'02030300001acc93020000000000000002000000000000000100000000000000')",
                "THETA_INVALID_INPUT_SKETCH_BUFFER",
            ),
            ("theta_sketch_estimate(hll_sketch_agg(id))", "THETA_INVALID_INPUT_SKETCH_BUFFER_FAMILY"),
            ("theta_intersection(theta_sketch_agg(id), theta_sketch_agg(id+2))", "01030300003acc93ba40b3c1da06695d"),
            ("theta_intersection(theta_sketch_agg(id), theta_sketch_agg(id+20))", NONE),
            ("theta_difference(theta_sketch_agg(id), theta_sketch_agg(id))", NONE),
            ("theta_union(theta_sketch_agg(id), theta_sketch_agg(id), 3)", "SKETCH_INVALID_LG_NOM_ENTRIES"),
        ],
    )
    .await;
}

#[tokio::test]
async fn tuple() {
    check(
        Rows::Few,
        &[
            (
                "tuple_sketch_agg_integer(id, 1)",
                "02030901000acc93030000000000000015f97dcbbd86a1050100000000ba40b3c1da06695d0100000000c397fc1281709d1e0200000000",
            ),
        ],
    )
    .await;
    check(
        Rows::Few,
        &[
            ("tuple_sketch_agg_integer(NULL, 1)", "01030901000ecc93"),
            ("tuple_sketch_agg_integer('', 1)", "01030901000ecc93"),
            ("tuple_sketch_agg_integer(true, 1)", "01030901000acc93a1e77fac5ed7023c0400000000"),
            ("tuple_sketch_agg_integer(short(1), 7)", "01030901000acc9385d2cee5cad7a37c1c00000000"),
            ("tuple_sketch_agg_integer(1, 2147483647)", "01030901000acc9315f97dcbbd86a105fcffffff00"),
            ("tuple_sketch_agg_integer(1, id, 12, 'MIN')", "01030901000acc9315f97dcbbd86a1050100000001"),
            ("tuple_sketch_agg_integer(1, id, 12, 'max')", "01030901000acc9315f97dcbbd86a1050300000002"),
            ("tuple_sketch_agg_integer(1, id, 12, 'alwaysone')", "01030901000acc9315f97dcbbd86a1050100000003"),
            ("tuple_sketch_agg_double(1, id)", "01030901000acc9315f97dcbbd86a105000000000000204000"),
            ("tuple_sketch_agg_integer(id, 1, 12, 'foo')", "DATATYPE_MISMATCH.TYPE_CHECK_FAILURE_WITH_HINT"),
            ("tuple_sketch_agg_integer(id, 1, 3)", "DATATYPE_MISMATCH.TYPE_CHECK_FAILURE_WITH_HINT"),
            ("tuple_sketch_agg_integer(id, 1, NULL)", "DATATYPE_MISMATCH.UNEXPECTED_NULL"),
            ("tuple_sketch_agg_integer(id, 1, id)", "DATATYPE_MISMATCH.NON_FOLDABLE_INPUT"),
            ("tuple_sketch_agg_double(id, true)", "DATATYPE_MISMATCH.UNEXPECTED_INPUT_TYPE"),
            ("tuple_sketch_estimate_double(X'')", "TUPLE_INVALID_INPUT_SKETCH_BUFFER"),
            ("tuple_sketch_estimate_double(theta_sketch_agg(id))", "TUPLE_INVALID_INPUT_SKETCH_BUFFER_FAMILY"),
            ("tuple_union_theta_double(tuple_sketch_agg_double(id, 1), X'00')", "THETA_INVALID_INPUT_SKETCH_BUFFER"),
            ("tuple_sketch_summary_double(tuple_sketch_agg_double(id, id), 'min')", "1.0"),
            ("tuple_sketch_summary_double(tuple_sketch_agg_double(id, id), 'alwaysone')", "3.0"),
            ("tuple_union_agg_double(NULL)", "01030901000ecc93"),
            (
                "tuple_sketch_summary_integer(tuple_union_integer(tuple_sketch_agg_integer(id, 7), \
                 tuple_sketch_agg_integer(id+1, 1)))",
                "32",
            ),
            (
                "tuple_intersection_theta_integer(tuple_sketch_agg_integer(id, 7), theta_sketch_agg(id+2), 'max')",
                "01030901000acc93ba40b3c1da06695d0700000002",
            ),
            (
                "tuple_sketch_estimate_integer(tuple_difference_theta_integer(tuple_sketch_agg_integer(id, 7), \
                 theta_sketch_agg(id+2)))",
                "2.0",
            ),
        ],
    )
    .await;
}

#[tokio::test]
async fn a_sum_over_a_sketch_does_not_wrap() {
    check(
        Rows::Range(4),
        &[
            ("tuple_sketch_summary_integer(tuple_sketch_agg_integer(id, 2000000000))", "8000000000"),
            ("tuple_sketch_summary_integer(tuple_sketch_agg_integer(id, 2000000000), 'max')", "2000000000"),
        ],
    )
    .await;
}

#[tokio::test]
async fn kll() {
    check(
        Rows::Range(10),
        &[
            ("kll_sketch_get_n_bigint(kll_sketch_agg_bigint(id))", "10"),
            ("kll_sketch_get_n_double(X'00')", "KLL_INVALID_INPUT_SKETCH_BUFFER"),
            ("kll_sketch_get_n_double(NULL)", "NULL"),
            ("kll_sketch_get_quantile_bigint(kll_sketch_agg_bigint(id), 0.5)", "4"),
            ("kll_sketch_get_quantile_bigint(kll_sketch_agg_bigint(id), array(0.0, 0.25, 0.5, 0.55, 1.0))", "[0, 2, 4, 5, 9]"),
            ("kll_sketch_get_quantile_float(kll_sketch_agg_float(float(id)), 1.5)", "KLL_SKETCH_INVALID_QUANTILE_RANGE"),
            ("kll_sketch_get_quantile_float(kll_sketch_agg_float(float(id)), true)", "DATATYPE_MISMATCH.UNEXPECTED_INPUT_TYPE"),
            ("kll_sketch_get_quantile_float(kll_sketch_agg_float(float(id)), double(id))", "DATATYPE_MISMATCH.NON_FOLDABLE_INPUT"),
            ("kll_sketch_get_rank_double(kll_sketch_agg_double(double(id)), 3)", "0.4"),
            ("kll_sketch_get_rank_bigint(kll_sketch_agg_bigint(id), array(3, 4, -1))", "[0.4, 0.5, 0.0]"),
            ("kll_sketch_agg_bigint(id, 7)", "DATATYPE_MISMATCH.TYPE_CHECK_FAILURE_WITH_HINT"),
            ("kll_sketch_agg_bigint(id, NULL)", "DATATYPE_MISMATCH.UNEXPECTED_NULL"),
            ("kll_sketch_agg_bigint(id, int(id))", "DATATYPE_MISMATCH.NON_FOLDABLE_INPUT"),
            ("kll_sketch_agg_double(id)", "DATATYPE_MISMATCH.UNEXPECTED_INPUT_TYPE"),
            ("kll_sketch_agg_bigint(NULL)", "02010f01c8000800"),
            ("kll_merge_agg_bigint(NULL)", "02010f01c8000800"),
            ("kll_sketch_get_n_bigint(kll_sketch_merge_bigint(kll_sketch_agg_bigint(id), kll_sketch_agg_bigint(id)))", "20"),
        ],
    )
    .await;
    check(
        Rows::Few,
        &[(
            "kll_sketch_agg_bigint(id)",
            "05010f00c80008000400000000000000c8000100c40000000100000000000000030000000000000001000000000000000200000000\
             00000002000000000000000300000000000000",
        )],
    )
    .await;
    let typed = parse("kll_sketch_to_string_double(kll_sketch_agg_double(double(id)))").expect("a call");
    let text = shown(&answer(&typed, Rows::Range(1000), 1).await.expect("a text"));
    let expected = "\n### KllKllDoublesSketch Summary:\n   K                      : 200\n   Dynamic min K          : 200\n   \
        M                      : 8\n   N                      : 1000\n   Epsilon                : 1.329%\n   Epsilon PMF            \
        : 1.652%\n   Empty                  : false\n   Estimation Mode        : true\n   Levels                 : 3\n";
    assert!(text.starts_with(expected) && text.contains("Capacity Items         : 422\n"), "{text}");
    assert!(
        text.ends_with("   Min Item               : 0.0\n   Max Item               : 999.0\n### End sketch summary\n")
    );
}

#[test]
fn names_are_sparks() {
    for (text, shown, data_type) in [
        ("hll_sketch_agg(id)", "hll_sketch_agg(id, 12)", "BINARY"),
        ("hll_union_agg(X'00')", "hll_union_agg(X'00', false)", "BINARY"),
        ("theta_union(X'00', X'00')", "theta_union(X'00', X'00', 12)", "BINARY"),
        ("tuple_sketch_agg_double(id, id)", "tuple_sketch_agg_double(id, id, 12, sum)", "BINARY"),
        (
            "tuple_intersection_theta_integer(X'00', X'00')",
            "tuple_intersection_theta_integer(X'00', X'00', sum)",
            "BINARY",
        ),
        ("tuple_sketch_summary_integer(X'00')", "tuple_sketch_summary_integer(X'00', sum)", "BIGINT"),
        ("kll_sketch_agg_bigint(id)", "kll_sketch_agg_bigint(id)", "BINARY"),
        ("kll_sketch_get_quantile_float(X'00', 0.5)", "kll_sketch_get_quantile_float(X'00', 0.5)", "FLOAT"),
    ] {
        let typed = parse(text).expect(text);
        assert_eq!((typed.name.as_str(), typed.data_type.sql().as_str()), (shown, data_type), "{text}");
    }
    assert_eq!(names().iter().filter(|name| name.starts_with("kll_")).count(), 21);
}
