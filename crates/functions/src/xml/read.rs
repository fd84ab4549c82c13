//! `from_xml` and `schema_of_xml`: a text is one row, an element whose name does not matter.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, StringArray, new_null_array};
use datafusion::common::{Result, ScalarValue};
use firesteel_spec::{DataType, SparkError, SparkResult, StructField};

use super::tree::{Document, Kind, Place};
use crate::call::Call;
use crate::cast::{Mode, cast_array};
use crate::json::{Cell, Formats, Options, column, compatible, converted, malformed, mode, schema, with_nulls};
use crate::kernel::{nullable, spark_error};
use crate::string::rows::{constant_flag, constant_text, kernels, texts};
use crate::typed::{Typed, default_name};
use crate::variant::Variant;

kernels! {
    FROM_XML = "spark_from_xml", |fields, _| nullable(fields[1].data_type().clone()), from_xml_kernel;
}

const OPTIONS: &[&str] = &[
    "mode",
    "columnnameofcorruptrecord",
    "attributeprefix",
    "valuetag",
    "excludeattribute",
    "ignoresurroundingspaces",
    "nullvalue",
    "rowtag",
    "timezone",
    "dateformat",
    "timestampformat",
    "timestampntzformat",
];

/// How elements become columns.
struct Rules {
    prefix: String,
    value_tag: String,
    excludes_attributes: bool,
    keeps_spaces: bool,
    null_value: Option<String>,
}

impl Rules {
    fn of(options: &Options) -> Self {
        Self {
            prefix: options.get("attributeprefix").unwrap_or("_").to_owned(),
            value_tag: options.get("valuetag").unwrap_or("_VALUE").to_owned(),
            excludes_attributes: options.is_on("excludeattribute"),
            keeps_spaces: options
                .get("ignoresurroundingspaces")
                .is_some_and(|value| !value.eq_ignore_ascii_case("true")),
            null_value: options.get("nullvalue").map(str::to_owned),
        }
    }

    /// `(prefix, value tag, null value or null, two flags)`
    fn arguments(&self) -> [Typed; 5] {
        let null_value = match &self.null_value {
            Some(text) => Typed::string(text),
            None => Typed::null(DataType::STRING),
        };
        [
            Typed::string(&self.prefix),
            Typed::string(&self.value_tag),
            null_value,
            Typed::boolean(self.excludes_attributes),
            Typed::boolean(self.keeps_spaces),
        ]
    }

    fn read(arrays: &[ArrayRef]) -> Self {
        let text = |index: usize| constant_text(&arrays[index]).map(str::to_owned);
        Self {
            prefix: text(0).unwrap_or_default(),
            value_tag: text(1).unwrap_or_default(),
            null_value: text(2),
            excludes_attributes: constant_flag(&arrays[3]),
            keeps_spaces: constant_flag(&arrays[4]),
        }
    }

    fn trimmed<'a>(&self, text: &'a str) -> &'a str {
        if self.keeps_spaces { text } else { text.trim() }
    }

    /// The attributes' names in columns, and their values.
    fn attributes(&self, document: &Document, element: Place) -> Vec<(String, String)> {
        if self.excludes_attributes {
            return Vec::new();
        }
        let attributes = document.node(element).attributes.iter().map(|attribute| document.node(*attribute));
        attributes.map(|attribute| (format!("{}{}", self.prefix, attribute.name), attribute.value.clone())).collect()
    }

    /// The text that stands in the element itself, if there is more than blanks.
    fn own_text(&self, document: &Document, element: Place) -> Option<String> {
        let children = document.node(element).children.iter().map(|child| document.node(*child));
        let text: String = children.filter(|child| child.kind == Kind::Text).map(|text| text.value.as_str()).collect();
        let text = self.trimmed(&text);
        (!text.trim().is_empty()).then(|| text.to_owned())
    }
}

