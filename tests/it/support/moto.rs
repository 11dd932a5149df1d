//! A real HTTP server that speaks AWS's protocols (moto), with a client to fill it.

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};

use aws_sdk_s3::Client;
use aws_sdk_s3::config::{BehaviorVersion, Credentials, Region};
use aws_sdk_s3::primitives::ByteStream;
use futures::StreamExt;
use keytrail::aws::s3::SdkConfig;

use super::python;

/// A running server; it ends with this value, and when the test process ends in any way.
pub struct Moto {
    server: Child,
    /// `http://127.0.0.1:PORT`
    pub endpoint: String,
}

impl Moto {
    /// Starts a server with nothing in it; `None` where there is no Python.
    pub fn start() -> Option<Moto> {
        let python = python::interpreter()?;
        let mut server = Command::new(python)
            .arg(python::script("aws_server.py"))
            .env("MOTO_ACCOUNT_ID", "111122223333")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut port = String::new();
        BufReader::new(server.stdout.take().unwrap())
            .read_line(&mut port)
            .unwrap();
        assert!(!port.trim().is_empty(), "the AWS server did not start");
        Some(Moto {
            server,
            endpoint: format!("http://127.0.0.1:{}", port.trim()),
        })
    }

    /// One server for all tests of this process, which take a bucket each.
    pub fn shared() -> Option<&'static Moto> {
        static SHARED: OnceLock<Option<Moto>> = OnceLock::new();
        SHARED.get_or_init(Moto::start).as_ref()
    }

    /// The configuration keytrail's own clients are made from.
    pub fn config(&self) -> SdkConfig {
        config(&self.endpoint)
    }

    /// A client for the test itself.
    pub fn client(&self) -> Client {
        let config = aws_sdk_s3::config::Builder::from(&self.config())
            .force_path_style(true)
            .build();
        Client::from_conf(config)
    }

    /// A new bucket, with a name of its own.
    pub async fn bucket(&self) -> Bucket {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let name = format!("logs-{}-{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed));
        let client = self.client();
        client.create_bucket().bucket(&name).send().await.unwrap();
        Bucket { client, name }
    }

    /// What a keytrail process needs in its environment to speak to this server.
    pub fn environment(&self) -> Vec<(&'static str, String)> {
        environment(&self.endpoint)
    }
}

impl Drop for Moto {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.server.kill();
        let _ = self.server.wait();
    }
}

/// What a keytrail process needs in its environment to speak to a server.
pub fn environment(endpoint: &str) -> Vec<(&'static str, String)> {
    let fixed = [
        ("AWS_ENDPOINT_URL", endpoint),
        ("AWS_ACCESS_KEY_ID", "test"),
        ("AWS_SECRET_ACCESS_KEY", "test"),
        ("AWS_REGION", "us-east-1"),
    ];
    fixed.map(|(name, value)| (name, value.to_owned())).to_vec()
}

/// A configuration for any server that does not check signatures.
pub fn config(endpoint: &str) -> SdkConfig {
    SdkConfig::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::new("us-east-1"))
        .endpoint_url(endpoint)
        .credentials_provider(aws_sdk_s3::config::SharedCredentialsProvider::new(Credentials::new(
            "test", "test", None, None, "test",
        )))
        .retry_config(
            aws_sdk_s3::config::retry::RetryConfig::adaptive()
                .with_max_attempts(4)
                .with_initial_backoff(std::time::Duration::from_millis(20)),
        )
        .build()
}

/// A bucket of one test.
pub struct Bucket {
    pub client: Client,
    pub name: String,
}

impl Bucket {
    pub async fn put(&self, key: &str, body: impl Into<Vec<u8>>) {
        let body = ByteStream::from(body.into());
        self.client
            .put_object()
            .bucket(&self.name)
            .key(key)
            .body(body)
            .send()
            .await
            .unwrap();
    }

    pub async fn put_all(&self, keys: &[String], body: impl Fn(&str) -> Vec<u8>) {
        futures::stream::iter(keys)
            .for_each_concurrent(8, |key| self.put(key, body(key)))
            .await;
    }

    pub async fn delete(&self, key: &str) {
        self.client
            .delete_object()
            .bucket(&self.name)
            .key(key)
            .send()
            .await
            .unwrap();
    }

    /// Copies a local folder, keeping its layout.
    pub async fn put_folder(&self, folder: &std::path::Path, prefix: &str) {
        let mut folders = vec![folder.to_owned()];
        while let Some(current) = folders.pop() {
            for entry in std::fs::read_dir(&current).unwrap() {
                let path = entry.unwrap().path();
                if path.is_dir() {
                    folders.push(path);
                } else {
                    let below = path.strip_prefix(folder).unwrap().to_str().unwrap();
                    self.put(&format!("{prefix}{below}"), std::fs::read(&path).unwrap())
                        .await;
                }
            }
        }
    }
}
