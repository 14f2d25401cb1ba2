//! The declarations of an organization's owner: exceptions and attestations of members, and routes, in one JSON object.
//!
//! It is accepted whole or not at all: an entry that was left out might be the one that ends another. Of the entries about an account those with
//! its id come before those with its nearest unit, and those before the ones about all accounts.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::fmt;

use checklist::controls;
use checklist::declarations::entries::{Entry, kind, parse_value};
use checklist::declarations::{ATTESTATION_FIELDS, Attestation, Declarations, EXCEPTION_FIELDS, Exception, Parsed};
use facts::account::AccountId;
use facts::severity::Severity;
use facts::text::{bounded, counted};
use jiff::Timestamp;
use serde::de::{Error, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::{Map, Value};

use crate::depth::{MAX_DEEP_ITEMS, NEVER_OF_MEMBERS};
use crate::member::Member;

/// Most bytes of the object.
pub const MAX_DECLARED: usize = 256 * 1024;
/// Most entries of one kind.
const MAX_ENTRIES: usize = 1_000;
/// Most entries of one kind that name one account: each travels with the account, and an event of Step Functions has 256 KiB
/// (<https://docs.aws.amazon.com/step-functions/latest/dg/service-quotas.html>).
const MAX_OF_ONE: usize = 25;
/// Most bytes of the exceptions and attestations that name no account: each batch carries them.
const MAX_COMMON: usize = 16 * 1024;
/// Most bytes of them in all batches together.
const MAX_CARRIED: usize = 20_000_000;
/// Faults that are listed; the rest is counted.
const MAX_FAULTS: usize = 20;
/// Most routes: each has a message in a digest.
const MAX_ROUTES: usize = 100;
/// Most characters of a route's name: it is part of the name of a topic, and of a parameter.
const MAX_ROUTE: usize = 64;

const KINDS: [&str; 3] = ["exceptions", "attestations", "routes"];
const SCOPE_FIELDS: [&str; 2] = ["account", "ou"];
const ROUTE_FIELDS: &[&str] = &["route", "account", "ou", "tag"];

/// All that is declared.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Declared {
    /// Controls that are suppressed for a while.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub exceptions: Vec<Scoped<Exception>>,
    /// What no API shows.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub attestations: Vec<Scoped<Attestation>>,
    /// Where the findings of some accounts are sent.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub routes: Vec<Route>,
}

/// The declarations that one run goes by.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct InForce {
    /// What is in force.
    pub declared: Declared,
    /// The object is refused, and what was accepted last is in force.
    #[serde(default)]
    pub is_earlier: bool,
    /// Why, or which entries do nothing; a sentence each.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub faults: Vec<String>,
    /// A route asks for tags, and those of so many accounts were never read.
    #[serde(default, skip_serializing_if = "crate::is_zero")]
    pub tags_unread: usize,
}

/// An entry, and the accounts that it is about: without `account` and `ou` all of them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Scoped<T> {
    /// This one alone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub account: Option<AccountId>,
    /// Those in this organizational unit or root, `ou-…` or `r-…`, and in the units below it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ou: Option<String>,
    /// The entry.
    #[serde(flatten)]
    pub entry: T,
}

/// Where findings of the accounts are sent that it is about: exactly one of `account`, `ou` and `tag` says which.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Route {
    /// Its name; the topic is called `<stack>-route-<name>`.
    pub route: String,
    /// This account alone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub account: Option<AccountId>,
    /// The accounts in this unit, and in the units below it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ou: Option<String>,
    /// The accounts with this value of the tag [`Route::TAG`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tag: Option<String>,
}

/// How near an entry is to an account; the greatest counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Nearness {
    /// It is about all accounts.
    All,
    /// It is about a unit; the lower in the tree, the greater.
    Unit(usize),
    /// It is about this one.
    Account,
}

