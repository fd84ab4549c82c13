//! Tables by name: Parquet files, folders and patterns, local or on object storage.

use std::sync::Arc;

use arrow::datatypes::DataType;
use datafusion::datasource::TableProvider;
use datafusion::datasource::file_format::parquet::ParquetFormat;
use datafusion::datasource::listing::{ListingOptions, ListingTable, ListingTableConfig, ListingTableUrl};
use datafusion::execution::SessionState;
use firesteel_storage::to_url;
use futures::StreamExt;

use crate::PlanError;

/// The table over `paths`, with the schema of its files; columns of `key=value` folders are partition columns.
pub(crate) async fn parquet_table(
    state: &SessionState,
    table: &str,
    paths: &[String],
) -> Result<Arc<dyn TableProvider>, PlanError> {
    let urls = paths.iter().map(|path| listing_url(table, path)).collect::<Result<Vec<_>, _>>()?;
    let mut options = ListingOptions::new(Arc::new(ParquetFormat::default())).with_file_extension(".parquet");
    for (url, path) in urls.iter().zip(paths) {
        expect_a_file(state, table, url, path, &options).await?;
    }
    let first = &urls[0];
    let read_error = |source| PlanError::TableRead { table: table.to_owned(), url: first.to_string(), source };
    if first.is_collection() {
        let columns = options.infer_partitions(state, first).await.map_err(read_error)?;
        options =
            options.with_table_partition_cols(columns.into_iter().map(|column| (column, DataType::Utf8)).collect());
    }
    let config = ListingTableConfig::new_with_multi_paths(urls.clone())
        .with_listing_options(options)
        .infer_schema(state)
        .await
        .map_err(read_error)?;
    if config.file_schema.as_ref().is_some_and(|schema| schema.fields().is_empty()) {
        let reason = format!("the files at {first} have no columns; they may be empty");
        return Err(PlanError::Table { table: table.to_owned(), reason });
    }
    let provider = ListingTable::try_new(config)
        .map_err(read_error)?
        .with_cache(state.runtime_env().cache_manager.get_file_statistic_cache());
    Ok(Arc::new(provider))
}

fn listing_url(table: &str, path: &str) -> Result<ListingTableUrl, PlanError> {
    let storage_error =
        |source| PlanError::TableStorage { table: table.to_owned(), url: path.to_owned(), source: Box::new(source) };
    let read_error = |source| PlanError::TableRead { table: table.to_owned(), url: path.to_owned(), source };
    let Some((scheme, rest)) = path.split_once("://") else {
        if path.contains(['*', '?', '[']) {
            return ListingTableUrl::parse(path).map_err(read_error);
        }
        let mut url = to_url(path).map_err(storage_error)?.to_string();
        if std::path::Path::new(path).is_dir() && !url.ends_with('/') {
            url.push('/');
        }
        return ListingTableUrl::parse(url).map_err(read_error);
    };
    match rest.find(['*', '?', '[']) {
        None => {
            // A name without the extension is a folder: listing it needs the slash.
            let slash = if rest.ends_with(".parquet") || rest.ends_with('/') { "" } else { "/" };
            ListingTableUrl::parse(format!("{path}{slash}")).map_err(read_error)
        }
        Some(wild) => {
            let folder = rest[..wild].rfind('/').map_or(0, |slash| slash + 1);
            let (folder, pattern) = rest.split_at(folder);
            let base = ListingTableUrl::parse(format!("{scheme}://{folder}")).map_err(read_error)?;
            base.with_glob(pattern).map_err(read_error)
        }
    }
}

async fn expect_a_file(
    state: &SessionState,
    table: &str,
    url: &ListingTableUrl,
    path: &str,
    options: &ListingOptions,
) -> Result<(), PlanError> {
    let read_error = |source| PlanError::TableRead { table: table.to_owned(), url: url.to_string(), source };
    let store = state.runtime_env().object_store(url).map_err(read_error)?;
    let mut files = url.list_all_files(state, store.as_ref(), &options.file_extension).await.map_err(read_error)?;
    match files.next().await {
        Some(Ok(_)) => Ok(()),
        Some(Err(source)) => Err(read_error(source)),
        None => {
            let reason = format!("there is no .parquet file at {path}; check the path, or its pattern");
            Err(PlanError::Table { table: table.to_owned(), reason })
        }
    }
}
