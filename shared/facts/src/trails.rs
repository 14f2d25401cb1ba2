//! CloudTrail's trails: what each of them records, and whether it does so now. EventBridge hears of what a trail records, and of
//! nothing else (<https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-service-event-cloudtrail.html>).

use std::fmt;

use crate::source::Unavailable;

/// One trail, as `cloudtrail:DescribeTrails` and its home Region show it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Trail {
    /// ARN; that of an organization trail names the management account.
    pub arn: String,
    /// Name, unique in its account and home Region.
    pub name: String,
    /// Region it was created in, as `eu-west-1`.
    pub home_region: String,
    /// Whether it records every Region, or its home Region alone.
    pub is_multi_region: bool,
    /// Whether it records every account of an organization.
    pub is_organization: bool,
    /// Whether it records global services, sign-in and IAM among them; a multi-Region trail always does.
    pub has_global_services: bool,
    /// Whether it writes digests that prove its log files unchanged.
    pub validates_log_files: bool,
    /// The S3 bucket it delivers to.
    pub bucket: Option<String>,
    /// Whether it runs; a member account may not see it for an organization's trail.
    pub status: Result<TrailStatus, Unavailable>,
    /// Which management events it records; the same.
    pub management_events: Result<ManagementEvents, Unavailable>,
}

/// Whether a trail runs, by `cloudtrail:GetTrailStatus`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TrailStatus {
    /// Whether it records now.
    pub is_logging: bool,
    /// Why its last delivery to S3 failed, an error code of S3; `None`: it did not.
    pub delivery_error: Option<String>,
}

/// Which management events a trail records, by `cloudtrail:GetEventSelectors`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ManagementEvents {
    /// Events that change nothing.
    pub reads: bool,
    /// Events that change something; sign-ins are among them.
    pub writes: bool,
    /// Services of which all reads, or all writes, are left out, as `kms.amazonaws.com`.
    pub excluded_sources: Vec<String>,
}

/// One event selector of a trail, basic or advanced; a trail has only one of the two kinds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Selector {
    /// An entry of `EventSelectors`.
    Basic {
        /// `IncludeManagementEvents`.
        management: bool,
        /// `ReadWriteType` is not `WriteOnly`.
        reads: bool,
        /// `ReadWriteType` is not `ReadOnly`.
        writes: bool,
        /// `ExcludeManagementEventSources`.
        excluded_sources: Vec<String>,
    },
    /// An entry of `AdvancedEventSelectors`: all its fields must match.
    Advanced(Vec<FieldSelector>),
}

/// One field of an advanced event selector.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct FieldSelector {
    /// Name, as `eventCategory`.
    pub field: String,
    /// Values of which it must be one.
    pub equals: Vec<String>,
    /// Values of which it must be none.
    pub not_equals: Vec<String>,
    /// It has operators beside these two.
    pub has_others: bool,
}

impl ManagementEvents {
    /// What a trail with these selectors records: what any of them does. A source is left out when all that record reads, or all that
    /// record writes, leave it out.
    pub fn of(selectors: &[Selector]) -> Self {
        let recorded: Vec<Self> = selectors.iter().filter_map(Selector::management_events).collect();
        let mut excluded_sources = left_out(recorded.iter().filter(|of| of.reads));
        for source in left_out(recorded.iter().filter(|of| of.writes)) {
            if !excluded_sources.contains(&source) {
                excluded_sources.push(source);
            }
        }
        Self {
            reads: recorded.iter().any(|of| of.reads),
            writes: recorded.iter().any(|of| of.writes),
            excluded_sources,
        }
    }
}

/// The sources that all of `selectors` leave out.
fn left_out<'a>(mut selectors: impl Iterator<Item = &'a ManagementEvents>) -> Vec<String> {
    let mut sources = selectors.next().map(|of| of.excluded_sources.clone()).unwrap_or_default();
    for of in selectors {
        sources.retain(|source| of.excluded_sources.contains(source));
    }
    sources
}

