//! Shapes: bytes, reference systems and errors as real Spark has them.

use firesteel_functions::{Settings, Typed, literal};
use firesteel_spec::{Literal, SparkError};

use crate::support::{build, evaluate};

const POINT: &str = "0101000000000000000000F03F0000000000000040";

fn bytes(digits: &str) -> Typed {
    let byte = |at: usize| u8::from_str_radix(&digits[at..at + 2], 16).expect("digits");
    let bytes = (0..digits.len()).step_by(2).map(byte).collect();
    literal(&Literal::Binary(bytes), &Settings::default()).expect("a literal")
}

fn call(name: &str, arguments: Vec<Typed>) -> Result<Typed, SparkError> {
    build(name, arguments, &Settings::default())
}

/// `st_asbinary(from(digits), order)`, or the error's class.
fn rewritten(from: &str, digits: &str, order: &str) -> String {
    let shape = call(from, vec![bytes(digits)]);
    match shape.and_then(|shape| call("st_asbinary", vec![shape, Typed::string(order)])) {
        Ok(typed) => evaluate(&typed),
        Err(error) => error.class,
    }
}

#[test]
fn shapes_are_written_in_either_order() {
    for (digits, expected) in [
        (POINT, "00000000013ff00000000000004000000000000000"),
        ("00000000013FF00000000000004000000000000000", "00000000013ff00000000000004000000000000000"),
        ("0101000000000000000000F87F000000000000F87F", "00000000017ff80000000000007ff8000000000000"),
        ("0101000000000000000000F03F000000000000004000", "00000000013ff00000000000004000000000000000"),
        (
            "01E9030000000000000000F03F00000000000000400000000000000840",
            "00000003e93ff000000000000040000000000000004008000000000000",
        ),
        (
            "0104000000010000000101000000000000000000F03F0000000000000040",
            "00000000040000000100000000013ff00000000000004000000000000000",
        ),
        ("010700000001000000010700000000000000", "000000000700000001000000000700000000"),
        ("010300000000000000", "000000000300000000"),
    ] {
        assert_eq!(rewritten("st_geomfromwkb", digits, "xdr"), expected, "{digits}");
    }
    assert_eq!(rewritten("st_geogfromwkb", POINT, "NDR"), POINT.to_lowercase());
}

#[test]
fn what_is_no_shape_is_refused() {
    for digits in [
        "",
        "00",
        "0301000000000000000000F03F0000000000000040",
        "0108000000000000000000F03F0000000000000040",
        "0101000020E6100000000000000000F03F0000000000000040",
        "0101000000000000000000F07F0000000000000040",
        "010200000001000000000000000000F03F0000000000000040",
        "0102000000FFFFFFFF",
        "0102000000FFFFFF7F",
        "01030000000100000000000000",
        "0104000000010000000102000000000000000000F03F0000000000000040",
        "01040000000100000001E9030000000000000000F03F00000000000000400000000000000840",
        "01030000000100000004000000000000000000000000000000000000000000000000000000000000000000F03F000000000000F03F\
         000000000000F03F00000000000000400000000000000000",
    ] {
        assert_eq!(rewritten("st_geomfromwkb", digits, "NDR"), "WKB_PARSE_ERROR", "{digits}");
    }
    assert_eq!(rewritten("st_geogfromwkb", "0101000000000000000000F03F0000000000405740", "NDR"), "WKB_PARSE_ERROR");
    assert_eq!(rewritten("st_geomfromwkb", POINT, "foo"), "ST_INVALID_ENDIANNESS_VALUE");
}

#[test]
fn reference_systems() {
    let geometry = |srid: i32| call("st_geomfromwkb", vec![bytes(POINT), Typed::int(srid)]);
    let moved = geometry(0).and_then(|shape| call("st_setsrid", vec![shape, Typed::int(3857)])).expect("a shape");
    assert_eq!((moved.data_type.sql().as_str(), moved.nullable), ("GEOMETRY(3857)", false));
    assert_eq!(evaluate(&call("st_srid", vec![moved]).expect("a number")), "3857");
    assert_eq!(geometry(1).map(|_| ()).map_err(|error| error.class), Err("ST_INVALID_SRID_VALUE".to_owned()));
    let geography = call("st_geogfromwkb", vec![bytes(POINT)]).expect("a shape");
    assert_eq!(geography.data_type.sql(), "GEOGRAPHY(4326)");
    assert_eq!(geography.name, format!("st_geogfromwkb(X'{POINT}')"));
    let refused = call("st_setsrid", vec![geography.clone(), Typed::int(3857)]);
    assert_eq!(refused.map(|_| ()).map_err(|error| error.class), Err("ST_INVALID_SRID_VALUE".to_owned()));
    let array = call("array", vec![geometry(0).expect("a shape"), geometry(4326).expect("a shape")]).expect("an array");
    assert_eq!(array.data_type.sql(), "ARRAY<GEOMETRY(ANY)>");
    for name in ["=", "<"] {
        let compared = call(name, vec![geography.clone(), geography.clone()]);
        let class = "DATATYPE_MISMATCH.INVALID_ORDERING_TYPE".to_owned();
        assert_eq!(compared.map(|_| ()).map_err(|error| error.class), Err(class));
    }
}
