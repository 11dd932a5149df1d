//! Sessions that end: a `credential_process` that hands out short ones and counts, and a gate before an S3 server that refuses
//! what is signed with one that has ended, as AWS does and no emulator.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

/// A source of short sessions, in a folder.
pub struct Sessions {
    folder: PathBuf,
}

impl Sessions {
    /// Each lasts so many seconds.
    pub fn of(folder: &Path, seconds: u32) -> Sessions {
        let script = folder.join("sign-in");
        let text = format!(
            "#!/bin/sh\necho >> '{0}/asked'\nat=$(( $(date +%s) + {seconds} ))\n\
             printf '{{\"Version\": 1, \"AccessKeyId\": \"ASIAEXAMPLE\", \"SecretAccessKey\": \"EXAMPLE\", \"SessionToken\": \"until-%s\", \"Expiration\": \"%s\"}}' \
             \"$at\" \"$(date -u -d \"@$at\" +%FT%TZ)\"\n",
            folder.display()
        );
        std::fs::write(&script, text).unwrap();
        let config = format!("[profile short]\ncredential_process = sh '{}'\n", script.display());
        std::fs::write(folder.join("config"), config).unwrap();
        Sessions {
            folder: folder.to_owned(),
        }
    }

    /// The file that names the profile `short`.
    pub fn config(&self) -> PathBuf {
        self.folder.join("config")
    }

    /// How often somebody asked for one.
    pub fn asked(&self) -> usize {
        std::fs::read_to_string(self.folder.join("asked")).map_or(0, |text| text.lines().count())
    }
}

/// A gate; it is open as long as this value.
pub struct Gate {
    pub endpoint: String,
    passed: Arc<AtomicUsize>,
    refused: Arc<AtomicUsize>,
    task: tokio::task::JoinHandle<()>,
}

impl Gate {
    /// Opens a gate before a server (`http://HOST:PORT`); each request waits a while.
    pub async fn before(server: &str, wait: Duration) -> Gate {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let endpoint = format!("http://{}", listener.local_addr().unwrap());
        let server = server.trim_start_matches("http://").to_owned();
        let (passed, refused) = (Arc::<AtomicUsize>::default(), Arc::<AtomicUsize>::default());
        let counts = (passed.clone(), refused.clone());
        let task = tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let (server, (passed, refused)) = (server.clone(), counts.clone());
                tokio::spawn(async move {
                    let count = match pass(client, &server, wait).await {
                        Some(true) => passed,
                        Some(false) => refused,
                        None => return,
                    };
                    count.fetch_add(1, Ordering::Relaxed);
                });
            }
        });
        Gate {
            endpoint,
            passed,
            refused,
            task,
        }
    }

    /// Requests that went through, and those that came with a session that had ended, or with none.
    pub fn read(&self) -> (usize, usize) {
        (
            self.passed.load(Ordering::Relaxed),
            self.refused.load(Ordering::Relaxed),
        )
    }
}

impl Drop for Gate {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// One request of a connection, which ends with its answer.
async fn pass(mut client: TcpStream, server: &str, wait: Duration) -> Option<bool> {
    let mut request = Vec::new();
    let head = loop {
        if let Some(at) = request.windows(4).position(|four| four == b"\r\n\r\n") {
            break at;
        }
        if client.read_buf(&mut request).await.ok()? == 0 {
            return None;
        }
    };
    tokio::time::sleep(wait).await;
    let text = String::from_utf8_lossy(&request[..head]).into_owned();
    let header = |name: &str| {
        let lines = text.lines().filter_map(|line| line.split_once(':'));
        let mut found = lines.filter(|(held, _)| held.eq_ignore_ascii_case(name));
        found.next().map(|(_, value)| value.trim().to_owned())
    };
    let until = header("x-amz-security-token").and_then(|token| token.strip_prefix("until-")?.parse::<u64>().ok());
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs();
    let length: usize = header("content-length").map_or(0, |length| length.parse().unwrap());
    while request.len() < head + 4 + length {
        if client.read_buf(&mut request).await.ok()? == 0 {
            return None;
        }
    }
    if until.is_none_or(|until| until <= now) {
        let body = "<Error><Code>ExpiredToken</Code><Message>The provided token has expired.</Message></Error>";
        let length = body.len();
        let answer = format!(
            "HTTP/1.1 400 Bad Request\r\ncontent-type: application/xml\r\nconnection: close\r\ncontent-length: {length}\r\n\r\n{body}"
        );
        client.write_all(answer.as_bytes()).await.ok()?;
        return Some(false);
    }
    let mut upstream = TcpStream::connect(server).await.ok()?;
    upstream.write_all(&request[..head]).await.ok()?;
    upstream.write_all(b"\r\nconnection: close").await.ok()?;
    upstream.write_all(&request[head..]).await.ok()?;
    tokio::io::copy(&mut upstream, &mut client).await.ok()?;
    client.shutdown().await.ok()?;
    Some(true)
}
