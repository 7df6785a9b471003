//! PostgreSQL's programs: where they are, and how to install them.

use super::{owner::Owner, postgres_error};
use groundplan_error::Error;
use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;

/// How to install the programs.
const INSTALL_HINT: &str = "install PostgreSQL (Debian, Ubuntu: apt-get install postgresql; Fedora: dnf install \
                            postgresql-server; in a checkout `deploy/setup.sh` installs one without root), or set \
                            GROUNDPLAN_PG_BIN to the directory with its initdb, or set DB_URL to a running PostgreSQL";

/// Where packages have a directory for each version: the parent directory, and the path from a version to the programs.
const SYSTEM_DIRECTORIES: &[(&str, &str)] = &[("/usr/lib/postgresql", "bin"), ("/usr", "bin")];

/// Where `deploy/setup.sh` installs PostgreSQL in a checkout, on machines without one.
const CHECKOUT_DIRECTORY: &str = ".tools/postgres/bin";

/// The directory with `initdb`, `pg_ctl` and `postgres`, all of one version.
#[derive(Clone, Debug)]
pub(super) struct Binaries {
    directory: PathBuf,
    major: u32,
    /// Whether they belong to the checkout. The programs of the system take precedence.
    in_checkout: bool,
}

impl Binaries {
    /// Finds the programs: in the requested directory, or of the version of the data, or the newest of the system, or those of
    /// the checkout.
    pub(super) fn find(
        requested_directory: Option<&Path>,
        owner: &Owner,
        data_version: Option<u32>,
    ) -> Result<Self, Error> {
        let candidates = match requested_directory {
            Some(directory) => vec![Self::in_directory(directory, owner).ok_or_else(|| {
                postgres_error(format!(
                    "GROUNDPLAN_PG_BIN is {}, which does not contain working initdb, pg_ctl and postgres: {INSTALL_HINT}",
                    directory.display()
                ))
            })?],
            None => {
                let system = system_directories();
                let system = system.iter().filter_map(|directory| Self::in_directory(directory, owner));
                let ours = in_checkout().and_then(|directory| Self::in_directory(&directory, owner));
                system.chain(ours.map(|ours| Self { in_checkout: true, ..ours })).collect()
            }
        };
        Self::choose(candidates, data_version)
    }

    /// Selects one of the candidates.
    fn choose(candidates: Vec<Self>, data_version: Option<u32>) -> Result<Self, Error> {
        let versions: Vec<String> = candidates.iter().map(|binaries| binaries.major.to_string()).collect();
        let chosen = match data_version {
            Some(version) => candidates.into_iter().find(|binaries| binaries.major == version),
            None => candidates.into_iter().max_by_key(|binaries| (!binaries.in_checkout, binaries.major)),
        };
        chosen.ok_or_else(|| match data_version {
            Some(version) if !versions.is_empty() => postgres_error(format!(
                "the data is of PostgreSQL {version}, but the programs found are of {}: install PostgreSQL {version}, or set \
                 GROUNDPLAN_PG_BIN to its programs, or upgrade the data with pg_upgrade",
                versions.join(", ")
            )),
            _ => postgres_error(format!("PostgreSQL's programs were not found: {INSTALL_HINT}")),
        })
    }

    /// Returns the programs of a directory if all of them exist and run, as the user that will run them.
    fn in_directory(directory: &Path, owner: &Owner) -> Option<Self> {
        // The programs run in other working directories, so the path must be absolute.
        let directory = fs::canonicalize(directory).ok()?;
        if !["initdb", "pg_ctl", "postgres"].iter().all(|name| directory.join(name).is_file()) {
            return None;
        }
        let mut command = Command::new(directory.join("postgres"));
        owner.run_as(command.arg("--version"));
        let major = major(&String::from_utf8_lossy(&command.output().ok()?.stdout))?;
        Some(Self { directory, major, in_checkout: false })
    }

    /// Returns the directory of the programs.
    pub(super) fn directory(&self) -> &Path {
        &self.directory
    }

    /// Returns the major version.
    pub(super) fn major(&self) -> u32 {
        self.major
    }

