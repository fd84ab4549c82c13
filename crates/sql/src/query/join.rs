//! Joins.

use firesteel_spec::{JoinKind, Relation, RelationKind, SparkError, SparkResult};

use crate::parser::Parser;

impl Parser<'_> {
    pub(super) fn at_join(&self) -> bool {
        self.is_any(&["JOIN", "INNER", "CROSS", "LEFT", "RIGHT", "FULL", "SEMI", "ANTI", "NATURAL"])
    }

    /// A join of `left` with what comes next.
    pub(super) fn join(&mut self, left: Relation) -> SparkResult<Relation> {
        let start = self.position;
        let natural = self.take("NATURAL");
        let kind = self.join_kind();
        self.expect("JOIN")?;
        if natural && kind == JoinKind::Cross {
            let error = SparkError::new(
                "INCOMPATIBLE_JOIN_TYPES",
                "a NATURAL join compares columns, and a CROSS join does not; leave one of them out",
            );
            return Err(self.at(start, error.with("joinType1", "NATURAL").with("joinType2", "CROSS")));
        }
        let lateral = self.take("LATERAL");
        if lateral && !matches!(kind, JoinKind::Inner | JoinKind::Cross | JoinKind::LeftOuter) {
            let name = self.text_from(start).to_ascii_uppercase().replace(" JOIN LATERAL", "");
            let message = format!("a {name} JOIN with LATERAL cannot be; use an INNER or LEFT OUTER JOIN");
            return Err(self.at(start, SparkError::new("INVALID_LATERAL_JOIN_TYPE", message).with("joinType", name)));
        }
        let right = self.nested(Self::relation_primary)?;
        let mut condition = None;
        let mut using = Vec::new();
        if !natural && self.take("ON") {
            condition = Some(self.expression()?);
        } else if !natural && self.take("USING") {
            using = self.identifier_list()?;
        }
        let (left, right) = (Box::new(left), Box::new(right));
        Ok(RelationKind::Join { left, right, kind, condition, using, natural, lateral }.into())
    }

    fn join_kind(&mut self) -> JoinKind {
        if self.take("CROSS") {
            return JoinKind::Cross;
        }
        let left = self.take("LEFT");
        if self.take("SEMI") {
            return JoinKind::LeftSemi;
        }
        if self.take("ANTI") {
            return JoinKind::LeftAnti;
        }
        let kind = if left {
            JoinKind::LeftOuter
        } else if self.take("RIGHT") {
            JoinKind::RightOuter
        } else if self.take("FULL") {
            JoinKind::FullOuter
        } else {
            self.take("INNER");
            return JoinKind::Inner;
        };
        self.take("OUTER");
        kind
    }
}
