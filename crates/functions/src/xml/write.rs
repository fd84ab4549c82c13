//! `to_xml`: a struct as an element.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, StringArray};
use datafusion::common::Result;
use firesteel_spec::{DataType, SparkError, SparkResult};

use crate::call::Call;
use crate::json::{FORMATS, Formats, Options, plain_texts};
use crate::kernel::spark_error;
use crate::string::rows::{constant_text, kernels, text_or_null};
use crate::typed::{Typed, default_name};
use crate::variant::{Variant, variants};

kernels! {
    TO_XML = "spark_to_xml", text_or_null, to_xml_kernel;
}

/// `to_xml(struct[, options])`
pub(super) fn to_xml(call: &Call<'_>) -> SparkResult<Typed> {
    call.expect(1..=2)?;
    let value = call.argument(0)?;
    match &value.data_type {
        DataType::Struct { .. } => {}
        DataType::Null => return Ok(call.shown(Typed::null(DataType::STRING))),
        other => return Err(call.unexpected(0, other, "STRUCT")),
    }
    if let Some(unsupported) = without_xml(&value.data_type) {
        return Err(SparkError::new(
            "UNSUPPORTED_FEATURE",
            format!("cannot resolve {}: there is no XML of {unsupported}", call.display()),
        ));
    }
    let known = [&["rowtag", "attributeprefix", "valuetag", "nullvalue"], &FORMATS[..]].concat();
    let options = Options::of(call, 1, &known)?;
    let null_value = options.get("nullvalue").map_or_else(|| Typed::null(DataType::STRING), Typed::string);
    let data_type = value.data_type.to_json();
    let mut arguments = vec![
        value,
        Typed::string(&data_type),
        Typed::string(options.get("rowtag").unwrap_or("ROW")),
        Typed::string(options.get("attributeprefix").unwrap_or("_")),
        Typed::string(options.get("valuetag").unwrap_or("_VALUE")),
        null_value,
    ];
    arguments.extend(Formats::arguments(&options, &call.settings.time_zone));
    let typed = Typed::call(&TO_XML, arguments)?;
    let name = default_name(call.name, &call.arguments[..1]);
    Ok(Typed { nullable: true, ..typed }.named(name))
}

/// A part of the type that XML is not written of.
fn without_xml(data_type: &DataType) -> Option<&DataType> {
    match data_type {
        DataType::YearMonthInterval { .. } | DataType::DayTimeInterval { .. } | DataType::CalendarInterval => {
            Some(data_type)
        }
        DataType::Array { element, .. } => without_xml(element),
        DataType::Map { key, value, .. } => without_xml(key).or_else(|| without_xml(value)),
        DataType::Struct { fields } => fields.iter().find_map(|field| without_xml(&field.data_type)),
        _ => None,
    }
}

fn to_xml_kernel(arrays: &[ArrayRef], rows: usize) -> Result<ArrayRef> {
    let Some(data_type) = constant_text(&arrays[1]) else { return Ok(Arc::new(StringArray::new_null(rows))) };
    let data_type = DataType::from_json(data_type).map_err(spark_error)?;
    let text = |index: usize| constant_text(&arrays[index]);
    let writer = Writer {
        prefix: text(3).unwrap_or_default(),
        value_tag: text(4).unwrap_or_default(),
        null_value: text(5),
        formats: Formats::for_writing(&arrays[6..])?,
    };
    let row_tag = text(2).unwrap_or_default();
    let values = writer.values(&arrays[0], &data_type)?;
    let written = values.iter().map(|value| {
        value.as_ref().map(|value| {
            let mut out = String::new();
            writer.element(row_tag, value, 0, &mut out);
            out.trim_start_matches('\n').to_owned()
        })
    });
    Ok(Arc::new(written.collect::<StringArray>()))
}

/// A value on its way into XML.
#[derive(Debug, Clone)]
enum Xml {
    Text(String),
    /// Elements of one name.
    List(Vec<Option<Xml>>),
    Fields(Vec<(String, Option<Xml>)>),
}

struct Writer<'a> {
    prefix: &'a str,
    value_tag: &'a str,
    null_value: Option<&'a str>,
    formats: Formats<'a>,
}

/// Of elements in a list of lists.
const ITEM: &str = "item";
const INDENT: &str = "    ";