    /// Returns the path of a program.
    pub(super) fn program(&self, name: &str) -> PathBuf {
        self.directory.join(name)
    }
}

/// Parses the major version of `postgres (PostgreSQL) 15.18 (Debian …)`.
fn major(version: &str) -> Option<u32> {
    let number = version.split_once("(PostgreSQL) ")?.1;
    number.split(|letter: char| !letter.is_ascii_digit()).next()?.parse().ok()
}

/// Returns the directories of the system that might have the programs.
fn system_directories() -> Vec<PathBuf> {
    let versions = SYSTEM_DIRECTORIES.iter().flat_map(|(above, below)| {
        let entries = fs::read_dir(above).into_iter().flatten().flatten();
        entries.map(move |entry| entry.path().join(below))
    });
    #[expect(clippy::disallowed_methods, reason = "PATH is a system variable, not a setting")]
    let path = std::env::var_os("PATH").unwrap_or_default();
    // Resolve links, as in /usr/local/bin: the programs find their files relative to their real path.
    let real = std::env::split_paths(&path).filter_map(|directory| {
        let initdb = fs::canonicalize(directory.join("initdb")).ok()?;
        initdb.parent().map(Path::to_path_buf)
    });
    versions.chain(real).collect()
}

/// Returns the directory of the programs in `.tools` of the checkout that this program was built in.
fn in_checkout() -> Option<PathBuf> {
    let program = std::env::current_exe().ok()?;
    let target = program.ancestors().find(|ancestor| ancestor.file_name().is_some_and(|name| name == "target"))?;
    let directory = target.parent()?.join(CHECKOUT_DIRECTORY);
    // Trust only programs of users who could also change this program.
    let trusted = [0, fs::metadata(&program).ok()?.uid(), rustix::process::geteuid().as_raw()];
    let owner = fs::metadata(directory.join("postgres")).ok()?.uid();
    trusted.contains(&owner).then_some(directory)
}

#[cfg(test)]
mod tests {
    use super::{Binaries, major};
    use crate::private_postgres::owner::Owner;
    use std::path::PathBuf;

    fn binaries(major: u32) -> Binaries {
        Binaries { directory: PathBuf::from(format!("/pg/{major}")), major, in_checkout: false }
    }

    #[test]
    fn versions_are_parsed() {
        assert_eq!(major("postgres (PostgreSQL) 15.18 (Debian 15.18-0+deb12u1)\n"), Some(15));
        assert_eq!(major("postgres (PostgreSQL) 18beta1\n"), Some(18));
        assert_eq!(major("something else"), None);
    }

    #[test]
    fn the_version_of_the_data_takes_precedence_over_the_newest() {
        let candidates = || vec![binaries(15), binaries(17), binaries(16)];
        assert_eq!(Binaries::choose(candidates(), None).unwrap().major, 17);
        assert_eq!(Binaries::choose(candidates(), Some(15)).unwrap().major, 15);
        let error = Binaries::choose(candidates(), Some(14)).unwrap_err().to_string();
        assert!(
            error.contains("PostgreSQL 14") && error.contains("15, 17, 16") && error.contains("pg_upgrade"),
            "{error}"
        );
    }

    #[test]
    fn programs_of_the_system_take_precedence_over_the_checkouts() {
        let ours = || Binaries { in_checkout: true, ..binaries(18) };
        assert_eq!(Binaries::choose(vec![binaries(15), ours()], None).unwrap().major, 15);
        assert_eq!(Binaries::choose(vec![ours()], None).unwrap().major, 18);
        assert_eq!(
            Binaries::choose(vec![binaries(15), ours()], Some(18)).unwrap().major,
            18,
            "the version of the data takes precedence"
        );
    }

    #[test]
    fn errors_about_missing_programs_explain_the_installation() {
        let (empty, owner) = (tempfile::tempdir().unwrap(), Owner::detect().unwrap());
        for error in [Binaries::choose(Vec::new(), Some(15)), Binaries::find(Some(empty.path()), &owner, None)] {
            let error = error.unwrap_err();
            let error = error.to_string();
            assert!(error.contains("apt-get install postgresql") && error.contains("GROUNDPLAN_PG_BIN"), "{error}");
        }
    }
}
