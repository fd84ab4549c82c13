//! [`Call`]: a function's name and resolved arguments, with what a builder asks of them: how many, of which types.

use std::sync::Arc;

use datafusion::common::ScalarValue;
use datafusion::logical_expr::expr::Sort;
use firesteel_spec::{DataType, SparkError, SparkResult};

use crate::cast::implicit_cast;
use crate::coerce::common_type;
use crate::typed::{Typed, default_name};

/// What of a session an expression's meaning depends on. Taken into the expression when it is planned.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings {
    /// `spark.sql.ansi.enabled`
    pub ansi: bool,
    /// `spark.sql.session.timeZone`, a name or an offset.
    pub time_zone: Arc<str>,
    /// `spark.sql.mapKeyDedupPolicy` is `LAST_WIN`: of a key that comes twice in a map, the last value counts.
    pub last_map_key_wins: bool,
    /// Now, in microseconds since the epoch: the same in all of a query.
    pub now_us: i64,
    pub user: Arc<str>,
    pub catalog: Arc<str>,
    pub database: Arc<str>,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            ansi: true,
            time_zone: "UTC".into(),
            last_map_key_wins: false,
            now_us: 0,
            user: "".into(),
            catalog: "spark_catalog".into(),
            database: "default".into(),
        }
    }
}

#[derive(Debug, Clone)]
pub struct Call<'a> {
    /// In lower case, as the user wrote it.
    pub name: &'a str,
    pub arguments: Vec<Typed>,
    pub distinct: bool,
    /// `IGNORE NULLS` or `RESPECT NULLS`, if said.
    pub ignore_nulls: Option<bool>,
    /// `WITHIN GROUP (ORDER BY …)`: the expression, with its order.
    pub within_group: Vec<(Typed, Sort)>,
    pub settings: &'a Settings,
}

