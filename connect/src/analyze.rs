//! `AnalyzePlan`: questions about a plan that does not run.

use std::sync::Arc;

use firesteel_spec::{DataType, ExplainMode, Plan, Relation, RelationKind, SparkError, SparkResult};

use crate::convert::data_type_to_proto;
use crate::deep::{self, Deep};
use crate::engine::{Session, StorageLevel};
use crate::plan;
use crate::proto;
use crate::proto::analyze_plan_request::{self as requests, Analyze};
use crate::proto::analyze_plan_response::{self as answers, Result as Answer};
use crate::text;
use crate::tree::tree_string;
use crate::uploads::Uploads;

/// The version of Spark whose protocol and semantics these are.
const SPARK_VERSION: &str = "4.2.0";

/// Answers one question.
pub(crate) struct Analysis {
    pub session: Arc<dyn Session>,
    pub uploads: Arc<Uploads>,
}

impl Analysis {
    pub(crate) async fn answer(self, question: Option<Analyze>) -> SparkResult<Answer> {
        let question = question.ok_or_else(|| {
            SparkError::new(
                "CONNECT_INVALID_PLAN.UNKNOWN_ANALYZE_METHOD",
                "The Spark Connect plan is invalid. Unknown Analyze Method ANALYZE_NOT_SET!",
            )
            .with("other", "ANALYZE_NOT_SET")
        })?;
        match question {
            Analyze::Schema(schema) => {
                let schema = Some(data_type_to_proto(&self.schema(schema.plan).await?));
                Ok(Answer::Schema(answers::Schema { schema }))
            }
            Analyze::TreeString(tree) => {
                let tree_string = tree_string(&self.schema(tree.plan).await?, tree.level.unwrap_or(0));
                Ok(Answer::TreeString(answers::TreeString { tree_string }))
            }
            Analyze::Explain(explain) => self.explain(explain).await,
            Analyze::SparkVersion(_) => {
                Ok(Answer::SparkVersion(answers::SparkVersion { version: SPARK_VERSION.to_owned() }))
            }
            Analyze::DdlParse(ddl) => {
                let parsed = plan::blocking(move || text::schema(&ddl.ddl_string)).await?;
                Ok(Answer::DdlParse(answers::DdlParse { parsed: Some(data_type_to_proto(&parsed)) }))
            }
            Analyze::JsonToDdl(json) => {
                let ddl_string = DataType::from_json(&json.json_string)?.ddl();
                Ok(Answer::JsonToDdl(answers::JsonToDdl { ddl_string }))
            }
            other => self.about_relation(other).await,
        }
    }

    async fn about_relation(self, question: Analyze) -> SparkResult<Answer> {
        match question {
            Analyze::IsLocal(is) => {
                let relation = self.relation_of(is.plan).await?;
                deep::with(relation, |relation| async move {
                    Ok(Answer::IsLocal(answers::IsLocal { is_local: is_local(&relation) }))
                })
                .await
            }
            Analyze::IsStreaming(is) => {
                let relation = self.relation_of(is.plan).await?;
                deep::with(relation, |relation| async move {
                    Ok(Answer::IsStreaming(answers::IsStreaming { is_streaming: is_streaming(&relation) }))
                })
                .await
            }
            Analyze::InputFiles(files) => {
                let relation = self.relation_of(files.plan).await?;
                let session = self.session;
                deep::with(relation, |relation| async move {
                    let files = session.input_files(&relation).await?;
                    Ok(Answer::InputFiles(answers::InputFiles { files }))
                })
                .await
            }
            Analyze::SameSemantics(same) => self.same_semantics(same).await,
            Analyze::SemanticHash(hash) => {
                let relation = self.relation_of(hash.plan).await?;
                let session = self.session;
                deep::with(relation, |relation| async move {
                    let result = session.semantic_hash(&relation).await?;
                    Ok(Answer::SemanticHash(answers::SemanticHash { result }))
                })
                .await
            }
            other => self.storage(other).await,
        }
    }

