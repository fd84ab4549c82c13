//! Commands: what has an effect on a session, a catalog or files.

use crate::{DataType, Expr, InlineFunction, Name, Options, Relation, StructField};

#[derive(Debug, Clone, PartialEq)]
pub enum Command {
    Write(Write),
    WriteV2(WriteV2),
    CreateView(CreateView),
    CreateTable(CreateTable),
    /// `INSERT INTO` and `INSERT OVERWRITE`. Columns are matched by position, or by name.
    Insert {
        table: Name,
        input: Relation,
        mode: InsertMode,
        columns: Vec<String>,
        /// `PARTITION (a = 1, b)`
        partition: Vec<(String, Option<Expr>)>,
        by_name: bool,
    },
    InsertDirectory {
        path: String,
        format: Option<String>,
        options: Options,
        input: Relation,
    },
    Update {
        table: Name,
        alias: Option<String>,
        assignments: Vec<(Name, Expr)>,
        condition: Option<Expr>,
    },
    Delete {
        table: Name,
        alias: Option<String>,
        condition: Option<Expr>,
    },
    DropTable {
        name: Name,
        if_exists: bool,
        purge: bool,
        view: bool,
    },
    AlterTable {
        name: Name,
        change: TableChange,
        view: bool,
    },
    TruncateTable {
        name: Name,
        partition: Vec<(String, Option<Expr>)>,
    },
    CreateDatabase {
        name: Name,
        if_not_exists: bool,
        comment: Option<String>,
        location: Option<String>,
        properties: Options,
    },
    AlterDatabase {
        name: Name,
        properties: Options,
        location: Option<String>,
    },
    DropDatabase {
        name: Name,
        if_exists: bool,
        cascade: bool,
    },
    Use {
        name: Name,
        catalog: bool,
    },
    ShowDatabases {
        pattern: Option<String>,
    },
    ShowTables {
        database: Option<Name>,
        pattern: Option<String>,
        extended: bool,
    },
    ShowViews {
        database: Option<Name>,
        pattern: Option<String>,
    },
    ShowColumns {
        table: Name,
    },
    ShowFunctions {
        scope: Option<String>,
        pattern: Option<String>,
    },
    ShowPartitions {
        table: Name,
    },
    ShowCreateTable {
        table: Name,
    },
    ShowTableProperties {
        table: Name,
        key: Option<String>,
    },
    ShowCatalogs {
        pattern: Option<String>,
    },
    DescribeTable {
        table: Name,
        extended: bool,
        column: Option<Name>,
    },
    DescribeQuery {
        query: Relation,
    },
    DescribeDatabase {
        name: Name,
        extended: bool,
    },
    DescribeFunction {
        name: Name,
        extended: bool,
    },
    Explain {
        plan: Box<crate::Plan>,
        mode: ExplainMode,
    },
    /// `SET`, `SET key`, `SET key = value`, `SET -v`.
    Set {
        key: Option<String>,
        value: Option<String>,
    },
    SetTimeZone {
        zone: Option<String>,
    },
    /// `RESET`, `RESET key`.
    Reset {
        key: Option<String>,
    },
    /// `SET VAR name = value`, `DECLARE VARIABLE`, `DROP VARIABLE`.
    SetVariable {
        assignments: Vec<(Name, Expr)>,
    },
    DeclareVariable {
        name: Name,
        data_type: Option<DataType>,
        default: Option<Expr>,
        replace: bool,
    },
    DropVariable {
        name: Name,
        if_exists: bool,
    },
    CacheTable {
        name: Name,
        query: Option<Relation>,
        lazy: bool,
    },
    UncacheTable {
        name: Name,
        if_exists: bool,
    },
    ClearCache,
    RefreshTable {
        name: Name,
    },
    AnalyzeTable {
        name: Name,
        no_scan: bool,
    },
    /// A function over SQL: `CREATE FUNCTION f(x INT) RETURNS INT RETURN x + 1`.
    CreateFunction {
        name: Name,
        parameters: Vec<StructField>,
        returns: Option<DataType>,
        body: Option<Expr>,
        temporary: bool,
        replace: bool,
        if_not_exists: bool,
    },
    DropFunction {
        name: Name,
        if_exists: bool,
        temporary: bool,
    },
    /// A user's function for the session, by the name that it carries.
    RegisterFunction(InlineFunction),
    RegisterTableFunction(InlineFunction),
    Catalog(CatalogCommand),
    Checkpoint {
        relation: Relation,
        eager: bool,
    },
    RemoveCached {
        id: String,
    },
    /// Something of Spark's that is known and not here, by its name.
    Unsupported(String),
}

