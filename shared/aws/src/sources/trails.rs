//! The trails that record where root signs in: each once, with its state and its selectors.

use std::collections::BTreeMap;

use aws_sdk_cloudtrail::Client;
use aws_sdk_cloudtrail::operation::get_event_selectors::GetEventSelectorsOutput;
use aws_sdk_cloudtrail::types::{self, AdvancedFieldSelector, ReadWriteType};
use facts::source::Cause;
use facts::text::bounded;
use facts::trails::{FieldSelector, ManagementEvents, Selector, Trail, TrailStatus};
use facts::{Source, Unavailable};
use futures_util::future::join_all;

use crate::failure::unavailable;

/// The IAM actions that are called here.
pub const ACTIONS: &[&str] =
    &["cloudtrail:DescribeTrails", "cloudtrail:GetEventSelectors", "cloudtrail:GetTrailStatus"];

/// What some Regions list, each once, and why others did not, by their codes.
pub type Listed = (Vec<Trail>, BTreeMap<String, Unavailable>);

/// Every trail that records one of `regions`, by ARN: a call a Region, and two a trail in its home Region.
///
/// A Region lists its own trails and copies of those of every Region, but not the trails of another Region alone; so each is asked.
///
/// # Errors
/// When no Region's trails could be listed. That one's could not, and what could not be read of one trail, is data.
pub async fn read(client_in: impl Fn(&str) -> Client, regions: &[&str]) -> Result<Listed, Unavailable> {
    let lists = join_all(regions.iter().map(|region| list(client_in(region), region))).await;
    // A copy of a trail has the same ARN as the trail, and only its home Region says the same of it at all times.
    let mut trails = BTreeMap::new();
    let mut unlisted = BTreeMap::new();
    for (region, list) in regions.iter().zip(lists) {
        match list {
            Ok(list) => trails.extend(list),
            Err(why) => drop(unlisted.insert((*region).to_owned(), why)),
        }
    }
    if unlisted.len() == regions.len()
        && let Some((_, why)) = unlisted.pop_first()
    {
        return Err(why);
    }
    let whole = trails.into_iter().map(|((arn, home), listed)| {
        let client = client_in(&home);
        async move { whole(&client, arn, home, &listed).await }
    });
    Ok((join_all(whole).await, unlisted))
}

/// By ARN and home Region.
async fn list(client: Client, region: &str) -> Result<Vec<((String, String), types::Trail)>, Unavailable> {
    let answer = client.describe_trails().include_shadow_trails(true).send().await;
    let operation = format!("cloudtrail:DescribeTrails in {region}");
    let list = answer.map_err(|error| unavailable(Source::Trails, &operation, &error))?.trail_list.unwrap_or_default();
    let named =
        |listed: types::Trail| Some(((listed.trail_arn()?.to_owned(), listed.home_region()?.to_owned()), listed));
    list.into_iter().map(named).collect::<Option<_>>().ok_or_else(|| Unavailable {
        source: Source::Trails,
        operation,
        cause: Cause::Malformed { detail: "a trail without ARN or home Region".into() },
    })
}

async fn whole(client: &Client, arn: String, home_region: String, listed: &types::Trail) -> Trail {
    let name = bounded(listed.name().unwrap_or(&arn));
    let (status, selectors) =
        tokio::join!(client.get_trail_status().name(&arn).send(), client.get_event_selectors().trail_name(&arn).send());
    let operation = |action: &str| format!("cloudtrail:{action} of {name} in {home_region}");
    let status = status.map_err(|error| unavailable(Source::Trails, &operation("GetTrailStatus"), &error));
    let selectors = selectors.map_err(|error| unavailable(Source::Trails, &operation("GetEventSelectors"), &error));
    Trail {
        is_multi_region: listed.is_multi_region_trail().unwrap_or(false),
        is_organization: listed.is_organization_trail().unwrap_or(false),
        has_global_services: listed.include_global_service_events().unwrap_or(false),
        validates_log_files: listed.log_file_validation_enabled().unwrap_or(false),
        bucket: listed.s3_bucket_name().map(bounded),
        status: status.map(|status| TrailStatus {
            is_logging: status.is_logging().unwrap_or(false),
            delivery_error: status.latest_delivery_error().map(bounded).filter(|error| !error.is_empty()),
        }),
        management_events: selectors.map(|selectors| ManagementEvents::of(&in_our_words(&selectors))),
        arn,
        name,
        home_region,
    }
}

