//! Mathematics over constants. Expected values are real Spark's.

use crate::support::{build, eval, eval_with};
use firesteel_functions::Settings;
use firesteel_spec::DataType;
use firesteel_spec::Literal::{self, Binary, Boolean, Byte, Double, Float, Integer, Long, Null};

fn decimal(unscaled: i128, precision: u8, scale: i8) -> Literal {
    Literal::Decimal { unscaled, precision, scale }
}

fn text(text: &str) -> Literal {
    Literal::String(text.to_owned())
}

fn check(cases: &[(&str, Vec<Literal>, &str)]) {
    for (name, arguments, expected) in cases {
        assert_eq!(eval(name, arguments), *expected, "{name} {arguments:?}");
    }
}

/// Without `sin(2.5)`, where Java's intrinsic is not the double that is nearest to the sine.
#[test]
fn elementary_functions_to_the_last_digit() {
    crate::spark_sql::check(include_str!("spark_answers/math.txt"));
}

#[test]
fn elementary_functions() {
    check(&[
        ("acos", vec![Integer(2)], "NaN"),
        ("acosh", vec![Integer(1)], "0.0"),
        ("acosh", vec![Integer(0)], "NaN"),
        ("asinh", vec![Integer(0)], "0.0"),
        ("atanh", vec![Integer(2)], "NaN"),
        ("atan2", vec![Integer(0), Double(-0.0)], "0.0"),
        ("cbrt", vec![Integer(-8)], "-2.0"),
        ("cot", vec![Integer(0)], "inf"),
        ("csc", vec![Integer(1)], "1.1883951057781212"),
        ("sec", vec![Integer(1)], "1.8508157176809255"),
        ("degrees", vec![Double(std::f64::consts::PI)], "180.0"),
        ("expm1", vec![Double(1e-10)], "1.00000000005e-10"),
        ("hypot", vec![Integer(3), Integer(4)], "5.0"),
        ("ln", vec![Integer(0)], "NULL"),
        ("log", vec![Integer(10), Integer(100)], "2.0"),
        ("log", vec![Integer(1), Integer(8)], "inf"),
        ("log", vec![Integer(0), Integer(8)], "NULL"),
        ("log", vec![Integer(100)], "4.605170185988092"),
        ("log", vec![Double(f64::NAN)], "NaN"),
        ("log1p", vec![Integer(-1)], "NULL"),
        ("log2", vec![Integer(8)], "3.0"),
        ("log10", vec![Integer(-1)], "NULL"),
        ("pow", vec![Integer(2), Integer(3)], "8.0"),
        ("power", vec![Integer(0), Integer(-1)], "inf"),
        ("pow", vec![Null(DataType::Null), Integer(1)], "NULL"),
        ("rint", vec![decimal(-25, 2, 1)], "-2.0"),
        ("rint", vec![text("1.5")], "2.0"),
        ("signum", vec![decimal(-25, 2, 1)], "-1.0"),
        ("sign", vec![Double(f64::NAN)], "NaN"),
        ("sqrt", vec![Integer(-1)], "NaN"),
        ("sqrt", vec![text("4")], "2.0"),
        ("sin", vec![Boolean(true)], "DATATYPE_MISMATCH.UNEXPECTED_INPUT_TYPE"),
        ("e", vec![], "2.718281828459045"),
        ("width_bucket", vec![Double(5.3), Double(0.2), Double(10.6), Integer(5)], "3"),
        ("width_bucket", vec![Double(-2.1), Double(1.3), Double(3.4), Integer(3)], "0"),
        ("width_bucket", vec![Double(8.1), Integer(0), Double(5.7), Integer(4)], "5"),
        ("width_bucket", vec![Double(-0.9), Double(5.2), Double(0.5), Integer(2)], "3"),
        ("width_bucket", vec![Integer(1), Integer(1), Integer(1), Integer(5)], "NULL"),
        ("width_bucket", vec![Double(0.0), Integer(5), Integer(0), Integer(2)], "3"),
    ]);
}

