//! The integration tests: one binary, one module a room. Each test links the whole engine, so many binaries would cost
//! minutes of linking.

mod policy;
mod sources;
mod support;
