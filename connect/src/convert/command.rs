//! Commands. Those that the server answers by itself are told apart here, and answered in `execute.rs`.

use bytes::Bytes;
use firesteel_spec::{
    Command, CreateView, Plan, SaveMode, SparkError, SparkResult, ViewKind, Write, WriteTarget, WriteV2, WriteV2Mode,
};
use prost::Message;

use super::{Converter, invalid_enum, options, required};
use crate::proto::command::CommandType;
use crate::proto::ml_command::Command as MlCommand;
use crate::proto::relation::RelType;
use crate::proto::write_operation::SaveType;
use crate::proto::write_operation::save_table::TableSaveMethod;
use crate::support::refused_command;
use crate::{proto, text};

/// What a command asks of the server.
#[derive(Debug)]
pub(crate) enum Request {
    /// To run it.
    Run(Plan),
    /// To run SQL if it is a command, and else to hand back the relation.
    Sql { plan: Plan, input: Bytes },
    /// To name the machines' resources.
    Resources,
    /// About the cache of models, which is always empty.
    Models(Models),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Models {
    Clean,
    List,
}

impl Converter<'_> {
    pub(crate) fn command(&mut self, proto: proto::Command) -> SparkResult<Request> {
        let command = match required(proto.command_type, "Command.command_type")? {
            CommandType::SqlCommand(sql) => return self.sql(sql),
            CommandType::GetResourcesCommand(_) => return Ok(Request::Resources),
            CommandType::MlCommand(ml) => return models(ml),
            CommandType::RegisterFunction(function) => Command::RegisterFunction(self.inline_function(function)?),
            CommandType::RegisterTableFunction(function) => {
                Command::RegisterTableFunction(self.inline_table_function(function)?)
            }
            CommandType::WriteOperation(write) => Command::Write(self.write(write)?),
            CommandType::WriteOperationV2(write) => Command::WriteV2(self.write_v2(write)?),
            CommandType::CreateDataframeView(view) => Command::CreateView(self.create_view(view)?),
            CommandType::CheckpointCommand(checkpoint) => Command::Checkpoint {
                relation: self.relation(required(checkpoint.relation, "CheckpointCommand.relation")?)?,
                eager: checkpoint.eager,
            },
            CommandType::RemoveCachedRemoteRelationCommand(remove) => {
                let relation = required(remove.relation, "RemoveCachedRemoteRelationCommand.relation")?;
                Command::RemoveCached { id: relation.relation_id }
            }
            other => return Err(refusal(other)),
        };
        Ok(Request::Run(Plan::Command(Box::new(command))))
    }

    #[expect(deprecated, reason = "older clients still send the fields that `input` replaced")]
    fn sql(&mut self, command: proto::SqlCommand) -> SparkResult<Request> {
        let input = match command.input {
            Some(input) => input,
            None => proto::Relation {
                common: None,
                rel_type: Some(RelType::Sql(proto::Sql {
                    query: command.sql,
                    args: command.args,
                    pos_args: command.pos_args,
                    named_arguments: command.named_arguments,
                    pos_arguments: command.pos_arguments,
                })),
            },
        };
        let bytes = Bytes::from(input.encode_to_vec());
        Ok(Request::Sql { plan: self.sql_command(input)?, input: bytes })
    }

    fn write(&mut self, write: proto::WriteOperation) -> SparkResult<Write> {
        refuse_new_layouts(&write.clustering_columns, write.with_schema_evolution)?;
        let mode = save_mode(write.mode)?;
        let (target, mode) = match write.save_type {
            None => (WriteTarget::None, mode),
            Some(SaveType::Path(path)) => (WriteTarget::Path(path), mode),
            Some(SaveType::Table(table)) => {
                let name = text::name(&table.table_name)?;
                match TableSaveMethod::try_from(table.save_method) {
                    Ok(TableSaveMethod::SaveAsTable) => (WriteTarget::Table(name), mode),
                    Ok(TableSaveMethod::InsertInto) => (WriteTarget::Insert(name), insert_mode(mode)),
                    Ok(TableSaveMethod::Unspecified) | Err(_) => {
                        return Err(invalid_enum("WriteOperation.SaveTable.save_method", table.save_method));
                    }
                }
            }
        };
        let bucket_by = match write.bucket_by {
            None => None,
            Some(bucket) => {
                let buckets = usize::try_from(bucket.num_buckets).ok().filter(|buckets| *buckets > 0);
                let buckets = buckets.ok_or_else(|| {
                    SparkError::new(
                        "INVALID_BUCKET_COUNT",
                        format!(
                            "Number of buckets should be greater than 0 but less than or equal to bucketing.maxBuckets \
                             (`100000`). Got `{}`.",
                            bucket.num_buckets
                        ),
                    )
                    .with("numBuckets", bucket.num_buckets.to_string())
                })?;
                Some((bucket.bucket_column_names, buckets))
            }
        };
        Ok(Write {
            input: *self.input(write.input)?,
            format: write.source.filter(|format| !format.is_empty()),
            target,
            mode,
            partition_by: write.partitioning_columns,
            sort_by: write.sort_column_names,
            bucket_by,
            options: options(write.options),
        })
    }

