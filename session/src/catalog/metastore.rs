//! The catalog's databases and tables: a small JSON object each, below a hidden folder of the warehouse, so that they
//! outlive the server. A name is taken by a write that fails if the object exists; a change replaces the object, and of
//! two changes of one table at a time the last stands.

use firesteel_spec::{DataType, Name, Options, SparkError, SparkResult, StructField};
use firesteel_storage::{Storage, StorageError, to_url};
use serde::{Deserialize, Serialize};

use crate::error::from_storage;

pub(crate) const CATALOG: &str = "spark_catalog";
pub(crate) const DEFAULT: &str = "default";
/// Readers of the warehouse as files do not look into it.
const FOLDER: &str = ".firesteel-catalog";

#[derive(Debug, Clone, Serialize, Deserialize, PartialEq, Eq)]
pub(crate) struct Database {
    pub name: String,
    pub comment: Option<String>,
    /// A URL without a slash at its end.
    pub location: String,
    pub properties: Options,
}

#[derive(Debug, Clone, Copy, Serialize, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "snake_case")]
pub(crate) enum TableKind {
    /// Its files are deleted with it.
    Managed,
    External,
    View,
}

#[derive(Debug, Clone, Serialize, Deserialize, PartialEq)]
pub(crate) struct Table {
    pub database: String,
    pub name: String,
    pub kind: TableKind,
    pub format: String,
    /// The columns as the JSON of a struct type, those of folders last.
    pub schema: String,
    pub partition_by: Vec<String>,
    /// A URL without a slash at its end; none of a view.
    pub location: Option<String>,
    pub options: Options,
    pub properties: Options,
    pub comment: Option<String>,
    pub created_ms: u64,
    /// The folders that are partitions, as `a=1/b=2`; all that there are if `None`.
    pub partitions: Option<Vec<String>>,
    pub view: Option<ViewText>,
}

/// A view's query, and what its names meant when it was made.
#[derive(Debug, Clone, Serialize, Deserialize, PartialEq, Eq)]
pub(crate) struct ViewText {
    pub text: String,
    pub database: String,
}

impl Table {
    pub fn columns(&self) -> SparkResult<Vec<StructField>> {
        match DataType::from_json(&self.schema)? {
            DataType::Struct { fields } => Ok(fields),
            other => Err(SparkError::internal(format!("the schema of the table {} is {other}", self.name))),
        }
    }

    pub fn full_name(&self) -> Name {
        vec![CATALOG.to_owned(), self.database.clone(), self.name.clone()]
    }

    /// As Spark quotes it in errors.
    pub fn quoted(&self) -> String {
        quoted(&self.full_name())
    }

    pub fn is_view(&self) -> bool {
        self.kind == TableKind::View
    }
}

pub(crate) fn quoted(name: &[String]) -> String {
    name.iter().map(|part| format!("`{part}`")).collect::<Vec<_>>().join(".")
}

/// The catalog of one warehouse.
#[derive(Clone)]
pub(crate) struct Metastore {
    storage: Storage,
    /// A URL without a slash at its end.
    warehouse: String,
}

impl Metastore {
    /// `warehouse` is a local path or a URL.
    pub fn new(storage: Storage, warehouse: &str) -> SparkResult<Self> {
        let url = to_url(warehouse).map_err(|error| from_storage(&error))?;
        Ok(Self { storage, warehouse: url.as_str().trim_end_matches('/').to_owned() })
    }

    /// Where a database's managed tables lie if its location is not said.
    pub fn database_location(&self, name: &str) -> String {
        format!("{}/{}.db", self.warehouse, name.to_lowercase())
    }

    fn database_url(&self, name: &str) -> String {
        format!("{}/{FOLDER}/{}/database.json", self.warehouse, key(name))
    }

    fn table_url(&self, database: &str, name: &str) -> String {
        format!("{}/{FOLDER}/{}/tables/{}.json", self.warehouse, key(database), key(name))
    }

    pub async fn databases(&self) -> SparkResult<Vec<Database>> {
        let mut all = vec![self.default_database()];
        for url in self.list(&format!("{}/{FOLDER}", self.warehouse)).await? {
            if url.ends_with("/database.json")
                && let Some(database) = self.read(&url).await?
            {
                all.push(database);
            }
        }
        all.sort_by(|left: &Database, right| left.name.cmp(&right.name));
        Ok(all)
    }