impl Writer<'_> {
    fn values(&self, array: &ArrayRef, data_type: &DataType) -> Result<Vec<Option<Xml>>> {
        let rows = 0..array.len();
        Ok(match data_type {
            DataType::Null => vec![None; array.len()],
            DataType::Struct { fields } => {
                let columns = array.as_struct().columns().iter().zip(fields);
                let columns = columns.map(|(column, field)| self.values(column, &field.data_type));
                let mut columns = columns.collect::<Result<Vec<_>>>()?;
                let mut fields_at = |row: usize| {
                    let values = columns.iter_mut().zip(fields);
                    Xml::Fields(values.map(|(column, field)| (field.name.clone(), column[row].take())).collect())
                };
                rows.map(|row| array.is_valid(row).then(|| fields_at(row))).collect()
            }
            DataType::Array { element, .. } => {
                let lists = array.as_list::<i32>();
                let mut values = self.values(lists.values(), element)?;
                let offsets = lists.offsets();
                let mut list_at = |row: usize| {
                    let range = offsets[row] as usize..offsets[row + 1] as usize;
                    Xml::List(values[range].iter_mut().map(Option::take).collect())
                };
                rows.map(|row| array.is_valid(row).then(|| list_at(row))).collect()
            }
            DataType::Map { key, value, .. } => {
                let maps = array.as_map();
                let keys = plain_texts(maps.keys(), key, &self.formats)?;
                let mut values = self.values(maps.values(), value)?;
                let offsets = maps.offsets();
                let mut map_at = |row: usize| {
                    let entries = offsets[row] as usize..offsets[row + 1] as usize;
                    let field = |entry: usize| (keys[entry].clone().unwrap_or_default(), values[entry].take());
                    Xml::Fields(entries.map(field).collect())
                };
                rows.map(|row| array.is_valid(row).then(|| map_at(row))).collect()
            }
            DataType::UserDefined { sql_type, .. } => self.values(array, sql_type)?,
            DataType::Variant => {
                variants(array)?.iter().map(|value| value.as_ref().and_then(|value| self.variant(value))).collect()
            }
            DataType::Binary => {
                let pretty = crate::cast::to_text(array, data_type, self.formats.zone_name)?;
                rows.map(|row| array.is_valid(row).then(|| Xml::Text(pretty.value(row).to_owned()))).collect()
            }
            leaf => plain_texts(array, leaf, &self.formats)?.into_iter().map(|text| text.map(Xml::Text)).collect(),
        })
    }

    fn variant(&self, value: &Variant) -> Option<Xml> {
        Some(match value {
            Variant::Null => return None,
            Variant::Array(elements) => Xml::List(elements.iter().map(|element| self.variant(element)).collect()),
            Variant::Object(fields) => {
                Xml::Fields(fields.iter().map(|(key, value)| (key.clone(), self.variant(value))).collect())
            }
            Variant::String(text) => Xml::Text(text.clone()),
            other => Xml::Text(other.to_json(self.formats.zone).trim_matches('"').to_owned()),
        })
    }

    /// `<name>value</name>` on a line of its own; of a list, one for each element.
    fn element(&self, name: &str, value: &Xml, depth: usize, out: &mut String) {
        let open = |out: &mut String, name: &str| {
            out.push('\n');
            out.push_str(&INDENT.repeat(depth));
            out.push_str(&format!("<{name}"));
        };
        match value {
            Xml::Text(text) => {
                open(out, name);
                out.push_str(&format!(">{}</{name}>", escaped(text, false)));
            }
            Xml::List(elements) => {
                for element in elements {
                    match element {
                        Some(list @ Xml::List(_)) => {
                            self.element(name, &Xml::Fields(vec![(ITEM.to_owned(), Some(list.clone()))]), depth, out);
                        }
                        Some(element) => self.element(name, element, depth, out),
                        None => self.null(name, depth, out),
                    }
                }
            }
            Xml::Fields(fields) => {
                open(out, name);
                let mut body = String::new();
                let mut has_elements = false;
                for (field, value) in fields {
                    let attribute = field.strip_prefix(self.prefix).filter(|_| !self.prefix.is_empty());
                    match (attribute, value) {
                        _ if field == self.value_tag => {
                            if let Some(Xml::Text(text)) = value {
                                body.push_str(&escaped(text, false));
                            }
                        }
                        (Some(attribute), Some(Xml::Text(text))) => {
                            out.push_str(&format!(" {attribute}=\"{}\"", escaped(text, true)));
                        }
                        (Some(_), None) => {}
                        (_, Some(value)) => {
                            let before = body.len();
                            self.element(field, value, depth + 1, &mut body);
                            has_elements |= body.len() > before;
                        }
                        (None, None) => {
                            let before = body.len();
                            self.null(field, depth + 1, &mut body);
                            has_elements |= body.len() > before;
                        }
                    }
                }
                if body.is_empty() {
                    out.push_str("/>");
                    return;
                }
                out.push_str(&format!(">{body}"));
                if has_elements {
                    out.push('\n');
                    out.push_str(&INDENT.repeat(depth));
                }
                out.push_str(&format!("</{name}>"));
            }
        }
    }

    fn null(&self, name: &str, depth: usize, out: &mut String) {
        if let Some(text) = self.null_value {
            self.element(name, &Xml::Text(text.to_owned()), depth, out);
        }
    }
}

fn escaped(text: &str, in_attribute: bool) -> String {
    let escaped = text.replace('&', "&amp;").replace('<', "&lt;");
    if in_attribute { escaped.replace('"', "&quot;") } else { escaped }
}
