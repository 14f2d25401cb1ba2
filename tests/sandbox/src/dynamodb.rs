//! DynamoDB: an emulator in this process, with the function's table in it.

use std::io;
use std::net::SocketAddr;

use dynoxide::Database;
use http_body_util::{BodyExt, Full};
use hyper::body::Bytes;
use hyper::{HeaderMap, Request, Response, client};
use hyper_util::rt::TokioIo;
use serde_json::json;
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
