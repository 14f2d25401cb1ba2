//! Who would see that money runs away: cost reports, budgets, alarms on estimated charges.

/// A cost and usage report, or a data export.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CostReport {
    /// Its name.
    pub name: String,
    /// Whether it arrives.
    pub delivery: Delivery,
}

/// Whether a report arrives in its bucket.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Delivery {
    /// It does, as far as AWS shows.
    Works,
    /// It does not; AWS's code for why, as `ERROR_PERMISSIONS`.
    Fails(String),
    /// AWS has not reported a delivery yet, as for a new one.
    Untold,
}

/// A budget, from `budgets:DescribeBudgetNotificationsForAccount`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Budget {
    /// Its name.
    pub name: String,
    /// How many notifications it has; each has at least one subscriber.
    pub notifications: usize,
}

/// An alarm on `EstimatedCharges` of `AWS/Billing`; CloudWatch has that metric in one Region only.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BillingAlarm {
    /// Its name.
    pub name: String,
    /// Whether it does something when it rings: actions are enabled and there is at least one.
    pub acts: bool,
    /// Whether there is a metric that it can ring by: its state is not `INSUFFICIENT_DATA`.
    pub has_data: bool,
}

impl BillingAlarm {
    /// Whether it would send an alert.
    pub fn tells(&self) -> bool {
        self.acts && self.has_data
    }
}
