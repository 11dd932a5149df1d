//! What an object's key says: whose log it is, of which kind, Region and delivery time. Text only; it opens nothing
//! and believes nothing that the layout does not say.

use chrono::{NaiveDate, NaiveDateTime};

/// What an object holds, as far as its key tells.
///
/// Layouts: <https://docs.aws.amazon.com/awscloudtrail/latest/userguide/get-and-view-cloudtrail-log-files.html>,
/// <https://docs.aws.amazon.com/awscloudtrail/latest/userguide/cloudtrail-log-file-validation-digest-file-structure.html>.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Kind {
    /// A trail's log file: records of management and data events.
    CloudTrail,
    /// An integrity digest: which log files an hour held.
    Digest,
    /// Insights records, which have no caller and no event name at their top.
    Insight,
    /// Network activity events of VPC endpoints.
    NetworkActivity,
    /// Aggregated data events, which are not records of single calls.
    Aggregated,
    /// Results of a CloudTrail Lake query (CSV and its signature).
    LakeQueryResult,
    /// Another service's log beside the trail's (VPC flow logs, Config, load balancers, ...).
    OtherService,
    /// A "folder" that a console or a copy tool left behind.
    Directory,
    /// The key follows no layout of CloudTrail.
    Unknown,
}

impl Kind {
    /// The kind's name, as it stands in keys where there is one.
    pub fn name(self) -> &'static str {
        match self {
            Kind::CloudTrail => "CloudTrail",
            Kind::Digest => "CloudTrail-Digest",
            Kind::Insight => "CloudTrail-Insight",
            Kind::NetworkActivity => "CloudTrail-NetworkActivity",
            Kind::Aggregated => "CloudTrail-Aggregated",
            Kind::LakeQueryResult => "CloudTrail-Lake",
            Kind::OtherService => "other service",
            Kind::Directory => "directory",
            Kind::Unknown => "unknown",
        }
    }

    /// Whether its content may be records to decode. An object of unknown layout may be anything, so it is read.
    pub fn may_hold_records(self) -> bool {
        matches!(self, Kind::CloudTrail | Kind::Unknown)
    }

    /// Whether its keys go on with Region, year, month and day.
    pub fn is_dated(self) -> bool {
        matches!(
            self,
            Kind::CloudTrail | Kind::Digest | Kind::Insight | Kind::NetworkActivity | Kind::Aggregated
        )
    }

    fn of_component(component: &str) -> Option<Kind> {
        Some(match component {
            "CloudTrail" => Kind::CloudTrail,
            "CloudTrail-Digest" => Kind::Digest,
            "CloudTrail-Insight" => Kind::Insight,
            "CloudTrail-NetworkActivity" => Kind::NetworkActivity,
            "CloudTrail-Aggregated" => Kind::Aggregated,
            "CloudTrail-Lake" => Kind::LakeQueryResult,
            other if OTHER_SERVICES.contains(&other) => Kind::OtherService,
            _ => return None,
        })
    }
}

/// Folders that other services write below `AWSLogs/<account>/`.
const OTHER_SERVICES: [&str; 13] = [
    "ApplicationLoadBalancer",
    "Config",
    "CostUsageReports",
    "GuardDuty",
    "WAFLogs",
    "elasticloadbalancing",
    "networkfirewall",
    "redshift",
    "route53resolver",
    "vpc-lattice",
    "vpcdnsquerylogs",
    "vpcflowlogs",
    "vpn-logs",
];

/// The parts of an object's key. What the key does not say is `None`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ObjectKey {
    /// What the object holds.
    pub kind: Kind,
    /// The bucket, where the text was a whole `s3://` address.
    pub bucket: Option<String>,
    /// What stands before `AWSLogs/`, ending in a slash unless empty (a trail's `S3KeyPrefix` and a slash); `None` where there is no such layout.
    pub prefix: Option<String>,
    /// The organization of an organization trail.
    pub organization: Option<String>,
    /// The account whose events these are.
    pub account: Option<String>,
    /// The Region whose events these are.
    pub region: Option<String>,
    /// The date in the path: the day of **delivery**.
    pub path_date: Option<NaiveDate>,
    /// The time in the file name: of delivery for a log, the end of its hour for a digest.
    pub delivered_at: Option<NaiveDateTime>,
    /// The trail's name, which only digests carry.
    pub trail: Option<String>,
    /// The Region a digest's trail was made in.
    pub home_region: Option<String>,
}

