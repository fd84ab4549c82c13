//! `UNION`, `INTERSECT` and `EXCEPT`.

use datafusion::common::JoinType;
use datafusion::logical_expr::{Expr as DfExpr, LogicalPlanBuilder, Operator};
use firesteel_functions::{Typed, wider};
use firesteel_spec::{DataType, SetOperator, SparkError, SparkResult};

use super::aggregate::as_type;
use super::attribute::{Attribute, same_name};
use super::project::Item;
use super::{Resolved, Resolver, build};

/// How two inputs become one.
#[derive(Debug, Clone, Copy)]
pub(crate) struct SetSpec {
    pub operator: SetOperator,
    pub all: bool,
    pub by_name: bool,
    pub allow_missing_columns: bool,
}

impl Resolver<'_> {
    pub fn set_operation(&self, left: Resolved, right: Resolved, spec: SetSpec) -> SparkResult<Resolved> {
        let (left, right) =
            if spec.by_name { self.aligned_by_name(left, right, spec.allow_missing_columns)? } else { (left, right) };
        let (left, right) = self.aligned(left, right, spec.operator)?;
        match (spec.operator, spec.all) {
            (SetOperator::Union, true) => self.union(left, right),
            (SetOperator::Union, false) => {
                let union = self.union(left, right)?;
                let plan = build(LogicalPlanBuilder::new(union.plan).distinct())?;
                Ok(Resolved::new(plan, union.output))
            }
            (SetOperator::Intersect, all) => self.matching(left, right, JoinType::LeftSemi, all),
            (SetOperator::Except, all) => self.matching(left, right, JoinType::LeftAnti, all),
        }
    }

    fn union(&self, left: Resolved, right: Resolved) -> SparkResult<Resolved> {
        // The columns of a union are named as those of its first input.
        let columns: Vec<DfExpr> =
            right.output.iter().zip(&left.output).map(|(from, to)| from.column().alias(&to.id)).collect();
        let right_plan = build(LogicalPlanBuilder::new(right.plan).project(columns))?;
        let plan = build(LogicalPlanBuilder::new(left.plan).union(right_plan))?;
        let output = left.output.into_iter().zip(&right.output).map(|(column, other)| Attribute {
            nullable: column.nullable || other.nullable,
            qualifier: Vec::new(),
            ..column
        });
        Ok(Resolved::new(plan, output.collect()))
    }

    /// Rows of the left that the right has, or has not. Where rows count (`ALL`), each is told from its equals by its
    /// number among them.
    fn matching(&self, left: Resolved, right: Resolved, kind: JoinType, all: bool) -> SparkResult<Resolved> {
        let (left_plan, right_plan, numbers) = if all {
            let (left_plan, left_number) = self.numbered(&left)?;
            let (right_plan, right_number) = self.numbered(&right)?;
            (left_plan, right_plan, Some((left_number, right_number)))
        } else {
            (build(LogicalPlanBuilder::new(left.plan.clone()).distinct())?, right.plan.clone(), None)
        };
        let same = |from: DfExpr, to: DfExpr| {
            let boolean = DataType::Boolean;
            let (from, to) = (Typed::new(from, boolean.clone(), true, ""), Typed::new(to, boolean.clone(), true, ""));
            Typed::binary(from, Operator::IsNotDistinctFrom, to, boolean, "").expr
        };
        let mut conditions: Vec<DfExpr> =
            left.output.iter().zip(&right.output).map(|(from, to)| same(from.column(), to.column())).collect();
        if let Some((from, to)) = numbers {
            conditions.push(same(from, to));
        }
        let plan = build(LogicalPlanBuilder::new(left_plan).join_on(right_plan, kind, conditions))?;
        self.only_output(Resolved::new(plan, left.output))
    }

    /// The input with each row's number among its equals.
    fn numbered(&self, input: &Resolved) -> SparkResult<(datafusion::logical_expr::LogicalPlan, DfExpr)> {
        use datafusion::logical_expr::ExprFunctionExt;
        let id = self.fresh_id();
        let columns: Vec<DfExpr> = input.output.iter().map(Attribute::column).collect();
        let number = datafusion::functions_window::expr_fn::row_number()
            .partition_by(columns)
            .build()
            .map_err(super::plan_error)?;
        let plan = build(LogicalPlanBuilder::new(input.plan.clone()).window(vec![number.alias(&id)]))?;
        Ok((plan, DfExpr::Column(datafusion::common::Column::new_unqualified(id))))
    }

    /// Both inputs with as many columns of the same types.
    pub fn aligned(&self, left: Resolved, right: Resolved, operator: SetOperator) -> SparkResult<(Resolved, Resolved)> {
        let word = match operator {
            SetOperator::Union => "UNION",
            SetOperator::Intersect => "INTERSECT",
            SetOperator::Except => "EXCEPT",
        };
        if left.output.len() != right.output.len() {
            return Err(SparkError::new(
                "NUM_COLUMNS_MISMATCH",
                format!("{word}: the first input has {} columns, the second {}", left.output.len(), right.output.len()),
            )
            .with("operator", word)
            .with("firstNumColumns", left.output.len().to_string())
            .with("invalidOrdinalNum", "second")
            .with("invalidNumColumns", right.output.len().to_string()));
        }
        let mut types = Vec::with_capacity(left.output.len());
        for (index, (from, to)) in left.output.iter().zip(&right.output).enumerate() {
            let common = wider(&from.data_type, &to.data_type, self.settings().ansi);
            types.push(common.ok_or_else(|| {
                SparkError::new(
                    "INCOMPATIBLE_COLUMN_TYPE",
                    format!(
                        "{word}: column {} is {} in one input and {} in the other",
                        index + 1,
                        from.data_type,
                        to.data_type
                    ),
                )
                .with("operator", word)
                .with("columnOrdinalNumber", (index + 1).to_string())
                .with("dataType1", format!("\"{}\"", to.data_type))
                .with("dataType2", format!("\"{}\"", from.data_type))
            })?);
        }
        Ok((self.with_types(left, &types)?, self.with_types(right, &types)?))
    }

    fn with_types(&self, input: Resolved, types: &[DataType]) -> SparkResult<Resolved> {
        if input.output.iter().zip(types).all(|(column, data_type)| column.data_type == *data_type) {
            return self.only_output(input);
        }
        let items = input
            .output
            .iter()
            .zip(types)
            .map(|(column, data_type)| {
                let typed = as_type(self, column.typed(), data_type)?;
                Ok(Item { typed, ..Item::column(column) })
            })
            .collect::<SparkResult<Vec<_>>>()?;
        self.project_items(input, items)
    }

    fn aligned_by_name(
        &self,
        left: Resolved,
        right: Resolved,
        allow_missing: bool,
    ) -> SparkResult<(Resolved, Resolved)> {
        let sensitive = self.options.case_sensitive;
        let find = |columns: &[Attribute], name: &str| {
            columns.iter().find(|column| same_name(&column.name, name, sensitive)).cloned()
        };
        let missing = |column: &Attribute, known: &[Attribute]| {
            let names: Vec<_> = known.iter().map(|column| column.name.clone()).collect();
            SparkError::new(
                "UNRESOLVED_COLUMN_AMONG_FIELD_NAMES",
                format!("one input has no column {}; it has {}", column.name, names.join(", ")),
            )
            .with("colName", format!("\"{}\"", column.name))
            .with("fieldNames", names.join(", "))
        };
        let null = |column: &Attribute| Item::named(Typed::null(column.data_type.clone()), &column.name);
        let mut from_right = Vec::new();
        for column in &left.output {
            from_right.push(match find(&right.output, &column.name) {
                Some(other) => Item::column(&other),
                None if allow_missing => null(column),
                None => return Err(missing(column, &right.output)),
            });
        }
        let mut from_left: Vec<Item> = left.output.iter().map(Item::column).collect();
        for column in right.output.iter().filter(|column| find(&left.output, &column.name).is_none()) {
            if !allow_missing {
                return Err(missing(column, &left.output));
            }
            from_left.push(null(column));
            from_right.push(Item::column(column));
        }
        Ok((self.project_items(left, from_left)?, self.project_items(right, from_right)?))
    }
}
