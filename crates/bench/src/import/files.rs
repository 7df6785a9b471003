//! Files with the same rows, one file per format.

use crate::output::Failure;
use crate::stubs::Entity;
use groundplan_proto::records::v1::Format;
use prost::Message as _;
use prost_types::Timestamp;
use rand::RngExt as _;
use std::fs::{self, File};
use std::io::{BufWriter, Write as _};
use std::path::{Path, PathBuf};
use uuid::Uuid;

/// The files; dropping this removes them.
pub(super) struct Files {
    /// The file for `psql \copy`, which includes the server's columns.
    pub(super) copy: PathBuf,
    ndjson: PathBuf,
    csv: PathBuf,
    delimited: PathBuf,
    folder: PathBuf,
}

impl Files {
    pub(super) fn write(folder: &Path, rows: u64) -> Result<Self, Failure> {
        let folder = folder.join(format!("groundplan-bench-{}", Uuid::now_v7()));
        fs::create_dir(&folder)?;
        let at = |name: &str| folder.join(name);
        let files = Self {
            copy: at("copy.csv"),
            ndjson: at("rows.ndjson"),
            csv: at("rows.csv"),
            delimited: at("rows.binpb"),
            folder,
        };
        let open = |path: &Path| File::create(path).map(BufWriter::new);
        let (mut copy, mut ndjson) = (open(&files.copy)?, open(&files.ndjson)?);
        let (mut csv, mut delimited) = (open(&files.csv)?, open(&files.delimited)?);
        writeln!(csv, "id,field1,field2,created_at,updated_at\r")?;
        let mut random = rand::rng();
        for at in 0..rows {
            let (id, name) = (Uuid::now_v7().to_string(), format!("entity {}", random.random_range(0..rows)));
            let number: f64 = random.random();
            // One row per millisecond, from the start of 2025.
            let seconds = 1_735_689_600 + i64::try_from(at / 1_000)?;
            let milliseconds = i32::try_from(at % 1_000)?;
            let time = time(seconds, milliseconds);
            writeln!(copy, "default,{},{id},{name},{number},{time},{time}", seconds * 1_000_000)?;
            writeln!(csv, "{id},{name},{number},{time},{time}\r")?;
            writeln!(
                ndjson,
                r#"{{"id":"{id}","field1":"{name}","field2":{number},"createdAt":"{time}","updatedAt":"{time}"}}"#
            )?;
            let time = Some(Timestamp { seconds, nanos: milliseconds * 1_000_000 });
            let entity = Entity { id, field1: name, field2: number, created_at: time, updated_at: time };
            delimited.write_all(&entity.encode_length_delimited_to_vec())?;
        }
        for file in [&mut copy, &mut ndjson, &mut csv, &mut delimited] {
            file.flush()?;
        }
        Ok(files)
    }

    /// Returns the files to import, with their formats.
    pub(super) fn formats(&self) -> [(Format, &Path); 3] {
        [(Format::Ndjson, &self.ndjson), (Format::Csv, &self.csv), (Format::Delimited, &self.delimited)]
    }
}

impl Drop for Files {
    fn drop(&mut self) {
        // A destructor cannot return the error.
        let _ = fs::remove_dir_all(&self.folder);
    }
}

/// Formats a time, given in seconds since the Unix epoch and milliseconds, as RFC 3339 text.
fn time(seconds: i64, milliseconds: i32) -> String {
    let time = Timestamp { seconds, nanos: milliseconds * 1_000_000 };
    time.to_string()
}
