//! Functions of datafusion-spark under names of our own: several share a name with one of DataFusion's that means
//! something else, and a function finds another by name alone.

use std::sync::Arc;

use arrow::datatypes::{DataType, FieldRef};
use datafusion::common::Result;
use datafusion::logical_expr::{
    ColumnarValue, Expr, ReturnFieldArgs, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature,
};

#[derive(Debug, PartialEq, Eq, Hash)]
struct Renamed {
    name: String,
    inner: Arc<ScalarUDF>,
}

/// The function as `spark_…`.
pub fn renamed(inner: Arc<ScalarUDF>) -> Arc<ScalarUDF> {
    let name = format!("spark_{}", inner.name().trim_start_matches("spark_"));
    Arc::new(ScalarUDF::from(Renamed { name, inner }))
}

impl ScalarUDFImpl for Renamed {
    fn name(&self) -> &str {
        &self.name
    }

    fn schema_name(&self, arguments: &[Expr]) -> Result<String> {
        Ok(crate::kernel::call_name(&self.name, arguments))
    }

    fn signature(&self) -> &Signature {
        self.inner.signature()
    }

    fn coerce_types(&self, arguments: &[DataType]) -> Result<Vec<DataType>> {
        self.inner.coerce_types(arguments)
    }

    fn return_type(&self, arguments: &[DataType]) -> Result<DataType> {
        self.inner.return_type(arguments)
    }

    fn return_field_from_args(&self, args: ReturnFieldArgs<'_>) -> Result<FieldRef> {
        self.inner.return_field_from_args(args)
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        self.inner.invoke_with_args(args)
    }
}
