//! Users' functions that come with a plan.

use firesteel_spec::{InlineFunction, PythonFunction, SparkError, SparkResult, UnsupportedFunction};

use super::data_type::data_type;
use super::{Converter, required};
use crate::proto;
use crate::proto::common_inline_user_defined_function::Function;
use crate::proto::common_inline_user_defined_table_function::Function as TableFunction;

impl Converter<'_> {
    pub(super) fn inline_function(
        &mut self,
        proto: proto::CommonInlineUserDefinedFunction,
    ) -> SparkResult<InlineFunction> {
        let function = match required(proto.function, "CommonInlineUserDefinedFunction.function")? {
            Function::PythonUdf(python) => Ok(PythonFunction {
                output_type: python.output_type.map(data_type).transpose()?,
                eval_type: python.eval_type,
                command: python.command.to_vec(),
                python_version: python.python_ver,
            }),
            Function::ScalarScalaUdf(_) => Err(UnsupportedFunction { language: "Scala".to_owned() }),
            Function::JavaUdf(_) => Err(UnsupportedFunction { language: "Java".to_owned() }),
        };
        Ok(InlineFunction {
            name: proto.function_name,
            deterministic: proto.deterministic,
            distinct: proto.is_distinct,
            arguments: self.expressions(proto.arguments)?,
            function,
        })
    }

    pub(super) fn inline_table_function(
        &mut self,
        proto: proto::CommonInlineUserDefinedTableFunction,
    ) -> SparkResult<InlineFunction> {
        let TableFunction::PythonUdtf(python) =
            required(proto.function, "CommonInlineUserDefinedTableFunction.function")?;
        Ok(InlineFunction {
            name: proto.function_name,
            deterministic: proto.deterministic,
            distinct: false,
            arguments: self.expressions(proto.arguments)?,
            function: Ok(PythonFunction {
                output_type: python.return_type.map(data_type).transpose()?,
                eval_type: python.eval_type,
                command: python.command.to_vec(),
                python_version: python.python_ver,
            }),
        })
    }

    pub(super) fn map_partitions(&mut self, map: proto::MapPartitions) -> SparkResult<firesteel_spec::RelationKind> {
        if map.profile_id.is_some_and(|profile| profile > 0) {
            return Err(SparkError::unsupported("a resource profile of mapInPandas or mapInArrow"));
        }
        Ok(firesteel_spec::RelationKind::MapPartitions {
            input: self.input(map.input)?,
            function: self.inline_function(required(map.func, "MapPartitions.func")?)?,
            barrier: map.is_barrier.unwrap_or(false),
        })
    }

    pub(super) fn group_map(&mut self, group: proto::GroupMap) -> SparkResult<firesteel_spec::RelationKind> {
        if group.initial_input.is_some()
            || group.state_schema.is_some()
            || group.transform_with_state_info.is_some()
            || group.is_map_groups_with_state.unwrap_or(false)
        {
            return Err(SparkError::unsupported("groups with state"));
        }
        if !group.sorting_expressions.is_empty() {
            return Err(SparkError::unsupported("sorted groups of a GroupMap"));
        }
        Ok(firesteel_spec::RelationKind::GroupMap {
            input: self.input(group.input)?,
            grouping: self.expressions(group.grouping_expressions)?,
            function: self.inline_function(required(group.func, "GroupMap.func")?)?,
        })
    }

    pub(super) fn co_group_map(&mut self, group: proto::CoGroupMap) -> SparkResult<firesteel_spec::RelationKind> {
        if !group.input_sorting_expressions.is_empty() || !group.other_sorting_expressions.is_empty() {
            return Err(SparkError::unsupported("sorted groups of a CoGroupMap"));
        }
        Ok(firesteel_spec::RelationKind::CoGroupMap {
            left: self.input(group.input)?,
            left_grouping: self.expressions(group.input_grouping_expressions)?,
            right: self.input(group.other)?,
            right_grouping: self.expressions(group.other_grouping_expressions)?,
            function: self.inline_function(required(group.func, "CoGroupMap.func")?)?,
        })
    }
}