impl Call<'_> {
    /// The name that Spark generates for most functions: `name(a, b)`.
    pub fn display(&self) -> String {
        let distinct = if self.distinct { "DISTINCT " } else { "" };
        let arguments: Vec<&str> = self.arguments.iter().map(|argument| argument.name.as_str()).collect();
        format!("{}({distinct}{})", self.name, arguments.join(", "))
    }

    /// An error unless there are as many arguments.
    pub fn expect(&self, count: std::ops::RangeInclusive<usize>) -> SparkResult<()> {
        if count.contains(&self.arguments.len()) {
            return Ok(());
        }
        let expected = if count.start() == count.end() {
            count.start().to_string()
        } else if *count.end() == usize::MAX {
            format!("> {}", count.start().saturating_sub(1))
        } else {
            format!("[{}]", count.clone().map(|count| count.to_string()).collect::<Vec<_>>().join(", "))
        };
        let found = self.arguments.len();
        let error = SparkError::new(
            "WRONG_NUM_ARGS.WITHOUT_SUGGESTION",
            format!("{} takes {expected} arguments, not {found}", self.name),
        );
        Err(error
            .with("functionName", format!("`{}`", self.name))
            .with("expectedNum", expected)
            .with("actualNum", found.to_string())
            .with("docroot", "https://spark.apache.org/docs/latest"))
    }

    /// An error if there are no arguments at all: Spark knows these functions' parameters by name.
    pub fn require(&self, parameter: &str) -> SparkResult<()> {
        if !self.arguments.is_empty() {
            return Ok(());
        }
        Err(SparkError::new(
            "REQUIRED_PARAMETER_NOT_FOUND",
            format!("{} needs its parameter {parameter}, at position 0; give it a value", self.name),
        )
        .with("routineName", format!("`{}`", self.name))
        .with("parameterName", format!("`{parameter}`"))
        .with("index", "0"))
    }

    pub fn has(&self, index: usize) -> bool {
        index < self.arguments.len()
    }

    /// Argument `index` as it is.
    pub fn argument(&self, index: usize) -> SparkResult<Typed> {
        self.arguments
            .get(index)
            .cloned()
            .ok_or_else(|| SparkError::internal(format!("{} was built without argument {}", self.name, index + 1)))
    }

    /// Argument `index`, cast implicitly to `to` if Spark does that.
    pub fn cast(&self, index: usize, to: &DataType) -> SparkResult<Typed> {
        let argument = self.argument(index)?;
        let from = argument.data_type.clone();
        implicit_cast(argument, to, self.settings).ok_or_else(|| self.unexpected(index, &from, &to.sql()))
    }

    /// As [`Self::cast`], where Spark reads no texts: a text as the argument is an error.
    pub fn cast_no_text(&self, index: usize, to: &DataType) -> SparkResult<Typed> {
        let found = self.argument(index)?.data_type;
        if found.is_string() {
            return Err(self.unexpected(index, &found, &to.sql()));
        }
        self.cast(index, to)
    }

    pub fn string(&self, index: usize) -> SparkResult<Typed> {
        self.cast(index, &DataType::STRING)
    }

    /// Argument `index`, which must be a text: Spark casts nothing but null to one here.
    pub fn text(&self, index: usize) -> SparkResult<Typed> {
        let found = self.argument(index)?.data_type;
        if found.is_string() || found == DataType::Null {
            return self.string(index);
        }
        Err(self.unexpected(index, &found, &DataType::STRING.sql()))
    }

    pub fn int(&self, index: usize) -> SparkResult<Typed> {
        self.cast(index, &DataType::Integer)
    }

    pub fn long(&self, index: usize) -> SparkResult<Typed> {
        self.cast(index, &DataType::Long)
    }

    pub fn double(&self, index: usize) -> SparkResult<Typed> {
        self.cast(index, &DataType::Double)
    }

    pub fn boolean(&self, index: usize) -> SparkResult<Typed> {
        self.cast(index, &DataType::Boolean)
    }

    pub fn date(&self, index: usize) -> SparkResult<Typed> {
        self.cast(index, &DataType::Date)
    }

    pub fn timestamp(&self, index: usize) -> SparkResult<Typed> {
        self.cast(index, &DataType::Timestamp)
    }

    pub fn binary(&self, index: usize) -> SparkResult<Typed> {
        self.cast(index, &DataType::Binary)
    }

    /// Argument `index`, which must be an array: with its element type.
    pub fn array(&self, index: usize) -> SparkResult<(Typed, DataType)> {
        let argument = self.argument(index)?;
        match &argument.data_type {
            DataType::Array { element, .. } => {
                let element = (**element).clone();
                Ok((argument, element))
            }
            DataType::Null => Ok((Typed::null(DataType::array(DataType::Null, true)), DataType::Null)),
            other => Err(self.unexpected(index, other, "ARRAY")),
        }
    }

    /// Argument `index`, which must be a map: with its key and value types.
    pub fn map(&self, index: usize) -> SparkResult<(Typed, DataType, DataType)> {
        let argument = self.argument(index)?;
        match &argument.data_type {
            DataType::Map { key, value, .. } => {
                let (key, value) = ((**key).clone(), (**value).clone());
                Ok((argument, key, value))
            }
            DataType::Null => {
                let map = DataType::map(DataType::Null, DataType::Null, true);
                Ok((Typed::null(map), DataType::Null, DataType::Null))
            }
            other => Err(self.unexpected(index, other, "MAP")),
        }
    }

    /// The arguments from `from` on, all cast to the type that they have in common.
    pub fn common(&self, from: usize) -> SparkResult<(Vec<Typed>, DataType)> {
        let types: Vec<DataType> = self.arguments[from..].iter().map(|argument| argument.data_type.clone()).collect();
        let common = common_type(&types, self.settings.ansi).ok_or_else(|| self.data_diff_types(&types))?;
        let cast = (from..self.arguments.len()).map(|index| self.cast(index, &common)).collect::<SparkResult<_>>()?;
        Ok((cast, common))
    }

    /// The constant text of argument `index`.
    pub fn constant_text(&self, index: usize) -> SparkResult<String> {
        let argument = self.string(index)?;
        argument.text().map(str::to_owned).ok_or_else(|| self.not_foldable(index))
    }

    /// The constant number of argument `index`.
    pub fn constant_integer(&self, index: usize) -> SparkResult<i64> {
        self.argument(index)?.integer().ok_or_else(|| self.not_foldable(index))
    }

    /// The constant value of argument `index`.
    pub fn constant(&self, index: usize) -> SparkResult<ScalarValue> {
        self.argument(index)?.folded().ok_or_else(|| self.not_foldable(index))
    }

    /// `DATATYPE_MISMATCH.UNEXPECTED_INPUT_TYPE`
    pub fn unexpected(&self, index: usize, found: &DataType, required: &str) -> SparkError {
        let argument = self.arguments.get(index).map_or("", |argument| argument.name.as_str());
        SparkError::new(
            "DATATYPE_MISMATCH.UNEXPECTED_INPUT_TYPE",
            format!(
                "cannot resolve {}: argument {} must be {required}, and {argument} is {found}",
                self.display(),
                index + 1
            ),
        )
        .with("sqlExpr", format!("\"{}\"", self.display()))
        .with("paramIndex", ordinal(index))
        .with("requiredType", format!("\"{required}\""))
        .with("inputSql", format!("\"{argument}\""))
        .with("inputType", format!("\"{found}\""))
    }

    /// `DATATYPE_MISMATCH.DATA_DIFF_TYPES`
    pub fn data_diff_types(&self, types: &[DataType]) -> SparkError {
        let types: Vec<String> = types.iter().map(|data_type| format!("\"{data_type}\"")).collect();
        SparkError::new(
            "DATATYPE_MISMATCH.DATA_DIFF_TYPES",
            format!("cannot resolve {}: the arguments have no type in common: {}", self.display(), types.join(", ")),
        )
        .with("sqlExpr", format!("\"{}\"", self.display()))
        .with("functionName", format!("`{}`", self.name))
        .with("dataType", format!("({})", types.join(" or ")))
    }

    pub fn not_foldable(&self, index: usize) -> SparkError {
        let argument = self.arguments.get(index).map_or("", |argument| argument.name.as_str());
        SparkError::new(
            "DATATYPE_MISMATCH.NON_FOLDABLE_INPUT",
            format!(
                "cannot resolve {}: argument {} must be a constant, and {argument} is none",
                self.display(),
                index + 1
            ),
        )
        .with("sqlExpr", format!("\"{}\"", self.display()))
        .with("inputName", format!("`{argument}`"))
        .with("inputExpr", format!("\"{argument}\""))
    }

    /// This call with another name and other arguments, for a function that is made of others.
    pub fn other<'b>(&'b self, name: &'b str, arguments: Vec<Typed>) -> Call<'b> {
        Call {
            name,
            arguments,
            distinct: self.distinct,
            ignore_nulls: self.ignore_nulls,
            within_group: self.within_group.clone(),
            settings: self.settings,
        }
    }

    /// `typed` under the name that Spark generates for this call.
    pub fn shown(&self, typed: Typed) -> Typed {
        typed.named(self.display())
    }

    /// As [`Self::shown`], with the arguments as they came and another name of the function.
    pub fn shown_as(&self, name: &str, typed: Typed) -> Typed {
        let shown = default_name(name, &self.arguments);
        typed.named(shown)
    }
}

fn ordinal(index: usize) -> String {
    ["first", "second", "third", "fourth", "fifth", "sixth", "seventh", "eighth", "ninth", "tenth"]
        .get(index)
        .map_or_else(|| format!("{}th", index + 1), |word| (*word).to_owned())
}
