//! AWS Organizations. It has one endpoint; of policies it tells the management account and those to whom that is delegated.

use serde_json::{Value, json};

use crate::baseline::Organization;
use crate::fault::ServiceError;
use crate::page::{FIELDS, Pages};
use crate::server::State;

const POLICIES: Pages = Pages {
    list: "Policies",
    fields: FIELDS,
    sizes: 1..=20,
    usual: 20,
    errors: ("InvalidInputException", "InvalidInputException"),
};
const PARENTS: Pages = Pages { list: "Parents", ..POLICIES };
const POLICY_TYPES: [&str; 13] = [
    "SERVICE_CONTROL_POLICY",
    "RESOURCE_CONTROL_POLICY",
    "TAG_POLICY",
    "BACKUP_POLICY",
    "AISERVICES_OPT_OUT_POLICY",
    "CHATBOT_POLICY",
    "DECLARATIVE_POLICY_EC2",
    "SECURITYHUB_POLICY",
    "INSPECTOR_POLICY",
    "UPGRADE_ROLLOUT_POLICY",
    "BEDROCK_POLICY",
    "S3_POLICY",
    "NETWORK_SECURITY_DIRECTOR_POLICY",
];
const FULL_ACCESS: &str = "p-FullAWSAccess";

pub(crate) fn answer(state: &State, operation: &str, region: &str, request: &Value) -> Result<Value, ServiceError> {
    ServiceError::unless_in_us_east_1(region)?;
    let not_in_use = "Your account is not a member of an organization.";
    let organization = state.story.baseline.organization.as_ref();
    let organization =
        organization.ok_or_else(|| ServiceError::new(400, "AWSOrganizationsNotInUseException", not_in_use))?;
    let account = state.story.account.as_str();
    if operation == "DescribeOrganization" {
        return Ok(json!({"Organization": describe(organization, account)}));
    }
    if organization.manager(account) != account && !organization.tells_policies {
        let what = "You don't have permissions to access this resource.";
        return Err(ServiceError::new(400, "AccessDeniedException", what));
    }
    let text = |field: &str| request[field].as_str().unwrap_or_default();
    match operation {
        "ListParents" => {
            let mut path = std::iter::once(account).chain(organization.parents.iter().map(String::as_str));
            let child = path.by_ref().find(|child| *child == text("ChildId") && !child.starts_with("r-"));
            let Some(parent) = child.and(path.next()) else {
                return Err(ServiceError::new(
                    400,
                    "ChildNotFoundException",
                    "You specified a child that is not there.",
                ));
            };
            let kind = if parent.starts_with("r-") { "ROOT" } else { "ORGANIZATIONAL_UNIT" };
            PARENTS.of(state, request, vec![json!({"Id": parent, "Type": kind})])
        }
        "ListPoliciesForTarget" => list_policies(state, organization, request),
        "DescribePolicy" => {
            let content = match text("PolicyId") {
                FULL_ACCESS => {
                    let all = json!({"Effect": "Allow", "Action": "*", "Resource": "*"});
                    Some(json!({"Version": "2012-10-17", "Statement": [all]}))
                }
                id => {
                    organization.numbered().find(|(number, _)| number == id).map(|(_, policy)| policy.content.clone())
                }
            };
            let content = content.ok_or_else(|| {
                ServiceError::new(400, "PolicyNotFoundException", "You specified a policy that is not there.")
            })?;
            let summary = organization.summaries(None).find(|summary| summary["Id"] == request["PolicyId"]);
            Ok(json!({"Policy": {"PolicySummary": summary, "Content": content.to_string()}}))
        }
        _ => Err(ServiceError::unknown_operation("organizations", operation)),
    }
}

fn describe(organization: &Organization, account: &str) -> Value {
    let (id, manager) = (&organization.id, organization.manager(account));
    json!({
        "Id": id,
        "Arn": format!("arn:aws:organizations::{manager}:organization/{id}"),
        "FeatureSet": organization.feature_set,
        "MasterAccountArn": format!("arn:aws:organizations::{manager}:account/{id}/{manager}"),
        "MasterAccountId": manager,
        "MasterAccountEmail": "root@example.com",
        "AvailablePolicyTypes": [{"Type": "SERVICE_CONTROL_POLICY", "Status": "ENABLED"}]
    })
}

/// Those that are attached to the target itself. The first page is always empty: AWS filters after it has cut the page, and says
/// that only the token tells whether there is more.
fn list_policies(state: &State, organization: &Organization, request: &Value) -> Result<Value, ServiceError> {
    let target = request["TargetId"].as_str().unwrap_or_default();
    if target != state.story.account && !organization.parents.iter().any(|parent| parent == target) {
        let what = "We can't find a root, OU, or account with the TargetId that you specified.";
        return Err(ServiceError::new(400, "TargetNotFoundException", what));
    }
    let kind = request["Filter"].as_str().unwrap_or_default();
    if !POLICY_TYPES.contains(&kind) {
        return Err(ServiceError::new(400, "InvalidInputException", "You specified an invalid value for Filter."));
    }
    if request.get("NextToken").is_none() {
        return Ok(POLICIES.empty(request));
    }
    let policies = organization.summaries(Some(target)).filter(|_| kind == "SERVICE_CONTROL_POLICY");
    POLICIES.of(state, request, policies.collect())
}

impl Organization {
    /// The account that manages it, if `account` is in it.
    pub(crate) fn manager<'a>(&'a self, account: &'a str) -> &'a str {
        self.management_account.as_deref().unwrap_or(account)
    }

    fn numbered(&self) -> impl Iterator<Item = (String, &crate::baseline::ControlPolicy)> {
        (1..).zip(&self.policies).map(|(number, policy)| (format!("p-example{number}"), policy))
    }

    /// Of every policy, or of those on `target`.
    fn summaries(&self, target: Option<&str>) -> impl Iterator<Item = Value> {
        let arn = |owner: &str, id: &str| format!("arn:aws:organizations::{owner}:policy/service_control_policy/{id}");
        let summary = move |id: &str, owner: &str, name: &str| {
            json!({
                "Id": id, "Arn": arn(owner, id), "Name": name, "Description": "", "Type": "SERVICE_CONTROL_POLICY",
                "AwsManaged": owner == "aws"
            })
        };
        let own = self.numbered().filter(move |(_, policy)| target.is_none_or(|target| policy.on == target));
        let own = own.map(move |(id, policy)| summary(&id, "999988887777", &policy.name));
        std::iter::once(summary(FULL_ACCESS, "aws", "FullAWSAccess")).chain(own)
    }
}