impl Declared {
    /// Reads the object, against the time `now`.
    ///
    /// # Errors
    /// All faults, a sentence each: then nothing of it is in force.
    pub fn parse(bytes: &[u8], now: Timestamp) -> Result<Self, Vec<String>> {
        if bytes.len() > MAX_DECLARED {
            return Err(vec![format!("it has {} bytes, at most {MAX_DECLARED} are accepted", bytes.len())]);
        }
        // Some editors of other systems begin a file so.
        let bytes = bytes.strip_prefix("\u{feff}".as_bytes()).unwrap_or(bytes);
        let expected = || format!("expected an object with {}", KINDS.join(", "));
        let object: Map<String, Value> = match serde_json::from_slice(bytes) {
            Ok(WithoutRepeats(Value::Object(object))) => object,
            Ok(WithoutRepeats(other)) => return Err(vec![format!("{}, got {}", expected(), kind(&other))]),
            Err(error) => {
                return Err(vec![format!("not valid JSON: {}; {}", bounded(&error.to_string()), expected())]);
            }
        };
        let mut faults: Vec<String> = object
            .keys()
            .filter(|key| !KINDS.contains(&key.as_str()))
            .map(|key| format!("`{}` is not known; {}", bounded(key), expected()))
            .collect();
        let of = |kind: &str| object.get(kind);
        let declared = Self {
            exceptions: taken("exceptions", of("exceptions").map(|value| exceptions(value, now)), &mut faults),
            attestations: taken("attestations", of("attestations").map(|value| attestations(value, now)), &mut faults),
            routes: taken("routes", of("routes").map(routes), &mut faults),
        };
        faults.extend(declared.too_much());
        let names: BTreeSet<&str> = declared.routes.iter().map(|route| route.route.as_str()).collect();
        if names.len() > MAX_ROUTES {
            faults.push(format!("there are {} routes: at most {MAX_ROUTES} are accepted", names.len()));
        }
        if faults.is_empty() {
            return Ok(declared);
        }
        let more = faults.len().saturating_sub(MAX_FAULTS);
        faults.truncate(MAX_FAULTS);
        if more > 0 {
            faults.push(format!("{} not listed here", counted(more, "more fault is", "more faults are")));
        }
        Err(faults)
    }

    /// Why so many accounts could not be audited by it; `None`: they can. Each batch carries what names no account, and the list of all batches
    /// is one object of 32 MB.
    pub fn too_much_for(&self, accounts: usize) -> Option<String> {
        let most = MAX_CARRIED / (accounts / MAX_DEEP_ITEMS + 1);
        let bytes = self.within(&[]).bytes();
        (bytes > most && accounts > 0).then(|| {
            format!(
                "the exceptions and attestations without an `account` have {bytes} bytes together: at most {most} are accepted for {accounts} accounts"
            )
        })
    }

    /// What the batches could not carry.
    fn too_much(&self) -> Option<String> {
        let named: BTreeSet<&str> = self.accounts().map(AccountId::as_str).collect();
        let counts =
            named.into_iter().map(|account| (account, self.accounts().filter(|it| it.as_str() == account).count()));
        if let Some((account, count)) = counts.into_iter().find(|(_, count)| *count > MAX_OF_ONE) {
            return Some(format!(
                "{count} entries are about {account}: at most {MAX_OF_ONE} are accepted for one account"
            ));
        }
        let bytes = self.within(&[]).bytes();
        (bytes > MAX_COMMON).then(|| {
            format!(
                "the exceptions and attestations without an `account` have {bytes} bytes together: at most {MAX_COMMON} are accepted, as \
                 each part of a run carries them"
            )
        })
    }

    /// Exceptions and attestations about all accounts or units, and about `accounts`: what goes with a batch. Without routes.
    pub(crate) fn within(&self, accounts: &[&AccountId]) -> Self {
        fn among<T: Clone>(entries: &[Scoped<T>], accounts: &[&AccountId]) -> Vec<Scoped<T>> {
            let is_among =
                |entry: &&Scoped<T>| entry.account.as_ref().is_none_or(|account| accounts.contains(&account));
            entries.iter().filter(is_among).cloned().collect()
        }
        Self {
            exceptions: among(&self.exceptions, accounts),
            attestations: among(&self.attestations, accounts),
            routes: Vec::new(),
        }
    }

    /// How many exceptions and attestations are about `account` alone.
    pub(crate) fn count_of(&self, account: &AccountId) -> usize {
        self.accounts().filter(|it| *it == account).count()
    }

    /// The accounts that exceptions and attestations name, once for each.
    fn accounts(&self) -> impl Iterator<Item = &AccountId> {
        let of_exceptions = self.exceptions.iter().map(|it| &it.account);
        of_exceptions.chain(self.attestations.iter().map(|it| &it.account)).flatten()
    }

    pub(crate) fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// How long it is as JSON.
    fn bytes(&self) -> usize {
        serde_json::to_vec(self).map(|bytes| bytes.len()).unwrap_or(usize::MAX)
    }

