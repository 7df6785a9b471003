//! Running programs and inspecting processes.

use super::postgres_error;
use groundplan_error::Error;
use std::path::Path;
use std::process::Output;
use tokio::process::Command;

/// Runs a program and waits for it.
pub(super) async fn run(mut command: Command) -> Result<Output, Error> {
    let name = Path::new(command.as_std().get_program()).display().to_string();
    command.output().await.map_err(|cause| postgres_error(format!("cannot run {name}: {cause}")))
}

/// Returns the program of a process; none if the process does not exist, or is a zombie (permanently, if a container's init
/// process does not reap).
pub(super) async fn process_program(process: u32) -> Option<String> {
    let (state, program) = match std::fs::read_to_string(format!("/proc/{process}/stat")) {
        // `4711 (postgres) S …`
        Ok(stat) => {
            let (program, rest) = stat.split_once('(')?.1.rsplit_once(')')?;
            (rest.trim_start().to_owned(), program.to_owned())
        }
        Err(_) if Path::new("/proc/self").exists() => return None,
        Err(_) => {
            let listed =
                Command::new("ps").args(["-o", "stat=,ucomm=", "-p", &process.to_string()]).output().await.ok()?;
            let listed = String::from_utf8_lossy(&listed.stdout).into_owned();
            let (state, program) = listed.trim().split_once(' ')?;
            (state.to_owned(), program.trim().to_owned())
        }
    };
    if state.starts_with('Z') { None } else { Some(program) }
}

/// Returns the last lines of a program's output, on one line.
pub(super) fn last_lines(text: &str) -> String {
    let lines: Vec<&str> = text.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
    match lines.split_at(lines.len().saturating_sub(5)).1 {
        [] => "no error message".to_owned(),
        last => last.join(" | "),
    }
}
