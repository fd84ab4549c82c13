//! DataFusion's view of [`Storage`]: the store for a URL, made when it is first asked for.

use std::sync::Arc;

use datafusion::common::{DataFusionError, Result};
use datafusion::execution::object_store::ObjectStoreRegistry;
use firesteel_storage::Storage;
use object_store::ObjectStore;
use url::Url;

/// An [`ObjectStoreRegistry`] whose every request is metered by its [`Storage`].
#[derive(Debug)]
pub struct StorageRegistry(pub Storage);

impl ObjectStoreRegistry for StorageRegistry {
    /// Stores come from [`Storage`] alone; a registered one is ignored.
    fn register_store(&self, url: &Url, _store: Arc<dyn ObjectStore>) -> Option<Arc<dyn ObjectStore>> {
        self.get_store(url).ok()
    }

    fn get_store(&self, url: &Url) -> Result<Arc<dyn ObjectStore>> {
        self.0.store(url).map_err(|error| DataFusionError::External(Box::new(error)))
    }
}
