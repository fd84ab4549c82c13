//! `spark.conf`: settings that were set, and the defaults of those that Spark has.

use std::collections::BTreeMap;
use std::time::{SystemTime, UNIX_EPOCH};

use firesteel_connect::engine::SessionConfig;
use firesteel_functions::Settings;
use firesteel_planner::ResolveOptions;
use firesteel_spec::{SparkError, SparkResult};
use parking_lot::RwLock;

/// Defaults of what programs ask for. A setting that is not here has no default.
const DEFAULTS: &[(&str, &str)] = &[
    ("spark.app.name", "firesteel"),
    ("spark.master", "firesteel"),
    ("spark.sql.ansi.enabled", "true"),
    ("spark.sql.autoBroadcastJoinThreshold", "10485760"),
    ("spark.sql.caseSensitive", "false"),
    ("spark.sql.catalogImplementation", "in-memory"),
    ("spark.sql.defaultCatalog", "spark_catalog"),
    ("spark.sql.execution.arrow.enabled", "false"),
    ("spark.sql.execution.arrow.fallback.enabled", "true"),
    ("spark.sql.execution.arrow.maxRecordsPerBatch", "10000"),
    ("spark.sql.execution.arrow.pyspark.enabled", "true"),
    ("spark.sql.execution.arrow.pyspark.fallback.enabled", "true"),
    ("spark.sql.execution.arrow.pyspark.selfDestruct.enabled", "false"),
    ("spark.sql.execution.arrow.useLargeVarTypes", "false"),
    ("spark.sql.execution.pandas.convertToArrowArraySafely", "false"),
    ("spark.sql.execution.pandas.inferPandasDictAsMap", "false"),
    ("spark.sql.execution.pandas.structHandlingMode", "legacy"),
    ("spark.sql.execution.pythonUDF.arrow.enabled", "true"),
    ("spark.sql.execution.pythonUDTF.arrow.enabled", "true"),
    ("spark.sql.groupByOrdinal", "true"),
    ("spark.sql.mapKeyDedupPolicy", "EXCEPTION"),
    ("spark.sql.sources.partitionOverwriteMode", "STATIC"),
    ("spark.sql.legacy.execution.pandas.groupedMap.assignColumnsByName", "true"),
    ("spark.sql.orderByOrdinal", "true"),
    ("spark.sql.pivotMaxValues", "10000"),
    ("spark.sql.pyspark.inferNestedDictAsStruct.enabled", "false"),
    ("spark.sql.pyspark.jvmStacktrace.enabled", "false"),
    ("spark.sql.pyspark.legacy.inferArrayTypeFromFirstElement.enabled", "false"),
    ("spark.sql.pyspark.legacy.inferMapTypeFromFirstPair.enabled", "false"),
    ("spark.sql.pyspark.plotting.max_rows", "1000"),
    ("spark.sql.pyspark.udf.profiler", ""),
    ("spark.sql.repl.eagerEval.enabled", "false"),
    ("spark.sql.repl.eagerEval.maxNumRows", "20"),
    ("spark.sql.repl.eagerEval.truncate", "20"),
    ("spark.sql.session.localRelationCacheThreshold", "1048576"),
    ("spark.sql.session.localRelationChunkSizeRows", "10000"),
    ("spark.sql.session.localRelationChunkSizeBytes", "16777216"),
    ("spark.sql.session.localRelationBatchOfChunksSizeBytes", "1073741824"),
    ("spark.sql.session.localRelationSizeLimit", "3221225472"),
    ("spark.sql.shuffle.partitions", "200"),
    ("spark.sql.sources.default", "parquet"),
    ("spark.sql.stackTracesInDataFrameContext", "1"),
    ("spark.sql.timestampType", "TIMESTAMP_LTZ"),
    ("spark.sql.tvf.allowMultipleTableArguments.enabled", "false"),
    ("spark.python.sql.dataFrameDebugging.enabled", "true"),
];

/// Settings that are fixed when Spark starts.
const STATIC: &[&str] = &[
    "spark.app.name",
    "spark.master",
    "spark.sql.catalogImplementation",
    "spark.sql.extensions",
    "spark.sql.warehouse.dir",
];

#[derive(Debug, Default)]
pub struct Config {
    own: RwLock<BTreeMap<String, String>>,
    /// Where tables are kept.
    warehouse: String,
}

impl Config {
    pub fn new(warehouse: &str) -> Self {
        Self { warehouse: warehouse.to_owned(), ..Self::default() }
    }

