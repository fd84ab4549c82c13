//! A schema as the tree that `printSchema` shows.

use firesteel_spec::{DataType, StructField};

/// `level` is how deep to go, or all the way if it is not positive.
pub(crate) fn tree_string(schema: &DataType, level: i32) -> String {
    let depth = usize::try_from(level).ok().filter(|level| *level > 0).unwrap_or(usize::MAX);
    let mut text = String::from("root\n");
    if let DataType::Struct { fields } = schema {
        write_fields(fields, " |", depth, &mut text);
    }
    text
}

fn write_fields(fields: &[StructField], prefix: &str, depth: usize, text: &mut String) {
    if depth == 0 {
        return;
    }
    for field in fields {
        let StructField { name, data_type, nullable, .. } = field;
        text.push_str(&format!("{prefix}-- {name}: {} (nullable = {nullable})\n", type_name(data_type)));
        write_nested(data_type, &format!("{prefix}    |"), depth - 1, text);
    }
}

fn write_nested(data_type: &DataType, prefix: &str, depth: usize, text: &mut String) {
    if depth == 0 {
        return;
    }
    let inner = format!("{prefix}    |");
    match data_type {
        DataType::Struct { fields } => write_fields(fields, prefix, depth, text),
        DataType::Array { element, contains_null } => {
            text.push_str(&format!("{prefix}-- element: {} (containsNull = {contains_null})\n", type_name(element)));
            write_nested(element, &inner, depth - 1, text);
        }
        DataType::Map { key, value, value_contains_null } => {
            text.push_str(&format!("{prefix}-- key: {}\n", type_name(key)));
            write_nested(key, &inner, depth - 1, text);
            let value_type = type_name(value);
            text.push_str(&format!("{prefix}-- value: {value_type} (valueContainsNull = {value_contains_null})\n"));
            write_nested(value, &inner, depth - 1, text);
        }
        _ => {}
    }
}

/// `typeName`
fn type_name(data_type: &DataType) -> String {
    match data_type {
        DataType::Struct { .. } => "struct".to_owned(),
        DataType::Array { .. } => "array".to_owned(),
        DataType::Map { .. } => "map".to_owned(),
        DataType::UserDefined { .. } => "udt".to_owned(),
        atomic => atomic.to_json().trim_matches('"').to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Expected text as Spark prints it.
    #[test]
    fn nested_types_are_printed_as_spark_prints_them() {
        let inner = DataType::Struct { fields: vec![StructField::new("x", DataType::Integer, true)] };
        let schema = DataType::Struct {
            fields: vec![
                StructField::new("id", DataType::Long, false),
                StructField::new("list", DataType::array(inner.clone(), true), true),
                StructField::new("map", DataType::map(DataType::STRING, inner, false), true),
            ],
        };
        let expected = "\
root
 |-- id: long (nullable = false)
 |-- list: array (nullable = true)
 |    |-- element: struct (containsNull = true)
 |    |    |-- x: integer (nullable = true)
 |-- map: map (nullable = true)
 |    |-- key: string
 |    |-- value: struct (valueContainsNull = false)
 |    |    |-- x: integer (nullable = true)
";
        assert_eq!(tree_string(&schema, 0), expected);
        assert_eq!(tree_string(&schema, 1).lines().count(), 4);
    }
}
