//! `ip_order(address)`: a text that sorts as addresses do: as 16 bytes, IPv4 among IPv6 where the mapping puts it.

use std::net::IpAddr;

use arrow::array::ArrayRef;
use datafusion::error::Result;

use super::scalar::{Read, Scalar, returns_text, text, texts};

/// The function's name.
pub(in crate::engine) const NAME: &str = "ip_order";

pub(super) fn function() -> Scalar {
    Scalar::new(NAME, &[Read::Text], 1, returns_text, rows)
}

fn rows(arguments: &[ArrayRef]) -> Result<ArrayRef> {
    let [values] = arguments else {
        return datafusion::common::internal_err!("ip_order takes one argument");
    };
    texts(values.len(), |row| {
        let address = text(values, row).and_then(|written| written.trim().parse::<IpAddr>().ok());
        Ok(address.map(|address| {
            let bits = match address {
                IpAddr::V4(address) => address.to_ipv6_mapped().to_bits(),
                IpAddr::V6(address) => address.to_bits(),
            };
            format!("{bits:032x}")
        }))
    })
}