    fn default_database(&self) -> Database {
        Database {
            name: DEFAULT.to_owned(),
            comment: Some("default database".to_owned()),
            location: self.warehouse.clone(),
            properties: Vec::new(),
        }
    }

    pub async fn database(&self, name: &str) -> SparkResult<Option<Database>> {
        if name.eq_ignore_ascii_case(DEFAULT) {
            return Ok(Some(self.default_database()));
        }
        self.read(&self.database_url(name)).await
    }

    /// False if there is one of this name.
    pub async fn create_database(&self, database: &Database) -> SparkResult<bool> {
        if database.name.eq_ignore_ascii_case(DEFAULT) {
            return Ok(false);
        }
        self.create(&self.database_url(&database.name), database).await
    }

    pub async fn replace_database(&self, database: &Database) -> SparkResult<()> {
        self.replace(&self.database_url(&database.name), database).await
    }

    pub async fn drop_database(&self, name: &str) -> SparkResult<()> {
        self.storage.delete(&self.database_url(name)).await.map_err(|error| from_storage(&error))
    }

    pub async fn tables(&self, database: &str) -> SparkResult<Vec<Table>> {
        let mut all: Vec<Table> = Vec::new();
        for url in self.list(&format!("{}/{FOLDER}/{}/tables", self.warehouse, key(database))).await? {
            all.extend(self.read(&url).await?);
        }
        all.sort_by(|left, right| left.name.cmp(&right.name));
        Ok(all)
    }

    pub async fn table(&self, database: &str, name: &str) -> SparkResult<Option<Table>> {
        self.read(&self.table_url(database, name)).await
    }

    /// False if there is one of this name.
    pub async fn create_table(&self, table: &Table) -> SparkResult<bool> {
        self.create(&self.table_url(&table.database, &table.name), table).await
    }

    pub async fn replace_table(&self, table: &Table) -> SparkResult<()> {
        self.replace(&self.table_url(&table.database, &table.name), table).await
    }

    pub async fn drop_table(&self, table: &Table) -> SparkResult<()> {
        let url = self.table_url(&table.database, &table.name);
        self.storage.delete(&url).await.map_err(|error| from_storage(&error))
    }

    async fn list(&self, folder: &str) -> SparkResult<Vec<String>> {
        let listed = self.storage.list(folder).await.map_err(|error| from_storage(&error))?;
        Ok(listed.into_iter().map(|object| object.url).collect())
    }

    async fn read<T: for<'a> Deserialize<'a>>(&self, url: &str) -> SparkResult<Option<T>> {
        let bytes = match self.storage.get(url).await {
            Ok(bytes) => bytes,
            Err(StorageError::NotFound { .. }) => return Ok(None),
            Err(error) => return Err(from_storage(&error)),
        };
        let entry = serde_json::from_slice(&bytes)
            .map_err(|error| SparkError::internal(format!("the catalog's entry {url} can't be read: {error}")))?;
        Ok(Some(entry))
    }

    async fn create<T: Serialize>(&self, url: &str, entry: &T) -> SparkResult<bool> {
        self.storage.put_if_absent(url, encoded(entry)?).await.map_err(|error| from_storage(&error))
    }

    async fn replace<T: Serialize>(&self, url: &str, entry: &T) -> SparkResult<()> {
        self.storage.put(url, encoded(entry)?).await.map_err(|error| from_storage(&error))
    }
}

fn encoded<T: Serialize>(entry: &T) -> SparkResult<bytes::Bytes> {
    let json = serde_json::to_vec_pretty(entry).map_err(|error| SparkError::internal(error.to_string()))?;
    Ok(json.into())
}

/// A name as a part of a key: names are the same in any case, and may hold anything.
fn key(name: &str) -> String {
    let mut key = String::new();
    for letter in name.to_lowercase().chars() {
        if letter.is_alphanumeric() || letter == '_' || letter == '-' {
            key.push(letter);
        } else {
            key.push_str(&format!("~{:x}", u32::from(letter)));
        }
    }
    key
}