/// `from_xml(text, schema[, options])`
pub(super) fn from_xml(call: &Call<'_>) -> SparkResult<Typed> {
    call.expect(2..=3)?;
    let schema = with_nulls(&schema(call, 1)?);
    if !matches!(schema, DataType::Struct { .. } | DataType::Variant) {
        return Err(SparkError::new(
            "DATATYPE_MISMATCH.INVALID_XML_SCHEMA",
            format!("cannot resolve {}: {schema} must be a struct", call.display()),
        )
        .with("sqlExpr", format!("\"{}\"", call.display()))
        .with("schema", format!("\"{schema}\"")));
    }
    let options = Options::of(call, 2, OPTIONS)?;
    let mut arguments = vec![
        call.string(0)?,
        Typed::null(schema.clone()),
        Typed::string(&schema.to_json()),
        Typed::string(mode(&options)?),
        Typed::string(options.get("columnnameofcorruptrecord").unwrap_or("_corrupt_record")),
    ];
    arguments.extend(Rules::of(&options).arguments());
    arguments.extend(Formats::arguments(&options, &call.settings.time_zone));
    let typed = Typed::call(&FROM_XML, arguments)?;
    let name = default_name(call.name, &call.arguments[..1]);
    Ok(Typed { data_type: schema, nullable: true, ..typed }.named(name))
}

fn from_xml_kernel(arrays: &[ArrayRef], rows: usize) -> Result<ArrayRef> {
    let Some(schema) = constant_text(&arrays[2]) else { return Ok(new_null_array(arrays[1].data_type(), rows)) };
    let schema = DataType::from_json(schema).map_err(spark_error)?;
    let fails = constant_text(&arrays[3]) == Some("FAILFAST");
    let corrupt = constant_text(&arrays[4]).unwrap_or_default();
    let rules = Rules::read(&arrays[5..10]);
    let formats = Formats::for_parsing(&arrays[10..])?;
    let values = texts(&arrays[0]);
    let mut cells = Vec::with_capacity(rows);
    for row in 0..rows {
        if values.is_null(row) {
            cells.push(Cell::Null);
            continue;
        }
        let text = values.value(row);
        let mut reading = Reading { rules: &rules, formats: &formats, is_bad: false };
        let document = Document::parse(text);
        let root = document.as_ref().and_then(|document| Some((document, document.document_element()?)));
        let mut cell = match (root, &schema) {
            (Some((document, root)), _) => reading.element(document, root, &schema),
            (None, _) => {
                reading.is_bad = true;
                crate::json::empty(&schema)
            }
        };
        if reading.is_bad && fails {
            return Err(spark_error(malformed(text)));
        }
        if let (true, Cell::Struct(values), DataType::Struct { fields }) = (reading.is_bad, &mut cell, &schema)
            && let Some(index) = fields.iter().position(|field| field.name == corrupt)
        {
            values[index] = Cell::Text(text.to_owned());
        }
        cells.push(cell);
    }
    column(&cells.iter().collect::<Vec<_>>(), &schema, &formats)
}

struct Reading<'a> {
    rules: &'a Rules,
    formats: &'a Formats<'a>,
    /// Was something no value of its type?
    is_bad: bool,
}

impl Reading<'_> {
    fn element(&mut self, document: &Document, element: Place, data_type: &DataType) -> Cell {
        match data_type {
            DataType::Struct { fields } => self.structure(document, element, fields),
            DataType::Map { value, .. } => {
                let (mut keys, mut values) = (Vec::new(), Vec::new());
                for (name, text) in self.rules.attributes(document, element) {
                    keys.push(Cell::Text(name));
                    values.push(self.leaf(&text, value));
                }
                for child in document.elements(element) {
                    keys.push(Cell::Text(document.node(child).name.clone()));
                    values.push(self.element(document, child, value));
                }
                Cell::Map(keys, values)
            }
            DataType::Variant => Cell::Variant(variant(document, element, self.rules)),
            text if text.is_string() => self.leaf(&document.inner_xml(element), text),
            leaf => self.leaf(&document.text_of(element), leaf),
        }
    }

    /// Of several elements of a name, an array has all, and other columns the last.
    fn structure(&mut self, document: &Document, element: Place, fields: &[StructField]) -> Cell {
        let same = |left: &str, right: &str| left.eq_ignore_ascii_case(right);
        let mut attributes = self.rules.attributes(document, element);
        if let Some(text) = self.rules.own_text(document, element) {
            attributes.push((self.rules.value_tag.clone(), text));
        }
        let cells = fields.iter().map(|field| {
            let named = document.elements(element).filter(|child| same(&document.node(*child).name, &field.name));
            if let DataType::Array { element: inner, .. } = &field.data_type {
                let mut cells = Vec::new();
                for child in named {
                    let was_bad = std::mem::replace(&mut self.is_bad, false);
                    let cell = self.element(document, child, inner);
                    // What is no element of the type is left out.
                    if !self.is_bad || cell != Cell::Null {
                        cells.push(cell);
                    }
                    self.is_bad |= was_bad;
                }
                return if cells.is_empty() { Cell::Null } else { Cell::List(cells) };
            }
            if let Some(last) = named.last() {
                return self.element(document, last, &field.data_type);
            }
            match attributes.iter().find(|(name, _)| same(name, &field.name)) {
                Some((_, text)) => self.leaf(text, &field.data_type),
                None => Cell::Null,
            }
        });
        Cell::Struct(cells.collect())
    }

    fn leaf(&mut self, text: &str, data_type: &DataType) -> Cell {
        let text = self.rules.trimmed(text);
        if self.rules.null_value.as_deref() == Some(text) || (text.is_empty() && !data_type.is_string()) {
            return Cell::Null;
        }
        let cell = match (data_type, text) {
            (DataType::Boolean, "1") => Some(Cell::Bool(true)),
            (DataType::Boolean, "0") => Some(Cell::Bool(false)),
            (DataType::Variant, text) => Some(Cell::Variant(scalar(text))),
            _ => converted(text, data_type, self.formats),
        };
        cell.unwrap_or_else(|| {
            self.is_bad = true;
            Cell::Null
        })
    }
}