impl ObjectKey {
    /// Reads a key, or a whole `s3://bucket/key` address.
    pub fn parse(text: &str) -> ObjectKey {
        let (bucket, key) = match text.strip_prefix("s3://").and_then(|rest| rest.split_once('/')) {
            Some((bucket, key)) => (Some(bucket.to_owned()), key),
            None => (None, text),
        };
        let name = key.rsplit('/').next().unwrap_or(key);
        let mut parsed = FileName::parse(name).unwrap_or_default().into_key();
        parsed.bucket = bucket;
        if let Some(layout) = Layout::find(key) {
            parsed.prefix = Some(layout.prefix.to_owned());
            parsed.organization = layout.organization.map(str::to_owned);
            parsed.account = layout.account.map(str::to_owned).or(parsed.account);
            parsed.region = layout.region.map(str::to_owned).or(parsed.region);
            parsed.path_date = layout.day();
            if parsed.kind == Kind::Unknown {
                parsed.kind = layout.kind.unwrap_or(Kind::Unknown);
            }
        }
        if name.is_empty() || name.ends_with("_$folder$") {
            parsed.kind = Kind::Directory;
        }
        parsed
    }

    /// The day of delivery: the path's, else the file name's.
    pub fn date(&self) -> Option<NaiveDate> {
        self.path_date.or_else(|| self.delivered_at.map(|at| at.date()))
    }
}

/// How far a key or a key prefix follows the layout below `AWSLogs/`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Layout<'a> {
    /// What stands before `AWSLogs/`.
    pub prefix: &'a str,
    /// The organization id, in an organization trail's keys.
    pub organization: Option<&'a str>,
    /// The account id.
    pub account: Option<&'a str>,
    /// The kind that the folder after the account names.
    pub kind: Option<Kind>,
    /// The Region.
    pub region: Option<&'a str>,
    /// The year of delivery.
    pub year: Option<i32>,
    /// The month of delivery, 1 to 12.
    pub month: Option<u32>,
    /// The day of the month, valid for year and month.
    pub day: Option<u32>,
    /// Whether folders follow that the layout does not know.
    pub goes_on: bool,
}

