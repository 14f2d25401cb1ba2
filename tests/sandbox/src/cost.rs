//! What a month costs: AWS's list prices over what was measured. The figures of README.md and docs/cost.md are made here.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

/// Metrics of all functions together, of which [`RARE_METRICS`] are sent only in hours in which something happens.
pub const METRICS: usize = 10;
/// Root activity from two functions, and monitoring tampering.
pub const RARE_METRICS: usize = 3;
/// Alarms without Slack and Amazon Q.
pub const ALARMS: usize = 9;
/// Gigabytes of the checker and of the reporter.
pub const MEMORY: f64 = 0.25;

const HOURS: f64 = 30.0 * 24.0;
const CHECKS: f64 = 4.0 * HOURS;
/// Lambda asks an empty queue all the time: five connections, each for 20 seconds
/// (<https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-scaling.html>).
const EMPTY_RECEIVES: f64 = 5.0 * 3.0 * 60.0 * HOURS;
const GIGABYTE: f64 = 1e9;
/// The day on which the prices were read.
const PRICES_OF: &str = "2026-11-28";

/// A list price of us-east-1.
struct Price {
    what: &'static str,
    /// Dollars for so many.
    dollars: f64,
    of: f64,
    unit: &'static str,
    source: &'static str,
}

impl Price {
    fn of(&self, number: f64) -> f64 {
        number / self.of * self.dollars
    }
}

macro_rules! prices {
    ($($name:ident: $what:literal, $dollars:literal, $of:literal, $unit:literal, $source:literal;)*) => {
        $(const $name: Price = Price { what: $what, dollars: $dollars, of: $of, unit: $unit, source: $source };)*
        const PRICES: &[Price] = &[$($name),*];
    };
}

prices! {
    LAMBDA_SECONDS: "Lambda, time (x86_64)", 0.0000166667, 1.0, "GB-second", "https://aws.amazon.com/lambda/pricing/";
    LAMBDA_REQUESTS: "Lambda, requests", 0.20, 1e6, "requests", "https://aws.amazon.com/lambda/pricing/";
    WRITES: "DynamoDB, written on demand", 0.625, 1e6, "units", "https://aws.amazon.com/dynamodb/pricing/on-demand/";
    READS: "DynamoDB, read on demand", 0.125, 1e6, "units", "https://aws.amazon.com/dynamodb/pricing/on-demand/";
    METRIC: "CloudWatch, metric", 0.30, 1.0, "metric and month", "https://aws.amazon.com/cloudwatch/pricing/";
    ALARM: "CloudWatch, alarm", 0.10, 1.0, "alarm and month", "https://aws.amazon.com/cloudwatch/pricing/";
    DASHBOARD: "CloudWatch, dashboard", 3.00, 1.0, "dashboard and month", "https://aws.amazon.com/cloudwatch/pricing/";
    LOGS: "CloudWatch, logs", 0.50, 1.0, "GB", "https://aws.amazon.com/cloudwatch/pricing/";
    PUTS: "S3, objects written", 0.005, 1e3, "requests", "https://aws.amazon.com/s3/pricing/";
    STORED: "S3, kept", 0.023, 1.0, "GB and month", "https://aws.amazon.com/s3/pricing/";
    QUEUES: "SQS, requests", 0.40, 1e6, "requests", "https://aws.amazon.com/sqs/pricing/";
    EVENTS: "EventBridge, events of one's own, also those that are handed to another bus", 1.00, 1e6, "events", "https://aws.amazon.com/eventbridge/pricing/";
    SCHEDULE: "EventBridge Scheduler", 1.00, 1e6, "starts", "https://aws.amazon.com/eventbridge/pricing/";
    SECOND_COPY: "CloudTrail, each further copy of management events", 2.00, 1e5, "events", "https://aws.amazon.com/cloudtrail/pricing/";
    GUARD_DUTY: "GuardDuty, management events of CloudTrail", 4.00, 1e6, "events", "https://aws.amazon.com/guardduty/pricing/";
}