    /// Settings of their own with the same values.
    pub fn duplicate(&self) -> Self {
        Self { own: RwLock::new(self.own.read().clone()), warehouse: self.warehouse.clone() }
    }

    pub fn value(&self, key: &str) -> Option<String> {
        self.own.read().get(key).cloned().or_else(|| match key {
            "spark.sql.session.timeZone" => Some(local_zone()),
            "spark.sql.warehouse.dir" => Some(self.warehouse.clone()),
            key => default_of(key).map(str::to_owned),
        })
    }

    fn is(&self, key: &str) -> bool {
        self.value(key).is_some_and(|value| value.eq_ignore_ascii_case("true"))
    }

    /// What resolving a query depends on, as of now.
    pub fn resolve_options(&self, user: &str, database: &str) -> ResolveOptions {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let settings = Settings {
            ansi: self.is("spark.sql.ansi.enabled"),
            time_zone: self.value("spark.sql.session.timeZone").unwrap_or_else(|| "UTC".to_owned()).into(),
            last_map_key_wins: self
                .value("spark.sql.mapKeyDedupPolicy")
                .is_some_and(|policy| policy.eq_ignore_ascii_case("LAST_WIN")),
            now_us: now.as_micros() as i64,
            user: user.into(),
            catalog: "spark_catalog".into(),
            database: database.into(),
        };
        let pivot_values_max = self.value("spark.sql.pivotMaxValues").and_then(|value| value.parse().ok());
        ResolveOptions {
            settings,
            case_sensitive: self.is("spark.sql.caseSensitive"),
            ordinals: self.is("spark.sql.orderByOrdinal"),
            pivot_values_max: pivot_values_max.unwrap_or(10_000),
            ..ResolveOptions::default()
        }
    }
}

impl SessionConfig for Config {
    fn get(&self, key: &str) -> SparkResult<Option<String>> {
        Ok(self.value(key))
    }

    fn own(&self, key: &str) -> Option<String> {
        self.own.read().get(key).cloned()
    }

    fn set(&self, key: &str, value: &str) -> SparkResult<Vec<String>> {
        if STATIC.contains(&key) {
            return Err(SparkError::new(
                "CANNOT_MODIFY_CONFIG",
                format!("{key} is fixed while the server runs; set it when it starts"),
            )
            .with("key", format!("\"{key}\""))
            .with("docroot", "https://spark.apache.org/docs/latest"));
        }
        check(key, value)?;
        self.own.write().insert(key.to_owned(), value.to_owned());
        Ok(Vec::new())
    }

    fn unset(&self, key: &str) -> SparkResult<()> {
        self.own.write().remove(key);
        Ok(())
    }

    fn all(&self, prefix: Option<&str>) -> Vec<(String, String)> {
        let mut all: BTreeMap<String, String> =
            DEFAULTS.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect();
        all.insert("spark.sql.session.timeZone".to_owned(), local_zone());
        all.insert("spark.sql.warehouse.dir".to_owned(), self.warehouse.clone());
        all.extend(self.own.read().clone());
        all.into_iter().filter(|(key, _)| prefix.is_none_or(|prefix| key.starts_with(prefix))).collect()
    }

    fn is_modifiable(&self, key: &str) -> SparkResult<bool> {
        let known = default_of(key).is_some() || key == "spark.sql.session.timeZone" || key.starts_with("spark.sql.");
        Ok(known && !STATIC.contains(&key))
    }
}

fn default_of(key: &str) -> Option<&'static str> {
    DEFAULTS.iter().find(|(own, _)| *own == key).map(|(_, value)| *value)
}

/// The zone of this machine, as `TZ` says.
fn local_zone() -> String {
    std::env::var("TZ").ok().filter(|zone| !zone.is_empty()).unwrap_or_else(|| "Etc/UTC".to_owned())
}

fn check(key: &str, value: &str) -> SparkResult<()> {
    let wrong = |kind: &str| {
        SparkError::new("INVALID_CONF_VALUE.TYPE_MISMATCH", format!("{key} is {kind}, not {value}"))
            .with("confName", key)
            .with("confValue", value)
    };
    match default_of(key) {
        Some("true" | "false") if !["true", "false"].contains(&value.to_lowercase().as_str()) => Err(wrong("boolean")),
        Some(default)
            if default.parse::<i64>().is_ok()
                && value.trim_end_matches(|letter: char| letter.is_ascii_alphabetic()).parse::<i64>().is_err() =>
        {
            Err(wrong("a number"))
        }
        _ => Ok(()),
    }
}