impl<'a> Layout<'a> {
    /// The layout of a key: the **last** `AWSLogs/` that an account follows, because prefixes may contain the word too.
    pub fn find(key: &'a str) -> Option<Layout<'a>> {
        Self::candidates(key).find(|layout| layout.account.is_some())
    }

    /// The layout of a key prefix that ends in a slash, also where it stops at `AWSLogs/` or the organization.
    pub fn of_prefix(prefix: &'a str) -> Option<Layout<'a>> {
        Self::find(prefix).or_else(|| Self::candidates(prefix).find(|layout| !layout.goes_on))
    }

    /// The day of delivery that the path names.
    pub fn day(&self) -> Option<NaiveDate> {
        NaiveDate::from_ymd_opt(self.year?, self.month?, self.day?)
    }

    /// Every reading of the key, the last `AWSLogs/` first.
    fn candidates(key: &'a str) -> impl Iterator<Item = Layout<'a>> {
        const WORD: &str = "AWSLogs/";
        key.rmatch_indices(WORD).filter_map(move |(at, word)| {
            let prefix = key.get(..at)?;
            let rest = key.get(at + word.len()..)?;
            (prefix.is_empty() || prefix.ends_with('/')).then(|| Self::below(prefix, rest))
        })
    }

    fn below(prefix: &'a str, rest: &'a str) -> Layout<'a> {
        let mut layout = Layout {
            prefix,
            ..Layout::default()
        };
        // The last component is a file name or empty, never a folder.
        let Some((folders, _)) = rest.rsplit_once('/') else {
            return layout;
        };
        let mut folders = folders.split('/').peekable();
        layout.organization = folders.next_if(|folder| is_organization(folder));
        layout.account = folders.next_if(|folder| is_account(folder));
        if layout.account.is_some()
            && let Some(folder) = folders.peek()
            && let Some(kind) = Kind::of_component(folder)
        {
            layout.kind = Some(kind);
            folders.next();
            if kind.is_dated() {
                layout.region = folders.next_if(|folder| is_region(folder));
            }
            if kind == Kind::LakeQueryResult {
                folders.next_if(|folder| *folder == "Query");
            }
            if layout.region.is_some() || kind == Kind::LakeQueryResult {
                layout.year = folders
                    .next_if(|folder| number(folder, 4).is_some())
                    .and_then(|folder| number(folder, 4))
                    .and_then(|year| i32::try_from(year).ok());
            }
            if layout.year.is_some() {
                layout.month = folders
                    .next_if(|folder| matches!(number(folder, 2), Some(1..=12)))
                    .and_then(|folder| number(folder, 2));
            }
            if let (Some(year), Some(month)) = (layout.year, layout.month) {
                let is_day =
                    |folder: &str| number(folder, 2).filter(|day| NaiveDate::from_ymd_opt(year, month, *day).is_some());
                layout.day = folders.next_if(|folder| is_day(folder).is_some()).and_then(is_day);
            }
        }
        layout.goes_on = folders.next().is_some();
        layout
    }
}

/// The parts of a file name as CloudTrail writes it.
#[derive(Debug, Default)]
struct FileName<'a> {
    kind: Option<Kind>,
    account: Option<&'a str>,
    region: Option<&'a str>,
    delivered_at: Option<NaiveDateTime>,
    trail: Option<&'a str>,
    home_region: Option<&'a str>,
}

impl<'a> FileName<'a> {
    fn parse(name: &'a str) -> Option<FileName<'a>> {
        let (account, rest) = name.split_once('_')?;
        let (kind, rest) = rest.split_once('_')?;
        let (region, rest) = rest.split_once('_')?;
        let kind = Kind::of_component(kind).filter(|kind| kind.is_dated())?;
        if !is_account(account) || !is_region(region) {
            return None;
        }
        let mut parsed = FileName {
            kind: Some(kind),
            account: Some(account),
            region: Some(region),
            ..FileName::default()
        };
        if kind == Kind::Digest {
            // A trail's name may hold underscores, a Region's cannot: read from the right.
            let stem = rest.split_once(".json").map_or(rest, |(stem, _)| stem);
            let stem = stem.strip_suffix("_backfill").unwrap_or(stem);
            if let Some((named, at)) = stem.rsplit_once('_')
                && let Some((trail, home)) = named.rsplit_once('_')
                && is_region(home)
            {
                (parsed.trail, parsed.home_region) = (Some(trail), Some(home));
                parsed.delivered_at = stamp(at);
            }
        } else {
            parsed.delivered_at = stamp(rest.split(['_', '.']).next().unwrap_or(rest));
        }
        Some(parsed)
    }

    fn into_key(self) -> ObjectKey {
        ObjectKey {
            kind: self.kind.unwrap_or(Kind::Unknown),
            bucket: None,
            prefix: None,
            organization: None,
            account: self.account.map(str::to_owned),
            region: self.region.map(str::to_owned),
            path_date: None,
            delivered_at: self.delivered_at,
            trail: self.trail.map(str::to_owned),
            home_region: self.home_region.map(str::to_owned),
        }
    }
}

/// An account id has 12 digits; redacted logs that are passed around have a few more or fewer.
fn is_account(text: &str) -> bool {
    (6..=16).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit())
}

fn is_organization(text: &str) -> bool {
    text.strip_prefix("o-").is_some_and(|id| {
        (1..=32).contains(&id.len())
            && id
                .bytes()
                .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit())
    })
}

fn is_region(text: &str) -> bool {
    let parts = text.split('-').count();
    let lower = text
        .bytes()
        .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-');
    (3..=6).contains(&parts)
        && lower
        && text.len() <= 32
        && text.bytes().last().is_some_and(|byte| byte.is_ascii_digit())
}

fn number(text: &str, digits: usize) -> Option<u32> {
    (text.len() == digits && text.bytes().all(|byte| byte.is_ascii_digit()))
        .then(|| text.parse().ok())
        .flatten()
}

