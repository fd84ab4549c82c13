//! stub
use crate::parser::Parser;
use firesteel_spec::{Plan, SparkResult};
impl Parser<'_> {
    pub fn single_statement(&mut self) -> SparkResult<Plan> { Ok(Plan::Query(self.single_query()?)) }
    pub fn statements(&mut self) -> SparkResult<Vec<Plan>> { Err(self.unexpected()) }
    pub fn properties(&mut self) -> SparkResult<firesteel_spec::Options> { Err(self.unexpected()) }
}
