//! `ipaddress(text)`: the address in its canonical form. NULL for what is none: a source "address" in a log is often the
//! name of a service.

use std::net::IpAddr;

use arrow::array::ArrayRef;
use datafusion::error::Result;

use super::scalar::{Read, Scalar, returns_text, text, texts};

pub(super) fn function() -> Scalar {
    Scalar::new("ipaddress", &[Read::Text], 1, returns_text, rows)
}

fn rows(arguments: &[ArrayRef]) -> Result<ArrayRef> {
    let [values] = arguments else {
        return datafusion::common::internal_err!("ipaddress takes one argument");
    };
    texts(values.len(), |row| {
        let canonical = text(values, row).and_then(|written| match written.split_once('/') {
            Some((address, length)) => Some(format!(
                "{}/{}",
                address.parse::<IpAddr>().ok()?,
                length.parse::<u8>().ok()?
            )),
            None => written.trim().parse::<IpAddr>().ok().map(|address| address.to_string()),
        });
        Ok(canonical)
    })
}
