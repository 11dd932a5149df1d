//! Who calls: `userIdentity` of every kind, with credentials that last as long as AWS's do.

use super::record::Pen;
use super::template::BASE32;
use super::world::{Account, Kind, Principal};
use crate::generator::rng::Rng;

/// For how long a session lasts.
const SHIFT: i64 = 6 * 3600;

/// Who a record shows as its caller.
#[derive(Clone, Copy)]
pub enum Who<'a> {
    /// A principal of the account, acting itself.
    Direct(&'a Principal),
    /// A service with a principal's session.
    Via(&'a Principal, &'static str),
    /// A service for itself.
    Service(&'static str),
    /// A principal of another account, as this account sees it.
    Foreign(&'a Principal, &'a Account),
    /// Nobody: a service event.
    Nobody,
}

impl Who<'_> {
    /// `userIdentity.type`.
    pub fn kind(self) -> &'static str {
        match self {
            Self::Direct(p) | Self::Via(p, _) => match p.kind {
                Kind::Role => "AssumedRole",
                Kind::User => "IAMUser",
                Kind::Root => "Root",
            },
            Self::Service(_) => "AWSService",
            Self::Foreign(..) => "AWSAccount",
            Self::Nobody => "",
        }
    }

    /// True when the call came over the wire from outside.
    pub fn outside(self) -> bool {
        matches!(self, Self::Direct(_) | Self::Foreign(..))
    }
}

impl Pen<'_> {
    /// `userIdentity`.
    pub fn identity(&mut self, who: Who) {
        let (p, via) = match who {
            Who::Direct(p) => (p, None),
            Who::Via(p, service) => (p, Some(service)),
            Who::Service(service) => {
                self.put("{\"type\":\"AWSService\",\"invokedBy\":\"");
                self.put(service);
                return self.put("\"}");
            }
            Who::Foreign(p, home) => {
                self.put("{\"type\":\"AWSAccount\",\"principalId\":\"");
                self.put(&p.id);
                if p.kind == Kind::Role {
                    self.put(":");
                    self.put(&p.session);
                }
                self.put("\",\"accountId\":\"");
                self.put(&home.id);
                return self.put("\"}");
            }
            Who::Nobody => return self.fill("{\"accountId\":\"~a\",\"invokedBy\":\"AWS Internal\"}"),
        };
        self.put("{\"type\":\"");
        self.put(who.kind());
        self.put("\",\"principalId\":\"");
        self.put(&p.id);
        match p.kind {
            Kind::Role => {
                self.put(":");
                self.put(&p.session);
                self.fill("\",\"arn\":\"arn:aws:sts::~a:assumed-role/");
                self.put(&p.name);
                self.put("/");
                self.put(&p.session);
            }
            _ => {
                self.put("\",\"arn\":\"");
                self.put(&p.arn);
            }
        }
        self.fill("\",\"accountId\":\"~a\",\"accessKeyId\":\"");
        self.credential(p, via.is_some());
        self.put("\"");
        if p.kind == Kind::User {
            self.put(",\"userName\":\"");
            self.put(&p.name);
            self.put("\"");
        }
        if p.kind != Kind::User || via.is_some() || p.console {
            self.put(",\"sessionContext\":{");
            if p.kind == Kind::Role {
                self.put("\"sessionIssuer\":{\"type\":\"Role\",\"principalId\":\"");
                self.put(&p.id);
                self.put("\",\"arn\":\"");
                self.put(&p.arn);
                self.fill("\",\"accountId\":\"~a\",\"userName\":\"");
                self.put(&p.name);
                self.put("\"},");
            }
            self.put("\"attributes\":{\"creationDate\":\"");
            self.instant(self.time / SHIFT * SHIFT);
            self.put("\",\"mfaAuthenticated\":\"false\"}}");
        }
        if let Some(service) = via {
            self.put(",\"invokedBy\":\"");
            self.put(service);
            self.put("\"");
        }
        self.put("}");
    }

    /// Users keep their key for good; sessions get another every six hours.
    fn credential(&mut self, p: &Principal, via: bool) {
        let lasting = p.kind == Kind::User && !via && !p.console;
        let shift = if lasting { 0 } else { self.time / SHIFT };
        let mut rng = Rng::named(&p.id);
        let mut rng = Rng::seeded(rng.next() ^ shift as u64);
        self.put(if lasting { "AKIA" } else { "ASIA" });
        self.random(BASE32, 9, Some(&mut rng));
        self.put("EXAMPLE");
    }
}