impl Selector {
    /// `None`: it records none, or only some of them by a rule that is not known here; taken for the worse.
    fn management_events(&self) -> Option<ManagementEvents> {
        match self {
            Self::Basic { management, reads, writes, excluded_sources } => management.then(|| ManagementEvents {
                reads: *reads,
                writes: *writes,
                excluded_sources: excluded_sources.clone(),
            }),
            Self::Advanced(fields) => {
                let is_management = |field: &FieldSelector| field.field == "eventCategory" && field.is(&["Management"]);
                if !fields.iter().any(is_management) {
                    return None;
                }
                let mut recorded = ManagementEvents { reads: true, writes: true, excluded_sources: Vec::new() };
                for field in fields.iter().filter(|field| !is_management(field)) {
                    match field.field.as_str() {
                        "readOnly" if field.is(&["true"]) => recorded.writes = false,
                        "readOnly" if field.is(&["false"]) => recorded.reads = false,
                        "eventSource" if field.equals.is_empty() && !field.has_others => {
                            recorded.excluded_sources.extend(field.not_equals.iter().cloned());
                        }
                        _ => return None,
                    }
                }
                Some(recorded)
            }
        }
    }
}

impl FieldSelector {
    fn is(&self, values: &[&str]) -> bool {
        self.equals == values && self.not_equals.is_empty() && !self.has_others
    }
}

impl Trail {
    /// Whether root's sign-ins and calls in `region` would be recorded by it, if it runs and leaves nothing out.
    pub fn reaches(&self, region: &str) -> bool {
        self.is_multi_region || (self.home_region == region && self.has_global_services)
    }

    /// How evidence names it: its name alone may also be another trail's, of another Region.
    pub fn fact(&self) -> String {
        format!("trail {} of {}", self.name, self.home_region)
    }

    /// Why not all of it is known.
    pub fn unread(&self) -> impl Iterator<Item = &Unavailable> {
        self.status.as_ref().err().into_iter().chain(self.management_events.as_ref().err())
    }
}

