use facts::severity::Severity;
use facts::snapshot::Snapshot;
use facts::source::{Source, Unavailable};
use facts::text::counted;
use facts::verdict::{Evidence, Status, Verdict};

use super::billing_partition::elsewhere;
use super::named::named;
use crate::control::{Control, Reference, Remediation, no_user};
use crate::settings::Settings;

pub(super) const CONTROL: Control = Control {
    id: "billing-alerts",
    title: "An alert is sent when charges rise",
    violation: "no alert is sent when charges rise",
    step: None,
    severity: Severity::Medium,
    rationale: "Attackers use stolen keys to run instances in Regions that you do not use. Without an alert, you \
                learn of it from the next bill, a month later.",
    semantics: "Passes when a budget has a notification, or when an alarm on EstimatedCharges has an action, its \
                actions are enabled and it has data. Fails when there is neither. Budgets without a notification, \
                alarms without an action and alarms in the state INSUFFICIENT_DATA are shown but do not count: with \
                these alarms, billing alerts were never enabled, or the payer account has the metric. An alarm that \
                treats missing data as good never has that state. Composite alarms do not count. A member account \
                cannot see its payer's budgets and alarms. Cost Anomaly Detection is not visible: only the Cost \
                Explorer API shows it, and AWS charges 0.01 US dollars for each call. If nothing else alerts you, add \
                a budget, or add an exception for this control. Whether the amount is right, and whether anyone reads \
                the email, is not evaluated. Not applicable in AWS GovCloud (US), which is billed through a commercial \
                account. In China, billing is not read.",
    remediation: Remediation {
        console: &[
            "Billing and Cost Management > Budgets > Create budget > Monthly cost budget: enter an amount slightly \
             above your usual bill.",
            "Enter an email address that more than one person reads. The template alerts at 85 % and 100 % of the \
             amount, and when the forecast exceeds it.",
            "An alarm without data, in the payer account: Billing and Cost Management > Billing preferences > Alert \
             preferences, choose Receive CloudWatch billing alerts. In a member account use a budget.",
        ],
        cli: &[
            "aws budgets create-budget --account-id <account> \
             --budget 'BudgetName=monthly,BudgetType=COST,TimeUnit=MONTHLY,BudgetLimit={Amount=100,Unit=USD}' \
             --notifications-with-subscribers 'Notification={NotificationType=ACTUAL,ComparisonOperator=GREATER_THAN,\
             Threshold=80},Subscribers=[{SubscriptionType=EMAIL,Address=<address>}]'",
            "aws cloudwatch put-metric-alarm --region us-east-1 --alarm-name estimated-charges --namespace AWS/Billing \
             --metric-name EstimatedCharges --dimensions Name=Currency,Value=USD --statistic Maximum --period 21600 \
             --evaluation-periods 1 --threshold 100 --comparison-operator GreaterThanThreshold --alarm-actions <topic ARN>   \
             # needs billing alerts enabled in the billing preferences",
        ],
    },
    sources: &[Source::Budgets, Source::BillingAlarms],
    user_of: no_user,
    mappings: &[],
    references: &[
        Reference {
            name: "AWS: Managing your costs with AWS Budgets",
            url: "https://docs.aws.amazon.com/cost-management/latest/userguide/budgets-managing-costs.html",
        },
        Reference {
            name: "AWS: Cost Explorer FAQs (what a call of its API costs)",
            url: "https://aws.amazon.com/aws-cost-management/aws-cost-explorer/faqs",
        },
        Reference {
            name: "AWS: Create a billing alarm to monitor your estimated charges",
            url: "https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/monitor_estimated_charges_with_cloudwatch.html",
        },
    ],
    evaluate,
};

