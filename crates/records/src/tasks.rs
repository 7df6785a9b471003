//! The background tasks of the service.

use crate::purge_lag;
use crate::state::Records;
use crate::store::request_ids;
use crate::{history, purge};
use groundplan_chassis::database::ReleaseAlways;
use opentelemetry::global::meter;
use std::time::Duration;
use tokio::task::JoinSet;

/// Adds the tasks, which stop with the service, and registers its metrics, which remain until the process exits.
pub(crate) fn spawn(records: &Records, tasks: &mut JoinSet<()>) {
    records.log().spawn(tasks, records.stop());
    purge_lag::observe(records.purge_lag());
    observe(records);
    until_stopped(records, tasks, |records| async move { records.hub().run().await });
    until_stopped(records, tasks, |records| async move { keep_request_ids(&records).await });
    until_stopped(records, tasks, |records| async move { purge::run(&records).await });
    until_stopped(records, tasks, |records| async move { history::run(&records).await });
}

/// Adds a task that is cancelled when the service stops.
fn until_stopped<F: Future<Output = ()> + Send + 'static>(
    records: &Records,
    tasks: &mut JoinSet<()>,
    run: impl FnOnce(Records) -> F,
) {
    let (stop, task) = (records.stop().clone(), run(records.clone()));
    tasks.spawn(async move {
        stop.run_until_cancelled(task).await.unwrap_or_default();
    });
}

/// Registers the metrics of the served revision and of the watchers.
fn observe(records: &Records) {
    let (meter, records) = (meter("groundplan"), records.downgrade());
    let served = records.clone();
    meter
        .i64_observable_gauge("groundplan.revision")
        .with_description("The served revision of the models; 0 if there is none")
        .with_callback(move |gauge| {
            let Some(records) = served.upgrade() else { return };
            gauge.observe(records.revision(), &[]);
        })
        .build();
    meter
        .u64_observable_gauge("groundplan.watches.open")
        .with_description("The number of watchers")
        .with_callback(move |gauge| {
            let Some(records) = records.upgrade() else { return };
            gauge.observe(records.hub().watchers() as u64, &[]);
        })
        .build();
}

/// Maintains the partitions of request ids.
async fn keep_request_ids(records: &Records) {
    let retention = records.settings().request_id_retention;
    let pause = (retention / 60).clamp(Duration::from_secs(10), Duration::from_secs(600));
    loop {
        if let Err(error) = request_ids::partitioned(retention).maintain(records.database(), &ReleaseAlways).await {
            tracing::warn!(error = error.log_text(), "cannot maintain the partitions of request ids; retrying");
        }
        tokio::select! {
            () = tokio::time::sleep(pause.mul_f64(rand::random::<f64>() / 2.0 + 0.75)) => {}
            () = records.until_period_missing() => {}
        }
    }
}
