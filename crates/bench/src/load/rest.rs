//! Calls the derived REST API of a model, over a persistent HTTP/1.1 connection.

use super::rows::PAGE;
use crate::client::Suite;
use crate::output::Failure;
use crate::stubs::Entity;
use bytes::Bytes;
use http::header::{AUTHORIZATION, CONTENT_TYPE, ETAG, HOST, IF_MATCH};
use http::{Method, Request, Response, StatusCode, Uri};
use http_body_util::{BodyExt as _, Full};
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper_util::rt::TokioIo;
use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::json;
use tokio::net::TcpStream;

pub(super) struct Caller {
    connection: SendRequest<Full<Bytes>>,
    host: String,
    authorization: String,
    collection: String,
}

/// A page; only the number of its records is used.
#[derive(Deserialize)]
struct Page {
    data: Vec<IgnoredAny>,
}

impl Caller {
    pub(super) async fn connect(suite: &Suite, collection: &str) -> Result<Self, Failure> {
        let address: Uri = suite.address().parse()?;
        let host = address.authority().map(ToString::to_string).unwrap_or_default();
        let stream = TcpStream::connect(&host).await?;
        stream.set_nodelay(true)?;
        let (connection, driver) = handshake(TokioIo::new(stream)).await?;
        // The driver finishes when the caller is dropped.
        tokio::spawn(driver);
        let authorization = format!("Bearer {}", suite.api_key());
        Ok(Self { connection, host, authorization, collection: collection.to_owned() })
    }

    async fn call(
        &mut self,
        method: Method,
        path: String,
        (body, etag): (Vec<u8>, Option<&str>),
    ) -> Result<Response<Bytes>, Failure> {
        let mut request = Request::builder()
            .method(method)
            .uri(path)
            .header(HOST, &self.host)
            .header(AUTHORIZATION, &self.authorization)
            .header(CONTENT_TYPE, "application/json");
        if let Some(etag) = etag {
            request = request.header(IF_MATCH, etag);
        }
        let request = request.body(Full::new(body.into()))?;
        self.connection.ready().await?;
        let (head, body) = self.connection.send_request(request).await?.into_parts();
        let body = body.collect().await?.to_bytes();
        if matches!(head.status, StatusCode::OK | StatusCode::CREATED) {
            return Ok(Response::from_parts(head, body));
        }
        Err(Failure::new(format!("{}: {}", head.status, String::from_utf8_lossy(&body))))
    }

    pub(super) async fn get(&mut self, id: &str) -> Result<String, Failure> {
        let path = format!("{}/{id}", self.collection);
        etag(&self.call(Method::GET, path, (Vec::new(), None)).await?)
    }

    pub(super) async fn list(&mut self, name: &str) -> Result<usize, Failure> {
        let filter = format!("field1 == \"{name}\"").replace(' ', "%20").replace('"', "%22");
        let path = format!("{}?pageSize={PAGE}&filter={filter}", self.collection);
        let page = self.call(Method::GET, path, (Vec::new(), None)).await?;
        let page: Page = serde_json::from_slice(page.body())?;
        Ok(page.data.len())
    }

    pub(super) async fn create(&mut self, record: &Entity) -> Result<(), Failure> {
        let body = json!({ "id": record.id, "field1": record.field1, "field2": record.field2 });
        let body = serde_json::to_vec(&body)?;
        self.call(Method::POST, self.collection.clone(), (body, None)).await.map(drop)
    }

    pub(super) async fn update(&mut self, record: &Entity, before: &str) -> Result<String, Failure> {
        let path = format!("{}/{}", self.collection, record.id);
        let body = serde_json::to_vec(&json!({ "field1": record.field1, "field2": record.field2 }))?;
        etag(&self.call(Method::PATCH, path, (body, Some(before))).await?)
    }
}

fn etag(response: &Response<Bytes>) -> Result<String, Failure> {
    let etag = response.headers().get(ETAG).and_then(|etag| etag.to_str().ok());
    etag.map(str::to_owned).ok_or_else(|| Failure::new("a response has no etag"))
}
