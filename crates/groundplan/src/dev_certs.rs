//! `groundplan dev-certs`: a private authority, and certificates for every service.

mod authority;
mod files;

use crate::error::CliError;
use crate::output::print;
use authority::Authority;
use files::{PemFiles, create_directory};
use std::path::PathBuf;

/// The holders of certificates in every installation: the services, the gateway, and a person with the command line.
const NAMES: [&str; 4] = ["schema", "records", "envoy", "operator"];

/// Create a private certificate authority and its certificates for mutual TLS
///
/// Writes ca.pem, ca.key, and NAME.pem and NAME.key for schema, records, envoy and operator (for the command line) into
/// a folder. Only the current user can read the keys. Each certificate names its service by the URI
/// spiffe://groundplan/NAME, and is valid for the hosts NAME, localhost, 127.0.0.1 and ::1, as server and as client.
/// Existing files are kept. Anyone who has ca.key can impersonate every service, so use this for development and trials
/// only; use your own authority in production.
#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Certificates")]
pub(crate) struct Args {
    /// Folder for the files, created if it does not exist
    #[arg(long, value_name = "DIRECTORY")]
    out: PathBuf,
    /// Create a certificate for this service too; can be repeated
    #[arg(long, value_name = "NAME")]
    name: Vec<String>,
    /// Make the new certificates valid for this host name or address too, such as records.groundplan.svc; can be
    /// repeated
    #[arg(long, value_name = "HOST")]
    dns: Vec<String>,
    /// Days for which the new certificates are valid, 1 to 3650. The authority is valid for ten years
    #[arg(long, value_name = "DAYS", default_value_t = 365, value_parser = clap::value_parser!(u32).range(1..=3650))]
    days: u32,
    /// Replace existing certificates. The authority is kept, so that processes that trust it continue to work; to
    /// replace it too, remove ca.pem and ca.key first
    #[arg(long)]
    force: bool,
}

pub(crate) fn run(args: &Args) -> Result<(), CliError> {
    create_directory(&args.out)?;
    let names: Vec<&str> = NAMES.into_iter().chain(args.name.iter().map(String::as_str)).collect();
    names.iter().try_for_each(|name| check_name(name))?;
    let ca_files = PemFiles::named(&args.out, "ca");
    let authority = match ca_files.read()? {
        Some((certificate, key)) => {
            print(format_args!("{} exists: kept", ca_files.certificate.display()))?;
            Authority::from_files(&ca_files, &certificate, &key)?
        }
        None => {
            let (authority, certificate) = Authority::generate()?;
            ca_files.write(&certificate, authority.key())?;
            print(format_args!("{}: a new authority", ca_files.certificate.display()))?;
            authority
        }
    };
    for name in names {
        let pair = PemFiles::named(&args.out, name);
        let file = pair.certificate.display();
        if !args.force && pair.exists()? {
            print(format_args!("{file} exists: kept"))?;
            continue;
        }
        let (certificate, key) = authority.certify(name, &args.dns, args.days)?;
        pair.write(&certificate, &key)?;
        print(format_args!("{file}: spiffe://groundplan/{name}, for {} days", args.days))?;
    }
    Ok(())
}

/// Checks a name, which becomes a host name, a URI and file names.
fn check_name(name: &str) -> Result<(), CliError> {
    let is_allowed = |letter: char| letter.is_ascii_lowercase() || letter.is_ascii_digit() || letter == '-';
    if name.is_empty() || name.len() > 63 || !name.chars().all(is_allowed) || name.starts_with('-') || name == "ca" {
        return Err(CliError::usage(format!(
            "{name:?} is not a service name: use 1 to 63 of a-z, 0-9 and -, and not ca"
        )));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::{Args, run};
    use groundplan_chassis::settings::TlsSettings;
    use groundplan_chassis::tls::Tls;
    use std::fs;
    use std::os::unix::fs::PermissionsExt as _;
    use std::path::Path;

    fn create(out: &Path, name: &[&str], force: bool) -> Result<(), String> {
        let name = name.iter().map(|name| (*name).to_owned()).collect();
        let dns = vec!["records.groundplan.svc".to_owned(), "10.0.0.1".to_owned()];
        run(&Args { out: out.to_owned(), name, dns, days: 1, force }).map_err(|error| error.message().to_owned())
    }

    #[tokio::test]
    async fn created_certificates_can_be_loaded_and_their_keys_are_private() {
        let folder = tempfile::tempdir().unwrap();
        let out = folder.path().join("certs");
        create(&out, &["access"], false).unwrap();
        for name in ["schema", "records", "envoy", "operator", "access"] {
            let file = |ending| Some(out.join(format!("{name}.{ending}")));
            let settings =
                TlsSettings { tls_cert: file("pem"), tls_key: file("key"), tls_ca: Some(out.join("ca.pem")) };
            assert!(Tls::load(&settings).unwrap().is_some());
            let mode = fs::metadata(out.join(format!("{name}.key"))).unwrap().permissions().mode();
            assert_eq!(mode & 0o777, 0o600);
        }
        assert_eq!(fs::read_dir(&out).unwrap().count(), 12, "no draft remains");
    }

    #[test]
    fn existing_files_are_kept() {
        let folder = tempfile::tempdir().unwrap();
        let read = |name: &str| fs::read_to_string(folder.path().join(name)).unwrap();
        create(folder.path(), &[], false).unwrap();
        let (authority, schema) = (read("ca.pem"), read("schema.pem"));
        create(folder.path(), &["later"], false).unwrap();
        assert_eq!((read("ca.pem"), read("schema.pem")), (authority.clone(), schema.clone()));
        create(folder.path(), &[], true).unwrap();
        assert_eq!(read("ca.pem"), authority);
        assert_ne!(read("schema.pem"), schema);
        fs::remove_file(folder.path().join("schema.key")).unwrap();
        assert!(create(folder.path(), &[], false).unwrap_err().contains("schema.key"), "half a pair is an error");
        create(folder.path(), &[], true).unwrap();
        fs::copy(folder.path().join("schema.key"), folder.path().join("ca.key")).unwrap();
        assert!(create(folder.path(), &[], true).unwrap_err().contains("ca.key"));
    }

    #[test]
    fn invalid_names_are_rejected() {
        let folder = tempfile::tempdir().unwrap();
        for name in ["", "ca", "../x", "a b", "A"] {
            assert!(create(folder.path(), &[name], false).is_err(), "{name:?}");
        }
        assert!(!folder.path().join("ca.pem").exists());
    }
}