/// An element as a variant: an object of what is in it, or what its text is.
fn variant(document: &Document, element: Place, rules: &Rules) -> Variant {
    let own_text = rules.own_text(document, element);
    let mut fields: Vec<(String, Variant)> =
        rules.attributes(document, element).into_iter().map(|(name, text)| (name, scalar(&text))).collect();
    for child in document.elements(element) {
        let (name, value) = (&document.node(child).name, variant(document, child, rules));
        match fields.iter_mut().find(|(known, _)| known == name) {
            Some((_, Variant::Array(values))) => values.push(value),
            Some((_, known)) => {
                let first = std::mem::replace(known, Variant::Null);
                *known = Variant::Array(vec![first, value]);
            }
            None => fields.push((name.clone(), value)),
        }
    }
    match (fields.is_empty(), own_text) {
        (true, text) => text.map_or(Variant::Null, |text| scalar(&text)),
        (false, text) => {
            fields.extend(text.map(|text| (rules.value_tag.clone(), scalar(&text))));
            // Names differ, but for an attribute that is called as an element is.
            Variant::object(fields).unwrap_or(Variant::Null)
        }
    }
}

fn scalar(text: &str) -> Variant {
    match text {
        text if text.eq_ignore_ascii_case("true") => Variant::Bool(true),
        text if text.eq_ignore_ascii_case("false") => Variant::Bool(false),
        text => {
            let is_number = text.starts_with(|first: char| first.is_ascii_digit() || first == '-');
            let number = if is_number { Variant::parse_json(text) } else { None };
            let is_whole = text.bytes().all(|byte| byte.is_ascii_digit() || b"+-.eE".contains(&byte));
            number.filter(|_| is_whole).unwrap_or_else(|| Variant::String(text.to_owned()))
        }
    }
}

/// `schema_of_xml(text[, options])`
pub(super) fn schema_of_xml(call: &Call<'_>) -> SparkResult<Typed> {
    call.expect(1..=2)?;
    let options = Options::of(call, 1, OPTIONS)?;
    let text = match call.text(0)?.folded() {
        Some(ScalarValue::Utf8(Some(text))) => text,
        Some(value) if value.is_null() => return Err(unexpected_null(call)),
        _ => call.constant_text(0)?,
    };
    let rules = Rules::of(&options);
    let document = Document::parse(&text);
    let root = document.as_ref().and_then(|document| Some((document, document.document_element()?)));
    let schema = match root {
        Some((document, root)) => match inferred(document, root, &rules, &call.settings.time_zone) {
            fields @ DataType::Struct { .. } => fields,
            DataType::Null => DataType::Struct { fields: Vec::new() },
            value => structure(vec![(rules.value_tag.clone(), value)]),
        },
        None => {
            let name = options.get("columnnameofcorruptrecord").unwrap_or("_corrupt_record");
            structure(vec![(name.to_owned(), DataType::STRING)])
        }
    };
    Ok(Typed::string(&settled(schema).sql()).named(default_name(call.name, &call.arguments[..1])))
}

