//! [`FiresteelEngine`]: opens sessions over one cluster.

use std::sync::Arc;

use async_trait::async_trait;
use firesteel_connect::engine::{Engine, Session, SessionKey};
use firesteel_planner::PlannerOptions;
use firesteel_spec::SparkResult;

use crate::config::Config;
use crate::jobs::Cluster;
use crate::session::SparkSession;
use crate::views::Views;

pub struct FiresteelEngine {
    cluster: Cluster,
    options: PlannerOptions,
    global_views: Views,
    warehouse: String,
}

impl FiresteelEngine {
    /// Tables are kept in `warehouse`, a local path or a URL.
    pub fn new(cluster: Cluster, options: PlannerOptions, warehouse: &str) -> Self {
        Self { cluster, options, global_views: Views::default(), warehouse: warehouse.to_owned() }
    }

    /// A session of a user.
    pub fn session(&self, user: &str) -> SparkResult<SparkSession> {
        let config = Config::new(&self.warehouse);
        SparkSession::new(self.cluster.clone(), self.options.clone(), user, self.global_views.clone(), config)
    }
}

#[async_trait]
impl Engine for FiresteelEngine {
    async fn open(&self, key: &SessionKey) -> SparkResult<Arc<dyn Session>> {
        Ok(Arc::new(self.session(&key.user_id)?))
    }
}
