//! Generates the stubs of `example.v1.EntityService` from the example, by the same derivation that serves it: they cannot
//! drift.

use groundplan_model::{Input, SourceFile, StorageNames, compile};
use prost::Message as _;
use prost_types::FileDescriptorSet;
use std::error::Error;
use std::fs::read_to_string;

/// The model, as others import it.
const MODEL: &str = "example/v1/entity.proto";

fn main() -> Result<(), Box<dyn Error>> {
    let file = format!("../../examples/{MODEL}");
    println!("cargo:rerun-if-changed={file}");
    let source = SourceFile { path: MODEL.to_owned(), content: read_to_string(file)? };
    let compiled = compile(Input::Files(vec![source]), &StorageNames::default());
    let compiled = compiled.map_err(|found| format!("the example does not compile: {found:?}"))?;
    // Modules of what it imports are made, too, and used by nobody.
    let set = FileDescriptorSet::decode(compiled.catalog.descriptor_set)?;
    tonic_prost_build::configure()
        .build_server(false)
        .extern_path(".groundplan.query.v1", "::groundplan_proto::query::v1")
        .extern_path(".groundplan.watch.v1", "::groundplan_proto::watch::v1")
        .compile_fds(set)?;
    Ok(())
}