fn unexpected_null(call: &Call<'_>) -> SparkError {
    SparkError::new(
        "DATATYPE_MISMATCH.UNEXPECTED_NULL",
        format!("cannot resolve {}: the text must not be null", call.display()),
    )
    .with("sqlExpr", format!("\"{}\"", call.display()))
    .with("exprName", "xml")
}

fn structure(mut fields: Vec<(String, DataType)>) -> DataType {
    fields.sort_by(|(left, _), (right, _)| left.cmp(right));
    DataType::Struct { fields: fields.into_iter().map(|(name, of)| StructField::new(name, of, true)).collect() }
}

fn inferred(document: &Document, element: Place, rules: &Rules, zone: &str) -> DataType {
    let mut fields: Vec<(String, DataType)> = rules
        .attributes(document, element)
        .into_iter()
        .map(|(name, text)| (name, inferred_leaf(&text, rules, zone)))
        .collect();
    let attributes = fields.len();
    for child in document.elements(element) {
        let (name, found) = (&document.node(child).name, inferred(document, child, rules, zone));
        match fields[attributes..].iter_mut().find(|(known, _)| known == name) {
            Some((_, known)) => {
                let element = match &*known {
                    DataType::Array { element, .. } => (**element).clone(),
                    other => other.clone(),
                };
                *known = DataType::array(merged(&element, &found), true);
            }
            None => fields.push((name.clone(), found)),
        }
    }
    let text = rules.own_text(document, element).map(|text| inferred_leaf(&text, rules, zone));
    match (fields.is_empty(), text) {
        (true, text) => text.unwrap_or(DataType::Null),
        (false, text) => {
            fields.extend(text.map(|data_type| (rules.value_tag.clone(), data_type)));
            structure(fields)
        }
    }
}

/// What is sometimes repeated is an array.
fn merged(left: &DataType, right: &DataType) -> DataType {
    use DataType as T;
    match (left, right) {
        (T::Array { element: left, .. }, T::Array { element: right, .. }) => T::array(merged(left, right), true),
        (T::Array { element, .. }, other) | (other, T::Array { element, .. }) => T::array(merged(element, other), true),
        (T::Struct { fields: left }, T::Struct { fields: right }) => {
            let mut fields: Vec<(String, T)> =
                left.iter().map(|field| (field.name.clone(), field.data_type.clone())).collect();
            for field in right {
                match fields.iter_mut().find(|(name, _)| *name == field.name) {
                    Some((_, known)) => *known = merged(known, &field.data_type),
                    None => fields.push((field.name.clone(), field.data_type.clone())),
                }
            }
            structure(fields)
        }
        _ => compatible(left, right, &T::STRING),
    }
}

fn inferred_leaf(text: &str, rules: &Rules, zone: &str) -> DataType {
    if text.is_empty() || rules.null_value.as_deref() == Some(text) {
        return DataType::Null;
    }
    let is_a = |data_type: &DataType| {
        let text: ArrayRef = Arc::new(StringArray::from(vec![text]));
        cast_array(&text, &DataType::STRING, data_type, Mode::Try, zone).is_ok_and(|value| value.is_valid(0))
    };
    let is_number = || text.bytes().all(|byte| byte.is_ascii_digit() || b"+-.eE".contains(&byte));
    match text {
        text if text.parse::<i64>().is_ok() => DataType::Long,
        text if is_number() && text.parse::<f64>().is_ok() => DataType::Double,
        text if text.eq_ignore_ascii_case("true") || text.eq_ignore_ascii_case("false") => DataType::Boolean,
        _ if is_a(&DataType::Date) && !text.contains(['T', ':']) => DataType::Date,
        _ if is_a(&DataType::Timestamp) => DataType::Timestamp,
        _ => DataType::STRING,
    }
}

/// What is always empty is text.
fn settled(data_type: DataType) -> DataType {
    match data_type {
        DataType::Null => DataType::STRING,
        DataType::Array { element, .. } => DataType::array(settled(*element), true),
        DataType::Struct { fields } => DataType::Struct {
            fields: fields
                .into_iter()
                .map(|field| StructField { data_type: settled(field.data_type.clone()), ..field })
                .collect(),
        },
        other => other,
    }
}
