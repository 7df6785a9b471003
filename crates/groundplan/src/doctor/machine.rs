//! Checks of this machine: PostgreSQL's programs, the data directory, and the tools that `make setup` installs.

use super::finding::Finding;
use crate::{client, key};
use groundplan_chassis::private_postgres::PrivatePostgres;
use groundplan_chassis::settings::PostgresSettings;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

/// Checks PostgreSQL's programs. Only the private PostgreSQL needs them.
pub(super) fn postgres(settings: &PostgresSettings, has_db_url: bool) -> Finding {
    const CHECK: &str = "PostgreSQL";
    match PrivatePostgres::programs(settings) {
        Ok((folder, version)) => {
            Finding::ok(CHECK, format!("the programs of PostgreSQL {version} are in {}", folder.display()))
        }
        Err(error) if has_db_url => {
            Finding::warn(CHECK, error.message().into_owned(), "not needed while DB_URL is set")
        }
        Err(error) => Finding::fail(CHECK, error.message().into_owned(), "or set DB_URL to a running PostgreSQL"),
    }
}

/// Checks the data directory and the key in it.
pub(super) fn data_directory(settings: &PostgresSettings) -> Vec<Finding> {
    const CHECK: &str = "data directory";
    let data = client::data_directory(settings);
    let display = data.display();
    let mut findings = vec![match fs::metadata(&data) {
        Ok(metadata) if !metadata.is_dir() => {
            Finding::fail(CHECK, format!("{display} is not a folder"), "set GROUNDPLAN_DATA to another")
        }
        Ok(metadata) if metadata.permissions().readonly() => Finding::fail(
            CHECK,
            format!("{display} cannot be written to"),
            "correct its permissions, or set GROUNDPLAN_DATA",
        ),
        Ok(_) => Finding::ok(CHECK, display.to_string()),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            Finding::ok(CHECK, format!("{display} does not exist yet; `groundplan up` creates it"))
        }
        Err(error) => {
            Finding::fail(CHECK, format!("{display}: {error}"), "correct its permissions, or set GROUNDPLAN_DATA")
        }
    }];
    findings.extend(check_stored_key(&data));
    findings
}

/// Checks whether other users can read the stored key.
fn check_stored_key(data: &Path) -> Option<Finding> {
    const CHECK: &str = "stored API key";
    let file = key::file(data);
    let mode = fs::metadata(&file).ok()?.permissions().mode() & 0o777;
    Some(match mode & 0o077 {
        0 => Finding::ok(CHECK, format!("{}, readable by its owner only", file.display())),
        _ => Finding::fail(
            CHECK,
            format!("{} has mode {mode:o}: others can read it", file.display()),
            format!(
                "chmod 600 {0}; if somebody might have read it, remove it: `groundplan up` creates a new one",
                file.display()
            ),
        ),
    })
}

/// Checks the tools that `make setup` installs, on PATH or in .tools.
pub(super) fn tools() -> Vec<Finding> {
    let tool = |(name, purpose): (&'static str, &str)| match find_program(name) {
        Some(path) => Finding::ok(name, path.display().to_string()),
        None => Finding::warn(name, format!("not found: {purpose}"), "run `make setup` in the checkout"),
    };
    [
        ("envoy", "`make run` serves without it, and without CORS and access logs"),
        ("buf", "`make lint` does not check .proto files"),
        ("grpcurl", "no gRPC calls from the command line"),
    ]
    .map(tool)
    .into()
}

fn find_program(name: &str) -> Option<PathBuf> {
    let folders = std::iter::once(PathBuf::from(".tools/bin")).chain(path_directories());
    folders.map(|folder| folder.join(name)).find(|program| is_program(program))
}

fn is_program(path: &Path) -> bool {
    fs::metadata(path).is_ok_and(|metadata| metadata.is_file() && metadata.permissions().mode() & 0o111 != 0)
}

/// Returns the folders of PATH.
fn path_directories() -> Vec<PathBuf> {
    #[expect(clippy::disallowed_methods, reason = "PATH is a system variable, not a setting")]
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path).collect()
}
