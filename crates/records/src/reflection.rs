//! Server reflection, v1 and v1alpha, of the served revision with comments and options.
//!
//! The descriptors come from the pool of the served catalog and from fixed pools. Files are returned with their original bytes,
//! so unknown options are preserved.

mod lookup;

use crate::served::Served;
use crate::state::Records;
use futures_util::Stream;
use groundplan_error::Error;
use lookup::{Query, Reply};
use prost_reflect::DescriptorPool;
use std::collections::{BTreeSet, HashSet};
use std::pin::Pin;
use std::sync::Arc;
use tokio_util::sync::CancellationToken;
use tonic::{Code, Request, Response, Status, Streaming};

/// The message for a name that does not exist.
const NOT_FOUND: &str = "there is nothing of this name; ask for the list of services";

/// Both versions of the service; a handle.
#[derive(Clone)]
pub(crate) struct Reflection {
    records: Records,
    /// The suite's API, health, reflection, and error details.
    fixed: Arc<[DescriptorPool]>,
    /// Stops the streams, which clients can keep open.
    stop: CancellationToken,
}

impl Reflection {
    pub(crate) fn new(records: Records, stop: CancellationToken) -> Result<Self, Error> {
        let sets = [
            groundplan_proto::DESCRIPTORS,
            tonic_health::pb::FILE_DESCRIPTOR_SET,
            tonic_reflection::pb::v1::FILE_DESCRIPTOR_SET,
            tonic_reflection::pb::v1alpha::FILE_DESCRIPTOR_SET,
            // Error details, so that clients can show them.
            tonic_types::pb::FILE_DESCRIPTOR_SET,
        ];
        let pools: Result<Vec<_>, _> = sets.into_iter().map(DescriptorPool::decode).collect();
        Ok(Self { records, fixed: pools.map_err(Error::internal)?.into(), stop })
    }

    /// Returns the names of the served services. Files of the catalog can declare other services, which are not served.
    fn services(&self, served: &Served) -> BTreeSet<String> {
        let derived = served.catalog.models.iter().map(|model| model.service.clone());
        let fixed = self.fixed.iter().flat_map(DescriptorPool::services);
        derived.chain(fixed.map(|service| service.full_name().to_owned())).collect()
    }

    /// Responds to one request of a stream. `sent` contains the files that the stream already received.
    ///
    /// # Errors
    /// `NOT_READY` before a revision is served.
    fn reply(&self, query: &Query, sent: &mut HashSet<String>) -> Result<Reply, Error> {
        let served = self.records.served()?;
        if matches!(query, Query::Services) {
            return Ok(Reply::Services(self.services(&served).into_iter().collect()));
        }
        let mut pools = std::iter::once(&served.catalog.pool).chain(self.fixed.iter());
        Ok(pools.find_map(|pool| lookup::find(pool, query, sent)).unwrap_or(Reply::Nothing))
    }
}

/// The two versions differ only in their package.
macro_rules! serve {
    ($version:ident) => {
        mod $version {
            use super::*;
            use tonic_reflection::pb::$version::server_reflection_request::MessageRequest;
            use tonic_reflection::pb::$version::server_reflection_response::MessageResponse;
            use tonic_reflection::pb::$version::server_reflection_server::ServerReflection;
            use tonic_reflection::pb::$version::{
                ErrorResponse, ExtensionNumberResponse, FileDescriptorResponse, ListServiceResponse,
                ServerReflectionRequest, ServerReflectionResponse, ServiceResponse,
            };

            #[tonic::async_trait]
            impl ServerReflection for Reflection {
                type ServerReflectionInfoStream =
                    Pin<Box<dyn Stream<Item = Result<ServerReflectionResponse, Status>> + Send>>;

                async fn server_reflection_info(
                    &self,
                    request: Request<Streaming<ServerReflectionRequest>>,
                ) -> Result<Response<Self::ServerReflectionInfoStream>, Status> {
                    let reflection = self.clone();
                    let mut requests = request.into_inner();
                    let replies = async_stream::try_stream! {
                        let mut sent = HashSet::new();
                        while let Some(next) = reflection.stop.run_until_cancelled(requests.message()).await {
                            let Some(request) = next? else { break };
                            let response = match request.message_request.clone().map(query) {
                                Some(query) => response(reflection.reply(&query, &mut sent)?),
                                None => failure(Code::InvalidArgument, "the request asks nothing"),
                            };
                            yield ServerReflectionResponse {
                                valid_host: request.host.clone(),
                                original_request: Some(request),
                                message_response: Some(response),
                            };
                        }
                    };
                    Ok(Response::new(Box::pin(replies)))
                }
            }

            fn query(request: MessageRequest) -> Query {
                match request {
                    MessageRequest::ListServices(_) => Query::Services,
                    MessageRequest::FileByFilename(name) => Query::File(name),
                    MessageRequest::FileContainingSymbol(name) => Query::Symbol(name),
                    MessageRequest::FileContainingExtension(extension) => {
                        Query::Extension(extension.containing_type, extension.extension_number)
                    }
                    MessageRequest::AllExtensionNumbersOfType(name) => Query::Extensions(name),
                }
            }

            fn response(reply: Reply) -> MessageResponse {
                match reply {
                    Reply::Services(names) => MessageResponse::ListServicesResponse(ListServiceResponse {
                        service: names.into_iter().map(|name| ServiceResponse { name }).collect(),
                    }),
                    Reply::Files(files) => {
                        MessageResponse::FileDescriptorResponse(FileDescriptorResponse { file_descriptor_proto: files })
                    }
                    Reply::Extensions(base_type_name, extension_number) => {
                        let numbers = ExtensionNumberResponse { base_type_name, extension_number };
                        MessageResponse::AllExtensionNumbersResponse(numbers)
                    }
                    Reply::Nothing => failure(Code::NotFound, NOT_FOUND),
                }
            }

            fn failure(code: Code, message: &str) -> MessageResponse {
                let error = ErrorResponse { error_code: code.into(), error_message: message.to_owned() };
                MessageResponse::ErrorResponse(error)
            }
        }
    };
}

serve!(v1);
serve!(v1alpha);
