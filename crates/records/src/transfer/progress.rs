//! The stored progress of an import, so that callers can send it again without loading rows twice.

use super::PROGRESS_HOURS;
use super::header::Header;
use super::part_error::PartError;
use super::report::Report;
use groundplan_error::{Error, Reason};
use groundplan_identity::Principal;
use prost::Message as _;
use tokio_postgres::Client;

/// The progress of an import.
#[derive(Clone, Debug, Default)]
pub(crate) struct Progress {
    /// The number of finished rows, and their digest.
    pub(crate) rows: i64,
    pub(crate) digest: Vec<u8>,
    /// The report on these rows.
    pub(crate) report: Report,
    pub(crate) is_complete: bool,
}

const FORGET: &str = "DELETE FROM imports WHERE changed_at < now() - make_interval(hours => $1)";

const BEGIN: &str =
    "INSERT INTO imports (tenant, principal, id, settings) VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING";

const FIND: &str =
    "SELECT settings, rows, digest, report, is_complete FROM imports WHERE tenant = $1 AND principal = $2 AND id = $3";

/// Compares the previous progress, so that of two calls with the same import only one loads each part.
const MOVE: &str = "UPDATE imports SET rows = $5, digest = $6, report = $7, is_complete = $8, changed_at = now() \
    WHERE tenant = $1 AND principal = $2 AND id = $3 AND rows = $4 AND NOT is_complete";

impl Progress {
    /// Registers an import, or returns the progress of an earlier call.
    ///
    /// # Errors
    /// A violation of `import_id` if the earlier call had another header.
    pub(crate) async fn begin(client: &Client, caller: &Principal, header: &Header) -> Result<Self, Error> {
        if header.import_id.is_empty() {
            return Ok(Self::default());
        }
        let query = async {
            let hours = i32::try_from(PROGRESS_HOURS).unwrap_or(i32::MAX);
            client.execute(FORGET, &[&hours]).await?;
            let (tenant, name, id) = (&caller.tenant, &caller.name, &header.import_id);
            client.execute(BEGIN, &[tenant, name, id, &header.digest]).await?;
            client.query_one(FIND, &[tenant, name, id]).await
        };
        let row = query.await.map_err(|failure| PartError::from(failure).into_error())?;
        if row.get::<_, Vec<u8>>(0) != header.digest {
            return Err(other_import("the header was different"));
        }
        let report = Report::decode(row.get::<_, &[u8]>(3)).map_err(Error::internal)?;
        Ok(Self { rows: row.get(1), digest: row.get(2), report, is_complete: row.get(4) })
    }

    /// Saves the progress in the transaction of the loaded rows.
    ///
    /// # Errors
    /// `RECORD_BUSY` if another call saved progress since `before`.
    pub(crate) async fn save(
        &self,
        client: &Client,
        caller: &Principal,
        header: &Header,
        before: i64,
    ) -> Result<(), PartError> {
        if header.import_id.is_empty() {
            return Ok(());
        }
        let (tenant, name, id) = (&caller.tenant, &caller.name, &header.import_id);
        let report = self.report.encode_to_vec();
        let moved = client
            .execute(MOVE, &[tenant, name, id, &before, &self.rows, &self.digest, &report, &self.is_complete])
            .await?;
        if moved == 1 {
            return Ok(());
        }
        let message =
            "another call uses this import_id; wait for its response, or send the import again after it has finished";
        Err(PartError::Failed(Error::new(Reason::RecordBusy, message)))
    }
}

/// Returns the error of another import with the same id.
pub(crate) fn other_import(difference: &str) -> Error {
    let message = format!("stands for another import: {difference} when it was first sent; choose another id");
    Error::field("header.import_id", "import_id", message)
}
