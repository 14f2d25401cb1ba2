//! Parsing a credential report of 5,000 users, beside two floors: copying its bytes, and splitting it into fields.
#![allow(missing_docs, clippy::unwrap_used, reason = "a benchmark")]
use divan::{Bencher, black_box, counter::BytesCount};
use facts::credential_report::CredentialReport;
use facts::{Account, AccountId, Partition};

const GOOD: &str = include_str!("../samples/credential-report-good.csv");

fn report() -> Vec<u8> {
    let user = GOOD.lines().last().unwrap();
    let users = (0..5_000).map(|number| format!("\n{}", user.replacen("alice", &format!("user-{number:05}"), 2)));
    let header_and_root = GOOD.lines().take(2).collect::<Vec<_>>().join("\n");
    (header_and_root + &users.collect::<String>()).into_bytes()
}

fn main() {
    divan::main();
}

#[divan::bench]
fn floor_copy(bencher: Bencher<'_, '_>) {
    let report = report();
    bencher.counter(BytesCount::of_slice(&report)).bench_local(|| black_box(&report).clone());
}

#[divan::bench]
fn floor_split_into_fields(bencher: Bencher<'_, '_>) {
    let report = report();
    bencher.counter(BytesCount::of_slice(&report)).bench_local(|| {
        let mut reader = csv::ReaderBuilder::new().flexible(true).from_reader(black_box(report.as_slice()));
        let mut record = csv::ByteRecord::new();
        let mut rows = 0;
        while reader.read_byte_record(&mut record).unwrap() {
            rows += 1;
        }
        rows
    });
}

#[divan::bench]
fn parse(bencher: Bencher<'_, '_>) {
    let report = report();
    let account = Account { id: AccountId::parse("111122223333").unwrap(), alias: None, partition: Partition::Aws };
    let generated_at = "2026-11-20T08:00:00Z".parse().unwrap();
    bencher
        .counter(BytesCount::of_slice(&report))
        .bench_local(|| CredentialReport::parse(black_box(&report), generated_at, &account).unwrap());
}