/// What was measured over the loopback account.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Measured {
    /// The day.
    pub at: String,
    /// `release`, or `debug`, whose times are longer.
    pub build: String,
    /// Regions of the account.
    pub regions: usize,
    /// Calls of the four later checks of an hour and of their reports, by action.
    pub calls_an_hour: BTreeMap<String, usize>,
    /// From the start of the checker's process to its answer; the mean of these checks.
    pub check_seconds: f64,
    /// The same of the reporter.
    pub report_seconds: f64,
    /// Units that were written to the table in that hour.
    pub write_units_an_hour: usize,
    /// Bytes that these reports left in the bucket, without page and history, which replace their forerunners.
    pub report_bytes_an_hour: usize,
    /// Bytes of the logs.
    pub log_bytes_an_hour: usize,
}

/// A row of the table: dollars within what AWS gives free, and without.
struct Row {
    what: &'static str,
    how: String,
    free: f64,
    full: f64,
}

impl Measured {
    /// Where those that were measured last are kept.
    pub fn file() -> PathBuf {
        crate::root().join("tests/sandbox/figures.json")
    }

    /// Those that `sandbox figures cost` wrote there.
    pub fn recorded() -> Self {
        let text = std::fs::read_to_string(Self::file()).expect("tests/sandbox/figures.json can be read");
        serde_json::from_str(&text).expect("tests/sandbox/figures.json is as `sandbox figures cost` writes it")
    }

    /// Calls in an hour that CloudTrail records as management events.
    pub fn events_an_hour(&self) -> usize {
        self.calls_an_hour.iter().filter(|(action, _)| is_management(action)).map(|(_, calls)| calls).sum()
    }

    /// The same in a month.
    pub fn events_a_month(&self) -> f64 {
        number(self.events_an_hour()) * HOURS
    }

    fn calls(&self, is_it: impl Fn(&str) -> bool) -> f64 {
        number(self.calls_an_hour.iter().filter(|(action, _)| is_it(action)).map(|(_, calls)| calls).sum())
    }

    fn rows(&self) -> Vec<Row> {
        let gb_seconds = CHECKS * (self.check_seconds + self.report_seconds) * MEMORY;
        let lambda = LAMBDA_SECONDS.of(gb_seconds) + LAMBDA_REQUESTS.of(2.0 * CHECKS);
        let written = number(self.write_units_an_hour) * HOURS;
        let read = self.calls(|action| action == "dynamodb:Query") * HOURS;
        let dynamodb = WRITES.of(written) + READS.of(read);
        let always = METRICS - RARE_METRICS;
        let puts = self.calls(|action| action == "s3:PutObject") * HOURS;
        let kept = number(self.report_bytes_an_hour) * HOURS / GIGABYTE;
        let logs = number(self.log_bytes_an_hour) * HOURS / GIGABYTE;
        let canaries = self.calls(|action| action == "events:PutEvents") * HOURS;
        // Put, handed on by the other Regions, and each written down.
        let canary = EVENTS.of(2.0 * canaries) + WRITES.of(canaries);
        let row = |what, how: String, free, full| Row { what, how, free, full };
        vec![
            row(
                "Lambda",
                format!(
                    "{} checks of {:.1} s and their reports of {:.2} s, 256 MB: {} GB-s, of which an account has 400,000 free",
                    thousands(CHECKS),
                    self.check_seconds,
                    self.report_seconds,
                    thousands(gb_seconds)
                ),
                0.0,
                lambda,
            ),
            row("DynamoDB", format!("{} units written", thousands(written)), dynamodb, dynamodb),
            row(
                "metrics",
                format!(
                    "{always} of each check and its report, {RARE_METRICS} more in hours with root activity or monitoring tampering; \
                     an account has 10 free"
                ),
                0.0,
                METRIC.of(number(always)),
            ),
            row(
                "alarms",
                format!("{ALARMS}; with Slack or Amazon Q one more each; an account has 10 free"),
                0.0,
                ALARM.of(number(ALARMS)),
            ),
            row("dashboard", "an account has 3 of up to 50 metrics free".into(), 0.0, DASHBOARD.of(1.0)),
            row(
                "S3",
                format!("{} objects written; {kept:.2} GB of reports more each month", thousands(puts)),
                PUTS.of(puts) + STORED.of(kept),
                PUTS.of(puts) + STORED.of(kept),
            ),
            row(
                "SQS, Scheduler",
                format!(
                    "the empty queue is asked {} times, of which an account has a million free",
                    thousands(EMPTY_RECEIVES)
                ),
                0.0,
                QUEUES.of(EMPTY_RECEIVES) + SCHEDULE.of(CHECKS),
            ),
            row(
                "canaries",
                format!("{} events, put and handed on, each a unit written", thousands(canaries)),
                canary,
                // A start of RootActivity a check; its time is not seen beside this.
                canary + LAMBDA_REQUESTS.of(CHECKS),
            ),
            row("logs", format!("{:.0} MB; an account has 5 GB free", logs * 1e3), 0.0, LOGS.of(logs)),
        ]
    }

