//! JSON and CSV: looked into, read and written.

mod cell;
mod csv;
mod dialect;
mod formats;
mod infer;
mod options;
mod path;
mod read;
mod value;
mod write;

pub(crate) use cell::{Cell, column, with_nulls};
pub(crate) use csv::converted;
pub use infer::{common_row_type, csv_values};

pub(crate) use formats::{FORMATS, Formats};
pub(crate) use options::Options;
pub(crate) use read::{compatible, empty, malformed, mode, schema};
pub(crate) use value::{Json, Lax, write_string};
pub(crate) use write::plain_texts;

use crate::registry::{Family, Function, Implementations};

pub(crate) static FAMILY: Family = Family {
    functions: &[
        Function::scalar("get_json_object", path::get_json_object),
        Function::scalar("json_array_length", path::array_length),
        Function::scalar("json_object_keys", path::object_keys),
        Function::generator("json_tuple", path::json_tuple),
        Function::scalar("from_json", read::from_json),
        Function::scalar("schema_of_json", read::schema_of_json),
        Function::scalar("to_json", write::to_json),
        Function::scalar("from_csv", csv::from_csv),
        Function::scalar("schema_of_csv", csv::schema_of_csv),
        Function::scalar("to_csv", csv::to_csv),
        Function::scalar("firesteel_type_of_line", infer::type_of_line),
    ],
    implementations: || {
        let own = [
            csv::implementations(),
            infer::implementations(),
            path::implementations(),
            read::implementations(),
            write::implementations(),
        ];
        Implementations { scalar: own.concat(), ..Implementations::default() }
    },
};

/// The options that a function of rows knows, in lower case: those of files, and of no effect, are not among them.
pub fn row_options(function: &str) -> Vec<&'static str> {
    match function {
        "from_csv" => csv::known(),
        "from_json" => options::READING.to_vec(),
        "to_csv" => [dialect::DIALECT, &FORMATS[..]].concat(),
        "to_json" => [&["ignorenullfields"], &FORMATS[..]].concat(),
        _ => Vec::new(),
    }
}
