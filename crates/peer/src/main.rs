//! The peer of Groundplan's benchmarks: what an experienced engineer writes by hand for the example model, with tonic,
//! diesel-async and bb8. It has the same table, the same statements and the same wire format as the derived service, and
//! none of its generality: no authentication, no rules, no filters except one, no telemetry.
//!
//! Every statement is cached as prepared, and each request takes as few round trips as possible.

mod cached;
mod database;
mod reads;
mod service;
mod tables;
mod writes;

/// The generated stubs.
#[allow(missing_docs, clippy::all, unreachable_pub)]
mod stubs {
    tonic::include_proto!("example.v1");
}

use clap::Parser as _;
use service::Service;
use std::error::Error;
use std::net::SocketAddr;
use stubs::entity_service_server::EntityServiceServer;

#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

/// Serves `example.v1.EntityService` from the tables `peer.entity` and `peer.changes`, which must exist.
#[derive(clap::Parser)]
#[command(name = "groundplan-peer", version, max_term_width = 120)]
struct Args {
    /// The address to listen on
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:3990")]
    listen: SocketAddr,

    /// The database
    #[arg(long, value_name = "URL")]
    db_url: String,

    /// Connections to PostgreSQL
    #[arg(long, value_name = "COUNT", default_value_t = 16)]
    pool: u32,

    /// Append a row to `peer.changes` in the transaction of each write
    #[arg(long)]
    log: bool,
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let args = Args::parse();
    let service = Service { pool: database::connect(args.db_url, args.pool).await?, log: args.log };
    tonic::transport::Server::builder().add_service(EntityServiceServer::new(service)).serve(args.listen).await?;
    Ok(())
}
