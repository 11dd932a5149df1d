//! What auditors ask for, and which part of the pack supports the evidence for it. Nothing here says that a framework
//! is met: that is the auditor's to say.

use serde::Serialize;

/// A question of a framework.
#[derive(Debug, Clone, Copy, Serialize)]
pub struct Item {
    /// The framework.
    pub framework: &'static str,
    /// Its item.
    pub item: &'static str,
    /// What it is about.
    pub about: &'static str,
    /// What of the pack supports the evidence for it.
    pub supports: &'static str,
}

const fn item(framework: &'static str, item: &'static str, about: &'static str, supports: &'static str) -> Item {
    Item {
        framework,
        item,
        about,
        supports,
    }
}

/// The mapping, by framework.
pub const ITEMS: [Item; 20] = [
    item(
        "DORA, Regulation (EU) 2022/2554",
        "Art. 8",
        "inventory of information assets",
        "population; metadata of every key",
    ),
    item(
        "DORA, Regulation (EU) 2022/2554",
        "Art. 9(2), 9(4)(d)",
        "protection of cryptographic keys, strong authentication",
        "administrators with the path of each right; exercised rights with session and multi-factor flag",
    ),
    item(
        "RTS (EU) 2024/1774",
        "Art. 6",
        "encryption and cryptographic controls",
        "key policies as configured; key specs and origins",
    ),
    item(
        "RTS (EU) 2024/1774",
        "Art. 7",
        "key management through the whole life cycle",
        "life-cycle events; state; rotation; last use (keys in AWS KMS only, not certificates)",
    ),
    item(
        "RTS (EU) 2024/1774",
        "Art. 12",
        "logging, and detection of its failure",
        "coverage of the period with every gap and its cause; source objects by hash",
    ),
    item(
        "RTS (EU) 2024/1774",
        "Art. 20, 21",
        "identities; need to use; least privilege; review of rights",
        "verdict per administrative right: exercised, unexercised or unobservable; users apart from administrators",
    ),
    item(
        "ISO/IEC 27001:2022",
        "A.5.3",
        "segregation of duties",
        "principals who may both administer and use a key, marked on each page",
    ),
    item(
        "ISO/IEC 27001:2022",
        "A.5.15, A.5.18, A.8.2",
        "access control, access rights, privileged access",
        "administrators, their paths and limits; removed and unexplained rights",
    ),
    item(
        "ISO/IEC 27001:2022",
        "A.5.28",
        "collection of evidence",
        "manifest with SHA-256 of every file, of the snapshots and of the source objects",
    ),
    item(
        "ISO/IEC 27001:2022",
        "A.8.15, A.8.16",
        "logging, monitoring activities",
        "exercised rights with event id and object; coverage",
    ),
    item(
        "ISO/IEC 27001:2022",
        "A.8.24",
        "use of cryptography",
        "key policies, rotation, life cycle",
    ),
    item(
        "SOC 2 (TSC 2017)",
        "CC6.1, CC6.2, CC6.3",
        "logical access, its granting and removal, least privilege",
        "administrators, users, grants; verdict per right; removed rights",
    ),
    item(
        "SOC 2 (TSC 2017)",
        "CC7.2, CC7.3, CC8.1",
        "monitoring, evaluation of events, change management",
        "exercised rights and life-cycle events of the period",
    ),
    item(
        "HIPAA Security Rule",
        "164.308(a)(1)(ii)(D), 164.312(b)",
        "review of activity, audit controls",
        "exercised rights, use by principal, coverage (the rule does not name AWS KMS)",
    ),
    item(
        "HIPAA Security Rule",
        "164.308(a)(4), 164.312(a)(2)(iv)",
        "access management, encryption",
        "administrators and users of each key; key metadata",
    ),
    item(
        "PCI DSS 4.0.1",
        "3.6.1, 3.7.1 to 3.7.9",
        "key management: storage, change at the end of the crypto-period, retirement",
        "rotation and life-cycle events; last use; unused keys",
    ),
    item(
        "PCI DSS 4.0.1",
        "7.2.4, 10.2.1, 10.5.1",
        "review of access, audit logs, their retention",
        "verdict per right; exercised rights; coverage of the period",
    ),
    item(
        "NIST SP 800-57 Part 1 Rev. 5",
        "key states, accountability",
        "states of a key through its life",
        "Enabled is active, Disabled suspended, PendingDeletion deactivated, Deleted destroyed (this program's reading)",
    ),
    item(
        "NIST SP 800-53 Rev. 5",
        "AC-2, AC-3, AC-5, AC-6, AC-6(7)",
        "account management, enforcement, separation of duties, least privilege and its review",
        "administrators, users, verdict per right",
    ),
    item(
        "NIST SP 800-53 Rev. 5",
        "AU-2, AU-3, AU-6, AU-12, SC-12",
        "audit records, their review; key establishment and management",
        "exercised rights with event id, time, actor and source; rotation and life cycle",
    ),
];
