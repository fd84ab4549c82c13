//! Relations of two inputs: joins and set operations.

use firesteel_spec::{
    AsOfDirection, AsOfJoin, JoinKind, NearestBy, RelationKind, SetOperator, SparkError, SparkResult,
};

use super::{Converter, invalid_enum};
use crate::proto;
use crate::proto::join::JoinType;
use crate::proto::set_operation::SetOpType;

/// Rows that a nearest-by join gives for a row at most, as Spark has it.
const NEAREST_MAX: usize = 100_000;

impl Converter<'_> {
    pub(super) fn join(&mut self, join: proto::Join) -> SparkResult<RelationKind> {
        if join.join_data_type.is_some() {
            return Err(SparkError::unsupported("joinWith"));
        }
        if join.join_condition.is_some() && !join.using_columns.is_empty() {
            return Err(SparkError::new(
                "CONNECT_INVALID_PLAN.USING_COLUMNS_OR_JOIN_CONDITION_SET_IN_JOIN",
                "The Spark Connect plan is invalid. Using columns or join conditions cannot be set at the same time in \
                 Join",
            ));
        }
        Ok(RelationKind::Join {
            left: self.input(join.left)?,
            right: self.input(join.right)?,
            kind: join_kind(join.join_type)?,
            condition: self.optional(join.join_condition)?,
            using: join.using_columns,
            natural: false,
            lateral: false,
        })
    }

    pub(super) fn lateral_join(&mut self, join: proto::LateralJoin) -> SparkResult<RelationKind> {
        Ok(RelationKind::Join {
            left: self.input(join.left)?,
            right: self.input(join.right)?,
            kind: join_kind(join.join_type)?,
            condition: self.optional(join.join_condition)?,
            using: Vec::new(),
            natural: false,
            lateral: true,
        })
    }

    pub(super) fn as_of_join(&mut self, join: proto::AsOfJoin) -> SparkResult<RelationKind> {
        let direction = match join.direction.to_lowercase().as_str() {
            "backward" => AsOfDirection::Backward,
            "forward" => AsOfDirection::Forward,
            "nearest" => AsOfDirection::Nearest,
            other => return Err(as_of_option("DIRECTION", other)),
        };
        let kind = match join.join_type.to_lowercase().replace('_', "").as_str() {
            "inner" => JoinKind::Inner,
            "left" | "leftouter" => JoinKind::LeftOuter,
            other => return Err(SparkError::unsupported(format!("an as-of join of the type {other}"))),
        };
        Ok(RelationKind::AsOfJoin(Box::new(AsOfJoin {
            left: *self.input(join.left)?,
            right: *self.input(join.right)?,
            left_as_of: self.boxed(join.left_as_of, "AsOfJoin.left_as_of")?,
            right_as_of: self.boxed(join.right_as_of, "AsOfJoin.right_as_of")?,
            condition: self.optional(join.join_expr)?,
            using: join.using_columns,
            kind,
            tolerance: self.optional(join.tolerance)?,
            allow_exact_matches: join.allow_exact_matches,
            direction,
        })))
    }

    pub(super) fn nearest_by_join(&mut self, join: proto::NearestByJoin) -> SparkResult<RelationKind> {
        let refused = |class: &str, key: &str, found: &str, supported: &str| {
            SparkError::new(
                format!("NEAREST_BY_JOIN.UNSUPPORTED_{class}"),
                format!("Invalid nearest-by join. '{found}' is not supported; {supported} are."),
            )
            .with(key, found)
            .with("supported", supported)
        };
        let kind = match join.join_type.to_lowercase().replace('_', "").as_str() {
            "" | "inner" => JoinKind::Inner,
            "left" | "leftouter" => JoinKind::LeftOuter,
            _ => return Err(refused("JOIN_TYPE", "joinType", &join.join_type, "'INNER', 'LEFT OUTER'")),
        };
        if !["approx", "exact"].contains(&join.mode.to_lowercase().as_str()) {
            return Err(refused("MODE", "mode", &join.mode, "'approx', 'exact'"));
        }
        let descending = match join.direction.to_lowercase().as_str() {
            "distance" => false,
            "similarity" => true,
            other => return Err(refused("DIRECTION", "direction", other, "'distance', 'similarity'")),
        };
        let count = usize::try_from(join.num_results).ok().filter(|count| (1..=NEAREST_MAX).contains(count));
        let count = count.ok_or_else(|| {
            let found = join.num_results.to_string();
            SparkError::new(
                "NEAREST_BY_JOIN.NUM_RESULTS_OUT_OF_RANGE",
                format!("Invalid nearest-by join. The number of results {found} must be between 1 and {NEAREST_MAX}."),
            )
            .with("numResults", found)
            .with("min", "1")
            .with("max", NEAREST_MAX.to_string())
        })?;
        Ok(RelationKind::NearestBy(Box::new(NearestBy {
            left: *self.input(join.left)?,
            right: *self.input(join.right)?,
            ranking: self.boxed(join.ranking_expression, "NearestByJoin.ranking_expression")?,
            count,
            kind,
            descending,
        })))
    }

    pub(super) fn set_operation(&mut self, proto: proto::SetOperation) -> SparkResult<RelationKind> {
        let by_name = proto.by_name.unwrap_or(false);
        let allow_missing_columns = proto.allow_missing_columns.unwrap_or(false);
        let no_names = |class: &str, what: &str| {
            let what = format!("The Spark Connect plan is invalid. {what} does not support union_by_name");
            SparkError::new(format!("CONNECT_INVALID_PLAN.{class}_DOES_NOT_SUPPORT_UNION_BY_NAME"), what)
        };
        let operator = match SetOpType::try_from(proto.set_op_type) {
            Ok(SetOpType::Except) if by_name => return Err(no_names("EXCEPT", "Except")),
            Ok(SetOpType::Intersect) if by_name => return Err(no_names("INTERSECT", "Intersect")),
            Ok(SetOpType::Except) => SetOperator::Except,
            Ok(SetOpType::Intersect) => SetOperator::Intersect,
            Ok(SetOpType::Union) if allow_missing_columns && !by_name => {
                return Err(SparkError::new(
                    "CONNECT_INVALID_PLAN.UNION_BY_NAME_ALLOW_MISSING_COL_REQUIRES_BY_NAME",
                    "The Spark Connect plan is invalid. UnionByName `allowMissingCol` can be true only if `byName` is \
                     true.",
                ));
            }
            Ok(SetOpType::Union) => SetOperator::Union,
            Ok(SetOpType::Unspecified) | Err(_) => {
                return Err(invalid_enum("SetOperation.set_op_type", proto.set_op_type));
            }
        };
        Ok(RelationKind::SetOperation {
            left: self.input(proto.left_input)?,
            right: self.input(proto.right_input)?,
            operator,
            all: proto.is_all.unwrap_or(false),
            by_name,
            allow_missing_columns,
        })
    }
}

fn join_kind(number: i32) -> SparkResult<JoinKind> {
    Ok(match JoinType::try_from(number) {
        Ok(JoinType::Inner) => JoinKind::Inner,
        Ok(JoinType::FullOuter) => JoinKind::FullOuter,
        Ok(JoinType::LeftOuter) => JoinKind::LeftOuter,
        Ok(JoinType::RightOuter) => JoinKind::RightOuter,
        Ok(JoinType::LeftAnti) => JoinKind::LeftAnti,
        Ok(JoinType::LeftSemi) => JoinKind::LeftSemi,
        Ok(JoinType::Cross) => JoinKind::Cross,
        Ok(JoinType::Unspecified) | Err(_) => return Err(invalid_enum("Join.join_type", number)),
    })
}

fn as_of_option(class: &str, value: &str) -> SparkError {
    SparkError::new(
        format!("AS_OF_JOIN.UNSUPPORTED_{class}"),
        format!(
            "Invalid as-of join. Unsupported as-of join {} '{value}'. Supported as-of join directions: 'forward', \
             'backward', 'nearest'.",
            class.to_lowercase()
        ),
    )
    .with(&class.to_lowercase(), value)
}
