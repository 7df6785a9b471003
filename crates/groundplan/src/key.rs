//! The API key of the root principal: where `up` stores it, and where clients on the same machine find it.

use crate::error::CliError;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use groundplan_chassis::settings::Secret;
use rand::Rng as _;
use std::fs::{self, OpenOptions};
use std::io::{ErrorKind, Write as _};
use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

/// The largest key file that is read, in bytes.
const MAX_KEY_BYTES: u64 = 4096;

/// Returns the path of the key in a data directory.
pub(crate) fn file(data: &Path) -> PathBuf {
    data.join("api-key")
}

/// Reads the stored key; none if the file does not exist.
pub(crate) fn read(data: &Path) -> Result<Option<Secret>, CliError> {
    let file = file(data);
    let invalid = |problem: &str| {
        CliError::new(format!(
            "the API key in {} {problem}; set API_KEY instead, or remove the file, and `groundplan up` creates a new one",
            file.display()
        ))
    };
    match fs::metadata(&file) {
        Ok(metadata) if !metadata.is_file() => return Err(invalid("is not a file")),
        Ok(metadata) if metadata.len() > MAX_KEY_BYTES => return Err(invalid("is too long")),
        Ok(_) => {}
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(invalid(&format!("cannot be read: {error}"))),
    }
    let text = fs::read_to_string(&file).map_err(|error| invalid(&format!("cannot be read: {error}")))?;
    let key = text.trim();
    if key.is_empty() || !key.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Err(invalid("is not an API key"));
    }
    Ok(Some(Secret::new(key)))
}

/// Returns the permissions of the key file if other users can read it.
pub(crate) fn insecure_mode(data: &Path) -> Option<u32> {
    let mode = fs::metadata(file(data)).ok()?.permissions().mode() & 0o777;
    (mode & 0o077 != 0).then_some(mode)
}

/// Generates a key without storing it.
pub(crate) fn generate() -> Secret {
    let mut random = [0; 32];
    rand::rng().fill_bytes(&mut random);
    Secret::new(format!("gp_{}", URL_SAFE_NO_PAD.encode(random)))
}

/// Stores a new key, readable by this user only. After a failure the file is either absent or complete.
pub(crate) fn store(data: &Path, key: &Secret) -> Result<(), CliError> {
    let file = file(data);
    if file.exists() {
        let message = format!("another groundplan has just stored its API key in {}; start again", file.display());
        return Err(CliError::new(message));
    }
    let failed = |error: std::io::Error| {
        CliError::new(format!(
            "the API key cannot be stored in {}: {error}; set API_KEY, or GROUNDPLAN_DATA",
            file.display()
        ))
    };
    let draft = file.with_extension(format!("draft-{}", std::process::id()));
    let stored = fs::create_dir_all(data)
        .and_then(|()| write_private(&draft, key.expose()))
        .and_then(|()| fs::rename(&draft, &file));
    if let Err(error) = stored {
        let _ = fs::remove_file(&draft);
        return Err(failed(error));
    }
    Ok(())
}

/// Writes a file that other users can never read.
fn write_private(path: &Path, text: &str) -> std::io::Result<()> {
    // Remove what an earlier process with the same id left. `create_new` follows no link: the directory might belong to another
    // user.
    match fs::remove_file(path) {
        Err(error) if error.kind() != ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
    writeln!(file, "{text}")?;
    file.sync_all()
}

#[cfg(test)]
mod tests {
    use super::{file, generate, insecure_mode, read, store};
    use std::os::unix::fs::PermissionsExt as _;

    #[test]
    fn keys_are_generated_once_and_private() {
        let data = tempfile::tempdir().unwrap();
        assert!(read(data.path()).unwrap().is_none());
        let key = generate();
        store(data.path(), &key).unwrap();
        assert_eq!(read(data.path()).unwrap().unwrap().expose(), key.expose());
        assert!(key.expose().starts_with("gp_") && key.expose().len() == 3 + 43, "{}", key.expose());
        let mode = file(data.path()).metadata().unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        assert_eq!(std::fs::read_dir(data.path()).unwrap().count(), 1, "no draft remains");
        assert_ne!(generate().expose(), key.expose());
        assert!(store(data.path(), &generate()).is_err(), "the key of another process is kept");
        assert_eq!(insecure_mode(data.path()), None);
        std::fs::set_permissions(file(data.path()), std::fs::Permissions::from_mode(0o644)).unwrap();
        assert_eq!(insecure_mode(data.path()), Some(0o644));
    }

    #[test]
    fn invalid_key_files_are_rejected() {
        let data = tempfile::tempdir().unwrap();
        for text in ["", "\n", "two words", "é", &"x".repeat(5000)] {
            std::fs::write(file(data.path()), text).unwrap();
            assert!(read(data.path()).is_err(), "{text:?}");
        }
        std::fs::remove_file(file(data.path())).unwrap();
        std::fs::create_dir(file(data.path())).unwrap();
        assert!(read(data.path()).unwrap_err().message().contains("is not a file"));
    }
}
