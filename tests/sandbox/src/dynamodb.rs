//! DynamoDB: an emulator in this process, with the function's table in it.

use std::io;
use std::net::SocketAddr;

use dynoxide::Database;
use http_body_util::{BodyExt, Full};
use hyper::body::Bytes;
use hyper::header::HeaderValue;
use hyper::{HeaderMap, Request, Response, client};
use hyper_util::rt::TokioIo;
use serde_json::{Value, json};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

/// The function's table: partition key `pk`, sort key `sk`, items end by `ttl`.
pub const TABLE: &str = "rootwatch";

/// A running DynamoDB. Ends when it is dropped.
pub(crate) struct DynamoDb {
    pub(crate) address: SocketAddr,
    server: JoinHandle<()>,
}

impl DynamoDb {
    pub(crate) async fn start() -> Self {
        let database = Database::memory().expect("a database in memory");
        let table = json!({
            "TableName": TABLE,
            "AttributeDefinitions": [
                {"AttributeName": "pk", "AttributeType": "S"},
                {"AttributeName": "sk", "AttributeType": "S"},
            ],
            "KeySchema": [
                {"AttributeName": "pk", "KeyType": "HASH"},
                {"AttributeName": "sk", "KeyType": "RANGE"},
            ],
            "BillingMode": "PAY_PER_REQUEST",
        });
        database.create_table(serde_json::from_value(table).expect("a request")).expect("a new table");
        let lifetime =
            json!({"TableName": TABLE, "TimeToLiveSpecification": {"AttributeName": "ttl", "Enabled": true}});
        database.update_time_to_live(serde_json::from_value(lifetime).expect("a request")).expect("a lifetime");

        let listener = TcpListener::bind(("127.0.0.1", 0)).await.expect("a free port on 127.0.0.1");
        let address = listener.local_addr().expect("a bound address");
        Self { address, server: tokio::spawn(dynoxide::server::serve_on(listener, database)) }
    }
}

impl Drop for DynamoDb {
    fn drop(&mut self) {
        self.server.abort();
    }
}

/// Puts `item` into the table, by no call of the function.
pub(crate) async fn put(address: SocketAddr, item: &serde_json::Value) -> io::Result<()> {
    let mut headers = HeaderMap::new();
    let signed = "AWS4-HMAC-SHA256 Credential=AKIAEXAMPLE/20261120/eu-west-1/dynamodb/aws4_request, SignedHeaders=host, Signature=0";
    headers.insert("authorization", HeaderValue::from_static(signed));
    headers.insert("content-type", HeaderValue::from_static("application/x-amz-json-1.0"));
    headers.insert("x-amz-date", HeaderValue::from_static("20261120T100000Z"));
    headers.insert("x-amz-target", HeaderValue::from_static("DynamoDB_20120810.PutItem"));
    let body = json!({"TableName": TABLE, "Item": item}).to_string();
    let answer = forward(address, &headers, body.into()).await?;
    assert!(answer.status().is_success(), "an item is written: {answer:?}");
    Ok(())
}

/// Units that a request writes: one for each begun kilobyte of an item, twice that in a transaction
/// (<https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/on-demand-capacity-mode.html>). The JSON of the request stands for
/// the item, which is a little shorter.
pub(crate) fn write_units(operation: &str, body: &[u8]) -> usize {
    const KILOBYTE: usize = 1_024;
    let request: Value = serde_json::from_slice(body).unwrap_or_default();
    let transaction = || request["TransactItems"].as_array().into_iter().flatten();
    match operation {
        "TransactWriteItems" => transaction().map(|item| 2 * item.to_string().len().div_ceil(KILOBYTE)).sum(),
        "PutItem" | "UpdateItem" | "DeleteItem" => body.len().div_ceil(KILOBYTE),
        _ => 0,
    }
}

/// A request to the DynamoDB at `address`, on a connection of its own: none outlives the account.
pub(crate) async fn forward(
    address: SocketAddr,
    headers: &HeaderMap,
    body: Bytes,
) -> io::Result<Response<Full<Bytes>>> {
    let mut request = Request::post("/").header("host", address.to_string());
    for name in ["authorization", "content-type", "x-amz-date", "x-amz-target"] {
        if let Some(value) = headers.get(name) {
            request = request.header(name, value);
        }
    }
    let request = request.body(Full::new(body)).map_err(io::Error::other)?;
    let stream = TcpStream::connect(address).await?;
    let (mut sender, connection) =
        client::conn::http1::handshake(TokioIo::new(stream)).await.map_err(io::Error::other)?;
    let exchange = async move {
        let (head, body) = sender.send_request(request).await?.into_parts();
        Ok::<_, hyper::Error>((head, body.collect().await?.to_bytes()))
    };
    let (answer, _) = tokio::join!(exchange, connection);
    let (head, body) = answer.map_err(io::Error::other)?;
    let mut response = Response::new(Full::new(body));
    *response.status_mut() = head.status;
    for name in ["content-type", "x-amzn-errortype", "x-amz-crc32"] {
        if let Some(value) = head.headers.get(name) {
            response.headers_mut().insert(name, value.clone());
        }
    }
    Ok(response)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_item_of_a_transaction_is_charged_twice_and_by_the_kilobyte() {
        let item = |bytes| json!({"Put": {"Item": {"text": {"S": "x".repeat(bytes)}}}});
        let transaction = json!({"TransactItems": [item(10), item(1_500)]}).to_string();
        assert_eq!(write_units("TransactWriteItems", transaction.as_bytes()), 2 + 4);
        assert_eq!((write_units("UpdateItem", b"{}"), write_units("Query", b"{}")), (1, 0));
    }
}
