//! From `organization.yaml` to the organization of each run.

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde::Deserialize;
use serde_json::{Map, Value, json};

use crate::fault::Fault;

/// An organization as a run finds it.
#[derive(Debug, Clone)]
pub struct Organization {
    /// What is in it, or what has changed since the run before.
    pub about: String,
    /// `o-…`
    pub id: String,
    /// The account that manages it.
    pub management: String,
    /// What goes wrong in this run, in addition to what goes wrong in the account.
    pub faults: Vec<Fault>,
    /// Whether the account that asks may: it manages the organization, or that is delegated to it.
    pub(super) is_delegated: bool,
    pub(super) feature_set: String,
    /// `None`: IAM has no access to the organization.
    pub(super) features: Option<Vec<String>>,
    pub(super) accounts: Vec<Account>,
    /// The routes that have a topic, and whether somebody has confirmed a subscription to it.
    pub routes: BTreeMap<String, bool>,
    paths: BTreeMap<String, String>,
    /// The accounts as written, for the run after.
    entries: Vec<Map<String, Value>>,
}

/// One account of it.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Account {
    pub(super) id: String,
    name: String,
    /// Its organizational unit; the root without one.
    unit: Option<String>,
    #[serde(default = "active")]
    state: String,
    #[serde(default)]
    pub(super) root: Root,
    pub(super) refuses: Option<Refusal>,
    /// The scenario that its role shows; without one it has no role.
    pub(super) role: Option<String>,
    /// Minutes after which CloudTrail shows each event of that scenario; without it as the scenario says.
    pub(super) late: Option<i64>,
    /// Milliseconds that each answer in its session takes.
    #[serde(default)]
    pub(super) slow: u64,
    /// After so many calls in it, a session has expired.
    pub(super) expires_after: Option<usize>,
    #[serde(default)]
    pub(super) tags: BTreeMap<String, String>,
}

/// How an account keeps others from its root user.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Refusal {
    /// It issues a session in which everything is denied.
    ServiceControlPolicy,
    /// It issues none.
    Session,
    /// It always asks for a slower pace.
    Throttling,
}

/// Credentials of root.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct Root {
    pub(super) password: bool,
    /// Days ago; also of a password that is gone.
    pub(super) password_used: Option<i64>,
    pub(super) keys: Vec<Key>,
    pub(super) mfa: Vec<Mfa>,
    pub(super) certificates: usize,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Key {
    /// Days ago.
    pub(super) created: i64,
    /// Days ago.
    pub(super) used: Option<i64>,
    #[serde(default)]
    pub(super) inactive: bool,
}

#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Mfa {
    Virtual,
    Passkey,
    Hardware,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    about: String,
    id: String,
    root: String,
    management: String,
    #[serde(default)]
    units: Vec<Unit>,
    #[serde(default)]
    accounts: Vec<Map<String, Value>>,
    #[serde(default)]
    generated: Vec<Generated>,
    #[serde(default)]
    routes: BTreeMap<String, bool>,
    #[serde(default)]
    runs: Vec<Change>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Unit {
    id: String,
    /// The unit above it; the root without one.
    parent: Option<String>,
}

/// Very many accounts.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Generated {
    accounts: u64,
    /// Id of the first; those of the others follow.
    from: u64,
    /// `{number}` counts from 1.
    name: String,
    /// Their units, in turn.
    #[serde(default)]
    units: Vec<String>,
    /// Every n-th has these fields too.
    #[serde(default)]
    every: BTreeMap<u64, Map<String, Value>>,
}

/// What a run finds changed.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Change {
    about: Option<String>,
    /// Fields of accounts that are there, by id; an unknown id is a new account.
    #[serde(default)]
    accounts: Vec<Map<String, Value>>,
    /// Ids of accounts that are gone.
    #[serde(default)]
    left: Vec<String>,
    /// Features of central root access; `null`: IAM has no access to the organization.
    features: Option<Value>,
    feature_set: Option<String>,
    delegated: Option<bool>,
    #[serde(default)]
    faults: Vec<Fault>,
}

fn active() -> String {
    "ACTIVE".into()
}

fn folder() -> PathBuf {
    crate::root().join("tests/organizations")
}

impl Organization {
    /// The organization called `name`, as each of its runs finds it.
    pub fn runs(name: &str) -> Vec<Self> {
        let file = folder().join(name).join("organization.yaml");
        let text = std::fs::read_to_string(&file).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
        Self::parse(&text)
    }

    /// The organization that `text` describes as such a file does.
    pub fn parse(text: &str) -> Vec<Self> {
        let file: File = serde_yaml_ng::from_str(text).unwrap_or_else(|error| panic!("{error}"));
        let entries = file.accounts.into_iter().chain(file.generated.iter().flat_map(Generated::entries)).collect();
        let first = Self {
            about: file.about,
            paths: paths(&file.id, &file.root, &file.units),
            id: file.id,
            management: file.management,
            faults: Vec::new(),
            is_delegated: true,
            feature_set: "ALL".into(),
            features: Some(vec!["RootCredentialsManagement".into(), "RootSessions".into()]),
            accounts: Vec::new(),
            routes: file.routes,
            entries,
        };
        let mut runs = vec![];
        let changes = if file.runs.is_empty() { vec![Change::default()] } else { file.runs };
        for change in changes {
            let before = runs.last().unwrap_or(&first);
            let next = before.clone().after(change);
            runs.push(next);
        }
        runs
    }

