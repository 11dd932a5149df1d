//! How people get in: Identity Center, role chains, and the two who administer keys by day.

use super::caller::{Caller, Session, saml};
use super::cast::*;
use super::event::Event;
use super::scene::{Scene, access_key, assume, issued};
use crate::generator::rng::Rng;
use serde_json::json;

/// The browser of people in the office.
pub const BROWSER: &str = "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36";

/// The command line of people in the office.
pub const CLI: &str = "aws-cli/2.31.2 md/awscrt#0.27.6 ua/2.1 os/macos#24.6.0 md/arch#arm64 lang/python#3.13.7 md/pyimpl#CPython cfg/retry-mode#standard";

/// The qualifier Identity Center's SAML assertions carry.
pub const QUALIFIER: &str = "ExampleQualifier0L1jEvs=";

/// A person signs in through Identity Center and takes a role of an account.
pub fn sso(scene: &mut Scene, t: i64, role: &'static Role, person: &str, ip: &str, agent: &str) -> Session {
    let mut rng = Rng::named(&format!("sso {t} {} {person}", role.name));
    let session = Session {
        role,
        name: person.to_owned(),
        key: access_key(&mut rng),
        since: t,
        instance: false,
    };
    let provider = format!(
        "arn:aws:iam::{}:saml-provider/AWSSSO_0123456789abcdef_DO_NOT_DELETE",
        role.account
    );
    let mut answer = issued(t, &session, 3600, &mut rng);
    for (name, value) in [
        ("subject", person),
        ("subjectType", "persistent"),
        ("issuer", "https://identity.example.com/saml/assertion"),
        ("audience", "https://signin.aws.amazon.com/saml"),
        ("nameQualifier", QUALIFIER),
    ] {
        answer[name] = json!(value);
    }
    let who = saml(person, QUALIFIER, ip, agent);
    let event = Event::new(t, role.account, US, ("sts", "AssumeRoleWithSAML"), &who, &mut rng)
        .request(json!({
            "sAMLAssertionID": format!("_{}", rng.uuid()),
            "roleSessionName": person,
            "durationSeconds": 3600,
            "roleArn": role.arn(),
            "principalArn": provider,
        }))
        .response(answer)
        .resource(&role.arn(), role.account, "AWS::IAM::Role")
        .resource(&provider, role.account, "AWS::IAM::SAMLProvider");
    scene.tell(event);
    session
}

/// A session takes another role of the same account.
pub fn chain(scene: &mut Scene, t: i64, from: &Caller, role: &'static Role, name: &str) -> Session {
    let mut rng = Rng::named(&format!("chain {t} {} {name}", role.name));
    let session = Session {
        role,
        name: name.to_owned(),
        key: access_key(&mut rng),
        since: t,
        instance: false,
    };
    scene.tell(assume(t, role.account, US, from, &session, 3600, &mut rng));
    session
}

/// The key administrator at work: a session taken from the security role of the payments account.
pub fn key_admin(scene: &mut Scene, t: i64) -> Caller {
    let person = sso(
        scene,
        t - 90,
        &PAY_SECURITY,
        "mmajor@example.com",
        "203.0.113.24",
        BROWSER,
    );
    chain(scene, t - 30, &person.from("203.0.113.24", CLI), &KEY_ADMIN, "mmajor").from("203.0.113.24", CLI)
}

/// The security engineer of an account, without a further role.
pub fn security(scene: &mut Scene, t: i64, role: &'static Role) -> Caller {
    sso(scene, t - 45, role, "mmajor@example.com", "203.0.113.24", BROWSER).from("203.0.113.24", CLI)
}
