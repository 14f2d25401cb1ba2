//! Accounts that grow: users, roles, policies and events by the thousand.

use jiff::SignedDuration;
use serde_json::{Value, json};

use super::{Story, User};
use crate::baseline::{InlinePolicy, Policy, Role};

impl Story {
    /// Adds `count` users to report and identities: with a password, MFA and a group, a young key, and all in use. They stay so
    /// for a month.
    pub fn add_users(&mut self, count: usize) {
        self.add_report_rows(count);
        let user = |number| User { name: user_name(number), groups: vec!["Administrators".into()], ..User::default() };
        self.identities.users.extend((0..count).map(user));
    }

    /// Adds `count` such users to the report alone.
    pub fn add_report_rows(&mut self, count: usize) {
        use std::fmt::Write;

        let ago =
            |days: i64| (self.now - SignedDuration::from_hours(24 * days)).strftime("%Y-%m-%dT%H:%M:%SZ").to_string();
        let (made, changed, used) = (ago(730), ago(30), ago(1));
        let mut rows = String::new();
        for number in 0..count {
            let (name, account) = (user_name(number), &self.account);
            let _ = write!(
                rows,
                "\n{name},arn:aws:iam::{account}:user/{name},{made},true,{used},{changed},N/A,true,true,{changed},{used},\
                 eu-west-1,s3,false,N/A,N/A,N/A,N/A,false,N/A,false,N/A"
            );
        }
        self.credential_report.extend(rows.bytes());
    }

    /// Adds `roles` with an inline policy of nearly 10 kB each, and `policies` of their own, all different.
    pub fn add_roles_and_policies(&mut self, roles: usize, policies: usize) {
        const STATEMENTS: usize = 40;
        let document = |number: usize, statements: usize| {
            let statement = |at| {
                json!({
                    "Sid": format!("S{number}x{at}"), "Effect": "Allow",
                    "Action": ["s3:GetObject", "s3:PutObject", "ec2:Describe*", "logs:CreateLogGroup"],
                    "Resource": format!("arn:aws:s3:::bucket-{number}-{at}/*"),
                    "Condition": {"StringEquals": {"aws:RequestedRegion": "eu-west-1"}},
                })
            };
            json!({"Version": "2012-10-17", "Statement": (0..statements).map(statement).collect::<Vec<_>>()})
        };
        let trust = json!({"Version": "2012-10-17", "Statement": [
            {"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"},
        ]});
        self.baseline.roles.extend((0..roles).map(|number| Role {
            name: format!("role-{number:05}"),
            path: "/".into(),
            trust: trust.clone(),
            inline_policies: vec![InlinePolicy { name: "own".into(), document: document(number, STATEMENTS) }],
            attached_policies: Vec::new(),
        }));
        self.baseline.policies.extend((0..policies).map(|number| Policy {
            name: format!("policy-{number:05}"),
            document: document(number, STATEMENTS / 2),
            former: Vec::new(),
            attachments: 1,
        }));
    }

    pub(super) fn multiply_events(&mut self, times: usize) {
        let original = self.events.remove(0);
        for copy in 0..times {
            let mut event = original.clone();
            let id = format!("00000000-0000-4000-9000-{copy:012}");
            event.time -= SignedDuration::from_secs(i64::try_from(copy).expect("few copies"));
            let record = event.outer["CloudTrailEvent"].as_str().expect("a record").to_owned();
            let mut record: Value = serde_json::from_str(&record).expect("a JSON record");
            record["eventID"] = json!(id);
            record["eventTime"] = json!(event.time.to_string());
            event.outer["EventId"] = json!(id);
            event.outer["EventTime"] = json!(event.time.as_second());
            event.outer["CloudTrailEvent"] = json!(record.to_string());
            self.events.push(event);
        }
    }
}

fn user_name(number: usize) -> String {
    format!("user-{number:05}")
}
