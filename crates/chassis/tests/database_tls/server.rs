//! A PostgreSQL with TLS on a port of this machine.

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

/// The access rules.
const RULES: &str = "
    hostssl all groundplan 127.0.0.1/32 trust
    hostssl all certified 127.0.0.1/32 cert
    hostssl all secretive 127.0.0.1/32 scram-sha-256
    hostnossl all open 127.0.0.1/32 trust
";

/// The password of the user `secretive`.
const PASSWORD: &str = "hunter2";

pub(crate) struct Server {
    /// The files of the server and its users, with `ca.pem`.
    folder: TempDir,
    /// The authority of the server's certificate.
    pub(crate) authority: Authority,
    data: PathBuf,
    port: u16,
}

impl Server {
    /// Starts a server whose certificate is for `localhost`, and not for 127.0.0.1.
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

    /// Returns the connection string of a user by the name in the certificate, with more parameters.
    pub(crate) fn url(&self, user: &str, parameters: &str) -> Secret {
        // `localhost` can also resolve to `::1`.
        self.url_of("localhost", user, &format!("hostaddr=127.0.0.1&{parameters}"))
    }

    /// Returns the connection string with another host name.
    pub(crate) fn url_of(&self, host: &str, user: &str, parameters: &str) -> Secret {
        let (port, parameters) = (self.port, parameters.replace("FOLDER", self.folder.path().to_str().unwrap()));
        Secret::new(format!("postgres://{user}:{PASSWORD}@{host}:{port}/groundplan?{parameters}"))
    }

    /// Returns the path of a file of the users.
    pub(crate) fn file(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Sets the certificate for the next start or reload.
    pub(crate) fn show(&self, name: &str) {
        self.give(&self.file(name).with_extension("pem"), "server.crt");
        self.give(&self.file(name).with_extension("key"), "server.key");
    }

    /// Changes a setting and restarts the server.
    pub(crate) async fn set(&self, connection: &mut AsyncPgConnection, setting: &str) {
        connection.batch_execute(&format!("ALTER SYSTEM SET {setting}")).await.unwrap();
        self.restart();
    }

    /// Restarts the server.
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

    /// Copies a file into the data directory, with the owner of the server.
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
