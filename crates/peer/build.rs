//! Generates the stubs of the peer's service.

use std::error::Error;

fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo:rerun-if-changed=proto");
    let set = protox::compile(["example/v1/entity.proto"], ["proto"])?;
    tonic_prost_build::configure().build_client(false).compile_fds(set)?;
    Ok(())
}
