//! Where a lake is, and how to reach it: a local folder or an S3 prefix with its credentials.

use std::collections::HashMap;
use std::path::Path;

use url::Url;

use super::{Error, Result};

/// A lake's root address with the storage options its object store needs (empty for a folder).
#[derive(Debug, Clone)]
pub struct Location {
    root: Url,
    options: HashMap<String, String>,
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
        Ok(Location { root, options })
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
