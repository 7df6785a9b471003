//! Generates the stubs from `proto/groundplan/*/v1/*.proto`, by a compiler in Rust: a build needs no `protoc` for them.

fn main() -> Result<(), Box<dyn std::error::Error>> {
    println!("cargo:rerun-if-changed=../../proto/groundplan");
    let mut compiler = protox::Compiler::new(["../../proto"])?;
    compiler.include_imports(true).include_source_info(true);
    compiler.open_files([
        "groundplan/eventlog/v1/eventlog.proto",
        "groundplan/query/v1/query.proto",
        "groundplan/records/v1/records.proto",
        "groundplan/schema/v1/schema.proto",
        "groundplan/watch/v1/watch.proto",
    ])?;
    #[expect(clippy::disallowed_methods, reason = "it is how cargo talks to build scripts, not a setting of ours")]
    let out = std::path::PathBuf::from(std::env::var_os("OUT_DIR").ok_or("cargo sets OUT_DIR")?);
    std::fs::write(out.join("descriptors.binpb"), compiler.encode_file_descriptor_set())?;
    let mut config = tonic_prost_build::Config::new();
    // By its name a message's definition is found.
    config.enable_type_names();
    #[expect(clippy::disallowed_methods, reason = "it is how cargo talks to build scripts, not a setting of ours")]
    let with_services = std::env::var_os("CARGO_FEATURE_GRPC").is_some();
    let builder = tonic_prost_build::configure().codec_path("crate::strict::StrictCodec");
    let builder = builder.build_client(with_services).build_server(with_services);
    builder.compile_fds_with_config(compiler.file_descriptor_set(), config)?;
    Ok(())
}
