//! `groundplan config`: shows the settings and where they come from.

use crate::client::{Client, data_directory};
use crate::error::CliError;
use crate::output::{Output, print, table};
use crate::serve::PeerSettings;
use clap::{ArgMatches, Command};
use groundplan_chassis::settings::{
    AdminSettings, CallerSettings, DatabaseSettings, EventSettings, MigrationSettings, QuerySettings, ServerSettings,
    SettingRow, SettingSource, TelemetrySettings, describe,
};
use serde_json::json;

/// Show every setting: its value, with secrets masked, and the source of the value
///
/// Lists the settings of all commands, with the values that `up`, `serve` and the other commands would use with the
/// same environment, flags and working directory.
#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Output")]
pub(crate) struct Args {
    /// Show only the value of this setting, such as GROUNDPLAN_DATA
    #[arg(value_name = "SETTING")]
    setting: Option<String>,
    /// Output format
    #[arg(long, value_enum, default_value_t)]
    output: Output,
    #[command(flatten)]
    client: Client,
    #[command(flatten)]
    _server: ServerSettings,
    #[command(flatten)]
    _admin: AdminSettings,
    #[command(flatten)]
    _database: DatabaseSettings,
    #[command(flatten)]
    _migrations: MigrationSettings,
    #[command(flatten)]
    _queries: QuerySettings,
    #[command(flatten)]
    _events: EventSettings,
    #[command(flatten)]
    _peers: PeerSettings,
    #[command(flatten)]
    _callers: CallerSettings,
    #[command(flatten)]
    _telemetry: TelemetrySettings,
}

pub(crate) fn run(args: &Args, command: &Command, matches: &ArgMatches) -> Result<(), CliError> {
    let mut rows = describe(command, matches);
    for row in &mut rows {
        if row.variable == "GROUNDPLAN_DATA" {
            row.value.get_or_insert_with(|| data_directory(&args.client.postgres).display().to_string());
        }
    }
    match &args.setting {
        Some(name) => print(value_of(&rows, name)?)?,
        None if args.output == Output::Json => print(json(&rows))?,
        None => text(&rows).into_iter().try_for_each(print)?,
    }
    Ok(())
}

fn value_of(rows: &[SettingRow], name: &str) -> Result<String, CliError> {
    match rows.iter().find(|row| row.variable == name) {
        Some(row) => Ok(row.value.clone().unwrap_or_default()),
        None => Err(CliError::usage(format!("there is no setting {name:?}; `groundplan config` lists them"))),
    }
}

fn text(rows: &[SettingRow]) -> Vec<String> {
    let mut cells = vec![["SETTING", "VALUE", "FROM"].map(str::to_owned)];
    cells.extend(rows.iter().map(|row| {
        let value = row.value.clone().unwrap_or_else(|| "-".to_owned());
        let from = match (row.source, &row.value) {
            (SettingSource::Default, None) => "not set".to_owned(),
            (SettingSource::Flag, _) => format!("flag {}", row.flag),
            (source, _) => source.to_string(),
        };
        [row.variable.clone(), value, from]
    }));
    table(&cells)
}

fn json(rows: &[SettingRow]) -> serde_json::Value {
    let one = |row: &SettingRow| {
        json!({
            "setting": row.variable, "flag": row.flag, "value": row.value,
            "from": row.source.to_string(), "meaning": row.help,
        })
    };
    rows.iter().map(one).collect()
}

#[cfg(test)]
mod tests {
    use super::{text, value_of};
    use crate::cli::Cli;
    use clap::CommandFactory as _;
    use groundplan_chassis::settings::{SettingRow, describe};
    use std::collections::BTreeSet;

    fn rows(arguments: &[&str]) -> Vec<SettingRow> {
        let command = Cli::command();
        let matches = command.clone().try_get_matches_from(arguments).unwrap();
        describe(&command, &matches)
    }

    #[test]
    fn every_setting_of_every_command_is_shown() {
        let listed: BTreeSet<String> = rows(&["groundplan", "config"]).into_iter().map(|row| row.variable).collect();
        for command in Cli::command().get_subcommands() {
            for variable in command.get_arguments().filter_map(|arg| arg.get_env()) {
                let variable = variable.to_string_lossy();
                assert!(listed.contains(variable.as_ref()), "{variable} of {} is missing", command.get_name());
            }
        }
    }

    #[test]
    fn secrets_are_masked_and_sources_named() {
        let rows =
            rows(&["groundplan", "config", "--api-key=hunter2", "--db-url=postgres://a:hunter2@h/d", "--port=4000"]);
        let text = text(&rows).join("\n");
        assert!(!text.contains("hunter2"), "{text}");
        assert!(text.contains("flag --port") && text.contains("default"), "{text}");
        assert_eq!(value_of(&rows, "PORT").unwrap(), "4000");
        assert!(value_of(&rows, "PROT").is_err());
    }
}
