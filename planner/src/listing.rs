//! Which files a path means: a file, a folder and all below it, or a pattern; and the values that their folders name.

use std::collections::HashMap;
use std::sync::Arc;

use datafusion::execution::object_store::ObjectStoreUrl;
use firesteel_formats::{CommitError, TableFolder, is_hidden, partition_values, unpublished};
use firesteel_spec::{SparkError, SparkResult};
use firesteel_storage::{Location, Storage, to_url};
use futures::TryStreamExt;
use glob::Pattern;
use object_store::path::Path;
use object_store::{ObjectMeta, ObjectStore, ObjectStoreExt};
use url::Url;

/// What is asked beside the paths.
#[derive(Debug, Clone, Default)]
pub struct ListOptions {
    /// The folder whose folders below name partitions; else each path's own.
    pub base_path: Option<String>,
    /// Files' names.
    pub name_pattern: Option<String>,
    /// Folders name no partitions.
    pub ignores_folders: bool,
    /// A path that does not exist has no files.
    pub skips_missing: bool,
}

/// Files of one store.
#[derive(Debug)]
pub struct FileList {
    pub store_url: ObjectStoreUrl,
    pub store: Arc<dyn ObjectStore>,
    pub files: Vec<ListedFile>,
    /// Outermost first.
    pub partition_columns: Vec<String>,
    /// The paths, for errors.
    pub shown: String,
}

#[derive(Debug, Clone)]
pub struct ListedFile {
    pub meta: ObjectMeta,
    /// One for each of the list's partition columns.
    pub partition_values: Vec<Option<String>>,
}

struct Found {
    meta: ObjectMeta,
    folders: Vec<(String, Option<String>)>,
}

/// Lists all files of the paths, in the order of their names. It is an error if a path does not exist.
pub async fn list_files(storage: &Storage, paths: &[String], options: &ListOptions) -> SparkResult<FileList> {
    let Some(first) = paths.first() else {
        return Err(SparkError::new("UNABLE_TO_INFER_SCHEMA", "there is no path to read").with("format", "files"));
    };
    let base =
        options.base_path.as_deref().map(|base| locate(storage, base)).transpose()?.map(|(_, location)| location.path);
    let name_pattern = options.name_pattern.as_deref().map(pattern).transpose()?;
    let (url, location) = locate(storage, first)?;
    let mut found = Vec::new();
    for path in paths {
        let (own_url, own) = locate(storage, path)?;
        if own_url[url::Position::BeforeScheme..url::Position::BeforePath]
            != url[url::Position::BeforeScheme..url::Position::BeforePath]
        {
            return Err(SparkError::unsupported("paths on several stores in one read"));
        }
        match list_path(storage, path, &own, base.as_ref()).await {
            Err(error) if options.skips_missing && error.class == "PATH_NOT_FOUND" => {}
            listed => found.extend(listed?),
        }
    }
    found.retain(|file| {
        name_pattern
            .as_ref()
            .is_none_or(|pattern| file.meta.location.filename().is_some_and(|name| pattern.matches(name)))
    });
    found.sort_by(|left, right| left.meta.location.cmp(&right.meta.location));
    let shown = paths.join(", ");
    let partition_columns = if options.ignores_folders { Vec::new() } else { partition_columns(&found, &shown)? };
    let files = found.into_iter().map(|file| {
        let value =
            |name: &String| file.folders.iter().find(|(own, _)| own == name).and_then(|(_, value)| value.clone());
        ListedFile { partition_values: partition_columns.iter().map(value).collect(), meta: file.meta }
    });
    let files = files.collect();
    let root = &url[url::Position::BeforeScheme..url::Position::BeforePath];
    let store_url = ObjectStoreUrl::parse(root).map_err(|error| SparkError::internal(error.to_string()))?;
    Ok(FileList { store_url, store: location.store, files, partition_columns, shown })
}

fn locate(storage: &Storage, path: &str) -> SparkResult<(Url, Location)> {
    let invalid = |error: firesteel_storage::StorageError| {
        SparkError::new("UNCLASSIFIED_ERROR", firesteel_protocol::error_chain(&error)).with("path", path)
    };
    // Letters of patterns are none of a URL's.
    let plain =
        if path.contains("://") || path.starts_with("file:") { path.replace('?', "%3F") } else { path.to_owned() };
    let url = to_url(&plain).map_err(invalid)?;
    let location = storage.resolve(url.as_str()).map_err(invalid)?;
    Ok((url, location))
}

fn pattern(text: &str) -> SparkResult<Pattern> {
    Pattern::new(text).map_err(|error| {
        SparkError::new("UNCLASSIFIED_ERROR", format!("{text} is no pattern of paths: {error}")).with("path", text)
    })
}

