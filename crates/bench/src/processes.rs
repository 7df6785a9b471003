//! Reads the processor time of processes and of the whole machine from `/proc`.

use crate::output::Failure;
use serde_json::{Map, Value, json};
use std::fs::{read_dir, read_to_string};
use std::str::FromStr;

/// The length of a tick: the kernel reports processor time in units of 10 ms.
const MICROSECONDS_PER_TICK: f64 = 10_000.0;

/// A process and its children, with a name for the result.
#[derive(Clone, Debug)]
pub(crate) struct Process {
    name: String,
    pid: u32,
}

impl FromStr for Process {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (name, pid) = text.split_once('=').ok_or("expected NAME=PID")?;
        let pid = pid.parse().map_err(|error| format!("the PID: {error}"))?;
        Ok(Self { name: name.to_owned(), pid })
    }
}

/// The processor time used so far, in ticks.
pub(crate) struct Usage {
    /// The name and the time of each process; the last one is this process.
    processes: Vec<(String, u64)>,
    /// The time of all processors, without idle time. `all` includes idle time.
    busy: u64,
    all: u64,
}

impl Usage {
    pub(crate) fn now(processes: &[Process]) -> Result<Self, Failure> {
        let table = table();
        let mut each: Vec<(String, u64)> =
            processes.iter().map(|process| (process.name.clone(), with_children(&table, process.pid))).collect();
        each.push(("client".to_owned(), with_children(&table, std::process::id())));
        let stat = read_to_string("/proc/stat")?;
        let first = stat.lines().next().unwrap_or_default();
        let fields: Vec<u64> = first.split_whitespace().skip(1).filter_map(|field| field.parse().ok()).collect();
        let [user, nice, system, idle, waiting, interrupts, soft_interrupts, stolen, ..] = fields[..] else {
            return Err(Failure::new("/proc/stat does not have the processors' time in its first line"));
        };
        let busy = user + nice + system + interrupts + soft_interrupts + stolen;
        Ok(Self { processes: each, busy, all: busy + idle + waiting })
    }

    /// Returns the usage from `self` to `later`: microseconds per request for each process, and the percentage of the
    /// machine that other processes used.
    pub(crate) fn until(&self, later: &Self, requests: usize) -> Value {
        let mut each = Map::new();
        let mut known = 0;
        for ((name, before), (_, after)) in self.processes.iter().zip(&later.processes) {
            let ticks = after.saturating_sub(*before);
            known += ticks;
            let per_request = to_f64(ticks) * MICROSECONDS_PER_TICK / to_f64(requests.max(1) as u64);
            each.insert(name.clone(), json!(round(per_request)));
        }
        let others = later.busy.saturating_sub(self.busy).saturating_sub(known);
        let share = 100.0 * to_f64(others) / to_f64(later.all.saturating_sub(self.all).max(1));
        json!({ "cpu_us_per_request": each, "others_percent": round(share) })
    }
}

/// A process in `/proc`.
struct Entry {
    pid: u32,
    parent: u32,
    /// The time of the process and of its exited children.
    ticks: u64,
}

fn table() -> Vec<Entry> {
    let Ok(folders) = read_dir("/proc") else { return Vec::new() };
    folders.flatten().filter_map(|folder| entry(folder.file_name().to_str()?.parse().ok()?)).collect()
}

fn entry(pid: u32) -> Option<Entry> {
    let stat = read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // The program's name, in parentheses, can contain anything.
    let fields: Vec<&str> = stat.rsplit_once(") ")?.1.split(' ').collect();
    let number = |at: usize| fields.get(at)?.parse::<u64>().ok();
    let ticks = number(11)? + number(12)? + number(13)? + number(14)?;
    Some(Entry { pid, parent: fields.get(1)?.parse().ok()?, ticks })
}

fn with_children(table: &[Entry], pid: u32) -> u64 {
    table.iter().filter(|entry| entry.pid == pid || entry.parent == pid).map(|entry| entry.ticks).sum()
}

#[expect(clippy::cast_precision_loss, reason = "ticks and requests are far below 2^53")]
fn to_f64(number: u64) -> f64 {
    number as f64
}

/// Rounds to one decimal place.
fn round(number: f64) -> f64 {
    (number * 10.0).round() / 10.0
}

#[cfg(test)]
mod tests {
    use super::{Process, Usage, round};

    fn usage(ticks: u64, busy: u64, all: u64) -> Usage {
        Usage { processes: vec![("server".to_owned(), ticks), ("client".to_owned(), 0)], busy, all }
    }

    #[test]
    fn others_are_the_busy_rest() {
        let used = usage(100, 1_000, 10_000).until(&usage(150, 1_070, 10_200), 1_000);
        assert_eq!(used["cpu_us_per_request"]["server"], 500.0);
        assert_eq!(used["others_percent"], 10.0);
    }

    #[test]
    fn this_process_uses_time() {
        let before = Usage::now(&[]).unwrap();
        let mut sum = 0.0;
        while before.processes == Usage::now(&[]).unwrap().processes {
            sum = round(sum + 1.0);
        }
        assert!("server=1".parse::<Process>().is_ok() && "server".parse::<Process>().is_err());
    }
}