    fn after(mut self, change: Change) -> Self {
        for fields in change.accounts {
            match self.entries.iter_mut().find(|entry| entry["id"] == fields["id"]) {
                Some(entry) => entry.extend(fields),
                None => self.entries.push(fields),
            }
        }
        let is_gone = |entry: &Map<String, Value>| change.left.iter().any(|id| entry["id"] == *id);
        self.entries.retain(|entry| !is_gone(entry));
        let accounts = self.entries.iter().map(|entry| serde_json::from_value(json!(entry)));
        self.accounts = accounts.collect::<Result<_, _>>().unwrap_or_else(|error| panic!("an account: {error}"));
        for Account { id, unit, .. } in &self.accounts {
            assert!(id.len() == 12, "{id} is no account");
            let unit = unit.as_deref().unwrap_or_default();
            assert!(self.paths.contains_key(unit), "the unit of {id}, {unit}, is described");
        }
        if let Some(features) = change.features {
            self.features = serde_json::from_value(features).expect("features are a list or null");
        }
        self.about = change.about.unwrap_or(self.about);
        self.feature_set = change.feature_set.unwrap_or(self.feature_set);
        self.is_delegated = change.delegated.unwrap_or(self.is_delegated);
        self.faults = change.faults;
        self
    }

    /// How many accounts it lists.
    pub fn size(&self) -> usize {
        self.accounts.len()
    }

    pub(super) fn manages_root_credentials(&self) -> bool {
        self.features.iter().flatten().any(|feature| feature == "RootCredentialsManagement")
    }
}

impl Account {
    /// Whether AWS lets anyone work in it.
    pub(super) fn is_usable(&self) -> bool {
        !["SUSPENDED", "CLOSED", "PENDING_ACTIVATION"].contains(&self.state.as_str())
    }

    /// As `ListAccounts` lists it.
    pub(super) fn listed(&self, organization: &Organization) -> Value {
        let (id, of) = (&self.id, &organization.id);
        let path = &organization.paths[self.unit.as_deref().unwrap_or_default()];
        json!({
            "Id": id,
            "Arn": format!("arn:aws:organizations::{}:account/{of}/{id}", organization.management),
            "Email": format!("{id}@example.com"),
            "Name": self.name,
            "State": self.state,
            "Status": if self.is_usable() { "ACTIVE" } else { "SUSPENDED" },
            "Paths": [format!("{path}{id}/")],
            "JoinedMethod": "CREATED",
            "JoinedTimestamp": 1_700_000_000
        })
    }
}

impl Generated {
    fn entries(&self) -> impl Iterator<Item = Map<String, Value>> {
        (1..=self.accounts).map(|number| {
            let name = self.name.replace("{number}", &number.to_string());
            let mut entry = Map::new();
            entry.insert("id".into(), json!(format!("{:012}", self.from + number - 1)));
            entry.insert("name".into(), json!(name));
            if !self.units.is_empty() {
                let unit = usize::try_from(number).unwrap_or_default() % self.units.len();
                entry.insert("unit".into(), json!(self.units[unit]));
            }
            let fields = self.every.iter().filter(|(nth, _)| number.is_multiple_of(**nth));
            fields.for_each(|(_, fields)| entry.extend(fields.clone()));
            entry
        })
    }
}

/// The path of each unit, and of the root under the empty name.
fn paths(organization: &str, root: &str, units: &[Unit]) -> BTreeMap<String, String> {
    let mut paths = BTreeMap::from([(String::new(), format!("{organization}/{root}/"))]);
    for Unit { id, parent } in units {
        let above = parent.as_deref().unwrap_or_default();
        let above = paths.get(above).unwrap_or_else(|| panic!("the unit above {id}, {above}, is described before it"));
        let path = format!("{above}{id}/");
        paths.insert(id.clone(), path);
    }
    paths
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = r#"
about: Two accounts.
id: o-example
root: r-ab12
management: "999988887777"
units:
  - {id: ou-ab12-prod}
  - {id: ou-ab12-eu, parent: ou-ab12-prod}
accounts:
  - {id: "444455556666", name: payments, unit: ou-ab12-eu, root: {password: true}}
generated:
  - {accounts: 6, from: 200000000001, name: "team {number}", every: {3: {refuses: service_control_policy}}}
runs:
  - {}
  - accounts: [{id: "444455556666", state: SUSPENDED}, {id: "555566667777", name: new}]
    left: ["200000000006"]
"#;

    #[test]
    fn each_run_has_what_the_run_before_had_and_what_changed() {
        let runs = Organization::parse(TEXT);
        assert_eq!(runs.iter().map(Organization::size).collect::<Vec<_>>(), [7, 7]);
        let (first, second) = (&runs[0].accounts, &runs[1].accounts);
        assert_eq!((first[0].state.as_str(), first[0].root.password), ("ACTIVE", true));
        assert_eq!((second[0].state.as_str(), second[0].root.password), ("SUSPENDED", true));
        assert_eq!((second[6].id.as_str(), second[5].id.as_str()), ("555566667777", "200000000005"));
    }

    #[test]
    fn generated_accounts_are_numbered_and_every_nth_is_another() {
        let accounts = &Organization::parse(TEXT)[0].accounts;
        assert_eq!((accounts[1].id.as_str(), accounts[1].name.as_str()), ("200000000001", "team 1"));
        let refuse: Vec<&str> =
            accounts.iter().filter(|account| account.refuses.is_some()).map(|account| account.id.as_str()).collect();
        assert_eq!(refuse, ["200000000003", "200000000006"]);
    }

    #[test]
    fn the_path_of_an_account_names_the_units_above_it() {
        let organization = &Organization::parse(TEXT)[0];
        let paths = &organization.accounts[0].listed(organization)["Paths"];
        assert_eq!(paths[0], "o-example/r-ab12/ou-ab12-prod/ou-ab12-eu/444455556666/");
    }
}
