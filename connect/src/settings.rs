//! `Config`: a session's settings, and those that only Spark Connect has.

use firesteel_spec::{SparkError, SparkResult};

use crate::engine::SessionConfig;
use crate::proto::KeyValue;
use crate::proto::config_request::operation::OpType;

/// Settings that clients read, with what this server answers unless the engine knows them: Spark's defaults, but for
/// stack traces, of which there are none.
const CLIENT_SETTINGS: &[(&str, &str)] = &[
    ("spark.connect.session.planCompression.threshold", "10485760"),
    ("spark.connect.session.planCompression.defaultAlgorithm", "ZSTD"),
    ("spark.sql.connect.serverStacktrace.enabled", "false"),
    ("spark.sql.execution.arrow.maxRecordsPerBatch", "10000"),
    ("spark.sql.execution.arrow.pyspark.enabled", "false"),
    ("spark.sql.execution.arrow.pyspark.fallback.enabled", "true"),
    ("spark.sql.execution.arrow.pyspark.selfDestruct.enabled", "false"),
    ("spark.sql.execution.arrow.useLargeVarTypes", "false"),
    ("spark.sql.execution.pandas.convertToArrowArraySafely", "false"),
    ("spark.sql.execution.pandas.inferPandasDictAsMap", "false"),
    ("spark.sql.execution.pandas.structHandlingMode", "legacy"),
    ("spark.sql.execution.pyspark.binaryAsBytes", "true"),
    ("spark.sql.execution.pythonUDF.arrow.enabled", "true"),
    ("spark.sql.pyspark.inferNestedDictAsStruct.enabled", "false"),
    ("spark.sql.pyspark.jvmStacktrace.enabled", "false"),
    ("spark.sql.pyspark.legacy.inferArrayTypeFromFirstElement.enabled", "false"),
    ("spark.sql.pyspark.legacy.inferMapTypeFromFirstPair.enabled", "false"),
    ("spark.sql.repl.eagerEval.enabled", "false"),
    ("spark.sql.repl.eagerEval.maxNumRows", "20"),
    ("spark.sql.repl.eagerEval.truncate", "20"),
    ("spark.sql.session.localRelationCacheThreshold", "1048576"),
    ("spark.sql.session.localRelationSizeLimit", "3221225472"),
    ("spark.sql.session.localRelationChunkSizeRows", "10000"),
    ("spark.sql.session.localRelationChunkSizeBytes", "16777216"),
    ("spark.sql.session.localRelationBatchOfChunksSizeBytes", "536870912"),
    ("spark.sql.timestampType", "TIMESTAMP_LTZ"),
];

/// Pairs and warnings.
pub(crate) type Answer = (Vec<KeyValue>, Vec<String>);

pub(crate) fn answer(config: &dyn SessionConfig, operation: Option<OpType>) -> SparkResult<Answer> {
    let operation = operation.ok_or_else(|| SparkError::invalid_plan("a call of Config has no operation"))?;
    let pairs = match operation {
        OpType::Set(set) => return changed(config, set.pairs, set.silent.unwrap_or(false)),
        OpType::Unset(unset) => {
            unset.keys.iter().try_for_each(|key| config.unset(key))?;
            unset.keys.into_iter().map(|key| KeyValue { key, value: None }).collect()
        }
        OpType::Get(get) => each(get.keys, |key| value(config, key)?.ok_or_else(|| not_found(key)).map(Some))?,
        OpType::GetOption(get) => each(get.keys, |key| value(config, key))?,
        OpType::GetWithDefault(get) => get
            .pairs
            .into_iter()
            .map(|pair| Ok(KeyValue { value: config.own(&pair.key).or(pair.value), key: pair.key }))
            .collect::<SparkResult<_>>()?,
        OpType::GetAll(get) => {
            let prefix = get.prefix.unwrap_or_default();
            let all = config.all(Some(prefix.as_str()).filter(|prefix| !prefix.is_empty()));
            let without = |key: String| key.strip_prefix(&prefix).map(str::to_owned);
            all.into_iter()
                .filter_map(|(key, value)| Some(KeyValue { key: without(key)?, value: Some(value) }))
                .collect()
        }
        OpType::IsModifiable(is) => each(is.keys, |key| config.is_modifiable(key).map(|is| Some(is.to_string())))?,
    };
    Ok((pairs, Vec::new()))
}

fn changed(config: &dyn SessionConfig, pairs: Vec<KeyValue>, silent: bool) -> SparkResult<Answer> {
    let mut warnings = Vec::new();
    for pair in &pairs {
        let value =
            pair.value.as_deref().ok_or_else(|| SparkError::invalid_plan(format!("{} has no value", pair.key)))?;
        match config.set(&pair.key, value) {
            Ok(said) => warnings.extend(said),
            Err(error) if silent => warnings.push(error.to_string()),
            Err(error) => return Err(error),
        }
    }
    Ok((pairs, warnings))
}

fn each(keys: Vec<String>, mut value: impl FnMut(&str) -> SparkResult<Option<String>>) -> SparkResult<Vec<KeyValue>> {
    keys.into_iter().map(|key| Ok(KeyValue { value: value(&key)?, key })).collect()
}

fn value(config: &dyn SessionConfig, key: &str) -> SparkResult<Option<String>> {
    let known = config.get(key)?;
    let default = || CLIENT_SETTINGS.iter().find(|(name, _)| *name == key).map(|(_, value)| (*value).to_owned());
    Ok(known.or_else(default))
}

fn not_found(key: &str) -> SparkError {
    SparkError::new(
        "SQL_CONF_NOT_FOUND",
        format!("The SQL config \"{key}\" cannot be found. Please verify that the config exists."),
    )
    .with("sqlConf", format!("\"{key}\""))
}
