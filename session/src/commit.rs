//! The folder of a table's files, and the commit of new ones.
//!
//! Functions write below `_temporary`, where no reader looks. The driver then moves each file to its place, under a name
//! that no other job gives, and only then deletes what an overwrite replaces: a reader in between may see old and new
//! rows, and a driver that dies there leaves both. Until the journal does it (JOB-4) that is the gap.

use std::collections::HashSet;

use firesteel_formats::WrittenFile;
use firesteel_spec::{SparkError, SparkResult};
use firesteel_storage::{Storage, to_url};
use futures::stream::{self, StreamExt, TryStreamExt};
use uuid::Uuid;

use crate::error::from_storage;

/// Files moved at a time.
const MOVES_AT_A_TIME: usize = 32;
/// The empty object that says that a write has ended.
const SUCCESS: &str = "_SUCCESS";

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

    /// Makes `files` visible, and with `overwrites` nothing else: nothing else in their folders, if `is_dynamic`.
    pub async fn commit(&self, files: Vec<WrittenFile>, overwrites: bool, is_dynamic: bool) -> SparkResult<()> {
        let old = if overwrites { self.replaced(&files, is_dynamic).await? } else { Vec::new() };
        let job = Uuid::new_v4();
        let moves = files.iter().enumerate().map(|(index, file)| {
            let name = file.url.rsplit('/').next().unwrap_or_default();
            let extension = name.find('.').map_or("", |dot| &name[dot..]);
            let folder = if file.folder.is_empty() { String::new() } else { format!("{}/", file.folder) };
            (file.url.clone(), format!("{folder}part-{index:05}-{job}-c000{extension}"))
        });
        let moves: Vec<(String, String)> = moves.collect();
        stream::iter(moves)
            .map(|(from, key)| async move {
                let to = self.storage.url_below(&self.url, &key)?;
                self.storage.rename(&from, &to).await
            })
            .buffer_unordered(MOVES_AT_A_TIME)
            .try_collect::<Vec<()>>()
            .await
            .map_err(|error| from_storage(&error))?;
        for url in old {
            self.storage.delete(&url).await.map_err(|error| from_storage(&error))?;
        }
        let success = format!("{}/{SUCCESS}", self.url);
        self.storage.put(&success, bytes::Bytes::new()).await.map_err(|error| from_storage(&error))
    }

    /// What an overwrite deletes.
    async fn replaced(&self, files: &[WrittenFile], is_dynamic: bool) -> SparkResult<Vec<String>> {
        let folders: HashSet<&str> = files.iter().map(|file| file.folder.as_str()).collect();
        let folders = folders.into_iter().map(|folder| self.storage.url_below(&self.url, folder));
        let folders: HashSet<String> = folders.collect::<Result<_, _>>().map_err(|error| from_storage(&error))?;
        let listed = self.storage.list(&self.url).await.map_err(|error| from_storage(&error))?;
        let mut old = Vec::new();
        for object in listed {
            let Some(below) = object.url.strip_prefix(&self.url).map(|below| below.trim_start_matches('/')) else {
                return Err(SparkError::internal(format!("{} is not below {}", object.url, self.url)));
            };
            if below.starts_with("_temporary/") {
                continue;
            }
            let folder = object.url.rsplit_once('/').map_or("", |(folder, _)| folder);
            if !is_dynamic || folders.contains(folder) {
                old.push(object.url);
            }
        }
        Ok(old)
    }

    /// Deletes what a job has left below its own folder, and the folder of all such if it is empty then.
    pub async fn clean(&self, staging: &str) {
        for url in [staging, &format!("{}/_temporary", self.url)] {
            let is_shared = url != staging;
            if is_shared && !self.storage.list(url).await.is_ok_and(|left| left.is_empty()) {
                return;
            }
            if let Err(error) = self.storage.delete_prefix(url).await {
                tracing::warn!(url, %error, "staged files are left behind");
            }
        }
    }
}
