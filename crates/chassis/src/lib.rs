//! The common base of all services: settings, telemetry, PostgreSQL, transports between services, and the server.
//!
//! A service crate gets a [`database::Database`] and [`transport::Transport`]s, and returns a
//! [`mounted_service::MountedService`]. The binary merges the routers, wraps them with [`layers::stack`] and passes them to
//! [`server::serve`].

pub mod admin;
pub mod database;
pub mod health;
pub mod keyed_mutex;
pub mod layers;
pub mod mounted_service;
pub mod private_postgres;
pub mod respond;
pub mod seal;
pub mod server;
pub mod settings;
pub mod single_flight;
pub mod spawn_scoped;
pub mod telemetry;
pub mod tls;
pub mod transport;
