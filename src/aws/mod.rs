//! The only room that names the AWS SDK: credentials, Region and endpoint, and what is read from S3.
//! It holds no rule about logs or permissions.

pub mod config;
pub mod s3;
