//! `PIVOT` and `UNPIVOT`.

use firesteel_spec::{Pivot, PivotValue, Relation, RelationKind, SparkError, SparkResult, Unpivot, UnpivotValue};

use crate::parser::Parser;

impl Parser<'_> {
    /// `PIVOT (sum(a) FOR b IN (1, 2))`
    pub(super) fn pivot(&mut self, input: Relation) -> SparkResult<Relation> {
        self.expect("PIVOT")?;
        let (aggregates, pivot) = self.parenthesised(|parser| {
            let aggregates = parser.named_expressions()?;
            parser.expect("FOR")?;
            let columns =
                if parser.symbol("(") { parser.list(Self::pivot_column)? } else { vec![parser.pivot_column()?] };
            parser.expect("IN")?;
            let values = parser.list(Self::pivot_value)?;
            Ok((aggregates, Pivot { columns, values }))
        })?;
        let pivot = RelationKind::Pivot { input: Box::new(input), aggregates, pivot: Box::new(pivot) };
        self.aliased(pivot.into())
    }

    fn pivot_column(&mut self) -> SparkResult<firesteel_spec::Expr> {
        self.nested(Self::primary)
    }

    fn pivot_value(&mut self) -> SparkResult<PivotValue> {
        let value = self.expression()?;
        let named = self.take("AS") || self.at_bare_alias();
        let alias = if named { Some(self.strict_identifier()?) } else { None };
        Ok(PivotValue { value, alias })
    }

    /// `UNPIVOT [INCLUDE NULLS] (value FOR name IN (a, b AS c))`, or with several values for each row.
    pub(super) fn unpivot(&mut self, input: Relation) -> SparkResult<Relation> {
        let start = self.position;
        self.expect("UNPIVOT")?;
        let include_nulls = self.take_all("INCLUDE NULLS");
        if !include_nulls {
            self.take_all("EXCLUDE NULLS");
        }
        let (variable, value_names, values) = self.parenthesised(|parser| {
            let several = parser.symbol("(");
            let names = if several { parser.identifier_list()? } else { vec![parser.strict_identifier()?] };
            parser.expect("FOR")?;
            let variable = parser.strict_identifier()?;
            parser.expect("IN")?;
            let values = parser.list(|parser| parser.unpivot_value(several))?;
            Ok((variable, names, values))
        })?;
        if values.iter().any(|value: &UnpivotValue| value.columns.len() != value_names.len()) {
            let names = value_names.join(", ");
            let message = format!("each of UNPIVOT's rows has to have as many columns as there are names ({names})");
            return Err(self.at(start, SparkError::new("UNPIVOT_VALUE_SIZE_MISMATCH", message).with("names", names)));
        }
        let values = Some(values);
        let unpivot = Unpivot { input, ids: None, values, variable, value_names, include_nulls };
        self.aliased(RelationKind::Unpivot(Box::new(unpivot)).into())
    }

    fn unpivot_value(&mut self, several: bool) -> SparkResult<UnpivotValue> {
        let columns = if several { self.list(Self::pivot_column)? } else { vec![self.pivot_column()?] };
        let named = self.take("AS") || self.at_bare_alias();
        let alias = if named { Some(self.strict_identifier()?) } else { None };
        Ok(UnpivotValue { columns, alias })
    }
}
