//! Relations: which message becomes what, and those of one input that need no more than a line or two.

use firesteel_spec::{
    Expr, Literal, ParseFormat, Relation, RelationKind, SparkError, SparkResult, Unpivot, UnpivotValue,
};

use super::data_type::{data_type, struct_type};
use super::{Converter, invalid_enum, options, required, size};
use crate::proto;
use crate::proto::relation::RelType;
use crate::support::refused_relation;

impl Converter<'_> {
    pub(crate) fn relation(&mut self, proto: proto::Relation) -> SparkResult<Relation> {
        self.count(1)?;
        let plan_id = proto.common.and_then(|common| common.plan_id);
        let kind = self.relation_kind(required(proto.rel_type, "Relation.rel_type")?)?;
        Ok(Relation { plan_id, kind })
    }

    /// A relation that has to be there.
    pub(super) fn input(&mut self, proto: Option<impl Into<Box<proto::Relation>>>) -> SparkResult<Box<Relation>> {
        Ok(Box::new(self.relation(*required(proto, "Relation.input")?.into())?))
    }

    fn relation_kind(&mut self, kind: RelType) -> SparkResult<RelationKind> {
        match kind {
            RelType::Read(read) => self.read(read),
            RelType::Project(project) => self.project(*project),
            RelType::Filter(filter) => self.filter(*filter),
            RelType::Join(join) => self.join(*join),
            RelType::SetOp(operation) => self.set_operation(*operation),
            RelType::Sort(sort) => self.sort(*sort),
            RelType::Limit(limit) => self.limit(*limit),
            RelType::Offset(offset) => self.offset(*offset),
            RelType::Tail(tail) => Ok(RelationKind::Tail { limit: size(tail.limit), input: self.input(tail.input)? }),
            RelType::Aggregate(aggregate) => self.aggregate(*aggregate),
            RelType::Sql(sql) => self.sql_relation(sql),
            RelType::WithRelations(with) => self.with_relations(*with),
            RelType::LocalRelation(local) => local_relation(local),
            RelType::CachedLocalRelation(cached) => self.cached_local_relation(&cached),
            RelType::ChunkedCachedLocalRelation(cached) => self.chunked_cached_local_relation(&cached),
            RelType::CachedRemoteRelation(cached) => Ok(RelationKind::Cached { id: cached.relation_id }),
            RelType::Range(range) => Ok(range_relation(&range)),
            RelType::Sample(sample) => self.sample(*sample),
            RelType::Deduplicate(deduplicate) => self.deduplicate(*deduplicate),
            RelType::SubqueryAlias(alias) => self.subquery_alias(*alias),
            RelType::Repartition(repartition) => self.repartition(*repartition),
            RelType::RepartitionByExpression(repartition) => self.repartition_by_expression(*repartition),
            RelType::ToDf(to_df) => {
                Ok(RelationKind::ToDf { names: to_df.column_names, input: self.input(to_df.input)? })
            }
            RelType::WithColumnsRenamed(renamed) => self.with_columns_renamed(*renamed),
            RelType::WithColumns(columns) => self.with_columns(*columns),
            RelType::Drop(drop) => self.drop_columns(*drop),
            RelType::Hint(hint) => self.hint(*hint),
            RelType::Unpivot(unpivot) => self.unpivot(*unpivot),
            RelType::ToSchema(to_schema) => self.with_schema(*to_schema),
            RelType::Transpose(transpose) => self.transpose(*transpose),
            RelType::CollectMetrics(collect) => self.collect_metrics(*collect),
            RelType::Parse(parse) => self.parse(*parse),
            RelType::WithWatermark(watermark) => self.with_watermark(*watermark),
            RelType::ShowString(show) => self.show_string(*show),
            RelType::HtmlString(html) => self.html_string(*html),
            RelType::Catalog(catalog) => self.catalog(catalog),
            other => self.other_relation_kind(other),
        }
    }

    /// Those of several inputs, functions and statistics, and what is refused.
    fn other_relation_kind(&mut self, kind: RelType) -> SparkResult<RelationKind> {
        match kind {
            RelType::AsOfJoin(join) => self.as_of_join(*join),
            RelType::LateralJoin(join) => self.lateral_join(*join),
            RelType::MapPartitions(map) => self.map_partitions(*map),
            RelType::GroupMap(group) => self.group_map(*group),
            RelType::CoGroupMap(group) => self.co_group_map(*group),
            RelType::CommonInlineUserDefinedTableFunction(function) => {
                Ok(RelationKind::InlineTableFunction(self.inline_table_function(function)?))
            }
            RelType::UnresolvedTableValuedFunction(function) => self.table_valued_function(function),
            RelType::FillNa(fill) => self.fill_na(*fill),
            RelType::DropNa(drop) => self.drop_na(*drop),
            RelType::Replace(replace) => self.replace(*replace),
            RelType::Summary(summary) => self.summary(*summary),
            RelType::Crosstab(crosstab) => self.crosstab(*crosstab),
            RelType::Describe(describe) => self.describe(*describe),
            RelType::Cov(covariance) => self.covariance(*covariance),
            RelType::Corr(correlation) => self.correlation(*correlation),
            RelType::ApproxQuantile(quantile) => self.approx_quantile(*quantile),
            RelType::FreqItems(items) => self.freq_items(*items),
            RelType::SampleBy(sample) => self.sample_by(*sample),
            RelType::ApplyInPandasWithState(_) => Err(refused_relation("apply_in_pandas_with_state")),
            RelType::CommonInlineUserDefinedDataSource(_) => {
                Err(refused_relation("common_inline_user_defined_data_source"))
            }
            RelType::RelationChanges(_) => Err(refused_relation("relation_changes")),
            RelType::NearestByJoin(join) => self.nearest_by_join(*join),
            RelType::MlRelation(_) => Err(refused_relation("ml_relation")),
            RelType::Extension(any) => Err(refused_relation("extension").with("extensionTypeUrl", any.type_url)),
            RelType::Unknown(_) => Err(refused_relation("unknown")),
            _ => Err(SparkError::internal("a relation of the protocol has no conversion")),
        }
    }

    fn project(&mut self, project: proto::Project) -> SparkResult<RelationKind> {
        let input = match project.input {
            Some(input) => Box::new(self.relation(*input)?),
            None => Box::new(Relation::from(RelationKind::OneRow)),
        };
        Ok(RelationKind::Project { input, expressions: self.expressions(project.expressions)? })
    }

    fn filter(&mut self, filter: proto::Filter) -> SparkResult<RelationKind> {
        let input = self.input(filter.input)?;
        Ok(RelationKind::Filter { input, condition: self.boxed(filter.condition, "Filter.condition")? })
    }

    fn sort(&mut self, sort: proto::Sort) -> SparkResult<RelationKind> {
        let input = self.input(sort.input)?;
        Ok(RelationKind::Sort { input, order: self.sort_orders(sort.order)?, global: sort.is_global.unwrap_or(false) })
    }

    fn limit(&mut self, limit: proto::Limit) -> SparkResult<RelationKind> {
        let rows = Box::new(Expr::Literal(Literal::Integer(limit.limit)));
        Ok(RelationKind::Limit { input: self.input(limit.input)?, limit: rows })
    }

    fn offset(&mut self, offset: proto::Offset) -> SparkResult<RelationKind> {
        let rows = Box::new(Expr::Literal(Literal::Integer(offset.offset)));
        Ok(RelationKind::Offset { input: self.input(offset.input)?, offset: rows })
    }

    fn sample(&mut self, sample: proto::Sample) -> SparkResult<RelationKind> {
        Ok(RelationKind::Sample {
            input: self.input(sample.input)?,
            lower: sample.lower_bound,
            upper: sample.upper_bound,
            with_replacement: sample.with_replacement.unwrap_or(false),
            seed: sample.seed,
        })
    }

    fn deduplicate(&mut self, deduplicate: proto::Deduplicate) -> SparkResult<RelationKind> {
        let all = deduplicate.all_columns_as_keys.unwrap_or(false);
        if all != deduplicate.column_names.is_empty() {
            let (class, what) = if all {
                ("DEDUPLICATE_ALL_COLUMNS_AND_SUBSET", "Cannot deduplicate on both all columns and a subset of columns")
            } else {
                (
                    "DEDUPLICATE_REQUIRES_COLUMNS_OR_ALL",
                    "Deduplicate requires to either deduplicate on all columns or a subset of columns",
                )
            };
            let class = format!("CONNECT_INVALID_PLAN.{class}");
            return Err(SparkError::new(class, format!("The Spark Connect plan is invalid. {what}")));
        }
        Ok(RelationKind::Deduplicate {
            input: self.input(deduplicate.input)?,
            columns: (!all).then_some(deduplicate.column_names),
            within_watermark: deduplicate.within_watermark.unwrap_or(false),
        })
    }

    fn subquery_alias(&mut self, alias: proto::SubqueryAlias) -> SparkResult<RelationKind> {
        Ok(RelationKind::SubqueryAlias {
            input: self.input(alias.input)?,
            alias: alias.alias,
            qualifier: alias.qualifier,
            columns: Vec::new(),
        })
    }

    fn repartition(&mut self, repartition: proto::Repartition) -> SparkResult<RelationKind> {
        Ok(RelationKind::Repartition {
            input: self.input(repartition.input)?,
            partitions: positive(repartition.num_partitions)?,
            shuffle: repartition.shuffle.unwrap_or(false),
        })
    }

    fn repartition_by_expression(&mut self, by: proto::RepartitionByExpression) -> SparkResult<RelationKind> {
        Ok(RelationKind::RepartitionByExpression {
            input: self.input(by.input)?,
            expressions: self.expressions(by.partition_exprs)?,
            partitions: by.num_partitions.map(positive).transpose()?,
        })
    }

    fn with_columns_renamed(&mut self, renamed: proto::WithColumnsRenamed) -> SparkResult<RelationKind> {
        let mut renames: Vec<_> =
            renamed.renames.into_iter().map(|rename| (rename.col_name, rename.new_col_name)).collect();
        renames.extend(renamed.rename_columns_map);
        Ok(RelationKind::RenameColumns { input: self.input(renamed.input)?, renames })
    }

    fn with_columns(&mut self, with: proto::WithColumns) -> SparkResult<RelationKind> {
        let input = self.input(with.input)?;
        let mut columns = Vec::with_capacity(with.aliases.len());
        for alias in with.aliases {
            if alias.name.len() != 1 {
                let got = alias.name.join(", ");
                return Err(SparkError::new(
                    "CONNECT_INVALID_PLAN.WITH_COLUMNS_REQUIRE_SINGLE_NAME_PART",
                    format!(
                        "The Spark Connect plan is invalid. WithColumns require column name only contains one name \
                         part, but got {got}"
                    ),
                )
                .with("got", got));
            }
            columns.push(self.alias(alias)?);
        }
        Ok(RelationKind::WithColumns { input, columns })
    }

    fn drop_columns(&mut self, drop: proto::Drop) -> SparkResult<RelationKind> {
        let input = self.input(drop.input)?;
        Ok(RelationKind::Drop { input, columns: self.expressions(drop.columns)?, names: drop.column_names })
    }

    fn hint(&mut self, hint: proto::Hint) -> SparkResult<RelationKind> {
        let input = self.input(hint.input)?;
        Ok(RelationKind::Hint { input, name: hint.name, parameters: self.expressions(hint.parameters)? })
    }

    fn unpivot(&mut self, unpivot: proto::Unpivot) -> SparkResult<RelationKind> {
        let input = *self.input(unpivot.input)?;
        let ids = Some(self.expressions(unpivot.ids)?);
        let values = match unpivot.values {
            None => None,
            Some(values) => {
                let columns = self.expressions(values.values)?;
                Some(columns.into_iter().map(|column| UnpivotValue { columns: vec![column], alias: None }).collect())
            }
        };
        Ok(RelationKind::Unpivot(Box::new(Unpivot {
            input,
            ids,
            values,
            variable: unpivot.variable_column_name,
            value_names: vec![unpivot.value_column_name],
            include_nulls: true,
        })))
    }

    fn with_schema(&mut self, to: proto::ToSchema) -> SparkResult<RelationKind> {
        let schema = struct_type(required(to.schema, "ToSchema.schema")?)?;
        Ok(RelationKind::ToSchema { input: self.input(to.input)?, schema })
    }

    fn transpose(&mut self, transpose: proto::Transpose) -> SparkResult<RelationKind> {
        let input = self.input(transpose.input)?;
        Ok(RelationKind::Transpose { input, index: self.expressions(transpose.index_columns)? })
    }

    fn collect_metrics(&mut self, collect: proto::CollectMetrics) -> SparkResult<RelationKind> {
        let input = self.input(collect.input)?;
        Ok(RelationKind::CollectMetrics { input, name: collect.name, metrics: self.expressions(collect.metrics)? })
    }

    fn parse(&mut self, parse: proto::Parse) -> SparkResult<RelationKind> {
        use proto::parse::ParseFormat as Format;
        let format = match Format::try_from(parse.format) {
            Ok(Format::Csv) => ParseFormat::Csv,
            Ok(Format::Json) => ParseFormat::Json,
            Ok(Format::Xml) => ParseFormat::Xml,
            Ok(Format::Unspecified) | Err(_) => return Err(invalid_enum("Parse.format", parse.format)),
        };
        Ok(RelationKind::Parse {
            input: self.input(parse.input)?,
            format,
            schema: parse.schema.map(data_type).transpose()?,
            options: options(parse.options),
        })
    }

    fn with_watermark(&mut self, with: proto::WithWatermark) -> SparkResult<RelationKind> {
        let input = self.input(with.input)?;
        Ok(RelationKind::WithWatermark { input, event_time: with.event_time, delay: with.delay_threshold })
    }

    fn show_string(&mut self, show: proto::ShowString) -> SparkResult<RelationKind> {
        Ok(RelationKind::ShowString {
            input: self.input(show.input)?,
            rows: size(show.num_rows),
            truncate: size(show.truncate),
            vertical: show.vertical,
        })
    }

    fn html_string(&mut self, html: proto::HtmlString) -> SparkResult<RelationKind> {
        let (rows, truncate) = (size(html.num_rows), size(html.truncate));
        Ok(RelationKind::HtmlString { input: self.input(html.input)?, rows, truncate })
    }

    fn table_valued_function(&mut self, function: proto::UnresolvedTableValuedFunction) -> SparkResult<RelationKind> {
        let arguments = self.expressions(function.arguments)?;
        Ok(RelationKind::TableFunction { name: vec![function.function_name], arguments })
    }
}

fn range_relation(range: &proto::Range) -> RelationKind {
    RelationKind::Range {
        start: range.start.unwrap_or(0),
        end: range.end,
        step: range.step,
        partitions: range.num_partitions.map(size),
    }
}

fn local_relation(local: proto::LocalRelation) -> SparkResult<RelationKind> {
    super::source::local(local.data, local.schema.as_deref())
}

fn positive(partitions: i32) -> SparkResult<usize> {
    usize::try_from(partitions).ok().filter(|partitions| *partitions > 0).ok_or_else(|| {
        SparkError::new("_LEGACY_ERROR_TEMP_2007", format!("Number of partitions ({partitions}) must be positive."))
            .with("numPartitions", partitions.to_string())
    })
}
