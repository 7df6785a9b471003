use super::fixture::{Fixture, thing};
use crate::reflection::Reflection;
use groundplan_chassis::mounted_service;
use groundplan_chassis::transport::{self, Transport};
use prost_reflect::DescriptorPool;
use tokio_util::sync::CancellationToken;
use tonic_reflection::pb::v1::server_reflection_server::ServerReflectionServer;
use tonic_reflection::pb::{v1, v1alpha};

/// Sends a request to each version. Returns the serialized responses, which must be equal.
macro_rules! ask {
    ($fixture:expr, $version:ident, $question:expr) => {{
        use $version::server_reflection_client::ServerReflectionClient;
        use $version::server_reflection_request::MessageRequest::*;
        use $version::server_reflection_response::MessageResponse;
        let request = $version::ServerReflectionRequest { host: "h".into(), message_request: Some($question) };
        let mut client = ServerReflectionClient::new($fixture);
        let stream = client.server_reflection_info(tokio_stream::once(request.clone())).await.unwrap();
        let answer = stream.into_inner().message().await.unwrap().unwrap();
        assert_eq!(answer.original_request, Some(request));
        match answer.message_response.unwrap() {
            MessageResponse::ListServicesResponse(list) => {
                Ok(Seen::Services(list.service.into_iter().map(|s| s.name).collect()))
            }
            MessageResponse::FileDescriptorResponse(files) => Ok(Seen::Files(files.file_descriptor_proto)),
            MessageResponse::AllExtensionNumbersResponse(numbers) => Ok(Seen::Numbers(numbers.extension_number)),
            MessageResponse::ErrorResponse(error) => Err(error.error_code),
        }
    }};
}

#[derive(Debug, PartialEq)]
enum Seen {
    Services(Vec<String>),
    Files(Vec<Vec<u8>>),
    Numbers(Vec<i32>),
}

fn reflection(fixture: &Fixture) -> Transport {
    reflection_until(fixture, CancellationToken::new())
}

fn reflection_until(fixture: &Fixture, stop: CancellationToken) -> Transport {
    let reflection = Reflection::new(fixture.records.clone(), stop).unwrap();
    let alpha = v1alpha::server_reflection_server::ServerReflectionServer::new(reflection.clone());
    transport::local(
        mounted_service::grpc_routes(ServerReflectionServer::new(reflection))
            .merge(mounted_service::grpc_routes(alpha)),
    )
}

async fn services(transport: &Transport) -> Vec<String> {
    let new = ask!(transport.clone(), v1, ListServices(String::new()));
    let old = ask!(transport.clone(), v1alpha, ListServices(String::new()));
    assert_eq!(new, old);
    match new {
        Ok(Seen::Services(names)) => names,
        other => panic!("{other:?}"),
    }
}

async fn symbol(transport: &Transport, name: &str) -> Result<Seen, i32> {
    let new = ask!(transport.clone(), v1, FileContainingSymbol(name.to_owned()));
    let old = ask!(transport.clone(), v1alpha, FileContainingSymbol(name.to_owned()));
    assert_eq!(new, old);
    new
}

fn pool(seen: Seen) -> DescriptorPool {
    let Seen::Files(files) = seen else { panic!("{seen:?}") };
    let mut pool = DescriptorPool::new();
    let files = files.iter().map(|file| prost::Message::decode(file.as_slice()).unwrap());
    pool.add_file_descriptor_protos(files.collect::<Vec<prost_types::FileDescriptorProto>>()).unwrap();
    pool
}

#[tokio::test]
async fn reflection_lists_served_services() {
    let fixture = Fixture::new().await;
    let transport = reflection(&fixture);
    let expected = [
        "groundplan.records.v1.RecordsService",
        "groundplan.schema.v1.DistributionService",
        "groundplan.schema.v1.SchemaService",
        "grpc.health.v1.Health",
        "grpc.reflection.v1.ServerReflection",
        "grpc.reflection.v1alpha.ServerReflection",
        "test.v1.ItemService",
        "test.v1.LabelService",
        "test.v1.ShapesService",
    ];
    assert_eq!(services(&transport).await, expected);
    for service in expected {
        let pool = pool(symbol(&transport, service).await.unwrap());
        let service = pool.get_service_by_name(service).unwrap();
        assert!(service.methods().count() > 0);
    }
}

