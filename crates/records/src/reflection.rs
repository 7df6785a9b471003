//! Server reflection, v1 and v1alpha: always what is served, with comments and options.
//!
//! The descriptors come from several pools: the served catalog's, and those of what every process has. A file goes out
//! as the bytes that came in, so options that nobody here knows survive.

mod lookup;

use crate::served::Served;
use crate::state::Records;
use futures_util::Stream;
use groundplan_error::Error;
use lookup::{Answer, Question};
use prost_reflect::DescriptorPool;
use std::collections::{BTreeSet, HashSet};
use std::pin::Pin;
use std::sync::Arc;
use tokio_util::sync::CancellationToken;
use tonic::{Code, Request, Response, Status, Streaming};

/// The answer to a question about what does not exist.
const NOT_FOUND: &str = "there is nothing of this name; ask for the list of services";

/// Both versions of the service; a handle.
#[derive(Clone)]
pub(crate) struct Reflection {
    records: Records,
    /// The suite's own API, health, reflection itself, and the details of refusals.
    fixed: Arc<[DescriptorPool]>,
    /// Ends the streams, which clients keep open for as long as they like.
    stop: CancellationToken,
}

impl Reflection {
    pub(crate) fn new(records: Records, stop: CancellationToken) -> Result<Self, Error> {
        let sets = [
            groundplan_proto::DESCRIPTORS,
            tonic_health::pb::FILE_DESCRIPTOR_SET,
            tonic_reflection::pb::v1::FILE_DESCRIPTOR_SET,
            tonic_reflection::pb::v1alpha::FILE_DESCRIPTOR_SET,
            // The details of refusals, so that clients can show them.
            tonic_types::pb::FILE_DESCRIPTOR_SET,
        ];
        let pools: Result<Vec<_>, _> = sets.into_iter().map(DescriptorPool::decode).collect();
        Ok(Self { records, fixed: pools.map_err(Error::internal)?.into(), stop })
    }

    /// The services of the catalog are those of its models: others that its files may declare are not served.
    fn services(&self, served: &Served) -> BTreeSet<String> {
        let derived = served.catalog.models.iter().map(|model| model.service.clone());
        let fixed = self.fixed.iter().flat_map(DescriptorPool::services);
        derived.chain(fixed.map(|service| service.full_name().to_owned())).collect()
    }

    /// Answers one question of a stream. Files that the stream has had already are in `sent`.
    fn answer(&self, question: &Question, sent: &mut HashSet<String>) -> Result<Answer, Error> {
        let served = self.records.served()?;
        if matches!(question, Question::Services) {
            return Ok(Answer::Services(self.services(&served).into_iter().collect()));
        }
        let mut pools = std::iter::once(&served.catalog.pool).chain(self.fixed.iter());
        Ok(pools.find_map(|pool| lookup::find(pool, question, sent)).unwrap_or(Answer::Nothing))
    }
}

/// The two versions differ in nothing but their package.
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
                    let mut questions = request.into_inner();
                    let answers = async_stream::try_stream! {
                        let mut sent = HashSet::new();
                        while let Some(next) = reflection.stop.run_until_cancelled(questions.message()).await {
                            let Some(request) = next? else { break };
                            let response = match request.message_request.clone().map(question) {
                                Some(question) => response(reflection.answer(&question, &mut sent)?),
                                None => failure(Code::InvalidArgument, "the request asks nothing"),
                            };
                            yield ServerReflectionResponse {
                                valid_host: request.host.clone(),
                                original_request: Some(request),
                                message_response: Some(response),
                            };
                        }
                    };
                    Ok(Response::new(Box::pin(answers)))
                }
            }

            fn question(request: MessageRequest) -> Question {
                match request {
                    MessageRequest::ListServices(_) => Question::Services,
                    MessageRequest::FileByFilename(name) => Question::File(name),
                    MessageRequest::FileContainingSymbol(name) => Question::Symbol(name),
                    MessageRequest::FileContainingExtension(extension) => {
                        Question::Extension(extension.containing_type, extension.extension_number)
                    }
                    MessageRequest::AllExtensionNumbersOfType(name) => Question::Extensions(name),
                }
            }

            fn response(answer: Answer) -> MessageResponse {
                match answer {
                    Answer::Services(names) => MessageResponse::ListServicesResponse(ListServiceResponse {
                        service: names.into_iter().map(|name| ServiceResponse { name }).collect(),
                    }),
                    Answer::Files(files) => {
                        MessageResponse::FileDescriptorResponse(FileDescriptorResponse { file_descriptor_proto: files })
                    }
                    Answer::Extensions(base_type_name, extension_number) => {
                        let numbers = ExtensionNumberResponse { base_type_name, extension_number };
                        MessageResponse::AllExtensionNumbersResponse(numbers)
                    }
                    Answer::Nothing => failure(Code::NotFound, NOT_FOUND),
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
