//! [`TaskPlace`]: what a function knows of the task that it runs in, as an extension of DataFusion's options; and
//! [`TaskUdf`], a function that asks for it.
//!
//! Random numbers and ids of rows differ from task to task, go on from batch to batch within one, and are the same when
//! the task runs again.

use std::any::Any;
use std::collections::HashMap;
use std::hash::{Hash, Hasher};
use std::sync::{Arc, LazyLock, Mutex, PoisonError};

use arrow::array::{ArrayRef, BooleanArray};
use arrow::datatypes::{DataType, Field, FieldRef};
use datafusion::common::config::{ConfigEntry, ConfigExtension, ExtensionOptions};
use datafusion::common::{Result, config_err};
use datafusion::logical_expr::{
    ColumnarValue, ReturnFieldArgs, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature, TypeSignature, Volatility,
};

use crate::typed::Typed;

/// A task's number in its stage, and where its functions stand in their sequences.
#[derive(Debug, Clone, Default)]
pub struct TaskPlace {
    index: u32,
    sequences: Arc<Mutex<HashMap<i64, Box<dyn Any + Send>>>>,
}

impl TaskPlace {
    /// For one attempt of a task.
    pub fn new(index: u32) -> Self {
        Self { index, ..Self::default() }
    }

    pub(crate) fn index(&self) -> u32 {
        self.index
    }

    /// What `take` makes of the sequence of the call with this number, from where it stands.
    pub(crate) fn resume<T: Send + 'static, R>(
        &self,
        call: i64,
        make: impl FnOnce() -> T,
        take: impl FnOnce(&mut T) -> R,
    ) -> R {
        let mut sequences = self.sequences.lock().unwrap_or_else(PoisonError::into_inner);
        match sequences.get_mut(&call).and_then(|sequence| sequence.downcast_mut()) {
            Some(sequence) => take(sequence),
            None => {
                let mut sequence = make();
                let taken = take(&mut sequence);
                sequences.insert(call, Box::new(sequence));
                taken
            }
        }
    }
}

impl ConfigExtension for TaskPlace {
    const PREFIX: &'static str = "firesteel_task";
}

impl ExtensionOptions for TaskPlace {
    fn as_any(&self) -> &dyn Any {
        self
    }

    fn as_any_mut(&mut self) -> &mut dyn Any {
        self
    }

    fn cloned(&self) -> Box<dyn ExtensionOptions> {
        Box::new(self.clone())
    }

    fn set(&mut self, key: &str, _: &str) -> Result<()> {
        config_err!("a task's {key} is no setting")
    }

    fn entries(&self) -> Vec<ConfigEntry> {
        Vec::new()
    }
}

/// An argument that is no constant, for volatile functions: DataFusion takes what has constants alone as its arguments for
/// a constant, and drops a sort by it.
pub(crate) static MARK: LazyLock<Arc<ScalarUDF>> = LazyLock::new(|| {
    TaskUdf::udf("spark_mark", DataType::Boolean, |_, rows, _| Ok(Arc::new(BooleanArray::from(vec![false; rows]))))
});

/// The mark, if a function is a volatile one of ours with arguments.
pub(crate) fn mark_of(function: &ScalarUDF, arguments: usize) -> Option<Typed> {
    let is_ours = function.name().starts_with("spark_");
    let is_marked = is_ours && arguments > 0 && function.signature().volatility == Volatility::Volatile;
    is_marked.then(|| Typed::new(MARK.call(Vec::new()), firesteel_spec::DataType::Boolean, false, ""))
}

/// A volatile function's own arguments.
pub(crate) fn without_mark<T>(args: &[T]) -> &[T] {
    args.split_last().map_or(&[], |(_, own)| own)
}

/// As [`crate::kernel::Kernel`], with the task.
pub(crate) type TaskKernel = fn(&[ArrayRef], usize, &TaskPlace) -> Result<ArrayRef>;

/// A volatile function that is never null.
#[derive(Debug)]
pub(crate) struct TaskUdf {
    name: &'static str,
    signature: Signature,
    data_type: DataType,
    kernel: TaskKernel,
}

impl TaskUdf {
    pub fn udf(name: &'static str, data_type: DataType, kernel: TaskKernel) -> Arc<ScalarUDF> {
        // `VariadicAny` alone wants an argument.
        let any = vec![TypeSignature::Nullary, TypeSignature::VariadicAny];
        let signature = Signature::one_of(any, Volatility::Volatile);
        Arc::new(ScalarUDF::from(Self { name, signature, data_type, kernel }))
    }
}

impl PartialEq for TaskUdf {
    fn eq(&self, other: &Self) -> bool {
        self.name == other.name
    }
}

impl Eq for TaskUdf {}

impl Hash for TaskUdf {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.name.hash(state);
    }
}

impl ScalarUDFImpl for TaskUdf {
    fn name(&self) -> &str {
        self.name
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        Ok(self.data_type.clone())
    }

    fn return_field_from_args(&self, _: ReturnFieldArgs<'_>) -> Result<FieldRef> {
        Ok(Arc::new(Field::new("value", self.data_type.clone(), false)))
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let rows = args.number_rows;
        let arrays = without_mark(&args.args).iter().map(|value| value.to_array(rows)).collect::<Result<Vec<_>>>()?;
        let place = args.config_options.extensions.get::<TaskPlace>().cloned().unwrap_or_default();
        (self.kernel)(&arrays, rows, &place).map(ColumnarValue::Array)
    }
}