    /// What is declared about `member`: of two entries about one thing the one in force, and of two in force the nearer.
    pub fn of(&self, member: &Member, now: Timestamp) -> Declarations {
        let exceptions = nearest(&self.exceptions, member, |exception| {
            (exception.is_expired(now), (exception.control.clone(), exception.resource.clone()))
        });
        let attestations =
            nearest(&self.attestations, member, |attestation| (attestation.is_lapsed(now), attestation.statement));
        Declarations { exceptions, attestations }
    }

    /// The route of `member`, by its id, else by the tag, else by the nearest unit; `None`: none.
    pub fn route(&self, member: &Member) -> Option<&str> {
        let by_id = || self.routes.iter().find(|route| route.account.as_ref() == Some(&member.account));
        let by_tag =
            || self.routes.iter().find(|route| route.tag.is_some() && route.tag.as_deref() == member.route_tag());
        let by_unit = || {
            let near = |route: &&Route| member.ous.iter().position(|ou| Some(ou) == route.ou.as_ref());
            let routes = self.routes.iter().filter(|route| near(route).is_some());
            routes.max_by_key(near)
        };
        by_id().or_else(by_tag).or_else(by_unit).map(|route| route.route.as_str())
    }

    /// Whether a route asks for the tags of accounts.
    pub fn asks_for_tags(&self) -> bool {
        self.routes.iter().any(|route| route.tag.is_some())
    }

    /// Entries about accounts, units or tags that are not among those of `members` that are audited in an organization that `management` manages,
    /// by a stack in `own`: they do nothing. A sentence each.
    pub fn unmatched(&self, members: &[Member], (management, own): (&AccountId, &AccountId)) -> Vec<String> {
        let members: Vec<&Member> = members.iter().filter(|member| member.skipped(management, own).is_none()).collect();
        let accounts: HashSet<&AccountId> = members.iter().map(|member| &member.account).collect();
        let units: HashSet<&str> = members.iter().flat_map(|member| &member.ous).map(String::as_str).collect();
        let scopes = self.exceptions.iter().map(|it| ("exceptions", &it.account, &it.ou));
        let scopes = scopes.chain(self.attestations.iter().map(|it| ("attestations", &it.account, &it.ou)));
        let scopes = scopes.chain(self.routes.iter().map(|it| ("routes", &it.account, &it.ou)));
        let of_scopes = scopes.filter_map(|(kind, account, ou)| match (account, ou) {
            (Some(account), _) if !accounts.contains(account) => Some((kind, "account", account.as_str())),
            (_, Some(ou)) if !units.contains(ou.as_str()) => Some((kind, "unit", ou.as_str())),
            _ => None,
        });
        // A tag that was not read may be any.
        let are_tags_known = members.iter().all(|member| member.tag.is_some());
        let tags: HashSet<&str> = members.iter().filter_map(|member| member.route_tag()).collect();
        let of_tags = self.routes.iter().filter_map(|route| route.tag.as_deref());
        let of_tags = of_tags.filter(|tag| are_tags_known && !tags.contains(tag));
        let mut seen = HashSet::new();
        of_scopes
            .chain(of_tags.map(|tag| ("routes", "account with the tag rootwatch:route =", tag)))
            .filter(|found| seen.insert(*found))
            .map(|(kind, what, id)| {
                format!("{kind}: the organization has no {what} {id} that is audited: its entries do nothing")
            })
            .collect()
    }
}

/// JSON in which no object has a key twice: `serde_json` would take the last one, and drop the entries of the first.
struct WithoutRepeats(Value);

impl<'de> Deserialize<'de> for WithoutRepeats {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Checked).map(Self)
    }
}

struct Checked;