    /// What the stack costs within AWS's free tier, and what without it.
    fn totals(&self) -> [f64; 2] {
        let rows = self.rows();
        [rows.iter().map(|row| row.free).sum(), rows.iter().map(|row| row.full).sum()]
    }

    /// The sums in two sentences, for the README.
    pub fn in_short(&self) -> String {
        let [free, full] = self.totals();
        let events = SECOND_COPY.of(self.events_a_month()) + GUARD_DUTY.of(self.events_a_month());
        format!(
            "Between {} and {} US dollars a month: the stack costs {} if the account's free tier is otherwise unused, and {} without it. A second trail and \
             GuardDuty add up to {} for the API calls of the checks.",
            dollars(free),
            dollars(full + events),
            dollars(free),
            dollars(full),
            dollars(events)
        )
    }

    /// What the stack itself costs, as Markdown.
    pub fn table(&self) -> String {
        let rows = self.rows();
        let [within, without] = self.totals();
        let mut table = "| what | a month | within AWS's free tier | without it |\n|---|---|---|---|\n".to_owned();
        for Row { what, how, free, full } in &rows {
            let _ = writeln!(table, "| {what} | {how} | {} | {} |", dollars(*free), dollars(*full));
        }
        let _ = writeln!(table, "| **all** | | **{}** | **{}** |", dollars(within), dollars(without));
        table
    }

    /// What others charge for the events that the checks cause, as Markdown.
    pub fn table_of_events(&self) -> String {
        let events = self.events_a_month();
        let mut table = "| what | a month | dollars |\n|---|---|---|\n".to_owned();
        for (what, price) in
            [("a second trail that copies management events", SECOND_COPY), ("GuardDuty, where it is on", GUARD_DUTY)]
        {
            let _ = writeln!(table, "| {what} | {} events | {} |", thousands(events), dollars(price.of(events)));
        }
        table
    }

