//! The folder of a table's files. What a job writes there becomes visible by the commit of its coordinator (JOB-4).

use firesteel_spec::SparkResult;
use firesteel_storage::{Storage, to_url};

use crate::error::from_storage;

pub(crate) struct Folder {
    storage: Storage,
    /// Without a slash at its end.
    url: String,
}

impl Folder {
    /// `path` is a local path or a URL.
    pub fn at(storage: &Storage, path: &str) -> SparkResult<Self> {
        let url = to_url(path).map_err(|error| from_storage(&error))?;
        Ok(Self { storage: storage.clone(), url: url.as_str().trim_end_matches('/').to_owned() })
    }

    pub fn url(&self) -> &str {
        &self.url
    }

    /// As Spark shows paths.
    pub fn shown(&self) -> String {
        self.url.replacen("file:///", "file:/", 1)
    }

    /// Is anything there?
    pub async fn exists(&self) -> SparkResult<bool> {
        let is_local_folder = self.url.parse::<url::Url>().ok().and_then(|url| url.to_file_path().ok());
        if is_local_folder.is_some_and(|path| path.exists()) {
            return Ok(true);
        }
        Ok(!self.storage.list(&self.url).await.map_err(|error| from_storage(&error))?.is_empty())
    }
}
