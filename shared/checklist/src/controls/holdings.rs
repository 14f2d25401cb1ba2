//! Which identities have which policies. AWS combines all policies of an identity.

use std::collections::{HashMap, HashSet};
use std::fmt;

use facts::identities::{AttachedPolicy, InlinePolicy, ManagedPolicy};
use facts::policy_document::Grants;
use facts::snapshot::Snapshot;
use facts::source::Source;

/// A user, a group or a role with its policies.
pub(super) struct Holding<'a> {
    /// The source that names the holder.
    pub(super) source: Source,
    pub(super) kind: Kind,
    pub(super) name: &'a str,
    /// A user holds what its groups hold too.
    pub(super) parts: Vec<Part<'a>>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Kind {
    Role,
    Group,
    User,
}

/// A policy of an identity.
#[derive(Clone, Copy)]
pub(super) struct Part<'a> {
    is_inline: bool,
    /// Attached, and the account's own.
    is_own: bool,
    /// What it allows was looked up, and found.
    is_listed: bool,
    name: &'a str,
    /// The group by which a user holds it.
    group: Option<&'a str>,
    pub(super) grants: Grants,
}

/// Everybody with all that they hold, as far as both sources were read.
pub(super) fn all(snapshot: &Snapshot) -> Vec<Holding<'_>> {
    let read = snapshot.roles_and_policies.as_ref().ok();
    let own: Option<HashMap<&str, &ManagedPolicy>> =
        read.map(|read| read.policies.iter().map(|policy| (policy.name.as_str(), policy)).collect());
    let parts = |attached, inline| parts(own.as_ref(), attached, inline);
    let mut all = Vec::new();
    let roles = read.iter().flat_map(|read| &read.roles);
    all.extend(roles.map(|role| Holding {
        source: Source::RolesAndPolicies,
        kind: Kind::Role,
        name: &role.name,
        parts: parts(&role.attached_policies, &role.inline_policies),
    }));
    let Ok(identities) = &snapshot.identities else { return all };
    let mut of_groups: HashMap<&str, Vec<Part<'_>>> = HashMap::new();
    for group in &identities.groups {
        let parts = parts(&group.attached_policies, &group.inline_policies);
        let of_members = parts.iter().map(|part| Part { group: Some(&group.name), ..*part }).collect();
        of_groups.insert(&group.name, of_members);
        all.push(Holding { source: Source::Identities, kind: Kind::Group, name: &group.name, parts });
    }
    all.extend(identities.users.iter().map(|user| {
        let mut parts = parts(&user.attached_policies, &user.inline_policies);
        parts.extend(user.groups.iter().filter_map(|group| of_groups.get(group.as_str())).flatten());
        Holding { source: Source::Identities, kind: Kind::User, name: &user.name, parts }
    }));
    all
}

/// To how many of these each policy of the account's own is attached.
pub(super) fn attachments<'a>(holdings: &[Holding<'a>]) -> HashMap<&'a str, u32> {
    let mut seen = HashMap::new();
    let parts = holdings.iter().flat_map(|holding| &holding.parts);
    for part in parts.filter(|part| part.is_own && part.group.is_none()) {
        *seen.entry(part.name).or_default() += 1;
    }
    seen
}

/// Of the policies that AWS manages, only wide ones matter; of the account's own, one that is not listed may be anything.
fn parts<'a>(
    own: Option<&HashMap<&str, &'a ManagedPolicy>>,
    attached: &'a [AttachedPolicy],
    inline: &'a [InlinePolicy],
) -> Vec<Part<'a>> {
    let attached = attached.iter().filter_map(|policy| {
        let name = policy.name.as_str();
        let listed =
            if policy.is_of_aws { Some(Grants::of_aws_managed(name)?) } else { own?.get(name).map(|own| own.grants) };
        let grants = listed.unwrap_or(Grants::UNREADABLE);
        let (is_own, is_listed) = (!policy.is_of_aws, listed.is_some());
        Some(Part { is_inline: false, is_own, is_listed, name, group: None, grants })
    });
    let inline = inline.iter().map(|policy| Part {
        is_inline: true,
        is_own: false,
        is_listed: true,
        name: &policy.name,
        group: None,
        grants: policy.grants,
    });
    attached.chain(inline).collect()
}

impl<'a> Holding<'a> {
    /// The policies of the account's own that are attached, and that AWS did not list.
    pub(super) fn unlisted(&self) -> impl Iterator<Item = &Part<'a>> {
        self.parts.iter().filter(|part| !part.is_listed && part.group.is_none())
    }

    /// What all parts allow together.
    pub(super) fn grants(&self) -> Grants {
        together(&self.parts)
    }

    /// The parts that add up to everything although none does alone, nor those of one group; no more than it takes.
    pub(super) fn adding_up(&self) -> Option<Vec<Part<'a>>> {
        let is_everything = |parts: &[Part<'a>]| together(parts).breadth().is_everything();
        if !is_everything(&self.parts) || self.parts.iter().any(|part| is_everything(&[*part])) {
            return None;
        }
        let groups: HashSet<&str> = self.parts.iter().filter_map(|part| part.group).collect();
        let of_group = |group: &str| {
            let parts: Vec<Part<'a>> = self.parts.iter().copied().filter(|part| part.group == Some(group)).collect();
            is_everything(&parts)
        };
        if groups.into_iter().any(of_group) {
            return None;
        }
        let mut needed = self.parts.clone();
        for part in (0..needed.len()).rev() {
            let mut without = needed.clone();
            without.remove(part);
            if is_everything(&without) {
                needed = without;
            }
        }
        Some(needed)
    }
}

fn together(parts: &[Part<'_>]) -> Grants {
    parts.iter().map(|part| part.grants).fold(Grants::LIMITED, Grants::with)
}

/// `role deploy`
impl fmt::Display for Holding<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kind = match self.kind {
            Kind::Role => "role",
            Kind::Group => "group",
            Kind::User => "user",
        };
        write!(f, "{kind} {}", self.name)
    }
}

/// `policy deploy`, `inline policy all of group Developers`
impl fmt::Display for Part<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kind = if self.is_inline { "inline policy" } else { "policy" };
        write!(f, "{kind} {}", self.name)?;
        self.group.map_or(Ok(()), |group| write!(f, " of group {group}"))
    }
}