/// What is known of it, in a few words.
impl fmt::Display for Trail {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.is_multi_region, self.has_global_services) {
            (true, _) => write!(f, "every Region")?,
            (false, true) => write!(f, "{} alone", self.home_region)?,
            (false, false) => write!(f, "{} alone, without global services", self.home_region)?,
        }
        if self.is_organization {
            write!(f, ", of the organization")?;
        }
        match &self.status {
            Ok(TrailStatus { is_logging: false, .. }) => write!(f, ", NOT logging")?,
            Ok(TrailStatus { delivery_error: Some(error), .. }) => write!(f, ", logging, delivery FAILS ({error})")?,
            Ok(_) => write!(f, ", logging")?,
            Err(_) => write!(f, ", not known whether it is logging")?,
        }
        match &self.management_events {
            Ok(events) => {
                f.write_str(match (events.reads, events.writes) {
                    (true, true) => ", all management events",
                    (false, true) => ", management events that write",
                    (true, false) => ", only management events that READ",
                    (false, false) => ", NO management events",
                })?;
                if !events.excluded_sources.is_empty() {
                    write!(f, " but those of {}", events.excluded_sources.join(", "))?;
                }
                Ok(())
            }
            Err(_) => f.write_str(", not known what it leaves out"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn basic(management: bool, reads: bool, writes: bool, excluded: &[&str]) -> Selector {
        let excluded_sources = excluded.iter().map(|source| (*source).to_owned()).collect();
        Selector::Basic { management, reads, writes, excluded_sources }
    }

    fn field(field: &str, equals: &[&str], not_equals: &[&str]) -> FieldSelector {
        let owned = |values: &[&str]| values.iter().map(|value| (*value).to_owned()).collect();
        FieldSelector { field: field.into(), equals: owned(equals), not_equals: owned(not_equals), has_others: false }
    }

    fn management(others: Vec<FieldSelector>) -> Selector {
        Selector::Advanced([vec![field("eventCategory", &["Management"], &[])], others].concat())
    }

    fn recorded(selectors: &[Selector]) -> (bool, bool, String) {
        let events = ManagementEvents::of(selectors);
        (events.reads, events.writes, events.excluded_sources.join(" "))
    }

    #[test]
    fn ct_17_a_basic_selector_records_what_it_says_and_no_management_events_when_they_are_left_out() {
        assert_eq!(recorded(&[basic(true, true, true, &[])]), (true, true, String::new()));
        assert_eq!(recorded(&[basic(true, false, true, &["kms.amazonaws.com"])]).2, "kms.amazonaws.com");
        assert_eq!(recorded(&[basic(true, true, false, &[])]), (true, false, String::new()));
        assert_eq!(recorded(&[basic(false, true, true, &["kms.amazonaws.com"])]), (false, false, String::new()));
        assert_eq!(recorded(&[]), (false, false, String::new()));
    }

    #[test]
    fn ct_17_an_advanced_selector_records_management_events_only_when_its_category_says_so() {
        assert_eq!(recorded(&[management(Vec::new())]), (true, true, String::new()));
        assert_eq!(recorded(&[management(vec![field("readOnly", &["false"], &[])])]), (false, true, String::new()));
        assert_eq!(recorded(&[management(vec![field("readOnly", &["true"], &[])])]), (true, false, String::new()));
        let data =
            Selector::Advanced(vec![field("eventCategory", &["Data"], &[]), field("resources.type", &["x"], &[])]);
        assert_eq!(recorded(&[data]), (false, false, String::new()));
        let excluded = management(vec![field("eventSource", &[], &["kms.amazonaws.com", "rdsdata.amazonaws.com"])]);
        assert_eq!(recorded(&[excluded]), (true, true, "kms.amazonaws.com rdsdata.amazonaws.com".into()));
    }

    #[test]
    fn what_narrows_a_selector_in_a_way_that_is_not_known_is_taken_for_the_worse() {
        let others = FieldSelector { has_others: true, ..field("eventSource", &[], &["kms.amazonaws.com"]) };
        for narrow in [
            field("eventName", &["CreateUser"], &[]),
            field("eventSource", &["iam.amazonaws.com"], &[]),
            field("readOnly", &[], &["true"]),
            others,
        ] {
            assert_eq!(recorded(&[management(vec![narrow.clone()])]), (false, false, String::new()), "{narrow:?}");
        }
    }

    #[test]
    fn of_several_selectors_each_adds_and_a_source_is_left_out_where_all_of_the_same_kind_of_event_leave_it_out() {
        let kms = || "kms.amazonaws.com".to_owned();
        let but_kms = || field("eventSource", &[], &["kms.amazonaws.com"]);
        let reads_but_kms = || management(vec![field("readOnly", &["true"], &[]), but_kms()]);
        let writes = || management(vec![field("readOnly", &["false"], &[])]);
        assert_eq!(recorded(&[writes(), reads_but_kms()]), (true, true, kms()));
        assert_eq!(recorded(&[reads_but_kms(), writes()]), (true, true, kms()));
        assert_eq!(recorded(&[reads_but_kms(), management(Vec::new())]), (true, true, String::new()));
        let both = [
            basic(true, true, false, &["kms.amazonaws.com", "rdsdata.amazonaws.com"]),
            basic(true, false, true, &["kms.amazonaws.com"]),
        ];
        assert_eq!(recorded(&both), (true, true, "kms.amazonaws.com rdsdata.amazonaws.com".into()));
        let [reads, writes] = both;
        assert_eq!(recorded(&[writes, reads]), (true, true, "kms.amazonaws.com rdsdata.amazonaws.com".into()));
        let beside = [basic(true, false, true, &[]), basic(true, true, false, &["kms.amazonaws.com"])];
        assert_eq!(recorded(&beside), (true, true, kms()));
        let all = [basic(true, true, true, &["kms.amazonaws.com"]), basic(true, true, true, &[])];
        assert_eq!(recorded(&all), (true, true, String::new()));
        let beside_data = [basic(false, true, true, &[]), basic(true, false, true, &["kms.amazonaws.com"])];
        assert_eq!(recorded(&beside_data), (false, true, kms()));
    }

    #[test]
    fn a_trail_of_one_region_reaches_that_one_and_only_with_global_services() {
        let mut trail = Trail::sound("audit");
        assert!(trail.reaches("us-east-1"));
        trail.is_multi_region = false;
        assert!(trail.reaches("eu-west-1") && !trail.reaches("us-east-1"));
        trail.has_global_services = false;
        assert!(!trail.reaches("eu-west-1"));
    }
}