impl<'de> Visitor<'de> for Checked {
    type Value = Value;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("JSON")
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_f64<E>(self, value: f64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Value, A::Error> {
        let mut values = Vec::new();
        while let Some(WithoutRepeats(value)) = list.next_element()? {
            values.push(value);
        }
        Ok(values.into())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut object: A) -> Result<Value, A::Error> {
        let mut values = Map::new();
        while let Some((key, WithoutRepeats(value))) = object.next_entry::<String, WithoutRepeats>()? {
            if values.contains_key(&key) {
                return Err(A::Error::custom(format!("`{}` stands twice in one object", bounded(&key))));
            }
            values.insert(key, value);
        }
        Ok(values.into())
    }
}

/// What the parts of a list that are accepted say; the rest goes to `faults`.
fn taken<T>(kind: &str, parsed: Option<Parsed<T>>, faults: &mut Vec<String>) -> Vec<T> {
    let Some(Parsed { taken, refused }) = parsed else { return Vec::new() };
    faults.extend(refused.into_iter().map(|(entry, fault)| {
        let entry = entry.map(|number| format!(", entry {number}")).unwrap_or_default();
        format!("{kind}{entry}: {fault}")
    }));
    taken
}

fn exceptions(value: &Value, now: Timestamp) -> Parsed<Scoped<Exception>> {
    let mut seen = Vec::new();
    parse_value(value, &fields(EXCEPTION_FIELDS), MAX_ENTRIES, |entry| {
        let (account, ou) = scope(entry);
        let exception = Exception::read(entry, &controls::ids(), now);
        let control = entry.name().unwrap_or_default();
        if NEVER_OF_MEMBERS.contains(&control) {
            entry.fault("no member account is evaluated by this control");
        }
        if !entry.has("account") && is_severe_and_of_root(control) {
            entry.fault(
                "`account` is needed: findings of root with HIGH or CRITICAL severity are not suppressed in a unit or everywhere",
            );
        }
        let exception = exception?;
        let key = (account.clone(), ou.clone(), exception.control.clone(), exception.resource.clone());
        entry.once(&mut seen, key, |first| {
            format!("{} is also in entry {first}, about the same accounts", exception.words())
        });
        Some(Scoped { account, ou, entry: exception })
    })
}

fn attestations(value: &Value, now: Timestamp) -> Parsed<Scoped<Attestation>> {
    let mut seen = Vec::new();
    parse_value(value, &fields(ATTESTATION_FIELDS), MAX_ENTRIES, |entry| {
        let (account, ou) = scope(entry);
        let attestation = Attestation::read(entry, now)?;
        let key = (account.clone(), ou.clone(), attestation.statement);
        let id = attestation.statement.id();
        entry.once(&mut seen, key, |first| format!("`{id}` is also in entry {first}, about the same accounts"));
        Some(Scoped { account, ou, entry: attestation })
    })
}

fn routes(value: &Value) -> Parsed<Route> {
    let mut seen = Vec::new();
    parse_value(value, ROUTE_FIELDS, MAX_ENTRIES, |entry| {
        let route = entry.text("route");
        if let Some(name) = route.as_deref().filter(|name| !is_route(name)) {
            entry.fault(&format!("`route` has 1 to {MAX_ROUTE} letters, digits, - and _, not `{name}`"));
        }
        let (account, ou) = scope(entry);
        let tag = if entry.has("tag") { entry.text("tag") } else { None };
        if ["account", "ou", "tag"].iter().filter(|field| entry.has(field)).count() != 1 {
            entry.fault("exactly one of `account`, `ou` and `tag` is needed");
        }
        let route = Route { route: route?, account, ou, tag };
        let key = (route.account.clone(), route.ou.clone(), route.tag.clone());
        entry.once(&mut seen, key, |first| format!("the same `account`, `ou` or `tag` is also in entry {first}"));
        Some(route)
    })
}

fn fields(of: &[&'static str]) -> Vec<&'static str> {
    of.iter().chain(&SCOPE_FIELDS).copied().collect()
}

/// The accounts that the entry is about.
fn scope(entry: &mut Entry) -> (Option<AccountId>, Option<String>) {
    if entry.has("account") && entry.has("ou") {
        entry.fault("`account` and `ou` exclude each other");
    }
    let account = if entry.has("account") { entry.account("account") } else { None };
    let ou = if entry.has("ou") { entry.text("ou") } else { None };
    if let Some(unit) = ou.as_deref().filter(|unit| !unit.starts_with("ou-") && !unit.starts_with("r-")) {
        entry.fault(&format!("`ou` is an ID such as ou-ab12-11111111, or r-ab12 for the root, not `{unit}`"));
    }
    (account, ou)
}

/// Where such a finding may be accepted is decided account by account.
fn is_severe_and_of_root(control: &str) -> bool {
    let is_severe = controls::control(control).is_some_and(|control| control.severity >= Severity::High);
    control.starts_with("root-") && is_severe
}

fn is_route(name: &str) -> bool {
    let fits = |byte: u8| byte.is_ascii_alphanumeric() || b"_-".contains(&byte);
    (1..=MAX_ROUTE).contains(&name.len()) && name.bytes().all(fits)
}

/// Of the entries about `member` those that count. `of` says whether one is over, and which others are about the same.
fn nearest<T: Clone, K: Ord>(entries: &[Scoped<T>], member: &Member, of: impl Fn(&T) -> (bool, K)) -> Vec<T> {
    let mut chosen: BTreeMap<K, ((bool, Nearness), &T)> = BTreeMap::new();
    for scoped in entries {
        let Some(nearness) = scoped.nearness(member) else { continue };
        let (is_over, key) = of(&scoped.entry);
        let rank = (!is_over, nearness);
        match chosen.get(&key) {
            Some((best, _)) if *best >= rank => {}
            _ => drop(chosen.insert(key, (rank, &scoped.entry))),
        }
    }
    chosen.into_values().map(|(_, entry)| entry.clone()).collect()
}

impl<T> Scoped<T> {
    /// `None`: it is not about `member`.
    fn nearness(&self, member: &Member) -> Option<Nearness> {
        match (&self.account, &self.ou) {
            (Some(account), _) => (*account == member.account).then_some(Nearness::Account),
            (None, Some(ou)) => member.ous.iter().position(|unit| unit == ou).map(Nearness::Unit),
            (None, None) => Some(Nearness::All),
        }
    }
}

impl Route {
    /// The tag of an account that chooses its route.
    pub const TAG: &'static str = "rootwatch:route";
}

/// Stands for the part of `declarations` that is in force: where it changes, verdicts may. `None`: none is.
pub fn mark(declarations: &Declarations, now: Timestamp) -> Option<String> {
    let exceptions = declarations.exceptions.iter().filter(|exception| !exception.is_expired(now)).cloned().collect();
    let attestations =
        declarations.attestations.iter().filter(|attestation| !attestation.is_lapsed(now)).cloned().collect();
    let in_force = Declarations { exceptions, attestations };
    if in_force == Declarations::default() {
        return None;
    }
    Some(crate::fingerprint(&serde_json::to_vec(&in_force).unwrap_or_default()))
}

#[cfg(test)]
mod tests {
    use checklist::declarations::Statement;
    use jiff::SignedDuration;
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;
    use crate::member::Tag;

    const UNIT: &str = "ou-ab12-11111111";
    const BELOW: &str = "ou-ab12-22222222";

    fn now() -> Timestamp {
        "2026-11-20T10:00:00Z".parse().unwrap()
    }

    fn id(digit: u8) -> String {
        digit.to_string().repeat(12)
    }

    /// In the units [`UNIT`] and [`BELOW`].
    fn member(digit: u8) -> Member {
        let id = id(digit);
        let path = format!("o-exampleorg1/r-ab12/{UNIT}/{BELOW}/{id}/");
        Member::new(AccountId::parse(&id).unwrap(), "a", Some(&path), "ACTIVE")
    }

    fn parse(value: Value) -> Result<Declared, Vec<String>> {
        Declared::parse(value.to_string().as_bytes(), now())
    }

    fn with(mut entry: Value, scope: Value) -> Value {
        entry.as_object_mut().unwrap().extend(scope.as_object().unwrap().clone());
        entry
    }

    fn exception(reason: &str, scope: Value) -> Value {
        with(json!({"control": "password-policy", "reason": reason, "owner": "o", "until": "2026-12-24"}), scope)
    }

    fn attestation(by: &str, scope: Value) -> Value {
        with(json!({"statement": "root-password-strong", "by": by, "on": "2026-11-01"}), scope)
    }

    fn reasons(declared: &Declared, member: &Member) -> Vec<String> {
        declared.of(member, now()).exceptions.into_iter().map(|exception| exception.reason).collect()
    }

    #[test]
    fn of_two_entries_about_one_thing_the_nearer_counts_in_whatever_order_they_stand() {
        let mut entries = vec![
            exception("all", json!({})),
            exception("root", json!({"ou": "r-ab12"})),
            exception("unit", json!({"ou": UNIT})),
            exception("below", json!({"ou": BELOW})),
            exception("account", json!({"account": id(3)})),
            exception("elsewhere", json!({"ou": "ou-ab12-33333333"})),
        ];
        for nearest in ["account", "below", "unit", "root", "all"] {
            let forwards = parse(json!({"exceptions": entries})).unwrap();
            assert_eq!(reasons(&forwards, &member(3)), [nearest]);
            let backwards: Vec<&Value> = entries.iter().rev().collect();
            assert_eq!(reasons(&parse(json!({"exceptions": backwards})).unwrap(), &member(3)), [nearest]);
            entries.retain(|entry| entry["reason"] != nearest);
        }
        assert_eq!(reasons(&parse(json!({"exceptions": entries})).unwrap(), &member(3)), [""; 0]);
        let stated =
            parse(json!({"attestations": [attestation("a", json!({})), attestation("b", json!({"ou": UNIT}))]}));
        let stated = stated.unwrap().of(&member(3), now()).attestations;
        assert_eq!((stated.len(), stated[0].by.as_str()), (1, "b"));
    }

    #[test]
    fn one_that_is_over_hides_none_that_is_in_force_and_stays_where_it_is_alone() {
        let over = with(exception("over", json!({"account": id(3)})), json!({"until": "2026-11-01"}));
        let both = parse(json!({"exceptions": [over, exception("all", json!({}))]})).unwrap();
        assert_eq!(reasons(&both, &member(3)), ["all"]);
        assert_eq!(reasons(&parse(json!({"exceptions": [over]})).unwrap(), &member(3)), ["over"]);
        let old = with(attestation("over", json!({"account": id(3)})), json!({"on": "2026-01-01"}));
        let both = parse(json!({"attestations": [old, attestation("all", json!({}))]})).unwrap();
        assert_eq!(both.of(&member(3), now()).attestations[0].by, "all");
    }

    #[test]
    fn other_controls_and_resources_and_accounts_stand_beside_each_other() {
        let of_user = exception("bob", json!({"resource": "bob"}));
        let declared = parse(
            json!({"exceptions": [exception("all", json!({})), of_user, exception("other", json!({"account": id(4)}))]}),
        );
        let declared = declared.unwrap();
        assert_eq!(reasons(&declared, &member(3)), ["all", "bob"]);
        assert_eq!(reasons(&declared, &member(4)), ["other", "bob"]);
    }

    #[test]
    fn an_exception_of_a_severe_finding_of_root_names_one_account() {
        for control in ["root-access-keys", "root-mfa", "root-signing-certificates", "root-unused", "root-use-recorded"]
        {
            let of = |scope| parse(json!({"exceptions": [with(exception("r", scope), json!({"control": control}))]}));
            for scope in [json!({}), json!({"ou": UNIT}), json!({"ou": "r-ab12"})] {
                let fault = format!(
                    "exceptions, entry 1: {control}: `account` is needed: findings of root with HIGH or CRITICAL severity are not suppressed \
                     in a unit or everywhere"
                );
                assert_eq!(of(scope), Err(vec![fault]));
            }
            assert!(of(json!({"account": id(3)})).is_ok());
        }
        assert!(
            parse(json!({"exceptions": [with(exception("r", json!({})), json!({"control": "root-hardware-mfa"}))]}))
                .is_ok()
        );
    }

    #[test]
    fn a_fault_anywhere_refuses_all_of_it_and_each_fault_is_named() {
        let good = exception("r", json!({}));
        let wrong = json!({
            "exceptions": [good, good, exception("r", json!({"account": id(3), "ou": UNIT})), exception("r", json!({"account": "12"})), 7],
            "attestations": [attestation("a", json!({"ou": "payments"})), {"statement": "all-is-well", "by": "a", "on": "2026-11-01"}],
            "routes": [
                {"route": "a/b", "ou": UNIT},
                {"route": "a", "ou": UNIT, "tag": "x"},
                {"route": "a"},
                {"route": "a", "account": id(3)},
                {"route": "b", "account": id(3)},
                {"route": "b", "topic": "x", "tag": "y"},
            ],
            "exeptions": [],
        });
        insta::assert_snapshot!(parse(wrong).unwrap_err().join("\n"));
    }

    #[test]
    fn what_is_no_object_is_one_fault() {
        for text in ["", "[]", "{", "null", "{\"routes\": {}}"] {
            let faults = Declared::parse(text.as_bytes(), now()).unwrap_err();
            assert!(faults.len() == 1 && faults[0].contains("expected an"), "{text}: {faults:?}");
        }
        assert_eq!(Declared::parse(b"{}", now()), Ok(Declared::default()));
        assert_eq!(Declared::parse("\u{feff}{}".as_bytes(), now()), Ok(Declared::default()));
        let long = format!("{{\"routes\": []{}}}", " ".repeat(MAX_DECLARED));
        assert!(Declared::parse(long.as_bytes(), now()).unwrap_err()[0].contains("at most 262144 are accepted"));
        let many: Vec<Value> = (0..200).map(|_| json!(1)).collect();
        let faults = parse(json!({"routes": many})).unwrap_err();
        assert_eq!((faults.len(), faults[20].as_str()), (21, "180 more faults are not listed here"));
    }

    #[test]
    fn a_key_that_stands_twice_is_a_fault_as_one_of_both_would_do_nothing() {
        let twice = [
            "{\"routes\": [], \"exceptions\": [], \"routes\": []}",
            "{\"routes\": [{\"route\": \"a\", \"route\": \"b\", \"ou\": \"r-ab12\"}]}",
        ];
        for (text, key) in twice.iter().zip(["routes", "route"]) {
            let faults = Declared::parse(text.as_bytes(), now()).unwrap_err();
            assert!(
                faults[0].starts_with(&format!("not valid JSON: `{key}` stands twice in one object")),
                "{faults:?}"
            );
        }
    }

    #[test]
    fn what_no_member_is_evaluated_by_has_no_exception() {
        for control in ["alert-path", "billing-alerts", "billing-reports"] {
            let fault = parse(json!({"exceptions": [with(exception("r", json!({})), json!({"control": control}))]}))
                .unwrap_err();
            assert_eq!(
                fault,
                [format!("exceptions, entry 1: {control}: no member account is evaluated by this control")]
            );
        }
    }

    #[test]
    fn no_more_is_accepted_than_batches_can_carry() {
        let users = |count: usize, scope: Value| -> Value {
            let entry = |number: usize| {
                exception(&"r".repeat(100), with(json!({"resource": number.to_string()}), scope.clone()))
            };
            (0..count).map(entry).collect()
        };
        let of_one = |count| parse(json!({"exceptions": users(count, json!({"account": id(3)}))}));
        assert!(of_one(MAX_OF_ONE).is_ok());
        assert_eq!(
            of_one(MAX_OF_ONE + 1).unwrap_err(),
            [format!("26 entries are about {}: at most 25 are accepted for one account", id(3))]
        );
        assert!(parse(json!({"exceptions": users(60, json!({"ou": UNIT}))})).is_ok());
        let sixty = parse(json!({"exceptions": users(60, json!({"ou": UNIT}))})).unwrap();
        assert_eq!(sixty.too_much_for(10_000), None);
        assert!(sixty.too_much_for(50_000).is_some_and(|fault| fault.contains("for 50000 accounts")));
        let fault = parse(json!({"exceptions": users(100, json!({"ou": UNIT}))})).unwrap_err().remove(0);
        assert!(fault.contains("at most 16384 are accepted"), "{fault}");
        let routes: Vec<Value> = (0..1_000).map(|number| json!({"route": "a", "tag": number.to_string()})).collect();
        assert!(parse(json!({"routes": routes})).is_ok(), "batches do not carry routes");
        let names: Vec<Value> =
            (0..=MAX_ROUTES).map(|number| json!({"route": format!("r{number}"), "tag": number.to_string()})).collect();
        assert!(parse(json!({"routes": names[1..]})).is_ok());
        assert_eq!(parse(json!({"routes": names})).unwrap_err(), ["there are 101 routes: at most 100 are accepted"]);
    }

    #[test]
    fn a_route_is_by_account_then_by_tag_then_by_the_nearest_unit() {
        let mut routes = vec![
            json!({"route": "root", "ou": "r-ab12"}),
            json!({"route": "below", "ou": BELOW}),
            json!({"route": "unit", "ou": UNIT}),
            json!({"route": "tagged", "tag": "payments"}),
            json!({"route": "own", "account": id(3)}),
        ];
        let mut member = member(3);
        member.tag = Some(Tag { value: Some("payments".into()), read_at: now() });
        for route in ["own", "tagged", "below", "unit", "root"] {
            let declared = parse(json!({"routes": routes})).unwrap();
            assert_eq!(declared.route(&member), Some(route));
            assert_eq!(declared.asks_for_tags(), ["own", "tagged"].contains(&route));
            routes.retain(|entry| entry["route"] != route);
        }
        assert_eq!(Declared::default().route(&member), None);
        let tagged = parse(json!({"routes": [{"route": "tagged", "tag": "payments"}]})).unwrap();
        member.tag = Some(Tag { value: None, read_at: now() });
        assert_eq!(tagged.route(&member), None);
        member.tag = None;
        assert_eq!(tagged.route(&member), None, "a tag that was not read chooses nothing");
    }

    #[test]
    fn entries_about_nobody_are_named_once() {
        let eight = member(8).account;
        let nobody = (&eight, &eight);
        let declared = parse(json!({
            "exceptions": [exception("r", json!({"account": id(9)})), with(exception("r", json!({"account": id(9)})), json!({"resource": "x"}))],
            "attestations": [attestation("a", json!({"ou": "ou-ab12-99999999"})), attestation("a", json!({"ou": UNIT}))],
            "routes": [{"route": "a", "account": id(9)}, {"route": "a", "tag": "x"}, {"route": "a", "ou": "r-ab12"}],
        }));
        assert_eq!(
            declared.unwrap().unmatched(&[member(3), member(8)], nobody),
            [
                "exceptions: the organization has no account 999999999999 that is audited: its entries do nothing",
                "attestations: the organization has no unit ou-ab12-99999999 that is audited: its entries do nothing",
                "routes: the organization has no account 999999999999 that is audited: its entries do nothing",
            ]
        );
        let tagged = parse(json!({"routes": [{"route": "a", "tag": "x"}, {"route": "b", "tag": "y"}]})).unwrap();
        let mut two = [member(3), member(4)];
        two[0].tag = Some(Tag { value: Some("x".into()), read_at: now() });
        assert_eq!(tagged.unmatched(&two, nobody), [""; 0], "the other's tag was not read");
        two[1].tag = Some(Tag { value: None, read_at: now() });
        let of_skipped = parse(json!({"routes": [{"route": "a", "account": id(4)}]})).unwrap();
        assert_eq!(of_skipped.unmatched(&two, nobody), [""; 0]);
        assert_eq!(of_skipped.unmatched(&two, (&eight, &two[1].account)).len(), 1, "its own stack checks it");
        assert_eq!(
            tagged.unmatched(&two, nobody),
            [
                "routes: the organization has no account with the tag rootwatch:route = y that is audited: its entries do nothing"
            ]
        );
    }

    #[test]
    fn the_mark_changes_when_an_entry_comes_or_goes_or_ends_and_not_otherwise() {
        let declared =
            parse(json!({"exceptions": [exception("r", json!({}))], "attestations": [attestation("a", json!({}))]}));
        let declared = declared.unwrap();
        let all = declared.of(&member(3), now());
        let at = |now| mark(&all, now);
        let (christmas, march) = ("2026-12-25T00:00:00Z".parse().unwrap(), "2027-03-01T00:00:00Z".parse().unwrap());
        assert_eq!(at(now()), at(christmas - SignedDuration::from_secs(1)));
        assert_ne!(at(now()), at(christmas), "the exception ended");
        assert!(at(christmas).is_some() && at(march).is_none());
        let other = Declarations { attestations: Vec::new(), ..all.clone() };
        assert_ne!(mark(&other, now()), at(now()));
        assert_eq!(mark(&Declarations::default(), now()), None);
        assert_eq!(at(now()).unwrap().len(), 16);
    }

    #[test]
    fn what_goes_with_a_batch_reads_back_and_says_the_same_of_its_accounts() {
        let declared = parse(json!({
            "exceptions": [exception("all", json!({})), exception("three", json!({"account": id(3)})), exception("four", json!({"account": id(4)}))],
            "attestations": [attestation("a", json!({"ou": UNIT}))],
            "routes": [{"route": "a", "ou": UNIT}],
        }));
        let declared = declared.unwrap();
        let carried = declared.within(&[&member(3).account]);
        assert_eq!((carried.exceptions.len(), carried.attestations.len(), carried.routes.len()), (2, 1, 0));
        let read: Declared = serde_json::from_str(&serde_json::to_string(&carried).unwrap()).unwrap();
        assert_eq!(read.of(&member(3), now()), declared.of(&member(3), now()));
        assert_eq!(declared.of(&member(3), now()).attestations[0].statement, Statement::RootPasswordStrong);
        assert!(Declared::default().is_empty() && !carried.is_empty());
    }

    proptest! {
        #[test]
        fn no_text_makes_it_panic(text in "\\PC*|.*") {
            drop(Declared::parse(text.as_bytes(), now()));
            let wrapped = json!({"exceptions": [{"control": text, "account": text, "until": text}], "routes": [{"route": text, "ou": text}], text.as_str(): 1});
            let faults = parse(wrapped).unwrap_err();
            prop_assert!(faults.iter().all(|fault| !fault.chars().any(char::is_control) && fault.chars().count() < 2_500));
        }
    }
}
