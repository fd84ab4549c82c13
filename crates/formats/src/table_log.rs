//! The commit log of a folder of files: all files of a write become visible, or none (JOB-4).
//!
//! ```text
//! table/_temporary/{job}/…        written by functions; nobody looks there
//! table/_firesteel_00000007       the commit: which of those are the table's now, and which files no longer
//! table/part-….parquet            published: moved to where every reader looks
//! table/_firesteel_00000007.done  all is moved and deleted
//! ```
//!
//! Writing the numbered object, which only one of several writers can, is the commit. Whoever reads the table by
//! [`VisibleFiles`] sees it whole from then on and not at all before, wherever the files are meanwhile. Publishing can be
//! repeated by anybody and changes nothing that is done: the writer does it, or else who writes next. Readers that don't
//! know the log see a table between two states until it is published; those that do, never.

use std::collections::{BTreeMap, HashSet};

use bytes::Bytes;
use firesteel_storage::{ObjectInfo, Storage, StorageError, seal, unseal};
use futures::stream::{self, StreamExt, TryStreamExt};
use serde::{Deserialize, Serialize};

use crate::WrittenFile;

/// How the log's objects begin: hidden from all readers, and no folder more than Spark makes.
const LOG: &str = "_firesteel_";
const DONE: &str = ".done";
/// The empty object by which Hadoop's readers know that a write has ended.
const SUCCESS: &str = "_SUCCESS";
const MOVES_AT_A_TIME: usize = 32;
/// Commits that stay in the log: a writer that is slow, or resumed, finds its number taken, and its own commit.
const KEPT: u64 = 32;
const VERSION: u32 = 1;

/// What a commit does to the files that are there. Names are keys below the table's folder.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TableCommit {
    version: u32,
    pub job: String,
    pub added: Vec<AddedFile>,
    pub removed: Vec<String>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AddedFile {
    /// Where it was written.
    pub staged: String,
    /// Where it belongs.
    pub name: String,
}

/// Which files a write replaces.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Replaces {
    Nothing,
    All,
    /// Those in the folders that it writes to: Spark's dynamic partition overwrite.
    ItsFolders,
    /// Those in these folders, written to or not.
    Folders(Vec<String>),
}

#[derive(Debug, thiserror::Error)]
pub enum CommitError {
    #[error("commit to {table}")]
    Store {
        table: String,
        #[source]
        source: Box<StorageError>,
    },
    #[error("{url} is no commit of version {VERSION}: {reason}")]
    Corrupt { url: String, reason: String },
}

/// A table's folder.
#[derive(Debug, Clone)]
pub struct TableFolder {
    storage: Storage,
    /// Without a slash at its end.
    url: String,
}

/// A listing of a table's folder, and what its log makes of it.
#[derive(Debug)]
pub struct VisibleFiles {
    pub files: Vec<VisibleFile>,
    /// Of the next commit.
    pub next_sequence: u64,
    pending: BTreeMap<u64, TableCommit>,
}

/// A file of a table. Names are keys below the table's folder.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct VisibleFile {
    /// What it is called, or will be; its folders are the values of partition columns.
    pub name: String,
    /// Where it is now.
    pub at: String,
}

impl TableFolder {
    /// `url` is one of the storage's.
    pub fn new(storage: Storage, url: &str) -> Self {
        Self { storage, url: url.trim_end_matches('/').to_owned() }
    }

    pub fn url(&self) -> &str {
        &self.url
    }

    /// The table as it is now.
    pub async fn visible(&self) -> Result<VisibleFiles, CommitError> {
        let listed = self.storage.list(&self.url).await.map_err(|error| self.failed(error))?;
        let names = listed.iter().map(|object| self.name_of(object)).collect::<Result<Vec<_>, _>>()?;
        let mut pending = BTreeMap::new();
        for sequence in unpublished(names.iter().map(String::as_str)) {
            if let Some(commit) = self.find(sequence).await? {
                pending.insert(sequence, commit);
            }
        }
        let next_sequence = next_sequence(names.iter().map(String::as_str));
        let files = visible_files(&names, pending.values());
        Ok(VisibleFiles { files, next_sequence, pending })
    }

    /// Ends what earlier writers have committed and not published, and then lists the table.
    pub async fn settled(&self) -> Result<VisibleFiles, CommitError> {
        let visible = self.visible().await?;
        if visible.pending.is_empty() {
            return Ok(visible);
        }
        for (sequence, commit) in &visible.pending {
            self.publish(*sequence, commit).await?;
        }
        self.visible().await
    }

