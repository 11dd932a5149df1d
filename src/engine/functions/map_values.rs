//! `map_values(x)`: the values of a map or of a JSON object, as an array.

use super::map_keys::{self, Side};
use super::scalar::{Read, Scalar};

pub(super) fn function() -> Scalar {
    Scalar::new(
        "map_values",
        &[Read::Any],
        1,
        |kinds| map_keys::returns(Side::Values, kinds),
        |arguments| map_keys::rows(Side::Values, arguments),
    )
}
