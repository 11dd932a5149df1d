//! Where a lake is, and how to reach it: a local folder or an S3 prefix with its credentials.

use std::collections::HashMap;
use std::path::Path;
use std::str::FromStr;
use std::sync::Arc;

use object_store::ObjectStore;
use object_store::aws::{AmazonS3Builder, AmazonS3ConfigKey, AwsCredentialProvider};
use url::Url;

use super::{Error, Result};

/// A lake's root address with the storage options its object store needs (empty for a folder), and that store.
#[derive(Debug, Clone)]
pub struct Location {
    root: Url,
    options: HashMap<String, String>,
    /// One for all tables, so that they share connections and credentials.
    store: Option<Arc<dyn ObjectStore>>,
}

impl Location {
    /// The lake at a folder or `s3://` address. `options` are object-store settings (`AWS_REGION`, ...), for S3 only.
    ///
    /// # Errors
    /// The address is neither a path nor an `s3://bucket/prefix` URL.
    pub fn parse(address: &str, options: HashMap<String, String>) -> Result<Location> {
        let fail = |why: &str| Error::Address(address.to_owned(), why.to_owned());
        let mut root = if address.starts_with("s3://") {
            let url = Url::parse(address).map_err(|error| fail(&error.to_string()))?;
            if url.host_str().is_none_or(str::is_empty) {
                return Err(fail("the bucket is missing"));
            }
            deltalake::aws::register_handlers(None);
            url
        } else if address.contains("://") && !address.starts_with("file://") {
            return Err(fail("only folders and `s3://` are supported"));
        } else {
            let path = address.strip_prefix("file://").unwrap_or(address);
            let path = std::path::absolute(Path::new(path)).map_err(|error| fail(&error.to_string()))?;
            Url::from_directory_path(&path).map_err(|()| fail("the path is not absolute"))?
        };
        if !root.path().ends_with('/') {
            root.set_path(&format!("{}/", root.path()));
        }
        Ok(Location {
            root,
            options,
            store: None,
        })
    }

    /// The same lake, whose bucket is asked for credentials before every request, so that a run outlives any session.
    /// What the environment sets for object stores (`AWS_SSE_KMS_KEY_ID`, ...) holds, and [`Location::options`] more so.
    /// A folder stays as it is.
    ///
    /// # Errors
    /// The settings contradict each other.
    pub fn with_credentials(mut self, credentials: AwsCredentialProvider) -> Result<Location> {
        if self.root.scheme() != "s3" {
            return Ok(self);
        }
        let mut builder = AmazonS3Builder::from_env()
            // The table format copies where nothing is; AWS has no other way to.
            .with_config(AmazonS3ConfigKey::CopyIfNotExists, "multipart")
            .with_url(self.root.to_string());
        for (name, value) in &self.options {
            if let Ok(key) = AmazonS3ConfigKey::from_str(&name.to_ascii_lowercase()) {
                builder = builder.with_config(key, value);
            }
        }
        let store = builder.with_credentials(credentials).build()?;
        self.store = Some(Arc::new(store));
        Ok(self)
    }

    /// The store of the lake's bucket, where it was given credentials.
    pub fn store(&self) -> Option<Arc<dyn ObjectStore>> {
        self.store.clone()
    }

    /// The address, ending in a slash.
    pub fn root(&self) -> &Url {
        &self.root
    }

    /// Settings for the object store.
    pub fn options(&self) -> &HashMap<String, String> {
        &self.options
    }

    /// The folder of a local lake.
    pub fn folder(&self) -> Option<std::path::PathBuf> {
        if self.root.scheme() == "file" {
            self.root.to_file_path().ok()
        } else {
            None
        }
    }

    /// Where a table stands.
    ///
    /// # Errors
    /// The name does not make an address.
    pub fn table(&self, name: &str) -> Result<Url> {
        self.root
            .join(&format!("{name}/"))
            .map_err(|error| Error::Address(self.root.to_string(), error.to_string()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folders_and_buckets_are_lakes_other_schemes_are_not() {
        let lake = Location::parse("some/where", HashMap::new()).unwrap();
        assert!(lake.root().as_str().ends_with("/some/where/"));
        let lake = Location::parse("s3://bucket/prefix", HashMap::new()).unwrap();
        assert_eq!(
            lake.table("cloudtrail").unwrap().as_str(),
            "s3://bucket/prefix/cloudtrail/"
        );
        assert!(Location::parse("http://x/y", HashMap::new()).is_err());
        assert!(Location::parse("s3:///x", HashMap::new()).is_err());
    }
}
