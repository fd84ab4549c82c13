//! The calls of `spark.catalog`.

use firesteel_spec::{CatalogCommand, RelationKind, SparkResult};

use super::data_type::data_type;
use super::{Converter, options, required};
use crate::proto;
use crate::proto::catalog::CatType;

impl Converter<'_> {
    pub(super) fn catalog(&mut self, catalog: proto::Catalog) -> SparkResult<RelationKind> {
        let call = required(catalog.cat_type, "Catalog.cat_type")?;
        Ok(RelationKind::Catalog(lookup(call)?))
    }
}

/// Calls that look something up, and all others.
fn lookup(call: CatType) -> SparkResult<CatalogCommand> {
    Ok(match call {
        CatType::CurrentCatalog(_) => CatalogCommand::CurrentCatalog,
        CatType::ListCatalogs(list) => CatalogCommand::ListCatalogs { pattern: list.pattern },
        CatType::CurrentDatabase(_) => CatalogCommand::CurrentDatabase,
        CatType::ListDatabases(list) => CatalogCommand::ListDatabases { pattern: list.pattern },
        CatType::ListTables(list) => CatalogCommand::ListTables { database: list.db_name, pattern: list.pattern },
        CatType::ListViews(list) => CatalogCommand::ListViews { database: list.db_name, pattern: list.pattern },
        CatType::ListFunctions(list) => CatalogCommand::ListFunctions { database: list.db_name, pattern: list.pattern },
        CatType::ListColumns(list) => CatalogCommand::ListColumns { table: list.table_name, database: list.db_name },
        CatType::ListPartitions(list) => CatalogCommand::ListPartitions { table: list.table_name },
        CatType::GetDatabase(get) => CatalogCommand::GetDatabase { name: get.db_name },
        CatType::GetTable(get) => CatalogCommand::GetTable { table: get.table_name, database: get.db_name },
        CatType::GetFunction(get) => CatalogCommand::GetFunction { function: get.function_name, database: get.db_name },
        CatType::GetTableProperties(get) => CatalogCommand::GetTableProperties { table: get.table_name },
        CatType::GetCreateTableString(get) => {
            CatalogCommand::GetCreateTableString { table: get.table_name, as_serde: get.as_serde }
        }
        CatType::DatabaseExists(exists) => CatalogCommand::DatabaseExists { name: exists.db_name },
        CatType::TableExists(exists) => {
            CatalogCommand::TableExists { table: exists.table_name, database: exists.db_name }
        }
        CatType::FunctionExists(exists) => {
            CatalogCommand::FunctionExists { function: exists.function_name, database: exists.db_name }
        }
        CatType::IsCached(is) => CatalogCommand::IsCached { table: is.table_name },
        other => return changed(other),
    })
}

/// Calls that change something.
fn changed(call: CatType) -> SparkResult<CatalogCommand> {
    Ok(match call {
        CatType::SetCurrentCatalog(set) => CatalogCommand::SetCurrentCatalog { name: set.catalog_name },
        CatType::SetCurrentDatabase(set) => CatalogCommand::SetCurrentDatabase { name: set.db_name },
        CatType::CreateExternalTable(create) => CatalogCommand::CreateTable {
            table: create.table_name,
            path: create.path,
            format: create.source,
            description: None,
            schema: create.schema.map(data_type).transpose()?,
            options: options(create.options),
        },
        CatType::CreateTable(create) => CatalogCommand::CreateTable {
            table: create.table_name,
            path: create.path,
            format: create.source,
            description: create.description,
            schema: create.schema.map(data_type).transpose()?,
            options: options(create.options),
        },
        CatType::CreateDatabase(create) => CatalogCommand::CreateDatabase {
            name: create.db_name,
            if_not_exists: create.if_not_exists,
            properties: options(create.properties),
        },
        CatType::DropTempView(drop) => CatalogCommand::DropTempView { name: drop.view_name },
        CatType::DropGlobalTempView(drop) => CatalogCommand::DropGlobalTempView { name: drop.view_name },
        CatType::DropTable(drop) => {
            CatalogCommand::DropTable { table: drop.table_name, if_exists: drop.if_exists, purge: drop.purge }
        }
        CatType::DropView(drop) => CatalogCommand::DropView { view: drop.view_name, if_exists: drop.if_exists },
        CatType::DropDatabase(drop) => {
            CatalogCommand::DropDatabase { name: drop.db_name, if_exists: drop.if_exists, cascade: drop.cascade }
        }
        CatType::TruncateTable(truncate) => CatalogCommand::TruncateTable { table: truncate.table_name },
        CatType::AnalyzeTable(analyze) => {
            CatalogCommand::AnalyzeTable { table: analyze.table_name, no_scan: analyze.no_scan }
        }
        CatType::RecoverPartitions(recover) => CatalogCommand::RecoverPartitions { table: recover.table_name },
        CatType::CacheTable(cache) => CatalogCommand::CacheTable { table: cache.table_name },
        CatType::UncacheTable(uncache) => CatalogCommand::UncacheTable { table: uncache.table_name },
        CatType::ClearCache(_) => CatalogCommand::ClearCache,
        CatType::RefreshTable(refresh) => CatalogCommand::RefreshTable { table: refresh.table_name },
        CatType::RefreshByPath(refresh) => CatalogCommand::RefreshByPath { path: refresh.path },
        _ => return Err(firesteel_spec::SparkError::internal("a call of the catalog has no conversion")),
    })
}