#[tokio::test]
async fn files_contain_imports_comments_and_options() {
    let fixture = Fixture::new().await;
    let transport = reflection(&fixture);
    let pool = pool(symbol(&transport, "test.v1.Item.title").await.unwrap());
    let item = pool.get_message_by_name("test.v1.Item").unwrap();
    let file = item.parent_file();
    let info = file.file_descriptor_proto().source_code_info.clone().unwrap();
    let comments: Vec<_> = info.location.iter().filter_map(|location| location.leading_comments.clone()).collect();
    assert!(comments.iter().any(|comment| comment.contains("A thing with rules")), "{comments:?}");
    let Seen::Files(files) = symbol(&transport, "test.v1.Item").await.unwrap() else { panic!() };
    let raw = pool.get_file_by_name(file.name()).unwrap();
    let served = fixture.records.served().unwrap().catalog.pool.get_file_by_name(raw.name()).unwrap();
    assert_eq!(files[0], served.encode_to_vec(), "options included");
}

#[tokio::test]
async fn symbols_of_each_kind_are_found() {
    let fixture = Fixture::new().await;
    let transport = reflection(&fixture);
    for name in [
        "test.v1.ItemService.GetItem",
        "test.v1.GetItemRequest",
        "test.v1.Color",
        "test.v1.COLOR_RED",
        "test.v1.Shapes.choice",
        "google.protobuf.Timestamp",
        "groundplan.model.v1.model",
        "grpc.health.v1.HealthCheckRequest",
    ] {
        assert!(matches!(symbol(&transport, name).await, Ok(Seen::Files(_))), "{name}");
    }
    for name in ["", "test", "test.v1.Nothing", "test.v1.Item.nothing", "ünïcode"] {
        assert_eq!(symbol(&transport, name).await, Err(5), "{name}");
    }
    let options = "google.protobuf.MessageOptions".to_owned();
    let extension = v1::ExtensionRequest { containing_type: options.clone(), extension_number: 77310 };
    assert!(matches!(ask!(transport.clone(), v1, FileContainingExtension(extension)), Ok(Seen::Files(_))));
    let Ok(Seen::Numbers(numbers)) = ask!(transport.clone(), v1, AllExtensionNumbersOfType(options)) else { panic!() };
    assert!(numbers.contains(&77310));
}

#[tokio::test]
async fn reflection_follows_the_models() {
    let fixture = Fixture::empty().await;
    let transport = reflection(&fixture);
    fixture.records.serve(crate::served::Served::empty().unwrap());
    assert!(!services(&transport).await.iter().any(|name| name.starts_with("test.")));
    fixture.apply(1, &thing("")).await.unwrap();
    assert!(services(&transport).await.contains(&"test.v1.ThingService".to_owned()));
    fixture.apply(2, &thing("string later = 2;")).await.unwrap();
    let pool = pool(symbol(&transport, "test.v1.ThingService").await.unwrap());
    assert!(pool.get_message_by_name("test.v1.Thing").unwrap().get_field_by_name("later").is_some());
}

#[tokio::test]
async fn open_stream_ends_when_the_service_stops() {
    use v1::server_reflection_client::ServerReflectionClient;
    use v1::server_reflection_request::MessageRequest;
    let fixture = Fixture::new().await;
    let stop = CancellationToken::new();
    let mut client = ServerReflectionClient::new(reflection_until(&fixture, stop.clone()));
    let question = MessageRequest::ListServices(String::new());
    let question = v1::ServerReflectionRequest { host: String::new(), message_request: Some(question) };
    // The client keeps the stream open.
    let questions = tokio_stream::StreamExt::chain(tokio_stream::once(question), tokio_stream::pending());
    let mut answers = client.server_reflection_info(questions).await.unwrap().into_inner();
    assert!(answers.message().await.unwrap().is_some());
    stop.cancel();
    assert!(answers.message().await.unwrap().is_none());
}