/// The files of one path, with the folders below the base.
async fn list_path(
    storage: &Storage,
    shown: &str,
    location: &Location,
    base: Option<&Path>,
) -> SparkResult<Vec<Found>> {
    let parts: Vec<String> = location.path.parts().map(|part| part.as_ref().to_owned()).collect();
    let plain = parts.iter().take_while(|part| !part.contains(['*', '?', '['])).count();
    let patterns = parts[plain..].iter().map(|part| pattern(part)).collect::<SparkResult<Vec<_>>>()?;
    let failed = |error: object_store::Error| read_error(shown, &error);
    let prefix: Path = parts[..plain].iter().map(String::as_str).collect();
    let mut listed: Vec<ObjectMeta> = location.store.list(Some(&prefix)).try_collect().await.map_err(failed)?;
    if listed.is_empty() && patterns.is_empty() {
        match location.store.head(&location.path).await {
            Ok(meta) => listed.push(meta),
            Err(object_store::Error::NotFound { .. }) if is_local_folder(location) => {}
            Err(object_store::Error::NotFound { .. }) => return Err(not_found(location)),
            Err(error) => return Err(failed(error)),
        }
    }
    let mut found = Vec::new();
    for (name, meta) in by_log(storage, &location.url_of(&prefix), &prefix, listed).await? {
        let own: Vec<String> = name.parts().map(|part| part.as_ref().to_owned()).collect();
        let below = own.get(plain..).unwrap_or_default();
        let is_match =
            below.len() >= patterns.len() && patterns.iter().zip(below).all(|(pattern, part)| pattern.matches(part));
        // The path itself may be hidden; what is below it may not.
        let start = plain + patterns.len();
        if !is_match || own.get(start..).unwrap_or_default().iter().any(|part| is_hidden(part)) {
            continue;
        }
        let from = base.map_or(start, |base| base.parts().count());
        let folders = own.get(from..own.len().saturating_sub(1)).unwrap_or_default().join("/");
        found.push(Found { meta, folders: partition_values(&folders) });
    }
    if found.is_empty() && !patterns.is_empty() {
        return Err(not_found(location));
    }
    Ok(found)
}

/// The files of a folder, each with the name that it has in its table: where a write is committed and not published, as
/// the folder's log has it (JOB-4).
async fn by_log(
    storage: &Storage,
    url: &str,
    prefix: &Path,
    listed: Vec<ObjectMeta>,
) -> SparkResult<Vec<(Path, ObjectMeta)>> {
    let below = |meta: &ObjectMeta| {
        let parts = meta.location.prefix_match(prefix)?;
        Some(parts.map(|part| part.as_ref().to_owned()).collect::<Vec<_>>().join("/"))
    };
    let names: Vec<String> = listed.iter().filter_map(below).collect();
    if unpublished(names.iter().map(String::as_str)).is_empty() {
        return Ok(listed.into_iter().map(|meta| (meta.location.clone(), meta)).collect());
    }
    let failed = |error: CommitError| {
        SparkError::new("FAILED_READ_FILE.NO_HINT", firesteel_protocol::error_chain(&error)).with("path", url)
    };
    let visible = TableFolder::new(storage.clone(), url).visible().await.map_err(failed)?;
    let path = |name: &str| Path::parse(format!("{prefix}/{name}")).unwrap_or_default();
    let metas: HashMap<Path, ObjectMeta> = listed.into_iter().map(|meta| (meta.location.clone(), meta)).collect();
    let files = visible.files.iter().filter_map(|file| Some((path(&file.name), metas.get(&path(&file.at))?.clone())));
    Ok(files.collect())
}

fn is_local_folder(location: &Location) -> bool {
    let url = location.url_of(&location.path).parse::<Url>();
    url.is_ok_and(|url| url.to_file_path().is_ok_and(|path| path.is_dir()))
}

/// The columns that all files have in their folders.
fn partition_columns(found: &[Found], shown: &str) -> SparkResult<Vec<String>> {
    let names = |file: &Found| file.folders.iter().map(|(name, _)| name.clone()).collect::<Vec<_>>();
    let Some(first) = found.first().map(names) else { return Ok(Vec::new()) };
    match found.iter().find(|file| names(file) != first) {
        None => Ok(first),
        Some(other) => Err(SparkError::new(
            "CONFLICTING_DIRECTORY_STRUCTURES",
            format!(
                "the folders below {shown} name different columns: {} and {}; give the table's root as the option \
                 basePath, or read them apart",
                first.join(", "),
                names(other).join(", ")
            ),
        )
        .with("discoveredBasePaths", shown)),
    }
}

fn not_found(location: &Location) -> SparkError {
    let path = location.url_of(&location.path).replacen("file:///", "file:/", 1);
    SparkError::new("PATH_NOT_FOUND", format!("the path {path} does not exist")).with("path", path)
}

fn read_error(shown: &str, error: &object_store::Error) -> SparkError {
    SparkError::new("FAILED_READ_FILE.NO_HINT", format!("list {shown}: {error}")).with("path", shown)
}
