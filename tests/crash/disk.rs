//! A disk that is full in the middle of a send.

use super::house::{House, PATIENCE, until};
use super::sink::{self, Sink, address};
use herald::wire::message::State;
use std::fs::{self, File, OpenOptions, Permissions};
use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

const PEOPLE: usize = 3_000;

/// A small file system of its own in memory.
struct Small(PathBuf);

impl Small {
    /// `None`: we may not mount.
    fn mount(at: PathBuf, megabytes: u32) -> Option<Self> {
        fs::create_dir(&at).unwrap();
        let mounted = Command::new("mount")
            .args(["-t", "tmpfs", "-o", &format!("size={megabytes}m,mode=0700"), "herald-test"])
            .arg(&at)
            .stderr(Stdio::null())
            .status()
            .is_ok_and(|status| status.success());
        fs::set_permissions(&at, Permissions::from_mode(0o700)).unwrap();
        mounted.then_some(Self(at))
    }
}

impl Drop for Small {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("-l").arg(&self.0).status();
    }
}

/// Takes all space that is left.
fn fill(path: &Path) {
    let mut file = OpenOptions::new().create(true).append(true).open(path).unwrap();
    for size in [1 << 20, 1 << 12, 1] {
        let block = vec![0x5a; size];
        while file.write_all(&block).is_ok() {}
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_full_disk_suspends_and_free_space_resumes() {
    let house = House::new();
    let disk = house.path("small");
    let Some(small) = Small::mount(disk.clone(), 96) else {
        println!("skipped: this test mounts a small file system, which only root may");
        return;
    };
    let data = disk.join("data");
    let house = house.data_at(data.clone());
    let engine = house.serve().await;
    let client = house.client();
    let sink = Sink::start(&house).await;
    sink.mail_provider(&client, sink::narrow()).await;
    let addresses: Vec<_> = (0..PEOPLE).map(address).collect();
    sink::people(&client, "email", &addresses).await;
    sink.mail(|plan| plan.latency.fixed_ms = 20);
    sink::send_mail(&client, "news", None).await;
    sink.has(100).await;

    let ballast = disk.join("ballast");
    let mut why = None;
    for _ in 0..600 {
        fill(&ballast);
        why = client.overview().await.unwrap().suspended;
        if why.is_some() || sink.record().arrivals() as usize >= PEOPLE {
            break;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    let arrived = sink.record().arrivals() as usize;
    assert!(why.is_some(), "it does not say that the disk is full ({arrived} arrived)\n{}", engine.said());
    // What was in flight comes to its end; then nothing more is sent.
    let (mut last, mut since) = (0, std::time::Instant::now());
    let quiet = until(PATIENCE, || {
        let now = sink.record().arrivals();
        if now != last {
            (last, since) = (now, std::time::Instant::now());
        }
        since.elapsed() > Duration::from_secs(3)
    });
    assert!(quiet, "it goes on sending what it cannot record");
    assert!((last as usize) < PEOPLE, "all was sent although nothing could be recorded");
    assert!(client.health().await.is_ok(), "it still answers");

    File::create(&ballast).unwrap();
    fs::remove_file(&ballast).unwrap();
    let message = sink::is_over(&client, "news", PATIENCE).await;
    assert_eq!((message.state, message.progress.accepted as usize), (State::Sent, PEOPLE));
    let books = sink.books();
    assert_eq!(books.len(), PEOPLE);
    let twice = books.values().filter(|copies| copies.len() > 1).count();
    assert_eq!(twice, 0, "nobody has two");
    assert!(client.overview().await.unwrap().suspended.is_none());
    engine.kill();
    drop(small);
}