    /// docs/cost.md.
    pub fn document(&self) -> String {
        let mut text = format!(
            "# What it costs\n\nMade by `make bench` (`sandbox figures cost` measures, `make bless` writes this page). Measured on {} \
             with the {} build over the loopback account: {} Regions, 10 users, a check every 15 minutes, an hour of later checks in \
             which nothing happens. Prices are AWS's list prices of us-east-1, in US dollars, as of {PRICES_OF}.\n\n## The stack\n\n{}\n\
             Not included: emails (the first 1,000 of a month are free), Security Hub with `SecurityHub=yes` (the first 10,000 findings of \
             a month are free), and a KMS key of your own.\n\n",
            self.at,
            self.build,
            self.regions,
            self.table()
        );
        let _ = write!(
            text,
            "## Events that the checks cause\n\nEach call but those to data (DynamoDB's items, S3's objects, SNS's messages) is a \
             management event in CloudTrail. The first copy is free. Services that copy or read them again charge for ours too:\n\n{}\n\
             Calls of AWS for the stack, such as Lambda assuming its role, are not among them.\n\n## Calls an hour\n\n| service | calls | of them management events |\n|---|---|---|\n",
            self.table_of_events()
        );
        let mut services: BTreeMap<&str, [usize; 2]> = BTreeMap::new();
        for (action, calls) in &self.calls_an_hour {
            let service = action.split(':').next().unwrap_or_default();
            let [all, managing] = services.entry(service).or_default();
            *all += calls;
            *managing += if is_management(action) { *calls } else { 0 };
        }
        for (service, [all, managing]) in &services {
            let _ = writeln!(text, "| {service} | {all} | {managing} |");
        }
        let all: usize = services.values().map(|[all, _]| all).sum();
        let _ = writeln!(text, "| **all** | **{all}** | **{}** |", self.events_an_hour());
        let _ = write!(text, "\n## Prices\n\n| what | dollars | source |\n|---|---|---|\n");
        for Price { what, dollars, of, unit, source } in PRICES {
            let of = if *of > 1.0 { format!("{} {unit}", thousands(*of)) } else { (*unit).to_owned() };
            let _ = writeln!(text, "| {what} | {dollars} for {of} | <{source}> |");
        }
        text
    }
}

/// Whether CloudTrail records it among the management events
/// (<https://docs.aws.amazon.com/awscloudtrail/latest/userguide/logging-data-events-with-cloudtrail.html>).
fn is_management(action: &str) -> bool {
    match action.split_once(':') {
        Some(("dynamodb" | "watcher" | "slack", _)) | Some(("sns", "Publish" | "PublishBatch")) => false,
        Some(("s3", operation)) => !operation.contains("Object") && operation != "ListBucket",
        _ => true,
    }
}

#[expect(clippy::cast_precision_loss, reason = "counts far below 2^52")]
fn number(count: usize) -> f64 {
    count as f64
}

fn dollars(amount: f64) -> String {
    format!("{amount:.2}")
}

/// `12,345`.
fn thousands(number: f64) -> String {
    let digits = format!("{number:.0}");
    let mut text = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn measured() -> Measured {
        let calls = [("iam:GetAccountSummary", 4), ("sns:Publish", 2), ("s3:PutObject", 12), ("s3:GetBucketPolicy", 1)];
        Measured {
            at: "2026-11-28".into(),
            build: "release".into(),
            regions: 17,
            calls_an_hour: calls.into_iter().map(|(action, calls)| (action.to_owned(), calls)).collect(),
            check_seconds: 1.0,
            report_seconds: 0.5,
            write_units_an_hour: 200,
            report_bytes_an_hour: 400_000,
            log_bytes_an_hour: 20_000,
        }
    }

    #[test]
    fn a_month_is_added_up_from_what_was_measured() {
        let rows = measured().rows();
        let full = |what: &str| rows.iter().find(|row| row.what == what).unwrap().full;
        // 2,880 checks of 1.5 s in all with a quarter of a GB, and 5,760 requests.
        assert!((full("Lambda") - (1_080.0 * 0.0000166667 + 0.001152)).abs() < 1e-9, "{}", full("Lambda"));
        assert!((full("DynamoDB") - 0.09).abs() < 1e-9);
        assert!((full("metrics") - 2.10).abs() < 1e-9);
        assert!((full("S3") - (8_640.0 * 0.000005 + 0.288 * 0.023)).abs() < 1e-9);
    }

    #[test]
    fn only_calls_that_are_not_to_data_are_management_events() {
        assert_eq!((measured().events_an_hour(), measured().events_a_month()), (5, 3_600.0));
    }

    #[test]
    fn numbers_are_written_as_people_read_them() {
        assert_eq!([5.0, 999.0, 1_000.0, 648_000.0, 1e6].map(thousands), ["5", "999", "1,000", "648,000", "1,000,000"]);
    }
}