#[test]
fn rounding() {
    check(&[
        ("round", vec![decimal(25, 2, 1)], "3"),
        ("round", vec![decimal(2345, 4, 3), Integer(2)], "2.35"),
        ("round", vec![Integer(12345), Integer(-2)], "12300"),
        ("round", vec![Integer(15), Integer(-1)], "20"),
        ("round", vec![Double(-2.5)], "-3.0"),
        ("round", vec![Double(0.125), Integer(2)], "0.13"),
        ("round", vec![Double(1.005), Integer(2)], "1.01"),
        ("round", vec![Double(f64::INFINITY), Integer(2)], "inf"),
        ("round", vec![Float(2.675), Integer(2)], "2.67"),
        ("round", vec![Double(1e20), Integer(2)], "1e20"),
        ("round", vec![Double(1e-10), Integer(5)], "0.0"),
        ("round", vec![Double(123.456), Integer(-2)], "100.0"),
        ("round", vec![Integer(i32::MAX), Integer(-1)], "ARITHMETIC_OVERFLOW"),
        ("round", vec![decimal(9999, 4, 2), Integer(-1)], "100"),
        ("round", vec![decimal(9999, 4, 2), Integer(-3)], "0"),
        ("round", vec![decimal(12345, 5, 3), Integer(5)], "12.345"),
        (
            "round",
            vec![decimal(10_i128.pow(38) - 1, 38, 0), Integer(-1)],
            "NUMERIC_VALUE_OUT_OF_RANGE.WITHOUT_SUGGESTION",
        ),
        ("round", vec![decimal(15, 2, 1), Null(DataType::Null)], "NULL"),
        ("round", vec![text("2.5")], "3.0"),
        ("bround", vec![Double(2.5)], "2.0"),
        ("bround", vec![Double(3.5)], "4.0"),
        ("bround", vec![decimal(25, 2, 1)], "2"),
        ("bround", vec![Integer(25), Integer(-1)], "20"),
        ("ceil", vec![decimal(-1, 1, 1)], "0"),
        ("ceil", vec![decimal(31411, 5, 4), Integer(3)], "3.142"),
        ("ceil", vec![decimal(31411, 5, 4), Integer(-3)], "1000"),
        ("ceil", vec![Integer(12345), Integer(-2)], "12400"),
        ("ceil", vec![Double(1e30)], "9223372036854775807"),
        ("ceiling", vec![Double(f64::NAN)], "0"),
        ("floor", vec![decimal(-1, 1, 1)], "-1"),
        ("floor", vec![Double(2.567), Integer(2)], "2.56"),
        ("floor", vec![Integer(-15), Integer(-1)], "-20"),
        ("floor", vec![Integer(5)], "5"),
    ]);
    let legacy = Settings { ansi: false, ..Settings::default() };
    assert_eq!(eval_with("round", &[Integer(i32::MAX), Integer(-1)], &legacy), "-2147483646");
    assert_eq!(eval_with("round", &[Byte(127), Integer(-1)], &legacy), "-126");
}

