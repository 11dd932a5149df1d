//! `url_extract_host(url)` and its kin: the parts of a URL; NULL for a part that is not there and for what is no URL.

use arrow::array::ArrayRef;
use datafusion::error::Result;
use url::Url;

use super::scalar::{Read, Scalar, returns_text, returns_whole, text, texts};

/// A part of a URL, as text.
type Part = fn(&Url) -> Option<String>;

/// The functions of one argument, by the part they extract.
pub(super) fn functions() -> Vec<Scalar> {
    vec![
        of("url_extract_protocol", |arguments| {
            part(arguments, |url| Some(url.scheme().to_owned()))
        }),
        of("url_extract_host", |arguments| {
            part(arguments, |url| url.host_str().map(str::to_owned))
        }),
        of("url_extract_path", |arguments| part(arguments, |url| Some(path(url)))),
        of("url_extract_query", |arguments| {
            part(arguments, |url| url.query().map(str::to_owned))
        }),
        of("url_extract_fragment", |arguments| {
            part(arguments, |url| url.fragment().map(str::to_owned))
        }),
        Scalar::new("url_extract_port", &[Read::Text], 1, returns_whole, port),
        Scalar::new(
            "url_extract_parameter",
            &[Read::Text, Read::Text],
            2,
            returns_text,
            parameter,
        ),
    ]
}

fn of(name: &'static str, body: fn(&[ArrayRef]) -> Result<ArrayRef>) -> Scalar {
    Scalar::new(name, &[Read::Text], 1, returns_text, body)
}

fn part(arguments: &[ArrayRef], part: Part) -> Result<ArrayRef> {
    let [urls] = arguments else {
        return datafusion::common::internal_err!("a URL's part is made of one argument");
    };
    texts(urls.len(), |row| {
        Ok(text(urls, row).and_then(|url| part(&Url::parse(url).ok()?)))
    })
}

/// The path, decoded as `java.net.URI` does it for Trino.
fn path(url: &Url) -> String {
    percent_encoding::percent_decode_str(url.path())
        .decode_utf8_lossy()
        .into_owned()
}

fn port(arguments: &[ArrayRef]) -> Result<ArrayRef> {
    let [urls] = arguments else {
        return datafusion::common::internal_err!("url_extract_port takes one argument");
    };
    let mut ports = arrow::array::Int64Builder::with_capacity(urls.len());
    for row in 0..urls.len() {
        let url = text(urls, row).and_then(|url| Url::parse(url).ok());
        ports.append_option(url.and_then(|url| url.port()).map(i64::from));
    }
    Ok(std::sync::Arc::new(ports.finish()))
}

fn parameter(arguments: &[ArrayRef]) -> Result<ArrayRef> {
    let [urls, names] = arguments else {
        return datafusion::common::internal_err!("url_extract_parameter takes two arguments");
    };
    texts(urls.len(), |row| {
        let (Some(url), Some(name)) = (text(urls, row), text(names, row)) else {
            return Ok(None);
        };
        let url = Url::parse(url).ok();
        Ok(url.and_then(|url| {
            url.query_pairs()
                .find(|(key, _)| key == name)
                .map(|(_, value)| value.into_owned())
        }))
    })
}
