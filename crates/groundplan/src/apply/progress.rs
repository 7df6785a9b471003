//! The progress of an apply: a bar on a terminal, lines elsewhere, JSON for programs.

use crate::output::{Closed, Output, is_terminal, print};
use groundplan_proto::schema::v1::{ApplyPhase, ApplyResponse};
use indicatif::{ProgressBar, ProgressStyle};
use serde_json::{Value, json};
use std::time::Duration;

/// Shows the progress of an apply.
pub(super) enum Progress {
    Bar(ProgressBar),
    /// The previous line; repeated lines are printed once.
    Lines(String),
    Json,
}

impl Progress {
    pub(super) fn new(output: Output) -> Self {
        match output {
            Output::Json => Self::Json,
            Output::Text if is_terminal() => {
                let bar = ProgressBar::new(1);
                if let Ok(style) = ProgressStyle::with_template("{spinner} [{bar:30}] {pos}/{len} {wide_msg}") {
                    bar.set_style(style.progress_chars("=> "));
                }
                bar.enable_steady_tick(Duration::from_millis(100));
                Self::Bar(bar)
            }
            Output::Text => Self::Lines(String::new()),
        }
    }

    pub(super) fn show(&mut self, update: &ApplyResponse) -> Result<(), Closed> {
        match self {
            Self::Json => print(json(update)),
            Self::Bar(bar) => {
                bar.set_length(u64::try_from(update.steps_total).unwrap_or(0));
                bar.set_position(u64::try_from(update.steps_done).unwrap_or(0));
                bar.set_message(description(update));
                Ok(())
            }
            Self::Lines(previous) => {
                let line = format!("[{}/{}] {}", update.steps_done, update.steps_total, description(update));
                if *previous == line {
                    return Ok(());
                }
                previous.clone_from(&line);
                print(line)
            }
        }
    }

    /// Shows that all steps are finished. `last` is the final update; an apply that changes nothing has none.
    pub(super) fn finish(&mut self, last: &ApplyResponse) -> Result<(), Closed> {
        match self {
            Self::Bar(bar) => bar.finish_and_clear(),
            Self::Lines(_) if last.changed => {
                let done = ApplyResponse {
                    steps_done: last.steps_total,
                    message: "served by every `records` process".to_owned(),
                    ..last.clone()
                };
                self.show(&done)?;
            }
            Self::Lines(_) | Self::Json => {}
        }
        Ok(())
    }
}

/// Describes the current step.
fn description(update: &ApplyResponse) -> String {
    match (update.message.as_str(), update.phase()) {
        ("", ApplyPhase::Planned) => format!("recorded revision {}", update.revision),
        ("", ApplyPhase::Storage) => "creating tables, columns and indexes".to_owned(),
        ("", _) => "waiting for every `records` process to serve it".to_owned(),
        (message, _) => message.to_owned(),
    }
}

/// Returns one update as JSON: the fields of ApplyResponse, in lowerCamelCase.
pub(super) fn json(update: &ApplyResponse) -> Value {
    json!({
        "phase": update.phase().as_str_name().trim_start_matches("APPLY_PHASE_"),
        "revision": update.revision,
        "stepsDone": update.steps_done,
        "stepsTotal": update.steps_total,
        "message": update.message,
        "changed": update.changed,
    })
}

#[cfg(test)]
mod tests {
    use super::{Progress, description, json};
    use groundplan_proto::schema::v1::{ApplyPhase, ApplyResponse};

    #[test]
    fn updates_without_a_message_are_described() {
        for phase in [ApplyPhase::Planned, ApplyPhase::Storage, ApplyPhase::Publishing] {
            let update = ApplyResponse { phase: phase.into(), revision: 7, ..ApplyResponse::default() };
            assert!(!description(&update).is_empty());
        }
    }

    #[test]
    fn finished_lines_show_the_total() {
        let last = ApplyResponse {
            phase: ApplyPhase::Live.into(),
            steps_done: 3,
            steps_total: 4,
            changed: true,
            ..ApplyResponse::default()
        };
        let mut progress = Progress::Lines(String::new());
        progress.finish(&last).unwrap();
        let Progress::Lines(line) = &progress else { unreachable!("the progress remains in line mode") };
        assert_eq!(line, "[4/4] served by every `records` process");
    }

    #[test]
    fn phases_have_short_names_in_json() {
        let update = ApplyResponse { phase: ApplyPhase::Live.into(), revision: 7, ..ApplyResponse::default() };
        let json = json(&update);
        assert_eq!((json["phase"].as_str(), json["revision"].as_i64()), (Some("LIVE"), Some(7)));
        assert_eq!(json["changed"].as_bool(), Some(false));
    }
}