    /// Commits under this number, or says that another writer has it.
    pub async fn put(&self, sequence: u64, commit: &TableCommit) -> Result<bool, CommitError> {
        let url = self.log_url(sequence, "");
        let json = serde_json::to_vec(commit)
            .map_err(|error| CommitError::Corrupt { url: url.clone(), reason: error.to_string() })?;
        let is_first = self.storage.put_if_absent(&url, Bytes::from(seal(&json))).await;
        if is_first.map_err(|error| self.failed(error))? {
            return Ok(true);
        }
        // It may be one's own, whose reply was lost.
        Ok(self.find(sequence).await?.is_some_and(|found| found == *commit))
    }

    /// The commit of this number.
    pub async fn find(&self, sequence: u64) -> Result<Option<TableCommit>, CommitError> {
        let url = self.log_url(sequence, "");
        let corrupt = |reason: &str| CommitError::Corrupt { url: url.clone(), reason: reason.to_owned() };
        let bytes = match self.storage.get(&url).await {
            Ok(bytes) => bytes,
            Err(StorageError::NotFound { .. }) => return Ok(None),
            Err(error) => return Err(self.failed(error)),
        };
        let json = unseal(&bytes).ok_or_else(|| corrupt("its checksum differs"))?;
        let commit: TableCommit = serde_json::from_slice(json).map_err(|error| corrupt(&error.to_string()))?;
        if commit.version == VERSION { Ok(Some(commit)) } else { Err(corrupt(&format!("version {}", commit.version))) }
    }

    /// Moves and deletes what a commit says. Where it was done before, in part or whole, nothing changes.
    pub async fn publish(&self, sequence: u64, commit: &TableCommit) -> Result<(), CommitError> {
        // Futures over borrowed items can't be sent between threads.
        stream::iter(commit.added.clone())
            .map(|file| async move { self.move_into_place(&file).await })
            .buffer_unordered(MOVES_AT_A_TIME)
            .try_collect::<Vec<()>>()
            .await?;
        stream::iter(commit.removed.clone())
            .map(|name| async move {
                let url = self.url_of(&name)?;
                self.storage.delete(&url).await.map_err(|error| self.failed(error))
            })
            .buffer_unordered(MOVES_AT_A_TIME)
            .try_collect::<Vec<()>>()
            .await?;
        for url in [format!("{}/{SUCCESS}", self.url), self.log_url(sequence, DONE)] {
            self.storage.put(&url, Bytes::new()).await.map_err(|error| self.failed(error))?;
        }
        // One by one the old ones go. One that is left, since this was not done then, does no harm.
        if let Some(old) = sequence.checked_sub(KEPT) {
            for url in [self.log_url(old, ""), self.log_url(old, DONE)] {
                self.storage.delete(&url).await.map_err(|error| self.failed(error))?;
            }
        }
        Ok(())
    }

    /// Deletes what a job has staged and not committed, and the folder of all such if it is empty then.
    pub async fn clean(&self, staging_url: &str) {
        for url in [staging_url, &format!("{}/_temporary", self.url)] {
            let is_shared = url != staging_url;
            if is_shared && !self.storage.list(url).await.is_ok_and(|left| left.is_empty()) {
                return;
            }
            if let Err(error) = self.storage.delete_prefix(url).await {
                tracing::warn!(url, %error, "staged files are left behind");
            }
        }
    }

    /// The commit of a job's files over the table as it is.
    pub fn commit_of(
        &self,
        job: &str,
        files: &[WrittenFile],
        replaces: &Replaces,
        visible: &VisibleFiles,
    ) -> Result<TableCommit, CommitError> {
        let folders: HashSet<&str> = files.iter().map(|file| file.folder.as_str()).collect();
        let folder_of = |name: &str| name.rsplit_once('/').map_or(String::new(), |(folder, _)| folder.to_owned());
        let removed = visible.files.iter().filter(|file| match replaces {
            Replaces::Nothing => false,
            Replaces::All => true,
            Replaces::ItsFolders => folders.contains(folder_of(&file.name).as_str()),
            Replaces::Folders(folders) => folders.contains(&folder_of(&file.name)),
        });
        let removed = removed.map(|file| file.name.clone()).collect();
        let added = files.iter().enumerate().map(|(index, file)| {
            let staged = self.key_of(&file.url)?;
            let extension = staged.rsplit('/').next().and_then(|name| name.find('.').map(|dot| &name[dot..]));
            let folder = if file.folder.is_empty() { String::new() } else { format!("{}/", file.folder) };
            let name = format!("{folder}part-{index:05}-{job}-c000{}", extension.unwrap_or_default());
            Ok(AddedFile { staged, name })
        });
        let added = added.collect::<Result<_, CommitError>>()?;
        Ok(TableCommit { version: VERSION, job: job.to_owned(), added, removed })
    }

