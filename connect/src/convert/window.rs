//! Window expressions.

use firesteel_spec::{Expr, FrameBound, FrameUnits, SparkError, SparkResult, WindowFrame, WindowSpec};

use super::{Converter, invalid_enum, required};
use crate::proto::expression::Window;
use crate::proto::expression::window::window_frame::frame_boundary::Boundary;
use crate::proto::expression::window::window_frame::{FrameBoundary, FrameType};

impl Converter<'_> {
    pub(super) fn window(&mut self, window: Window) -> SparkResult<Expr> {
        let frame = match window.frame_spec {
            None => None,
            Some(frame) => {
                let units = match FrameType::try_from(frame.frame_type) {
                    Ok(FrameType::Row) => FrameUnits::Rows,
                    Ok(FrameType::Range) => FrameUnits::Range,
                    Ok(FrameType::Undefined) | Err(_) => {
                        return Err(invalid_enum("Expression.Window.WindowFrame.frame_type", frame.frame_type));
                    }
                };
                let lower = self.frame_bound(frame.lower.map(|bound| *bound), "LOWER", "LowerBound")?;
                let upper = self.frame_bound(frame.upper.map(|bound| *bound), "UPPER", "UpperBound")?;
                Some(WindowFrame { units, lower, upper })
            }
        };
        let function = window.window_function.ok_or_else(|| {
            SparkError::new(
                "CONNECT_INVALID_PLAN.WINDOW_FUNCTION_REQUIRED",
                "The Spark Connect plan is invalid. WindowFunction is required in WindowExpression",
            )
        })?;
        Ok(Expr::Window {
            function: Box::new(self.expression(*function)?),
            spec: Box::new(WindowSpec {
                partition_by: self.expressions(window.partition_spec)?,
                order_by: self.sort_orders(window.order_spec)?,
                frame,
            }),
        })
    }

    fn frame_bound(&mut self, bound: Option<FrameBoundary>, class: &str, what: &str) -> SparkResult<FrameBound> {
        let bound = bound.ok_or_else(|| {
            SparkError::new(
                format!("CONNECT_INVALID_PLAN.{class}_BOUND_REQUIRED_IN_WINDOW_FRAME"),
                format!("The Spark Connect plan is invalid. {what} is required in WindowFrame"),
            )
        })?;
        Ok(match required(bound.boundary, "Expression.Window.WindowFrame.FrameBoundary.boundary")? {
            Boundary::CurrentRow(_) => FrameBound::CurrentRow,
            Boundary::Unbounded(_) => FrameBound::Unbounded,
            Boundary::Value(value) => FrameBound::Value(Box::new(self.expression(*value)?)),
        })
    }
}