    async fn storage(self, question: Analyze) -> SparkResult<Answer> {
        let (bytes, question) = match question {
            Analyze::Persist(persist) => {
                let level = persist.storage_level.map_or(StorageLevel::MEMORY_AND_DISK, |level| storage_level(&level));
                (persist.relation, Storage::Persist(level))
            }
            Analyze::Unpersist(unpersist) => (unpersist.relation, Storage::Unpersist),
            Analyze::GetStorageLevel(get) => (get.relation, Storage::Level),
            _ => return Err(SparkError::internal("a question of the protocol has no answer")),
        };
        let relation = plan::relation(bytes, self.uploads).await?;
        let session = self.session;
        deep::with(relation, move |relation| async move {
            Ok(match question {
                Storage::Persist(level) => {
                    session.persist(&relation, level).await?;
                    Answer::Persist(answers::Persist {})
                }
                Storage::Unpersist => {
                    session.unpersist(&relation).await?;
                    Answer::Unpersist(answers::Unpersist {})
                }
                Storage::Level => {
                    let storage_level = Some(storage_level_to_proto(session.storage_level(&relation).await?));
                    Answer::GetStorageLevel(answers::GetStorageLevel { storage_level })
                }
            })
        })
        .await
    }

    async fn relation_of(&self, plan: Option<proto::Plan>) -> SparkResult<Deep<Relation>> {
        plan::relation_of(plan, Arc::clone(&self.uploads)).await
    }

    async fn schema(self, plan: Option<proto::Plan>) -> SparkResult<DataType> {
        let relation = self.relation_of(plan).await?;
        let session = self.session;
        deep::with(relation, |relation| async move { session.schema(&relation).await }).await
    }

    async fn explain(self, explain: requests::Explain) -> SparkResult<Answer> {
        use requests::explain::ExplainMode as Mode;
        let mode = match explain.explain_mode() {
            Mode::Unspecified | Mode::Simple => ExplainMode::Simple,
            Mode::Extended => ExplainMode::Extended,
            Mode::Codegen => ExplainMode::Codegen,
            Mode::Cost => ExplainMode::Cost,
            Mode::Formatted => ExplainMode::Formatted,
        };
        let relation = self.relation_of(explain.plan).await?;
        let session = self.session;
        deep::with(relation, move |relation| async move {
            let explain_string = session.explain(&Plan::Query(relation), mode).await?;
            Ok(Answer::Explain(answers::Explain { explain_string }))
        })
        .await
    }

    async fn same_semantics(self, same: requests::SameSemantics) -> SparkResult<Answer> {
        let target = self.relation_of(same.target_plan).await?;
        let other = self.relation_of(same.other_plan).await?;
        let session = self.session;
        let both = Deep::both(target, other)?;
        deep::with(both, |(target, other)| async move {
            let result = session.same_semantics(&target, &other).await?;
            Ok(Answer::SameSemantics(answers::SameSemantics { result }))
        })
        .await
    }
}

enum Storage {
    Persist(StorageLevel),
    Unpersist,
    Level,
}

/// Whether `collect` needs no work: rows that are there already.
fn is_local(relation: &Relation) -> bool {
    matches!(
        relation.kind,
        RelationKind::Local { .. } | RelationKind::Command(_) | RelationKind::Catalog(_) | RelationKind::Values { .. }
    )
}

/// Whether a source is a stream.
fn is_streaming(relation: &Relation) -> bool {
    let mut any = false;
    relation.walk(&mut |each| {
        any |= match &each.kind {
            RelationKind::Table { streaming, .. } => *streaming,
            RelationKind::DataSource(source) => source.streaming,
            _ => false,
        };
    });
    any
}

fn storage_level(level: &proto::StorageLevel) -> StorageLevel {
    StorageLevel {
        use_disk: level.use_disk,
        use_memory: level.use_memory,
        use_off_heap: level.use_off_heap,
        deserialized: level.deserialized,
        replication: level.replication,
    }
}

fn storage_level_to_proto(level: StorageLevel) -> proto::StorageLevel {
    proto::StorageLevel {
        use_disk: level.use_disk,
        use_memory: level.use_memory,
        use_off_heap: level.use_off_heap,
        deserialized: level.deserialized,
        replication: level.replication,
    }
}
