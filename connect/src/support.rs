//! What of the protocol is here and what is refused, message by message. Refusals take their class from these lists,
//! and `docs/spark-connect.md` is made from them.

use firesteel_spec::SparkError;

/// A choice of the protocol: a oneof, and what of it is here.
pub struct Choice {
    /// The message and its oneof.
    pub name: &'static str,
    pub title: &'static str,
    /// Each field of the oneof, in the order of the protocol.
    pub fields: &'static [(&'static str, Support)],
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Support {
    Done,
    /// Done but for what the text says.
    Partly(&'static str),
    /// Refused with this class.
    Refused(&'static str),
}

use Support::{Done, Partly, Refused};

const FEATURE: &str = "UNSUPPORTED_FEATURE";
const EXTENSION: &str = "CONNECT_INVALID_PLAN.NO_HANDLER_FOR_EXTENSION";
const ML: &str = "CONNECT_ML.UNSUPPORTED_EXCEPTION";
const UNKNOWN: &str = "CONNECT_INVALID_PLAN.INVALID_ONE_OF_FIELD_NOT_SUPPORTED";

pub static CHOICES: &[Choice] = &[RELATIONS, EXPRESSIONS, COMMANDS, CATALOG, ANALYZE];

const RELATIONS: Choice = Choice {
    name: "Relation.rel_type",
    title: "Relations",
    fields: &[
        ("read", Partly("`source_name` is refused")),
        ("project", Done),
        ("filter", Done),
        ("join", Partly("`join_data_type`, of Scala's `joinWith`, is refused")),
        ("set_op", Done),
        ("sort", Done),
        ("limit", Done),
        ("aggregate", Done),
        ("sql", Done),
        ("local_relation", Done),
        ("sample", Done),
        ("offset", Done),
        ("deduplicate", Done),
        ("range", Done),
        ("subquery_alias", Done),
        ("repartition", Done),
        ("to_df", Done),
        ("with_columns_renamed", Done),
        ("show_string", Done),
        ("drop", Done),
        ("tail", Done),
        ("with_columns", Done),
        ("hint", Done),
        ("unpivot", Done),
        ("to_schema", Done),
        ("repartition_by_expression", Done),
        ("map_partitions", Partly("resource profiles are refused")),
        ("collect_metrics", Done),
        ("parse", Done),
        ("group_map", Partly("state and sorted groups are refused")),
        ("co_group_map", Partly("sorted groups are refused")),
        ("with_watermark", Done),
        ("apply_in_pandas_with_state", Refused(FEATURE)),
        ("html_string", Done),
        ("cached_local_relation", Done),
        ("cached_remote_relation", Done),
        ("common_inline_user_defined_table_function", Done),
        ("as_of_join", Done),
        ("common_inline_user_defined_data_source", Refused(FEATURE)),
        ("with_relations", Done),
        ("transpose", Done),
        ("unresolved_table_valued_function", Done),
        ("lateral_join", Done),
        ("chunked_cached_local_relation", Done),
        ("relation_changes", Refused("UNSUPPORTED_FEATURE.CHANGE_DATA_CAPTURE")),
        ("nearest_by_join", Done),
        ("fill_na", Done),
        ("drop_na", Done),
        ("replace", Done),
        ("summary", Done),
        ("crosstab", Done),
        ("describe", Done),
        ("cov", Done),
        ("corr", Done),
        ("approx_quantile", Done),
        ("freq_items", Done),
        ("sample_by", Done),
        ("catalog", Done),
        ("ml_relation", Refused(ML)),
        ("extension", Refused(EXTENSION)),
        ("unknown", Refused(UNKNOWN)),
    ],
};

const EXPRESSIONS: Choice = Choice {
    name: "Expression.expr_type",
    title: "Expressions",
    fields: &[
        ("literal", Done),
        ("unresolved_attribute", Done),
        ("unresolved_function", Done),
        ("expression_string", Done),
        ("unresolved_star", Done),
        ("alias", Done),
        ("cast", Done),
        ("unresolved_regex", Done),
        ("sort_order", Done),
        ("lambda_function", Done),
        ("window", Done),
        ("unresolved_extract_value", Done),
        ("update_fields", Done),
        ("unresolved_named_lambda_variable", Done),
        ("common_inline_user_defined_function", Partly("Python's; others are refused when they run")),
        ("call_function", Done),
        ("named_argument_expression", Done),
        ("merge_action", Refused(FEATURE)),
        ("typed_aggregate_expression", Refused(FEATURE)),
        ("subquery_expression", Done),
        ("direct_shuffle_partition_id", Refused(FEATURE)),
        ("extension", Refused(EXTENSION)),
    ],
};

const COMMANDS: Choice = Choice {
    name: "Command.command_type",
    title: "Commands",
    fields: &[
        ("register_function", Done),
        ("write_operation", Partly("clustering and schema evolution are refused")),
        ("create_dataframe_view", Done),
        ("write_operation_v2", Partly("clustering and schema evolution are refused")),
        ("sql_command", Done),
        ("write_stream_operation_start", Refused(FEATURE)),
        ("streaming_query_command", Refused(FEATURE)),
        ("get_resources_command", Partly("there are none")),
        ("streaming_query_manager_command", Refused(FEATURE)),
        ("register_table_function", Done),
        ("streaming_query_listener_bus_command", Refused(FEATURE)),
        ("register_data_source", Refused(FEATURE)),
        ("create_resource_profile_command", Refused(FEATURE)),
        ("checkpoint_command", Done),
        ("remove_cached_remote_relation_command", Done),
        ("merge_into_table_command", Refused(FEATURE)),
        (
            "ml_command",
            Partly("the cache of models is empty; all else is refused with `CONNECT_ML.UNSUPPORTED_EXCEPTION`"),
        ),
        ("execute_external_command", Refused(FEATURE)),
        ("pipeline_command", Refused(FEATURE)),
        ("extension", Refused(EXTENSION)),
    ],
};

const CATALOG: Choice = Choice {
    name: "Catalog.cat_type",
    title: "Catalog",
    fields: &[
        ("current_database", Done),
        ("set_current_database", Done),
        ("list_databases", Done),
        ("list_tables", Done),
        ("list_functions", Done),
        ("list_columns", Done),
        ("get_database", Done),
        ("get_table", Done),
        ("get_function", Done),
        ("database_exists", Done),
        ("table_exists", Done),
        ("function_exists", Done),
        ("create_external_table", Done),
        ("create_table", Done),
        ("drop_temp_view", Done),
        ("drop_global_temp_view", Done),
        ("recover_partitions", Done),
        ("is_cached", Done),
        ("cache_table", Partly("at one storage level")),
        ("uncache_table", Done),
        ("clear_cache", Done),
        ("refresh_table", Done),
        ("refresh_by_path", Done),
        ("current_catalog", Done),
        ("set_current_catalog", Done),
        ("list_catalogs", Done),
        ("drop_table", Done),
        ("drop_view", Done),
        ("create_database", Done),
        ("drop_database", Done),
        ("list_partitions", Done),
        ("list_views", Done),
        ("get_table_properties", Done),
        ("get_create_table_string", Done),
        ("truncate_table", Done),
        ("analyze_table", Done),
    ],
};

const ANALYZE: Choice = Choice {
    name: "AnalyzePlanRequest.analyze",
    title: "Analysis",
    fields: &[
        ("schema", Done),
        ("explain", Done),
        ("tree_string", Done),
        ("is_local", Done),
        ("is_streaming", Done),
        ("input_files", Done),
        ("spark_version", Done),
        ("ddl_parse", Done),
        ("same_semantics", Done),
        ("semantic_hash", Done),
        ("persist", Done),
        ("unpersist", Done),
        ("get_storage_level", Done),
        ("json_to_ddl", Done),
    ],
};

/// The error for a field that is refused. `field` is its name in the protocol.
pub(crate) fn refused_relation(field: &str) -> SparkError {
    refused(&RELATIONS, field)
}

pub(crate) fn refused_expression(field: &str) -> SparkError {
    refused(&EXPRESSIONS, field)
}

pub(crate) fn refused_command(field: &str) -> SparkError {
    refused(&COMMANDS, field)
}

fn refused(choice: &Choice, field: &str) -> SparkError {
    let class = choice.fields.iter().find(|(name, _)| *name == field).map(|(_, support)| support);
    let Some(Refused(class)) = class else { return SparkError::internal(format!("{} {field}", choice.name)) };
    SparkError::new(*class, format!("{} {field} is not supported by Firesteel", choice.name)).with("feature", field)
}

/// The protocol's messages and whether they are here, as Markdown.
pub fn document() -> String {
    let mut text = String::from(INTRODUCTION);
    for choice in CHOICES {
        text.push_str(&format!("\n## {}\n\n`{}`\n\n| message | |\n|---|---|\n", choice.title, choice.name));
        for (field, support) in choice.fields {
            let support = match support {
                Done => "done".to_owned(),
                Partly(but) => format!("done; {but}"),
                Refused(class) => format!("refused: `{class}`"),
            };
            text.push_str(&format!("| `{field}` | {support} |\n"));
        }
    }
    text
}

const INTRODUCTION: &str = "\
# Spark Connect

The server speaks the protocol of Spark 4.2.0. This file is made from `connect/src/support.rs`; a test compares the two,
and the lists there with Spark's descriptors. \"Done\" says that the message is understood and handed to the engine;
which functions and formats the engine has is told elsewhere.

## Calls

All of the service: `ExecutePlan`, `ReattachExecute`, `ReleaseExecute`, `AnalyzePlan`, `Config`, `AddArtifacts` (names
below `cache/`; other kinds are refused with `UNSUPPORTED_FEATURE`), `ArtifactStatus`, `Interrupt`, `ReleaseSession`,
`CloneSession`, `GetStatus` and `FetchErrorDetails`.
";
