//! A Spark session: settings, views, commands, and queries run as jobs of functions.
//!
//! It implements the [`Engine`](firesteel_connect::engine::Engine) that the Spark Connect server asks, and knows no protobuf.

mod cache;
mod catalog;
mod config;
mod engine;
mod error;
mod folder;
mod jobs;
mod prepare;
mod python;
mod query;
mod read;
mod reshape;
mod session;
mod show;
mod views;
mod write;

pub use config::Config;
pub use engine::FiresteelEngine;
pub use jobs::Cluster;
pub use session::SparkSession;
