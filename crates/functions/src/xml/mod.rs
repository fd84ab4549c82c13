//! XML: looked into by XPath, read and written.

mod evaluate;
mod extract;
mod read;
mod tree;
mod write;
mod xpath;

use crate::registry::{Family, Function, Implementations};

pub(crate) static FAMILY: Family = Family {
    functions: &[
        Function::scalar("xpath", extract::xpath),
        Function::scalar("xpath_boolean", extract::boolean),
        Function::scalar("xpath_short", extract::short),
        Function::scalar("xpath_int", extract::int),
        Function::scalar("xpath_long", extract::long),
        Function::scalar("xpath_float", extract::float),
        Function::scalar("xpath_double", extract::double),
        Function::scalar("xpath_number", extract::double),
        Function::scalar("xpath_string", extract::string),
        Function::scalar("from_xml", read::from_xml),
        Function::scalar("schema_of_xml", read::schema_of_xml),
        Function::scalar("to_xml", write::to_xml),
    ],
    implementations: || {
        let own = [extract::implementations(), read::implementations(), write::implementations()];
        Implementations { scalar: own.concat(), ..Implementations::default() }
    },
};
