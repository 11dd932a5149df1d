//! Where credentials, Region and endpoint come from: the AWS CLI's own chain, with what the command line overrides.

use aws_config::meta::region::RegionProviderChain;
use aws_config::retry::RetryConfig;
use aws_config::{BehaviorVersion, Region, SdkConfig};

/// Tries a request gets before its failure counts.
const ATTEMPTS: u32 = 8;

/// The configuration every client is made from. `None` leaves a setting to the environment and the profile.
pub async fn load(profile: Option<&str>, region: Option<&str>, endpoint_url: Option<&str>) -> SdkConfig {
    let mut loader = aws_config::defaults(BehaviorVersion::latest())
        .retry_config(RetryConfig::adaptive().with_max_attempts(ATTEMPTS));
    if let Some(profile) = profile {
        loader = loader.profile_name(profile);
    }
    loader = match region {
        Some(region) => loader.region(Region::new(region.to_owned())),
        // S3 names a bucket's own Region in its answer, so a first guess is enough.
        None => {
            let mut found = aws_config::default_provider::region::Builder::default();
            if let Some(profile) = profile {
                found = found.profile_name(profile);
            }
            loader.region(RegionProviderChain::first_try(found.build()).or_else("us-east-1"))
        }
    };
    if let Some(endpoint) = endpoint_url {
        loader = loader.endpoint_url(endpoint);
    }
    loader.load().await
}
