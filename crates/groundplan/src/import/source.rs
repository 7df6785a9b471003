//! Reads the file of an import in its own thread: standard input can block permanently.

use crate::error::CliError;
use crate::transfer::{Format, ProgressMeter, STANDARD_STREAM};
use std::fs::File;
use std::io::{self, Read};
use std::path::Path;
use tokio::sync::{mpsc, oneshot};

/// The bytes of one message.
const CHUNK_BYTES: usize = 256 << 10;

/// The number of chunks that can wait to be sent.
const QUEUED_CHUNKS: usize = 4;

/// The file of an import.
pub(super) struct Source {
    reader: Box<dyn Read + Send>,
    /// The size in bytes, if it is known.
    pub(super) size: Option<u64>,
}

impl Source {
    pub(super) fn open(path: &Path) -> Result<Self, CliError> {
        if path == Path::new(STANDARD_STREAM) {
            return Ok(Self { reader: Box::new(io::stdin()), size: None });
        }
        let failed = |error: io::Error| CliError::usage(format!("{} cannot be read: {error}", path.display()));
        let file = File::open(path).map_err(failed)?;
        let metadata = file.metadata().map_err(failed)?;
        if metadata.is_dir() {
            return Err(CliError::usage(format!("{} is a folder; name a file", path.display())));
        }
        Ok(Self { size: metadata.is_file().then_some(metadata.len()), reader: Box::new(file) })
    }

    /// Returns the chunks of the file, and a receiver for a read error. After a read error the chunks do not end until the call
    /// is dropped.
    pub(super) fn chunks(
        mut self,
        meter: ProgressMeter,
        format: Format,
    ) -> (mpsc::Receiver<Vec<u8>>, oneshot::Receiver<io::Error>) {
        let (sender, chunks) = mpsc::channel(QUEUED_CHUNKS);
        let (fail, failed) = oneshot::channel();
        std::thread::spawn(move || {
            let mut rows = 0;
            loop {
                let mut chunk = vec![0; CHUNK_BYTES];
                match self.reader.read(&mut chunk) {
                    Ok(0) => return,
                    Ok(read) => {
                        chunk.truncate(read);
                        meter.add(&chunk);
                        if format != Format::Delimited {
                            rows += chunk.iter().filter(|byte| **byte == b'\n').count() as u64;
                            meter.show_rows(rows);
                        }
                        if sender.blocking_send(chunk).is_err() {
                            return;
                        }
                    }
                    Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                    Err(error) => {
                        let _ = fail.send(error);
                        // Keep the stream open until the call has ended: the server would treat its end as the end of the file.
                        while !sender.is_closed() {
                            std::thread::park_timeout(std::time::Duration::from_millis(50));
                        }
                        return;
                    }
                }
            }
        });
        (chunks, failed)
    }
}
