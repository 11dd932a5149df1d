//! `contains(array, x)`: whether the array has the element; `contains(network, address)`: whether the CIDR block has
//! the address; `contains(text, part)`: whether the text has the part.

use std::net::IpAddr;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, BooleanBuilder};
use arrow::compute::cast;
use arrow::datatypes::DataType;
use datafusion::error::Result;

use super::scalar::{Read, Scalar, returns_flag, text};

pub(super) fn function() -> Scalar {
    Scalar::new("contains", &[Read::Any, Read::Any], 2, returns_flag, rows)
}

fn rows(arguments: &[ArrayRef]) -> Result<ArrayRef> {
    let [within, wanted] = arguments else {
        return datafusion::common::internal_err!("contains takes two arguments");
    };
    let mut found = BooleanBuilder::with_capacity(within.len());
    let wanted = cast(wanted, &DataType::Utf8)?;
    for row in 0..within.len() {
        let Some(wanted) = text(&wanted, row).filter(|_| within.is_valid(row)) else {
            found.append_null();
            continue;
        };
        found.append_option(match within.data_type() {
            DataType::List(_) => {
                let elements = cast(&within.as_list::<i32>().value(row), &DataType::Utf8)?;
                let has = (0..elements.len()).any(|element| text(&elements, element) == Some(wanted));
                // As in SQL's IN: a NULL among the elements might have been it.
                if has {
                    Some(true)
                } else {
                    (elements.null_count() == 0).then_some(false)
                }
            }
            DataType::Utf8 => text(within, row).map(|within| match network(within) {
                Some(network) => wanted.parse().is_ok_and(|address| is_in(address, network)),
                None => within.contains(wanted),
            }),
            other => return datafusion::common::exec_err!("contains takes an array, a network or a text, not {other}"),
        });
    }
    Ok(Arc::new(found.finish()))
}

fn network(text: &str) -> Option<(IpAddr, u32)> {
    let (address, length) = text.split_once('/')?;
    let (address, length): (IpAddr, u32) = (address.trim().parse().ok()?, length.trim().parse().ok()?);
    (length <= if address.is_ipv4() { 32 } else { 128 }).then_some((address, length))
}

fn is_in(address: IpAddr, (network, length): (IpAddr, u32)) -> bool {
    let bits = |address: IpAddr| match address {
        IpAddr::V4(address) => (u128::from(address.to_bits()) << 96, true),
        IpAddr::V6(address) => (address.to_bits(), false),
    };
    let ((address, is_v4), (network, network_is_v4)) = (bits(address), bits(network));
    let mask = if length == 0 { 0 } else { u128::MAX << (128 - length) };
    is_v4 == network_is_v4 && address & mask == network & mask
}
