//! The command line and its manual.

use crate::{
    apply, config, dev_certs, doctor, export, generate, import, limits, migrate, plan, postgres, reset, serve, up,
};
use clap::CommandFactory as _;

/// Shown after the help of every command.
const EXIT_CODES: &str = "\
Exit codes:
  0  success
  1  failure; standard error has the reason
  2  invalid command line, or models with diagnostics

Every setting is a flag and an environment variable; the flag takes precedence. `groundplan config` shows the values in force.";

/// The whole command line.
#[derive(Debug, clap::Parser)]
#[command(
    name = "groundplan",
    version,
    about = "Write a .proto. Get a backend.",
    long_about = "Write a .proto. Get a backend.\n\nAnnotated protobuf messages become typed gRPC services, REST collections and PostgreSQL tables, \
                  without generated or compiled code. `groundplan up` runs the suite; `groundplan apply models/` applies models.",
    after_long_help = EXIT_CODES,
    subcommand_required = true,
    arg_required_else_help = true,
    max_term_width = 120
)]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// Returns the command line definition. Usage errors show the usage line of the manual; clap's default shows each setting whose
/// variable is set as if it were required.
pub(crate) fn command() -> clap::Command {
    let mut built = Cli::command();
    built.build();
    let commands = built.get_subcommands_mut().filter(|command| command.get_name() != "help");
    commands.fold(Cli::command(), |all, command| {
        let usage = command.render_usage().to_string();
        let usage = usage.strip_prefix("Usage: ").unwrap_or(&usage).to_owned();
        all.mut_subcommand(command.get_name(), |command| command.override_usage(usage))
    })
}

/// What it can do. Each command's `Args` say what.
#[derive(Debug, clap::Subcommand)]
pub(crate) enum Command {
    #[command(after_long_help = EXIT_CODES)]
    Up(Box<up::Args>),
    #[command(after_long_help = EXIT_CODES)]
    Serve(Box<serve::Args>),
    #[command(after_long_help = EXIT_CODES)]
    Migrate(Box<migrate::Args>),
    #[command(after_long_help = EXIT_CODES)]
    Postgres(Box<postgres::Args>),
    #[command(after_long_help = EXIT_CODES)]
    Plan(plan::Args),
    #[command(after_long_help = EXIT_CODES)]
    Apply(apply::Args),
    #[command(after_long_help = EXIT_CODES)]
    Import(import::Args),
    #[command(after_long_help = EXIT_CODES)]
    Export(export::Args),
    #[command(after_long_help = EXIT_CODES)]
    Generate(generate::Args),
    #[command(after_long_help = EXIT_CODES)]
    DevCerts(dev_certs::Args),
    #[command(after_long_help = EXIT_CODES)]
    Config(Box<config::Args>),
    #[command(after_long_help = EXIT_CODES)]
    Limits(limits::Args),
    #[command(after_long_help = EXIT_CODES)]
    Reset(reset::Args),
    #[command(after_long_help = EXIT_CODES)]
    Doctor(Box<doctor::Args>),
}

#[cfg(test)]
mod tests {
    use super::{Cli, command};
    use clap::error::ErrorKind;
    use clap::{CommandFactory as _, Parser as _};

    #[test]
    fn clap_accepts_the_definition() {
        command().debug_assert();
    }

    #[test]
    fn help_is_a_command_too() {
        let help = command().try_get_matches_from(["groundplan", "help", "plan"]).unwrap_err();
        assert_eq!(help.kind(), ErrorKind::DisplayHelp);
        assert!(help.to_string().contains("Usage: groundplan plan [OPTIONS] <MODELS>..."), "{help}");
    }

    #[test]
    fn usage_errors_show_no_setting_as_required() {
        // A variable that is set in every environment.
        let command = command().mut_subcommand("plan", |plan| plan.mut_arg("api_key", |key| key.env("PATH")));
        let error = command.try_get_matches_from(["groundplan", "plan"]).unwrap_err().to_string();
        assert!(error.contains("Usage: groundplan plan [OPTIONS] <MODELS>..."), "{error}");
        assert!(!error.contains("--api-key"), "{error}");
    }

    #[test]
    fn every_argument_and_command_has_help() {
        for command in Cli::command().get_subcommands() {
            assert!(command.get_about().is_some(), "{}", command.get_name());
            for arg in command.get_arguments().filter(|arg| !["help", "version"].contains(&arg.get_id().as_str())) {
                assert!(arg.get_help().is_some(), "{} {}", command.get_name(), arg.get_id());
            }
        }
    }

    #[test]
    fn settings_have_the_same_flag_and_default_in_every_command() {
        let mut known = std::collections::BTreeMap::new();
        for command in Cli::command().get_subcommands() {
            for arg in command.get_arguments() {
                let Some(variable) = arg.get_env() else { continue };
                let definition = (arg.get_long().map(str::to_owned), arg.get_default_values().to_vec());
                let first = known.entry(variable.to_owned()).or_insert_with(|| definition.clone());
                assert_eq!(*first, definition, "{variable:?} in {}", command.get_name());
            }
        }
        assert!(known.len() > 15);
    }

    #[test]
    fn invalid_command_lines_are_rejected() {
        for line in [
            "groundplan",
            "groundplan nonsense",
            "groundplan serve",
            "groundplan serve nonsense",
            "groundplan plan",
            "groundplan generate models",
            "groundplan apply models --output yaml",
            "groundplan import",
            "groundplan import a.v1.B",
            "groundplan import a.v1.B b.csv --on-error ignore",
            "groundplan import a.v1.B b.csv --import-id x --validate-only",
            "groundplan export",
        ] {
            assert!(Cli::try_parse_from(line.split(' ')).is_err(), "{line}");
        }
    }
}
