//! TPC-DS data for the suites, by the `tpcdsgen` crate: the same rows for the same scale factor, anywhere.

use std::fs::{File, create_dir_all};
use std::path::{Path, PathBuf};

use arrow::array::RecordBatch;
use arrow::error::ArrowError;
use parquet::arrow::ArrowWriter;
use tpcdsgen::config::{Session, SessionBuilder};

use crate::artifacts;

/// Is the last thing that is written.
const COMPLETE: &str = "_COMPLETE";

/// TPC-DS tables as Parquet, a folder each; made by whichever test comes first.
pub fn tpcds_data(scale: f64) -> PathBuf {
    let target = artifacts();
    let root = target.parent().expect("the profile lies in target").join(format!("tpcds-sf{scale}"));
    if !root.join(COMPLETE).exists() {
        let draft = tempfile::tempdir_in(target).expect("a folder for the data").keep();
        write_all(&draft, scale);
        File::create(draft.join(COMPLETE)).expect("the mark");
        if std::fs::rename(&draft, &root).is_err() {
            assert!(root.join(COMPLETE).exists(), "no other test has made {}", root.display());
            std::fs::remove_dir_all(&draft).expect("the draft goes");
        }
    }
    root
}

fn session(scale: f64) -> Session {
    SessionBuilder::new().with_scale_factor(scale).build().expect("a scale factor")
}

fn write(root: &Path, table: &str, batches: impl Iterator<Item = Result<RecordBatch, ArrowError>>) {
    let folder = root.join(table);
    create_dir_all(&folder).expect("a folder for the table");
    let mut writer = None;
    for batch in batches {
        let batch = batch.expect("rows");
        let writer = writer.get_or_insert_with(|| {
            let file = File::create(folder.join("part-0.parquet")).expect("a file");
            ArrowWriter::try_new(file, batch.schema(), None).expect("a writer")
        });
        writer.write(&batch).expect("written rows");
    }
    writer.expect("a table has rows").close().expect("a footer");
}

macro_rules! tables {
    ($root:expr, $scale:expr, $($name:literal: $generator:ident,)*) => {
        $(write($root, $name, tpcdsgen_arrow::$generator::new(session($scale)));)*
    };
}

fn write_all(root: &Path, scale: f64) {
    tables!(root, scale,
        "call_center": CallCenterArrow,
        "catalog_page": CatalogPageArrow,
        "catalog_returns": CatalogReturnsArrow,
        "catalog_sales": CatalogSalesArrow,
        "customer": CustomerArrow,
        "customer_address": CustomerAddressArrow,
        "customer_demographics": CustomerDemographicsArrow,
        "date_dim": DateDimArrow,
        "household_demographics": HouseholdDemographicsArrow,
        "income_band": IncomeBandArrow,
        "inventory": InventoryArrow,
        "item": ItemArrow,
        "promotion": PromotionArrow,
        "reason": ReasonArrow,
        "ship_mode": ShipModeArrow,
        "store": StoreArrow,
        "store_returns": StoreReturnsArrow,
        "store_sales": StoreSalesArrow,
        "time_dim": TimeDimArrow,
        "warehouse": WarehouseArrow,
        "web_page": WebPageArrow,
        "web_returns": WebReturnsArrow,
        "web_sales": WebSalesArrow,
        "web_site": WebSiteArrow,
    );
}