#[test]
fn bases_and_bits() {
    check(&[
        ("bin", vec![Integer(13)], "1101"),
        ("bin", vec![decimal(15, 2, 1)], "1"),
        ("conv", vec![text("100"), Integer(2), Integer(10)], "4"),
        ("conv", vec![Integer(-10), Integer(16), Integer(-10)], "-16"),
        ("conv", vec![text("1x"), Integer(10), Integer(10)], "1"),
        ("conv", vec![text(""), Integer(10), Integer(10)], "NULL"),
        ("conv", vec![text("-1"), Integer(10), Integer(16)], "FFFFFFFFFFFFFFFF"),
        ("conv", vec![text("10"), Integer(37), Integer(10)], "NULL"),
        ("conv", vec![text("18446744073709551616"), Integer(10), Integer(16)], "ARITHMETIC_OVERFLOW"),
        ("conv", vec![text("-9223372036854775809"), Integer(10), Integer(-10)], "-9223372036854775807"),
        ("hex", vec![Integer(17)], "11"),
        ("hex", vec![Integer(-1)], "FFFFFFFFFFFFFFFF"),
        ("hex", vec![text("Spark SQL")], "537061726B2053514C"),
        ("hex", vec![Binary(vec![10, 255])], "0AFF"),
        ("unhex", vec![text("ABC")], "0abc"),
        ("unhex", vec![text("GG")], "NULL"),
        ("factorial", vec![Integer(20)], "2432902008176640000"),
        ("factorial", vec![Integer(21)], "NULL"),
        ("bit_count", vec![Integer(-1)], "64"),
        ("bit_count", vec![Boolean(true)], "1"),
        ("bit_get", vec![Integer(11), Integer(0)], "1"),
        ("getbit", vec![Long(-1), Integer(63)], "1"),
        ("bit_get", vec![Integer(11), Integer(32)], "INVALID_PARAMETER_VALUE.BIT_POSITION_RANGE"),
        ("shiftleft", vec![Integer(1), Integer(33)], "2"),
        ("shiftleft", vec![Byte(1), Integer(9)], "512"),
        (">>", vec![Long(-1), Integer(65)], "-1"),
        ("shiftrightunsigned", vec![Integer(-4), Integer(1)], "2147483646"),
        ("&", vec![Integer(3), Long(5)], "1"),
        ("|", vec![Integer(3), Integer(5)], "7"),
        ("^", vec![Integer(3), Integer(5)], "6"),
        ("~", vec![Integer(0)], "-1"),
        ("&", vec![Boolean(true), Boolean(false)], "DATATYPE_MISMATCH.BINARY_OP_WRONG_TYPE"),
        ("&", vec![decimal(15, 2, 1), Integer(2)], "DATATYPE_MISMATCH.BINARY_OP_DIFF_TYPES"),
        ("~", vec![text("3")], "DATATYPE_MISMATCH.UNEXPECTED_INPUT_TYPE"),
    ]);
}

#[test]
fn names_and_types() {
    let settings = Settings::default();
    for (name, arguments, shown, data_type) in [
        ("acos", vec![Integer(2)], "ACOS(2)", "DOUBLE"),
        ("pow", vec![Integer(2), Integer(3)], "pow(2, 3)", "DOUBLE"),
        ("power", vec![Integer(2), Integer(3)], "POWER(2, 3)", "DOUBLE"),
        ("log", vec![Integer(100)], "LOG(E(), 100)", "DOUBLE"),
        ("pi", vec![], "PI()", "DOUBLE"),
        ("round", vec![decimal(999, 3, 2), Integer(1)], "round(9.99, 1)", "DECIMAL(3,1)"),
        ("round", vec![decimal(15, 38, 10), Integer(2)], "round(0.0000000015, 2)", "DECIMAL(31,2)"),
        ("round", vec![Double(2.5)], "round(2.5, 0)", "DOUBLE"),
        ("ceil", vec![Double(1.5), Integer(1)], "ceil(1.5, 1)", "DECIMAL(17,1)"),
        ("ceil", vec![Integer(12345), Integer(-2)], "ceil(12345, -2)", "DECIMAL(11,0)"),
        ("ceil", vec![Integer(5)], "CEIL(5)", "BIGINT"),
        ("ceiling", vec![Double(2.5)], "ceiling(2.5)", "BIGINT"),
        ("floor", vec![decimal(15, 38, 1)], "FLOOR(1.5)", "DECIMAL(38,0)"),
        ("<<", vec![Integer(1), Integer(2)], "(1 << 2)", "INT"),
        ("~", vec![Long(3)], "~3", "BIGINT"),
        ("bit_get", vec![Integer(11), Integer(0)], "bit_get(11, 0)", "TINYINT"),
    ] {
        let arguments =
            arguments.iter().map(|value| firesteel_functions::literal(value, &settings).expect("a literal"));
        let typed = build(name, arguments.collect(), &settings).expect(name);
        assert_eq!((typed.name.as_str(), typed.data_type.sql().as_str()), (shown, data_type), "{name}");
    }
}