    fn write_v2(&mut self, write: proto::WriteOperationV2) -> SparkResult<WriteV2> {
        use proto::write_operation_v2::Mode;
        refuse_new_layouts(&write.clustering_columns, write.with_schema_evolution)?;
        let input = *self.input(write.input)?;
        let mode = match Mode::try_from(write.mode) {
            Ok(Mode::Create) => WriteV2Mode::Create,
            Ok(Mode::Overwrite) => WriteV2Mode::Overwrite { condition: self.optional(write.overwrite_condition)? },
            Ok(Mode::OverwritePartitions) => WriteV2Mode::OverwritePartitions,
            Ok(Mode::Append) => WriteV2Mode::Append,
            Ok(Mode::Replace) => WriteV2Mode::Replace,
            Ok(Mode::CreateOrReplace) => WriteV2Mode::CreateOrReplace,
            Ok(Mode::Unspecified) | Err(_) => return Err(invalid_enum("WriteOperationV2.mode", write.mode)),
        };
        Ok(WriteV2 {
            input,
            table: text::name(&write.table_name)?,
            format: write.provider.filter(|format| !format.is_empty()),
            partition_by: self.expressions(write.partitioning_columns)?,
            options: options(write.options),
            properties: options(write.table_properties),
            mode,
        })
    }

    fn create_view(&mut self, view: proto::CreateDataFrameViewCommand) -> SparkResult<CreateView> {
        Ok(CreateView {
            name: text::name(&view.name)?,
            kind: if view.is_global { ViewKind::GlobalTemporary } else { ViewKind::Temporary },
            query: *self.input(view.input)?,
            text: None,
            columns: Vec::new(),
            comment: None,
            properties: Vec::new(),
            replace: view.replace,
            if_not_exists: false,
        })
    }
}

fn refuse_new_layouts(clustering: &[String], schema_evolution: bool) -> SparkResult<()> {
    if !clustering.is_empty() {
        return Err(SparkError::unsupported("clusterBy of a writer"));
    }
    if schema_evolution {
        return Err(SparkError::unsupported("schema evolution of a writer"));
    }
    Ok(())
}

fn save_mode(number: i32) -> SparkResult<SaveMode> {
    use proto::write_operation::SaveMode as Mode;
    Ok(match Mode::try_from(number) {
        Ok(Mode::Append) => SaveMode::Append,
        Ok(Mode::Overwrite) => SaveMode::Overwrite,
        Ok(Mode::ErrorIfExists | Mode::Unspecified) => SaveMode::ErrorIfExists,
        Ok(Mode::Ignore) => SaveMode::Ignore,
        Err(_) => return Err(invalid_enum("WriteOperation.mode", number)),
    })
}

/// `insertInto` appends unless it is told to overwrite.
fn insert_mode(mode: SaveMode) -> SaveMode {
    if mode == SaveMode::Overwrite { mode } else { SaveMode::Append }
}

fn models(command: proto::MlCommand) -> SparkResult<Request> {
    match required(command.command, "MlCommand.command")? {
        MlCommand::CleanCache(_) => Ok(Request::Models(Models::Clean)),
        MlCommand::GetCacheInfo(_) => Ok(Request::Models(Models::List)),
        _ => Err(SparkError::new(
            "CONNECT_ML.UNSUPPORTED_EXCEPTION",
            "Generic Spark Connect ML error. Firesteel has no pyspark.ml",
        )
        .with("message", "Firesteel has no pyspark.ml")),
    }
}

fn refusal(command: CommandType) -> SparkError {
    match command {
        CommandType::WriteStreamOperationStart(_) => refused_command("write_stream_operation_start"),
        CommandType::StreamingQueryCommand(_) => refused_command("streaming_query_command"),
        CommandType::StreamingQueryManagerCommand(_) => refused_command("streaming_query_manager_command"),
        CommandType::StreamingQueryListenerBusCommand(_) => refused_command("streaming_query_listener_bus_command"),
        CommandType::RegisterDataSource(_) => refused_command("register_data_source"),
        CommandType::CreateResourceProfileCommand(_) => refused_command("create_resource_profile_command"),
        CommandType::MergeIntoTableCommand(_) => refused_command("merge_into_table_command"),
        CommandType::ExecuteExternalCommand(_) => refused_command("execute_external_command"),
        CommandType::PipelineCommand(_) => refused_command("pipeline_command"),
        CommandType::Extension(any) => refused_command("extension").with("extensionTypeUrl", any.type_url),
        _ => SparkError::internal("a command of the protocol has no conversion"),
    }
}
