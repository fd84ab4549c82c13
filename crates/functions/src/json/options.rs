//! Options of `from_json` and its like: a constant map of texts.

use arrow::array::{Array, AsArray};
use datafusion::common::ScalarValue;
use firesteel_spec::{SparkError, SparkResult};

use super::value::Lax;
use crate::call::Call;

/// Names in lower case.
#[derive(Debug, Clone, Default)]
pub(crate) struct Options(Vec<(String, String)>);

impl Options {
    /// Argument `index`, if there is one; `known` are the names that have an effect here, in lower case.
    pub fn of(call: &Call<'_>, index: usize, known: &[&str]) -> SparkResult<Self> {
        if !call.has(index) {
            return Ok(Self::default());
        }
        let ScalarValue::Map(map) = call.constant(index)? else {
            let found = call.argument(index)?.data_type;
            return Err(SparkError::new(
                "INVALID_OPTIONS.NON_MAP_FUNCTION",
                "options must be given as a map() of constants",
            )
            .with("type", format!("\"{found}\"")));
        };
        let (keys, values) = (map.keys(), map.values());
        let (Some(keys), Some(values)) = (keys.as_string_opt::<i32>(), values.as_string_opt::<i32>()) else {
            let message = "options must be texts by texts";
            return Err(SparkError::new("INVALID_OPTIONS.NON_STRING_TYPE", message).with("mapType", "\"MAP\""));
        };
        let mut options = Vec::new();
        for row in 0..map.value_length(0) as usize {
            let name = keys.value(row).to_ascii_lowercase();
            if !known.contains(&name.as_str()) {
                return Err(SparkError::unsupported(format!("the option {} of {}", keys.value(row), call.name)));
            }
            options.push((name, if values.is_null(row) { String::new() } else { values.value(row).to_owned() }));
        }
        Ok(Self(options))
    }

    /// As one text, for a kernel.
    pub fn to_text(&self) -> String {
        serde_json::to_string(&self.0).unwrap_or_default()
    }

    /// [`Self::to_text`] read back.
    pub fn from_text(text: &str) -> Self {
        Self(serde_json::from_str(text).unwrap_or_default())
    }

    /// Options of a reader of files.
    pub fn plain(options: &firesteel_spec::Options) -> Self {
        Self(options.iter().map(|(name, value)| (name.to_ascii_lowercase(), value.clone())).collect())
    }

    pub fn get(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    pub fn is_on(&self, name: &str) -> bool {
        self.get(name).is_some_and(|value| value.eq_ignore_ascii_case("true"))
    }

    /// On unless it is said to be off.
    pub fn is_not_off(&self, name: &str) -> bool {
        self.get(name).is_none() || self.is_on(name)
    }

    pub fn lax(&self) -> Lax {
        Lax {
            single_quotes: self.is_not_off("allowsinglequotes"),
            special_numbers: self.is_not_off("allownonnumericnumbers"),
            unquoted_names: self.is_on("allowunquotedfieldnames"),
            leading_zeros: self.is_on("allownumericleadingzeros"),
            control_letters: self.is_on("allowunquotedcontrolchars"),
            any_escape: self.is_on("allowbackslashescapinganycharacter"),
            comments: self.is_on("allowcomments"),
        }
    }
}

/// Of reading JSON. Those of inference matter to `schema_of_json` alone, and `multiLine` to files alone.
pub(super) const READING: &[&str] = &[
    "mode",
    "columnnameofcorruptrecord",
    "allowunquotedfieldnames",
    "allownumericleadingzeros",
    "allowunquotedcontrolchars",
    "allowbackslashescapinganycharacter",
    "allowcomments",
    "allowsinglequotes",
    "allownonnumericnumbers",
    "primitivesasstring",
    "prefersdecimal",
    "infertimestamp",
    "dropfieldifallnull",
    "multiline",
    "timezone",
    "dateformat",
    "timestampformat",
    "timestampntzformat",
];
