//! What happens when the program panics while consoles are on screens.

use std::backtrace::Backtrace;
use std::cell::Cell;
use std::fmt::Write as _;
use std::io::Write as _;
use std::panic::PanicHookInfo;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, Once, PoisonError, Weak};
use std::time::Duration;

use super::output::Output;
use super::screen::Screen;

/// How long the last frame may take before the terminal is restored without it.
const LAST_FRAME: Duration = Duration::from_millis(250);

static SCREENS: Mutex<Vec<(Weak<Screen>, Output)>> = Mutex::new(Vec::new());
static REPORTS: Mutex<Option<PathBuf>> = Mutex::new(None);
static HOOK: Once = Once::new();

thread_local! {
    /// Whether a console runs on this thread, so that its panic is the console's end.
    static IS_CONSOLE: Cell<bool> = const { Cell::new(false) };
}

/// This thread runs a console from now on.
pub(crate) fn mark_console_thread() {
    IS_CONSOLE.set(true);
}

/// Restores this screen before a panic says anything, from now on.
pub(super) fn guard(screen: &Arc<Screen>, output: &Output) {
    let mut screens = SCREENS.lock().unwrap_or_else(PoisonError::into_inner);
    screens.retain(|(weak, _)| weak.strong_count() > 0);
    screens.push((Arc::downgrade(screen), output.clone()));
}

/// Installs the panic hook, once per process. Reports go into files of their own
/// in this directory.
///
/// A panic on a console's thread restores its terminals, then says where the
/// report is. A panic elsewhere (a background task, which its owner will notice)
/// leaves the screens alone while there are any: it only writes the report.
pub fn install(reports: &Path) {
    *REPORTS.lock().unwrap_or_else(PoisonError::into_inner) = Some(reports.to_owned());
    HOOK.call_once(|| {
        let before = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |panic| {
            let screens: Vec<(Arc<Screen>, Output)> = match SCREENS.try_lock() {
                Ok(screens) => screens
                    .iter()
                    .filter_map(|(weak, output)| Some((weak.upgrade()?, output.clone())))
                    .filter(|(screen, _)| screen.is_entered())
                    .collect(),
                Err(_) => Vec::new(),
            };
            let ours = IS_CONSOLE.get();
            if ours {
                for (screen, output) in &screens {
                    // A frame that is still being written must not follow.
                    output.drain(LAST_FRAME);
                    output.close(true);
                    screen.leave();
                }
            }
            let report = report(panic);
            if !ours && !screens.is_empty() {
                return;
            }
            if ours {
                let mut stderr = std::io::stderr().lock();
                let _ = writeln!(
                    stderr,
                    "herald: the console stopped on an error of its own: {}",
                    message(panic)
                );
                if let Some(path) = report {
                    let _ = writeln!(stderr, "herald: a report is in {}", path.display());
                }
            } else {
                before(panic);
            }
        }));
    });
}

fn message<'a>(panic: &'a PanicHookInfo<'_>) -> &'a str {
    panic.payload_as_str().unwrap_or("no message")
}

/// Writes a report, if it can be written.
fn report(panic: &PanicHookInfo<'_>) -> Option<PathBuf> {
    let dir = REPORTS.try_lock().ok()?.clone()?;
    let mut text = format!("herald {}\n", env!("CARGO_PKG_VERSION"));
    let thread = std::thread::current();
    let _ = writeln!(text, "thread: {}", thread.name().unwrap_or("unnamed"));
    if let Some(location) = panic.location() {
        let _ = writeln!(text, "at: {location}");
    }
    let _ = writeln!(text, "message: {}\n\n{}", message(panic), Backtrace::force_capture());
    let now =
        std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).map_or(0, |time| time.as_millis());
    let path = dir.join(format!("crash-{now}-{}.txt", std::process::id()));
    std::fs::create_dir_all(&dir).ok()?;
    std::fs::write(&path, text).ok()?;
    Some(path)
}
