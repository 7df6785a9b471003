//! What every service stands on: its settings, its logs, its PostgreSQL, its way to its peers, and the server that carries it.
//!
//! A service crate asks for a [`database::Database`] and [`transport::Transport`]s, and gives back a [`mounted_service::MountedService`].
//! The binary puts the mounted routers together, wraps them by [`layers::stack`] and hands them to [`server::serve`].

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