    async fn move_into_place(&self, file: &AddedFile) -> Result<(), CommitError> {
        let (staged, name) = (self.url_of(&file.staged)?, self.url_of(&file.name)?);
        match self.storage.rename(&staged, &name).await {
            // Moved before, or replaced since by a later write.
            Err(StorageError::NotFound { .. }) => Ok(()),
            moved => moved.map_err(|error| self.failed(error)),
        }
    }

    fn log_url(&self, sequence: u64, extension: &str) -> String {
        format!("{}/{LOG}{sequence:08}{extension}", self.url)
    }

    fn url_of(&self, name: &str) -> Result<String, CommitError> {
        self.storage.url_below(&self.url, name).map_err(|error| self.failed(error))
    }

    fn name_of(&self, object: &ObjectInfo) -> Result<String, CommitError> {
        self.key_of(&object.url)
    }

    /// The key below the table's folder, as it is in the store.
    fn key_of(&self, url: &str) -> Result<String, CommitError> {
        let key = |url: &str| self.storage.resolve(url).map(|location| location.path.to_string());
        let (root, key) = (key(&self.url), key(url));
        let (root, key) = (root.map_err(|error| self.failed(error))?, key.map_err(|error| self.failed(error))?);
        match key.strip_prefix(&root).map(|below| below.trim_start_matches('/')) {
            Some(below) => Ok(below.to_owned()),
            None => Err(CommitError::Corrupt { url: url.to_owned(), reason: format!("it is not below {}", self.url) }),
        }
    }

    fn failed(&self, source: StorageError) -> CommitError {
        CommitError::Store { table: self.url.clone(), source: Box::new(source) }
    }
}

/// The numbers of commits that are not published, by the names in the table's folder.
pub fn unpublished<'a>(names: impl Iterator<Item = &'a str>) -> Vec<u64> {
    let (mut commits, mut done) = (Vec::new(), HashSet::new());
    for entry in names.filter_map(|name| name.strip_prefix(LOG)) {
        match entry.strip_suffix(DONE) {
            Some(number) => done.extend(number.parse::<u64>()),
            None => commits.extend(entry.parse::<u64>()),
        }
    }
    commits.sort_unstable();
    commits.retain(|number| !done.contains(number));
    commits
}

fn next_sequence<'a>(names: impl Iterator<Item = &'a str>) -> u64 {
    let entries = names.filter_map(|name| name.strip_prefix(LOG));
    let numbers = entries.filter_map(|entry| entry.trim_end_matches(DONE).parse::<u64>().ok());
    numbers.max().map_or(0, |last| last + 1)
}

/// The files of a table by those that are listed and the commits that are not published: without what these remove, and
/// with what they add, where it is by now.
pub fn visible_files<'a>(listed: &[String], pending: impl Iterator<Item = &'a TableCommit>) -> Vec<VisibleFile> {
    let in_place = listed.iter().filter(|name| !is_hidden(name));
    let mut visible: Vec<VisibleFile> =
        in_place.map(|name| VisibleFile { name: name.clone(), at: name.clone() }).collect();
    let listed: HashSet<&str> = listed.iter().map(String::as_str).collect();
    for commit in pending {
        let removed: HashSet<&str> = commit.removed.iter().map(String::as_str).collect();
        visible.retain(|file| !removed.contains(file.name.as_str()));
        // What is in neither place has been removed by a later commit.
        let staged = commit
            .added
            .iter()
            .filter(|file| !listed.contains(file.name.as_str()) && listed.contains(file.staged.as_str()));
        visible.extend(staged.map(|file| VisibleFile { name: file.name.clone(), at: file.staged.clone() }));
    }
    visible
}

/// Spark's rule: jobs keep their own files under such names.
pub fn is_hidden(name: &str) -> bool {
    name.split('/').any(|part| {
        (part.starts_with('_') && !part.contains('=')) || part.starts_with('.') || part.ends_with("._COPYING_")
    })
}
