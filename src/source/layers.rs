//! How a prefix is listed when only some days of delivery are wanted: by what the layout says must lie below it. A prefix of no
//! known layout is looked into folder by folder, and each object is judged by its own key, so nothing depends on the guess.

use super::Dates;
use super::dates::Overlap;
use crate::trail::object_key::{Kind, Layout};

/// Unknown folders looked into one by one, from the bucket's root; deeper ones are listed whole.
const UNKNOWN_DEPTH: usize = 6;

/// How to list what is below a prefix.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Layer {
    /// All of it lies outside of the days.
    Nothing,
    /// Logs of another service, which are not looked at.
    OtherService,
    /// Page by page; each key is judged on its own.
    Everything,
    /// Folder by folder.
    Folders,
    /// A year or month that is wanted in part: one page if it is small, else folder by folder.
    Stretch,
}

/// The way to list below a prefix that ends in a slash or is empty.
pub(super) fn layer(prefix: &str, dates: &Dates) -> Layer {
    let Some(layout) = Layout::of_prefix(prefix) else {
        let depth = prefix.matches('/').count();
        return if depth <= UNKNOWN_DEPTH {
            Layer::Folders
        } else {
            Layer::Everything
        };
    };
    if layout.kind == Some(Kind::OtherService) {
        return Layer::OtherService;
    }
    if layout.goes_on {
        return match layout.day() {
            day if !dates.hold(day) => Layer::Nothing,
            _ => Layer::Everything,
        };
    }
    match (layout.year, layout.month, layout.day()) {
        (_, _, Some(day)) if dates.hold(Some(day)) => Layer::Everything,
        (_, _, Some(_)) => Layer::Nothing,
        (Some(year), month, None) => match dates.overlap(year, month) {
            Overlap::None => Layer::Nothing,
            Overlap::Whole => Layer::Everything,
            Overlap::Part => Layer::Stretch,
        },
        (None, ..) => Layer::Folders,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use chrono::NaiveDate;

    #[test]
    fn each_layer_of_the_layout_has_its_way() {
        let dates = Dates::of_events(
            NaiveDate::from_ymd_opt(2023, 12, 30),
            NaiveDate::from_ymd_opt(2024, 3, 9),
            1,
        );
        let region = "p/AWSLogs/o-abcd/111122223333/CloudTrail/us-east-1/";
        for (below, expected) in [
            ("", Layer::Folders),
            ("2022/", Layer::Nothing),
            ("2023/", Layer::Stretch),
            ("2023/12/", Layer::Stretch),
            ("2023/12/29/", Layer::Nothing),
            ("2023/12/30/", Layer::Everything),
            ("2024/02/", Layer::Everything),
            ("2024/03/", Layer::Stretch),
            ("2024/03/10/", Layer::Everything),
            ("2024/03/11/", Layer::Nothing),
            ("2024/03/11/12/", Layer::Nothing),
            ("2024/03/10/12/", Layer::Everything),
            ("2025/", Layer::Nothing),
            ("copies/", Layer::Everything),
        ] {
            assert_eq!(layer(&format!("{region}{below}"), &dates), expected, "{below}");
        }
        assert_eq!(layer("", &dates), Layer::Folders);
        assert_eq!(layer("AWSLogs/", &dates), Layer::Folders);
        assert_eq!(layer("AWSLogs/111122223333/", &dates), Layer::Folders);
        assert_eq!(layer("AWSLogs/111122223333/vpcflowlogs/", &dates), Layer::OtherService);
        assert_eq!(layer("a/b/c/d/e/f/g/", &dates), Layer::Everything);
    }
}