fn in_our_words(answer: &GetEventSelectorsOutput) -> Vec<Selector> {
    let basic = answer.event_selectors().iter().map(|selector| {
        // As AWS fills them in where they are left out.
        let kind = selector.read_write_type().unwrap_or(&ReadWriteType::All);
        Selector::Basic {
            management: selector.include_management_events().unwrap_or(true),
            reads: matches!(kind, ReadWriteType::All | ReadWriteType::ReadOnly),
            writes: matches!(kind, ReadWriteType::All | ReadWriteType::WriteOnly),
            excluded_sources: bounded_all(selector.exclude_management_event_sources()),
        }
    });
    let advanced = answer.advanced_event_selectors().iter();
    basic
        .chain(advanced.map(|selector| Selector::Advanced(selector.field_selectors().iter().map(field).collect())))
        .collect()
}

fn field(selector: &AdvancedFieldSelector) -> FieldSelector {
    let others = [selector.starts_with(), selector.ends_with(), selector.not_starts_with(), selector.not_ends_with()];
    FieldSelector {
        field: bounded(selector.field()),
        equals: bounded_all(selector.equals()),
        not_equals: bounded_all(selector.not_equals()),
        has_others: others.iter().any(|values| !values.is_empty()),
    }
}

fn bounded_all(texts: &[String]) -> Vec<String> {
    texts.iter().map(|text| bounded(text)).collect()
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use aws_sdk_cloudtrail::error::ErrorMetadata;
    use aws_sdk_cloudtrail::operation::describe_trails::{DescribeTrailsError, DescribeTrailsOutput};
    use aws_sdk_cloudtrail::operation::get_event_selectors::GetEventSelectorsError;
    use aws_sdk_cloudtrail::operation::get_trail_status::{GetTrailStatusError, GetTrailStatusOutput};
    use aws_sdk_cloudtrail::types::{AdvancedEventSelector, EventSelector};
    use aws_smithy_mocks::{Rule, RuleMode, mock, mock_client};

    use super::*;

    const ARN: &str = "arn:aws:cloudtrail:eu-west-1:111122223333:trail/audit";
    const REGIONS: &[&str] = &["us-east-1", "us-east-2"];

    fn listed() -> types::builders::TrailBuilder {
        types::Trail::builder().name("audit").trail_arn(ARN).home_region("eu-west-1").is_multi_region_trail(true)
    }

    fn list_of(trails: Vec<types::Trail>) -> Rule {
        mock!(Client::describe_trails)
            .then_output(move || DescribeTrailsOutput::builder().set_trail_list(Some(trails.clone())).build())
    }

    fn logging() -> Rule {
        mock!(Client::get_trail_status)
            .match_requests(|request| request.name() == Some(ARN))
            .then_output(|| GetTrailStatusOutput::builder().is_logging(true).build())
    }

    fn basic(selector: fn() -> EventSelector) -> Rule {
        mock!(Client::get_event_selectors)
            .match_requests(|request| request.trail_name() == Some(ARN))
            .then_output(move || GetEventSelectorsOutput::builder().event_selectors(selector()).build())
    }

    fn all() -> Rule {
        basic(|| EventSelector::builder().read_write_type(ReadWriteType::All).include_management_events(true).build())
    }

    async fn trails(rules: &[&Rule]) -> Result<Vec<Trail>, Unavailable> {
        let client = mock_client!(aws_sdk_cloudtrail, RuleMode::MatchAny, rules);
        let (trails, unlisted) = read(|_| client.clone(), REGIONS).await?;
        assert!(unlisted.is_empty(), "{unlisted:?}");
        Ok(trails)
    }

    fn code(code: &str) -> ErrorMetadata {
        ErrorMetadata::builder().code(code).build()
    }

    #[tokio::test]
    async fn a_trail_that_several_regions_list_is_read_once_in_its_home_region_by_its_arn() {
        let (list, status, selectors) = (list_of(vec![listed().build()]), logging(), all());
        let client = mock_client!(aws_sdk_cloudtrail, RuleMode::MatchAny, [&list, &status, &selectors]);
        let asked = Mutex::new(Vec::new());
        let client_in = |region: &str| {
            asked.lock().expect("one thread").push(region.to_owned());
            client.clone()
        };
        let (trails, _) = read(client_in, REGIONS).await.unwrap();
        assert_eq!((trails.len(), trails[0].arn.as_str()), (1, ARN));
        assert_eq!([list.num_calls(), status.num_calls(), selectors.num_calls()], [2, 1, 1]);
        assert_eq!(*asked.lock().expect("one thread"), ["us-east-1", "us-east-2", "eu-west-1"]);
    }

    #[tokio::test]
    async fn everything_that_is_said_of_a_trail_is_kept() {
        let whole = listed()
            .is_organization_trail(true)
            .include_global_service_events(true)
            .log_file_validation_enabled(true)
            .s3_bucket_name("acme-prod-trail")
            .build();
        let status = mock!(Client::get_trail_status).then_output(|| {
            GetTrailStatusOutput::builder().is_logging(true).latest_delivery_error("NoSuchBucket").build()
        });
        let trails = trails(&[&list_of(vec![whole]), &status, &all()]).await.unwrap();
        let expected = Trail {
            arn: ARN.into(),
            name: "audit".into(),
            home_region: "eu-west-1".into(),
            is_multi_region: true,
            is_organization: true,
            has_global_services: true,
            validates_log_files: true,
            bucket: Some("acme-prod-trail".into()),
            status: Ok(TrailStatus { is_logging: true, delivery_error: Some("NoSuchBucket".into()) }),
            management_events: Ok(ManagementEvents { reads: true, writes: true, excluded_sources: Vec::new() }),
        };
        assert_eq!(trails, [expected]);
    }

    #[tokio::test]
    async fn what_a_trail_leaves_open_is_taken_for_the_worse() {
        let status = mock!(Client::get_trail_status)
            .then_output(|| GetTrailStatusOutput::builder().latest_delivery_error("").build());
        let bare = types::Trail::builder().trail_arn(ARN).home_region("eu-west-1").build();
        let trail = trails(&[&list_of(vec![bare]), &status, &all()]).await.unwrap().remove(0);
        assert_eq!(trail.status, Ok(TrailStatus { is_logging: false, delivery_error: None }));
        assert!(!trail.is_multi_region && !trail.is_organization && !trail.has_global_services);
        assert_eq!((trail.name.as_str(), trail.bucket, trail.validates_log_files), (ARN, None, false));
    }

    #[tokio::test]
    async fn ct_17_basic_selectors_say_which_management_events_are_recorded() {
        type Make = fn() -> EventSelector;
        let cases: [(Make, (bool, bool)); 4] = [
            (|| EventSelector::builder().build(), (true, true)),
            (|| EventSelector::builder().read_write_type(ReadWriteType::ReadOnly).build(), (true, false)),
            (|| EventSelector::builder().read_write_type(ReadWriteType::WriteOnly).build(), (false, true)),
            (|| EventSelector::builder().include_management_events(false).build(), (false, false)),
        ];
        for (selector, expected) in cases {
            let trail =
                trails(&[&list_of(vec![listed().build()]), &logging(), &basic(selector)]).await.unwrap().remove(0);
            let events = trail.management_events.unwrap();
            assert_eq!((events.reads, events.writes), expected, "{:?}", selector());
        }
        let excluding = || EventSelector::builder().exclude_management_event_sources("kms.amazonaws.com").build();
        let trail = trails(&[&list_of(vec![listed().build()]), &logging(), &basic(excluding)]).await.unwrap().remove(0);
        assert_eq!(trail.management_events.unwrap().excluded_sources, ["kms.amazonaws.com"]);
    }

    #[tokio::test]
    async fn ct_17_advanced_selectors_say_it_field_by_field() {
        let field = |name: &str| AdvancedFieldSelector::builder().field(name);
        let management = || field("eventCategory").equals("Management").build().expect("a field");
        let with = |others: Vec<AdvancedFieldSelector>| {
            let fields = [vec![management()], others].concat();
            let selector =
                AdvancedEventSelector::builder().set_field_selectors(Some(fields)).build().expect("a selector");
            mock!(Client::get_event_selectors).then_output(move || {
                GetEventSelectorsOutput::builder().advanced_event_selectors(selector.clone()).build()
            })
        };
        let read_only = field("readOnly").equals("true").build().expect("a field");
        let others = field("eventSource").not_equals("kms.amazonaws.com").build().expect("a field");
        let prefixed = field("eventSource").not_starts_with("kms").build().expect("a field");
        for (others, expected) in [
            (vec![], (true, true)),
            (vec![read_only], (true, false)),
            (vec![others], (true, true)),
            (vec![prefixed], (false, false)),
        ] {
            let rule = with(others.clone());
            let trail = trails(&[&list_of(vec![listed().build()]), &logging(), &rule]).await.unwrap().remove(0);
            let events = trail.management_events.unwrap();
            assert_eq!((events.reads, events.writes), expected, "{others:?}");
        }
    }

    #[tokio::test]
    async fn what_is_denied_of_one_trail_is_data_of_that_trail() {
        let status =
            mock!(Client::get_trail_status).then_error(|| GetTrailStatusError::generic(code("AccessDeniedException")));
        let selectors = mock!(Client::get_event_selectors)
            .then_error(|| GetEventSelectorsError::generic(code("ThrottlingException")));
        let trail = trails(&[&list_of(vec![listed().build()]), &status, &selectors]).await.unwrap().remove(0);
        assert_eq!(
            trail.status.unwrap_err().to_string(),
            "trails: cloudtrail:GetTrailStatus of audit in eu-west-1 was denied (AccessDeniedException)"
        );
        assert_eq!(
            trail.management_events.unwrap_err().to_string(),
            "trails: cloudtrail:GetEventSelectors of audit in eu-west-1 was throttled (ThrottlingException)"
        );
    }

    #[tokio::test]
    async fn what_one_region_lists_is_kept_beside_why_another_one_does_not() {
        let listing = mock_client!(
            aws_sdk_cloudtrail,
            RuleMode::MatchAny,
            [&list_of(vec![listed().build()]), &logging(), &all()]
        );
        let denied =
            mock!(Client::describe_trails).then_error(|| DescribeTrailsError::generic(code("AccessDeniedException")));
        let nameless = list_of(vec![types::Trail::builder().name("audit").build()]);
        for (broken, why) in [(denied, "was denied (AccessDeniedException)"), (nameless, "a trail without ARN")] {
            let broken = mock_client!(aws_sdk_cloudtrail, RuleMode::MatchAny, [&broken]);
            let client_in = |region: &str| if region == "us-east-2" { broken.clone() } else { listing.clone() };
            let (trails, unlisted) = read(client_in, REGIONS).await.unwrap();
            assert_eq!((trails.len(), trails[0].status.is_ok()), (1, true));
            assert_eq!(unlisted.keys().collect::<Vec<_>>(), ["us-east-2"]);
            let error = unlisted["us-east-2"].to_string();
            assert!(
                error.starts_with("trails: cloudtrail:DescribeTrails in us-east-2 ") && error.contains(why),
                "{error}"
            );
        }
    }

    #[tokio::test]
    async fn a_region_that_does_not_list_its_trails_is_named_and_no_trails_are_an_answer() {
        let denied =
            mock!(Client::describe_trails).then_error(|| DescribeTrailsError::generic(code("AccessDeniedException")));
        assert_eq!(
            trails(&[&denied]).await.unwrap_err().to_string(),
            "trails: cloudtrail:DescribeTrails in us-east-1 was denied (AccessDeniedException)"
        );
        assert_eq!(trails(&[&list_of(Vec::new())]).await, Ok(Vec::new()));
        let nameless = list_of(vec![types::Trail::builder().name("audit").build()]);
        assert!(matches!(trails(&[&nameless]).await.unwrap_err().cause, Cause::Malformed { .. }));
    }
}
