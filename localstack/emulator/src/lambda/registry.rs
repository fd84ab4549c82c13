//! The functions that are deployed: in memory, and in one JSON file each, so that they outlive the emulator.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use parking_lot::Mutex;
use tempfile::NamedTempFile;
use tracing::warn;

use super::api_error::ApiError;
use super::function::{Function, arn};
use crate::error::EmulatorError;

#[derive(Debug)]
pub(super) struct Registry {
    dir: PathBuf,
    by_name: Mutex<BTreeMap<String, Arc<Function>>>,
}

impl Registry {
    pub(super) fn open(dir: &Path) -> Result<Self, EmulatorError> {
        fs::create_dir_all(dir).map_err(EmulatorError::state(dir))?;
        let mut by_name = BTreeMap::new();
        for entry in fs::read_dir(dir).map_err(EmulatorError::state(dir))? {
            let path = entry.map_err(EmulatorError::state(dir))?.path();
            if path.extension().is_none_or(|extension| extension != "json") {
                continue;
            }
            let description = fs::read(&path).map_err(EmulatorError::state(&path))?;
            match serde_json::from_slice::<Function>(&description) {
                Ok(function) => {
                    by_name.insert(function.name.clone(), Arc::new(function));
                }
                Err(error) => warn!(path = %path.display(), %error, "function left out"),
            }
        }
        Ok(Self { dir: dir.to_owned(), by_name: Mutex::new(by_name) })
    }

    pub(super) fn all(&self) -> Vec<Arc<Function>> {
        self.by_name.lock().values().cloned().collect()
    }

    pub(super) fn get(&self, name: &str) -> Result<Arc<Function>, ApiError> {
        self.by_name.lock().get(name).cloned().ok_or_else(|| ApiError::not_found(&arn(name)))
    }

    pub(super) fn create(&self, function: Function) -> Result<Arc<Function>, ApiError> {
        let mut by_name = self.by_name.lock();
        if by_name.contains_key(&function.name) {
            return Err(ApiError::conflict(format!("Function already exist: {}", function.name)));
        }
        self.keep(&mut by_name, function)
    }

    /// Changes a function; what `change` sees is what its result replaces.
    pub(super) fn update(
        &self,
        name: &str,
        change: impl FnOnce(Function) -> Result<Function, ApiError>,
    ) -> Result<Arc<Function>, ApiError> {
        let mut by_name = self.by_name.lock();
        let current = by_name.get(name).ok_or_else(|| ApiError::not_found(&arn(name)))?;
        let changed = change(Function::clone(current))?;
        self.keep(&mut by_name, changed)
    }

    pub(super) fn delete(&self, name: &str) -> Result<(), ApiError> {
        let mut by_name = self.by_name.lock();
        by_name.remove(name).ok_or_else(|| ApiError::not_found(&arn(name)))?;
        fs::remove_file(self.path(name)).map_err(|error| ApiError::service(error.to_string()))
    }

    fn keep(
        &self,
        by_name: &mut BTreeMap<String, Arc<Function>>,
        function: Function,
    ) -> Result<Arc<Function>, ApiError> {
        let failed = |error: String| ApiError::service(format!("keep function {}: {error}", function.name));
        let file = NamedTempFile::new_in(&self.dir).map_err(|error| failed(error.to_string()))?;
        serde_json::to_writer(&file, &function).map_err(|error| failed(error.to_string()))?;
        file.persist(self.path(&function.name)).map_err(|error| failed(error.to_string()))?;
        let function = Arc::new(function);
        by_name.insert(function.name.clone(), Arc::clone(&function));
        Ok(function)
    }

    fn path(&self, name: &str) -> PathBuf {
        self.dir.join(format!("{name}.json"))
    }
}
