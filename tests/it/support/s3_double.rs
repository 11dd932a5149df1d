//! A stand-in for S3 that fails as told, where a real server cannot be made to. It speaks just enough of the protocol (lists, whole
//! and ranged reads, `If-Match`) and remembers what it was asked.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::Body;
use axum::extract::{Query, Request, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use bytes::Bytes;

/// How one request for an object, or for a list, is answered.
#[derive(Debug, Clone)]
pub enum Act {
    /// An S3 error.
    Fail(u16, &'static str),
    /// The connection breaks after so many bytes of the body.
    Break(usize),
    /// The object is another one from now on, and then answered.
    Replace(Vec<u8>),
}

/// What was asked.
#[derive(Debug, Clone)]
pub struct Asked {
    pub method: String,
    /// The key, empty for a list.
    pub key: String,
    pub query: HashMap<String, String>,
    pub headers: HeaderMap,
}

#[derive(Default)]
struct Inside {
    objects: BTreeMap<String, Vec<u8>>,
    acts: HashMap<String, VecDeque<Act>>,
    always: HashMap<String, Act>,
    asked: Vec<Asked>,
    active: usize,
    most_active: usize,
}

/// The stand-in; it ends with this value.
pub struct S3Double {
    pub endpoint: String,
    inside: Arc<Mutex<Inside>>,
    server: tokio::task::JoinHandle<()>,
}

impl S3Double {
    /// A server with these objects in its one bucket, which answers to any name.
    pub async fn start(objects: &[(&str, &[u8])]) -> S3Double {
        let inside = Inside {
            objects: objects
                .iter()
                .map(|(key, body)| ((*key).to_owned(), body.to_vec()))
                .collect(),
            ..Inside::default()
        };
        let inside = Arc::new(Mutex::new(inside));
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let endpoint = format!("http://{}", listener.local_addr().unwrap());
        let router = Router::new().fallback(answer).with_state(Arc::clone(&inside));
        let server = tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        S3Double {
            endpoint,
            inside,
            server,
        }
    }

    /// Answers the next requests for a key (empty: for lists) in this way, one after another; then as S3 would.
    pub fn then(&self, key: &str, acts: &[Act]) {
        self.inside
            .lock()
            .unwrap()
            .acts
            .entry(key.to_owned())
            .or_default()
            .extend(acts.iter().cloned());
    }

    /// Answers every request for a key (empty: for lists) in this way.
    pub fn always(&self, key: &str, act: Act) {
        self.inside.lock().unwrap().always.insert(key.to_owned(), act);
    }

    /// The most requests that were under way at once.
    pub fn most_active(&self) -> usize {
        self.inside.lock().unwrap().most_active
    }

    /// Every request so far.
    pub fn asked(&self) -> Vec<Asked> {
        self.inside.lock().unwrap().asked.clone()
    }
}

impl Drop for S3Double {
    fn drop(&mut self) {
        self.server.abort();
    }
}

async fn answer(
    State(inside): State<Arc<Mutex<Inside>>>,
    Query(query): Query<HashMap<String, String>>,
    request: Request,
) -> Response {
    let path = percent_encoding::percent_decode_str(request.uri().path())
        .decode_utf8_lossy()
        .into_owned();
    let key = path
        .trim_start_matches('/')
        .split_once('/')
        .map_or("", |(_, key)| key)
        .to_owned();
    {
        let mut inside = inside.lock().unwrap();
        inside.active += 1;
        inside.most_active = inside.most_active.max(inside.active);
    }
    // Long enough for requests to meet.
    tokio::time::sleep(std::time::Duration::from_millis(5)).await;
    let mut inside = inside.lock().unwrap();
    inside.active -= 1;
    let headers = request.headers().clone();
    inside.asked.push(Asked {
        method: request.method().to_string(),
        key: key.clone(),
        query: query.clone(),
        headers: headers.clone(),
    });
    let act = inside
        .acts
        .get_mut(&key)
        .and_then(VecDeque::pop_front)
        .or_else(|| inside.always.get(&key).cloned());
    let mut end = usize::MAX;
    match act {
        Some(Act::Fail(status, code)) => return fail(status, code),
        Some(Act::Break(after)) => end = after,
        Some(Act::Replace(body)) => {
            inside.objects.insert(key.clone(), body);
        }
        None => {}
    }
    if key.is_empty() {
        return list(&inside.objects, &query);
    }
    let Some(body) = inside.objects.get(&key) else {
        return fail(404, "NoSuchKey");
    };
    object(body, end, &headers)
}

fn object(body: &[u8], end: usize, headers: &HeaderMap) -> Response {
    let etag = format!(
        "\"{:016x}\"",
        body.iter()
            .fold(7_u64, |hash, byte| hash.wrapping_mul(31).wrapping_add(u64::from(*byte)))
    );
    if headers
        .get("if-match")
        .is_some_and(|wanted| wanted.to_str().unwrap() != etag)
    {
        return fail(412, "PreconditionFailed");
    }
    let range = headers.get("range").map(|range| range.to_str().unwrap().to_owned());
    let begin: usize = range.as_deref().map_or(0, |range| {
        range
            .trim_start_matches("bytes=")
            .trim_end_matches('-')
            .parse()
            .unwrap()
    });
    let rest = body[begin..].to_vec();
    let mut response = Response::builder()
        .header("etag", etag)
        .header("content-length", rest.len());
    if range.is_some() {
        response = response.status(206).header(
            "content-range",
            format!("bytes {begin}-{}/{}", body.len() - 1, body.len()),
        );
    }
    if end >= rest.len() {
        return response.body(Body::from(rest)).unwrap();
    }
    let parts = [
        Ok(Bytes::from(rest[..end].to_vec())),
        Err(std::io::Error::other("the connection breaks here")),
    ];
    // The error must not overtake the bytes before it.
    let parts = futures::StreamExt::then(futures::stream::iter(parts), |part| async {
        if part.is_err() {
            tokio::time::sleep(std::time::Duration::from_millis(30)).await;
        }
        part
    });
    response.body(Body::from_stream(parts)).unwrap()
}

fn list(objects: &BTreeMap<String, Vec<u8>>, query: &HashMap<String, String>) -> Response {
    let prefix = query.get("prefix").map_or("", String::as_str);
    let limit: usize = query.get("max-keys").map_or(1000, |limit| limit.parse().unwrap());
    let contents = objects
        .iter()
        .filter(|(key, _)| key.starts_with(prefix))
        .take(limit)
        .map(|(key, body)| {
            let hash = body
                .iter()
                .fold(7_u64, |hash, byte| hash.wrapping_mul(31).wrapping_add(u64::from(*byte)));
            format!(
                "<Contents><Key>{key}</Key><Size>{}</Size><ETag>\"{hash:016x}\"</ETag></Contents>",
                body.len()
            )
        });
    let text = format!(
        "<ListBucketResult><IsTruncated>false</IsTruncated>{}</ListBucketResult>",
        contents.collect::<String>()
    );
    Response::builder()
        .header("content-type", "application/xml")
        .body(Body::from(text))
        .unwrap()
}

fn fail(status: u16, code: &str) -> Response {
    let text = format!("<Error><Code>{code}</Code><Message>as told</Message></Error>");
    Response::builder()
        .status(StatusCode::from_u16(status).unwrap())
        .header("content-type", "application/xml")
        .body(Body::from(text))
        .unwrap()
}
