//! What the machine did besides, and what a process takes of it.

use std::io::Write as _;
use std::time::{Duration, Instant};

/// Ticks of the kernel's clock in a second.
const TICKS: f64 = 100.0;

/// Watches how busy the machine is with others while a bench runs.
pub struct Watch {
    began: Instant,
    busy: u64,
    own: u64,
    pids: Vec<u32>,
}

/// What a watch has seen.
#[derive(Debug, Clone, Copy)]
pub struct Seen {
    /// Share of all cores that others took, 0 to 1.
    pub foreign: f64,
    /// Seconds of processor time that this process and the given ones took.
    pub own: f64,
    /// Seconds of wall time.
    pub wall: f64,
}

impl Watch {
    /// Begins. `pids`: processes that belong to the bench, besides this one.
    pub fn begin(pids: &[u32]) -> Self {
        let mut pids = pids.to_vec();
        pids.push(std::process::id());
        Self { began: Instant::now(), busy: busy(), own: own(&pids), pids }
    }

    /// Ends.
    pub fn end(self) -> Seen {
        let wall = self.began.elapsed().as_secs_f64();
        let own = own(&self.pids).saturating_sub(self.own) as f64 / TICKS;
        let busy = busy().saturating_sub(self.busy) as f64 / TICKS;
        let cores = std::thread::available_parallelism().map_or(1, usize::from) as f64;
        Seen { foreign: ((busy - own) / (wall * cores)).clamp(0.0, 1.0), own, wall }
    }
}

impl Seen {
    /// Says so when others took more than a tenth of the machine.
    pub fn note(&self) -> String {
        let share = self.foreign * 100.0;
        if share > 10.0 {
            format!("BUSY: others took {share:.0} % of the machine; read ratios only")
        } else {
            format!("others took {share:.0} % of the machine")
        }
    }
}

/// Processor ticks since the start of the machine, all cores, without idling.
fn busy() -> u64 {
    let stat = std::fs::read_to_string("/proc/stat").unwrap_or_default();
    let mut fields = stat.lines().next().unwrap_or_default().split_whitespace().skip(1);
    let mut sum = 0;
    for (place, field) in fields.by_ref().take(8).enumerate() {
        // The fourth and the fifth are idle time.
        if place != 3 && place != 4 {
            sum += field.parse::<u64>().unwrap_or_default();
        }
    }
    sum
}

fn own(pids: &[u32]) -> u64 {
    pids.iter().map(|pid| ticks(*pid)).sum()
}

/// Processor ticks of a process.
fn ticks(pid: u32) -> u64 {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    // Behind the name, which may have blanks in it.
    let rest = stat.rsplit_once(") ").map_or("", |(_, rest)| rest);
    rest.split(' ').skip(11).take(2).map(|field| field.parse::<u64>().unwrap_or_default()).sum()
}

/// How long the disk takes to make 4 KiB durable at the end of a file, many times one after the
/// other: the least that any durable answer costs here and now. Sorted.
pub fn syncs(dir: &std::path::Path) -> Vec<Duration> {
    let path = dir.join("sync");
    let mut file = std::fs::File::create(&path).unwrap();
    let mut times: Vec<_> = (0..400)
        .map(|_| {
            let begun = Instant::now();
            file.write_all(&[7; 4096]).unwrap();
            file.sync_data().unwrap();
            begun.elapsed()
        })
        .collect();
    std::fs::remove_file(path).unwrap();
    times.sort();
    times
}

/// The most memory that this process has had, in MiB.
pub fn peak_mib() -> f64 {
    status("VmHWM:")
}

/// The memory that this process has now, in MiB.
pub fn resident_mib() -> f64 {
    status("VmRSS:")
}

fn status(name: &str) -> f64 {
    let text = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = text.lines().find_map(|line| line.strip_prefix(name)).unwrap_or_default();
    line.trim().trim_end_matches(" kB").trim().parse::<f64>().unwrap_or_default() / 1024.0
}
