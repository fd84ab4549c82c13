//! The messages and the service of Spark Connect 4.2, generated from Spark's descriptors.

#![allow(clippy::all, missing_docs)]

tonic::include_proto!("spark.connect");