fn evaluate(snapshot: &Snapshot, _: &Settings) -> Result<Verdict, Unavailable> {
    if let Some(verdict) = elsewhere(snapshot) {
        return Ok(verdict);
    }
    let budgets = snapshot.budgets.iter().flatten().map(|budget| {
        let value = match budget.notifications {
            0 => "NO notification".into(),
            count => counted(count, "notification", "notifications"),
        };
        let evidence = snapshot.evidence(Source::Budgets, format!("budget {}", budget.name), value);
        (budget.notifications > 0, evidence)
    });
    let alarms = snapshot.billing_alarms.iter().flatten().map(|alarm| {
        let value = match (alarm.acts, alarm.has_data) {
            (false, _) => "NO action",
            (true, false) => "NO data: billing alerts are off, or the payer account has the metric",
            (true, true) => "active",
        };
        (alarm.tells(), snapshot.evidence(Source::BillingAlarms, format!("alarm {}", alarm.name), value))
    });
    let (alerting, silent): (Vec<_>, Vec<_>) = budgets.chain(alarms).partition(|(alerts, _)| *alerts);
    let alert = alerting.first().map(|(_, evidence)| evidence.fact.clone());
    let mut evidence: Vec<Evidence> = alerting.into_iter().chain(silent).map(|(_, evidence)| evidence).collect();
    for (source, fact, is_empty) in [
        (Source::Budgets, "budgets", snapshot.budgets.as_ref().is_ok_and(Vec::is_empty)),
        (
            Source::BillingAlarms,
            "alarms on EstimatedCharges",
            snapshot.billing_alarms.as_ref().is_ok_and(Vec::is_empty),
        ),
    ] {
        if is_empty {
            evidence.push(snapshot.evidence(source, fact, "none"));
        }
    }
    let evidence = named(evidence, "further budgets and alarms");
    if let Some(alert) = alert {
        return Ok(Verdict::new(Status::Passed, format!("Alerts are sent by {alert}"), evidence));
    }
    if let Some(unavailable) = snapshot.budgets.as_ref().err().or(snapshot.billing_alarms.as_ref().err()) {
        return Ok(Verdict { evidence, ..unavailable.clone().into() });
    }
    let reason = "No budget has a notification, and no alarm on estimated charges has an action and data; Cost Anomaly Detection is not visible to rootwatch";
    Ok(Verdict::new(Status::Failed, reason, evidence))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::controls::tests::verdict_of;
    use facts::billing::{BillingAlarm, Budget};
    use facts::testing::unavailable;

    fn seen(notifications: &[usize], acts: &[bool]) -> Verdict {
        verdict_of(&CONTROL, |snapshot| {
            let budget = |(number, count): (usize, &usize)| Budget { name: number.to_string(), notifications: *count };
            let alarm =
                |(number, acts): (usize, &bool)| BillingAlarm { name: number.to_string(), acts: *acts, has_data: true };
            snapshot.budgets = Ok(notifications.iter().enumerate().map(budget).collect());
            snapshot.billing_alarms = Ok(acts.iter().enumerate().map(alarm).collect());
        })
    }

    fn facts(verdict: &Verdict) -> Vec<String> {
        verdict.evidence.iter().map(|evidence| format!("{} = {}", evidence.fact, evidence.value)).collect()
    }

    #[test]
    fn a_budget_with_a_notification_or_an_alarm_that_acts_passes_and_is_shown_first() {
        let verdict = seen(&[0, 2], &[]);
        assert_eq!((verdict.status, verdict.reason.as_str()), (Status::Passed, "Alerts are sent by budget 1"));
        assert_eq!(
            facts(&verdict),
            ["budget 1 = 2 notifications", "budget 0 = NO notification", "alarms on EstimatedCharges = none"]
        );
        let verdict = seen(&[], &[false, true]);
        assert_eq!((verdict.status, verdict.reason.as_str()), (Status::Passed, "Alerts are sent by alarm 1"));
        assert_eq!(facts(&verdict), ["alarm 1 = active", "alarm 0 = NO action", "budgets = none"]);
        assert_eq!(facts(&seen(&[1], &[]))[0], "budget 0 = 1 notification");
    }

    #[test]
    fn without_an_alert_it_fails_and_what_is_silent_is_shown() {
        let verdict = seen(&[0], &[false]);
        assert_eq!(verdict.status, Status::Failed);
        assert_eq!(facts(&verdict), ["budget 0 = NO notification", "alarm 0 = NO action"]);
        let verdict = seen(&[], &[]);
        assert_eq!(verdict.status, Status::Failed);
        assert_eq!(facts(&verdict), ["budgets = none", "alarms on EstimatedCharges = none"]);
    }

    #[test]
    fn an_alarm_without_data_never_rings_and_does_not_count() {
        let verdict = verdict_of(&CONTROL, |snapshot| {
            let alarm = |acts| BillingAlarm { name: "charges".into(), acts, has_data: false };
            (snapshot.budgets, snapshot.billing_alarms) = (Ok(Vec::new()), Ok(vec![alarm(true), alarm(false)]));
        });
        assert_eq!(verdict.status, Status::Failed);
        let no_data = "alarm charges = NO data: billing alerts are off, or the payer account has the metric";
        assert_eq!(facts(&verdict), [no_data, "alarm charges = NO action", "budgets = none"]);
    }

    #[test]
    fn an_unread_source_is_unknown_unless_the_other_one_passes() {
        type Blind = fn(&mut Snapshot);
        let blinds: [(Blind, &str); 2] = [
            (|snapshot| snapshot.budgets = Err(unavailable(Source::Budgets)), "budgets"),
            (|snapshot| snapshot.billing_alarms = Err(unavailable(Source::BillingAlarms)), "billing alarms"),
        ];
        for (blind, source) in blinds {
            let verdict = verdict_of(&CONTROL, |snapshot| {
                (snapshot.budgets, snapshot.billing_alarms) = (Ok(Vec::new()), Ok(Vec::new()));
                blind(snapshot);
            });
            assert_eq!(verdict.status, Status::Unknown);
            assert!(verdict.reason.starts_with(source), "{}", verdict.reason);
            let verdict = verdict_of(&CONTROL, |snapshot| {
                snapshot.billing_alarms = Ok(vec![BillingAlarm { name: "charges".into(), acts: true, has_data: true }]);
                blind(snapshot);
            });
            assert_eq!(verdict.status, Status::Passed, "{source}");
        }
    }
}
