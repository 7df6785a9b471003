//! A PostgreSQL that listens on this machine, with TLS.

use crate::authority::Authority;
use diesel_async::{AsyncPgConnection, SimpleAsyncConnection as _};
use groundplan_chassis::settings::Secret;
use groundplan_testkit::TestDatabase;
use std::fs::{self, Permissions};
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, chown};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use tempfile::TempDir;

/// Who may connect, and how.
const RULES: &str = "
    hostssl all groundplan 127.0.0.1/32 trust
    hostssl all certified 127.0.0.1/32 cert
    hostssl all secretive 127.0.0.1/32 scram-sha-256
    hostnossl all open 127.0.0.1/32 trust
";

/// The password of the user `secretive`.
const PASSWORD: &str = "hunter2";

pub(crate) struct Server {
    /// What it and its users show, and whom they believe: `ca.pem`.
    folder: TempDir,
    /// Of the server's certificate.
    pub(crate) authority: Authority,
    data: PathBuf,
    port: u16,
}

impl Server {
    /// Starts one whose certificate is for `localhost`; 127.0.0.1 is a name that it does not have.
    pub(crate) async fn start() -> Self {
        let (test, authority, folder) = (TestDatabase::new().await, Authority::make(), tempfile::tempdir().unwrap());
        authority.write(&folder.path().join("ca.pem"));
        let mut connection = test.connect().await;
        let data = setting(&mut connection, "data_directory").await;
        let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let server = Self { folder, authority, data: data.into(), port };
        server.authority.certify(&server.file("server"), "postgres", &["localhost"]);
        server.authority.certify(&server.file("certified"), "certified", &[]);
        server.show("server");
        server.give(&server.file("ca.pem"), "ca.pem");
        let rules = fs::read_to_string(server.data.join("pg_hba.conf")).unwrap() + RULES;
        fs::write(server.data.join("pg_hba.conf"), rules.replace("\n    ", "\n")).unwrap();
        for sql in [
            "CREATE ROLE certified SUPERUSER LOGIN",
            &format!("CREATE ROLE secretive SUPERUSER LOGIN PASSWORD '{PASSWORD}'"),
            "CREATE ROLE open SUPERUSER LOGIN",
            "ALTER SYSTEM SET listen_addresses = '127.0.0.1'",
            &format!("ALTER SYSTEM SET port = {port}"),
            "ALTER SYSTEM SET ssl = on",
            "ALTER SYSTEM SET ssl_ca_file = 'ca.pem'",
        ] {
            connection.batch_execute(sql).await.unwrap();
        }
        drop(connection);
        server.restart();
        server
    }

    /// How a user connects to it by the name of its certificate, with more parameters.
    pub(crate) fn url(&self, user: &str, parameters: &str) -> Secret {
        // `localhost` alone could be `::1`, too.
        self.url_of("localhost", user, &format!("hostaddr=127.0.0.1&{parameters}"))
    }

    /// The same by another name.
    pub(crate) fn url_of(&self, host: &str, user: &str, parameters: &str) -> Secret {
        let (port, parameters) = (self.port, parameters.replace("FOLDER", self.folder.path().to_str().unwrap()));
        Secret::new(format!("postgres://{user}:{PASSWORD}@{host}:{port}/groundplan?{parameters}"))
    }

    /// A file of its users.
    pub(crate) fn file(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Lets it show this certificate from its next start, or reload, on.
    pub(crate) fn show(&self, name: &str) {
        self.give(&self.file(name).with_extension("pem"), "server.crt");
        self.give(&self.file(name).with_extension("key"), "server.key");
    }

    /// Changes a setting.
    pub(crate) async fn set(&self, connection: &mut AsyncPgConnection, setting: &str) {
        connection.batch_execute(&format!("ALTER SYSTEM SET {setting}")).await.unwrap();
        self.restart();
    }

    /// Starts it again, with what has changed.
    pub(crate) fn restart(&self) {
        let options = fs::read_to_string(self.data.join("postmaster.opts")).unwrap();
        let programs = Path::new(options.split_whitespace().next().unwrap()).parent().unwrap();
        let owner = fs::metadata(&self.data).unwrap();
        let mut command = Command::new(programs.join("pg_ctl"));
        command.args(["restart", "-w", "-s", "-m", "fast", "-l", "data/tls.log", "-D", "data"]);
        let done = command.current_dir(self.data.parent().unwrap()).uid(owner.uid()).gid(owner.gid()).output().unwrap();
        let log = fs::read_to_string(self.data.join("tls.log")).unwrap_or_default();
        assert!(done.status.success(), "{}{log}", String::from_utf8_lossy(&done.stderr));
    }

    /// Copies a file to where it reads it, as its own.
    fn give(&self, from: &Path, name: &str) {
        let (to, owner) = (self.data.join(name), fs::metadata(&self.data).unwrap());
        fs::copy(from, &to).unwrap();
        fs::set_permissions(&to, Permissions::from_mode(0o600)).unwrap();
        chown(&to, Some(owner.uid()), Some(owner.gid())).unwrap();
    }
}

async fn setting(connection: &mut AsyncPgConnection, name: &str) -> String {
    use groundplan_chassis::database::{Columns as _, Sql, rows};
    let sql = Sql::new(&format!("SELECT current_setting('{name}')"));
    rows(connection, &sql, &[]).await.unwrap().remove(0).text(0).unwrap().unwrap()
}