/// `YYYYMMDDTHHmmZ`, or with seconds as digests have it.
fn stamp(text: &str) -> Option<NaiveDateTime> {
    let (date, time) = text.strip_suffix('Z')?.split_once('T')?;
    let date = NaiveDate::from_ymd_opt(
        i32::try_from(number(date.get(..4)?, 4)?).ok()?,
        number(date.get(4..6)?, 2)?,
        number(date.get(6..)?, 2)?,
    )?;
    let second = if time.len() == 4 { 0 } else { number(time.get(4..)?, 2)? };
    date.and_hms_opt(number(time.get(..2)?, 2)?, number(time.get(2..4)?, 2)?, second)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn key(text: &str) -> ObjectKey {
        ObjectKey::parse(text)
    }

    #[test]
    fn an_account_trails_object() {
        let key = key(
            "s3://logs/AWSLogs/111122223333/CloudTrail/us-east-1/2023/07/10/111122223333_CloudTrail_us-east-1_20230710T1205Z_AbCdEfGhIjKlMnOp.json.gz",
        );
        assert_eq!(key.kind, Kind::CloudTrail);
        assert_eq!(key.bucket.as_deref(), Some("logs"));
        assert_eq!(key.prefix.as_deref(), Some(""));
        assert_eq!(
            (key.account.as_deref(), key.organization.as_deref()),
            (Some("111122223333"), None)
        );
        assert_eq!(key.region.as_deref(), Some("us-east-1"));
        assert_eq!(key.path_date, NaiveDate::from_ymd_opt(2023, 7, 10));
        assert_eq!(key.delivered_at.unwrap().to_string(), "2023-07-10 12:05:00");
    }

    #[test]
    fn the_last_plausible_layout_counts() {
        let key =
            key("a/AWSLogs/o-old/AWSLogs/o-exampleorg1/444455556666/CloudTrail/us-gov-west-1/2024/02/29/x.json.gz");
        assert_eq!(key.prefix.as_deref(), Some("a/AWSLogs/o-old/"));
        assert_eq!(key.organization.as_deref(), Some("o-exampleorg1"));
        assert_eq!(key.account.as_deref(), Some("444455556666"));
        assert_eq!(key.region.as_deref(), Some("us-gov-west-1"));
        assert_eq!(key.date(), NaiveDate::from_ymd_opt(2024, 2, 29));
        let key = self::key("AWSLogs/111122223333/CloudTrail/us-east-1/2024/01/02/AWSLogs/x.json");
        assert_eq!(
            (key.prefix.as_deref(), key.account.as_deref()),
            (Some(""), Some("111122223333"))
        );
        assert_eq!(self::key("myAWSLogs/111122223333/CloudTrail/x.json").prefix, None);
    }

    #[test]
    fn a_digest_names_its_trail_whatever_underscores_it_has() {
        let key = key(
            "p/AWSLogs/111122223333/CloudTrail-Digest/us-east-2/2015/08/17/111122223333_CloudTrail-Digest_us-east-2_my_trail.v1_us-west-2_20150817T150131Z.json.gz",
        );
        assert_eq!(key.kind, Kind::Digest);
        assert_eq!(key.trail.as_deref(), Some("my_trail.v1"));
        assert_eq!(key.home_region.as_deref(), Some("us-west-2"));
        assert_eq!(key.delivered_at.unwrap().to_string(), "2015-08-17 15:01:31");
        let late = self::key("111122223333_CloudTrail-Digest_us-east-2_t_us-east-2_20150817T150131Z_backfill.json.gz");
        assert_eq!((late.kind, late.trail.as_deref()), (Kind::Digest, Some("t")));
    }

    #[test]
    fn every_kind_is_told_by_folder_or_by_file_name() {
        for kind in [
            Kind::CloudTrail,
            Kind::Digest,
            Kind::Insight,
            Kind::NetworkActivity,
            Kind::Aggregated,
        ] {
            let name = kind.name();
            assert_eq!(
                key(&format!("AWSLogs/111122223333/{name}/us-east-1/2024/01/02/odd.json.gz")).kind,
                kind
            );
            let flat = format!("111122223333_{name}_eu-west-1_20240102T0304Z_Aa.json.gz");
            assert_eq!(
                (key(&flat).kind, key(&flat).region.as_deref()),
                (kind, Some("eu-west-1"))
            );
        }
        assert_eq!(
            key("AWSLogs/111122223333/CloudTrail-Lake/Query/2024/01/02/q/r.csv.gz").kind,
            Kind::LakeQueryResult
        );
        assert_eq!(
            key("AWSLogs/111122223333/vpcflowlogs/us-east-1/2024/01/02/x.log.gz").kind,
            Kind::OtherService
        );
        assert_eq!(key("AWSLogs/111122223333/CloudTrail/us-east-1/").kind, Kind::Directory);
        assert_eq!(key("AWSLogs/111122223333_$folder$").kind, Kind::Directory);
        assert_eq!(key("exports/records.json").kind, Kind::Unknown);
        assert_eq!(key("").kind, Kind::Directory);
    }

    #[test]
    fn dates_that_are_none_are_not_read() {
        let key = key(
            "AWSLogs/111122223333/CloudTrail/us-east-1/2023/02/30/111122223333_CloudTrail_us-east-1_20231301T0000Z_A.json.gz",
        );
        assert_eq!((key.kind, key.date()), (Kind::CloudTrail, None));
    }

    #[test]
    fn a_prefix_tells_how_far_the_layout_goes() {
        assert_eq!(
            Layout::of_prefix("x/AWSLogs/").unwrap(),
            Layout {
                prefix: "x/",
                ..Layout::default()
            }
        );
        assert_eq!(
            Layout::of_prefix("AWSLogs/o-abcd/").unwrap().organization,
            Some("o-abcd")
        );
        let month = Layout::of_prefix("AWSLogs/o-abcd/111122223333/CloudTrail/us-east-1/2024/03/").unwrap();
        assert_eq!(
            (month.year, month.month, month.day, month.goes_on),
            (Some(2024), Some(3), None, false)
        );
        assert!(
            Layout::of_prefix("AWSLogs/111122223333/CloudTrail/us-east-1/2024/03/04/05/")
                .unwrap()
                .goes_on
        );
        assert!(Layout::of_prefix("AWSLogs/else/").is_none());
        assert!(Layout::of_prefix("logs/").is_none());
    }

    proptest! {
        #[test]
        fn any_text_is_read_without_harm(text in "\\PC{0,80}", slashes in "(AWSLogs|/|_|[0-9]{12}|CloudTrail|us-east-1|2024|T|Z|o-a){0,20}") {
            let _ = key(&text);
            let _ = key(&slashes);
            let _ = Layout::of_prefix(&slashes);
        }

        #[test]
        fn what_is_written_is_read(
            prefix in "([a-z0-9 +%-]{1,8}/|AWSLogs/){0,3}",
            organization in proptest::option::of("o-[a-z0-9]{10,32}"),
            account in "[0-9]{12}",
            region in "(us|eu|ap|us-gov|cn)-(east|west|southeast|north)-[1-9]",
            day in 0i64..20_000,
            minute in 0i64..1440,
            kind in proptest::sample::select(vec![Kind::CloudTrail, Kind::Insight, Kind::NetworkActivity, Kind::Aggregated]),
            suffix in "[A-Za-z0-9]{16}",
        ) {
            let date = NaiveDate::from_ymd_opt(1990, 1, 1).unwrap() + chrono::Days::new(u64::try_from(day).unwrap());
            let at = date.and_hms_opt(u32::try_from(minute / 60).unwrap(), u32::try_from(minute % 60).unwrap(), 0).unwrap();
            let org = organization.clone().map(|id| id + "/").unwrap_or_default();
            let text = format!(
                "{prefix}AWSLogs/{org}{account}/{name}/{region}/{}/{account}_{name}_{region}_{}_{suffix}.json.gz",
                date.format("%Y/%m/%d"), at.format("%Y%m%dT%H%MZ"), name = kind.name(),
            );
            let read = key(&text);
            prop_assert_eq!(read.kind, kind);
            prop_assert_eq!(read.prefix, Some(prefix));
            prop_assert_eq!(read.organization, organization);
            prop_assert_eq!(read.account, Some(account));
            prop_assert_eq!(read.region, Some(region));
            prop_assert_eq!(read.path_date, Some(date));
            prop_assert_eq!(read.delivered_at, Some(at));
        }
    }
}