/// `DataFrameWriter`.
#[derive(Debug, Clone, PartialEq)]
pub struct Write {
    pub input: Relation,
    pub format: Option<String>,
    pub target: WriteTarget,
    pub mode: SaveMode,
    pub partition_by: Vec<String>,
    pub sort_by: Vec<String>,
    /// Columns and number of buckets.
    pub bucket_by: Option<(Vec<String>, usize)>,
    pub options: Options,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum WriteTarget {
    Path(String),
    /// `saveAsTable`
    Table(Name),
    /// `insertInto`
    Insert(Name),
    /// Of a format without files.
    None,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SaveMode {
    Append,
    Overwrite,
    ErrorIfExists,
    Ignore,
}

/// `DataFrameWriterV2`.
#[derive(Debug, Clone, PartialEq)]
pub struct WriteV2 {
    pub input: Relation,
    pub table: Name,
    pub format: Option<String>,
    pub partition_by: Vec<Expr>,
    pub options: Options,
    pub properties: Options,
    pub mode: WriteV2Mode,
}

#[derive(Debug, Clone, PartialEq)]
pub enum WriteV2Mode {
    Create,
    Overwrite { condition: Option<Expr> },
    OverwritePartitions,
    Append,
    Replace,
    CreateOrReplace,
}

#[derive(Debug, Clone, PartialEq)]
pub struct CreateView {
    pub name: Name,
    pub kind: ViewKind,
    pub query: Relation,
    /// The query's text, by which a kept view is resolved again.
    pub text: Option<String>,
    pub columns: Vec<(String, Option<String>)>,
    pub comment: Option<String>,
    pub properties: Options,
    pub replace: bool,
    pub if_not_exists: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ViewKind {
    /// In the catalog.
    Kept,
    /// In the session.
    Temporary,
    /// In the server.
    GlobalTemporary,
}

#[derive(Debug, Clone, PartialEq, Default)]
pub struct CreateTable {
    pub name: Name,
    pub format: Option<String>,
    pub columns: Vec<StructField>,
    pub partition_by: Vec<String>,
    pub bucket_by: Option<(Vec<String>, usize)>,
    pub location: Option<String>,
    pub comment: Option<String>,
    pub options: Options,
    pub properties: Options,
    pub query: Option<Relation>,
    /// `CREATE TABLE … LIKE`
    pub like: Option<Name>,
    pub if_not_exists: bool,
    pub replace: bool,
    pub external: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum InsertMode {
    Append,
    Overwrite,
}

/// The values of a partition, and where its files lie if that is said.
pub type PartitionLocation = (Vec<(String, Expr)>, Option<String>);

#[derive(Debug, Clone, PartialEq)]
pub enum TableChange {
    Rename(Name),
    AddColumns(Vec<StructField>),
    DropColumns {
        columns: Vec<Name>,
        if_exists: bool,
    },
    RenameColumn {
        from: Name,
        to: String,
    },
    SetProperties(Options),
    UnsetProperties {
        keys: Vec<String>,
        if_exists: bool,
    },
    AddPartitions {
        partitions: Vec<PartitionLocation>,
        if_not_exists: bool,
    },
    DropPartitions {
        partitions: Vec<Vec<(String, Expr)>>,
        if_exists: bool,
    },
    RecoverPartitions,
    SetLocation(String),
    /// A view's new query and its text.
    SetQuery(Box<Relation>, String),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ExplainMode {
    Simple,
    Extended,
    Codegen,
    Cost,
    Formatted,
}

/// The calls of `spark.catalog`, which answer rows.
#[derive(Debug, Clone, PartialEq)]
pub enum CatalogCommand {
    CurrentCatalog,
    SetCurrentCatalog {
        name: String,
    },
    ListCatalogs {
        pattern: Option<String>,
    },
    CurrentDatabase,
    SetCurrentDatabase {
        name: String,
    },
    ListDatabases {
        pattern: Option<String>,
    },
    GetDatabase {
        name: String,
    },
    DatabaseExists {
        name: String,
    },
    ListTables {
        database: Option<String>,
        pattern: Option<String>,
    },
    ListViews {
        database: Option<String>,
        pattern: Option<String>,
    },
    GetTable {
        table: String,
        database: Option<String>,
    },
    TableExists {
        table: String,
        database: Option<String>,
    },
    ListColumns {
        table: String,
        database: Option<String>,
    },
    ListFunctions {
        database: Option<String>,
        pattern: Option<String>,
    },
    GetFunction {
        function: String,
        database: Option<String>,
    },
    FunctionExists {
        function: String,
        database: Option<String>,
    },
    CreateTable {
        table: String,
        path: Option<String>,
        format: Option<String>,
        description: Option<String>,
        schema: Option<DataType>,
        options: Options,
    },
    DropTempView {
        name: String,
    },
    DropGlobalTempView {
        name: String,
    },
    DropTable {
        table: String,
        if_exists: bool,
        purge: bool,
    },
    DropView {
        view: String,
        if_exists: bool,
    },
    CreateDatabase {
        name: String,
        if_not_exists: bool,
        properties: Options,
    },
    DropDatabase {
        name: String,
        if_exists: bool,
        cascade: bool,
    },
    ListPartitions {
        table: String,
    },
    GetTableProperties {
        table: String,
    },
    GetCreateTableString {
        table: String,
        as_serde: bool,
    },
    TruncateTable {
        table: String,
    },
    AnalyzeTable {
        table: String,
        no_scan: bool,
    },
    RecoverPartitions {
        table: String,
    },
    IsCached {
        table: String,
    },
    CacheTable {
        table: String,
    },
    UncacheTable {
        table: String,
    },
    ClearCache,
    RefreshTable {
        table: String,
    },
    RefreshByPath {
        path: String,
    },
}
