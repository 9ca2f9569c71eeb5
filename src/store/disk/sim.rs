//! A simulated disk for tests: files and a redb backend that remember what was
//! synced and, in order, what was not; power cuts; faults.
//!
//! [`Disk`] is a directory of files in memory. Clones are the same disk. Use it
//! as [`Files`] for segments, and [`Disk::backend`] for the main file, so that
//! one cut falls on both. [`Disk::cut`] yields the disk as it may look after the
//! power failed at this moment, by a seed: of each file every 512-byte sector
//! written since its last sync may be there or not, in any of the states it went
//! through, the length may be any that it had, and of the directory's changes
//! any subset may be there.

use std::collections::{BTreeMap, HashMap};
use std::io;
use std::ops::Bound;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use redb::{BackendError, StorageBackend};

use super::{File, Files};

/// What a disk writes as a whole or not at all, in bytes.
pub const SECTOR: usize = 512;

/// A small deterministic source of numbers (`SplitMix64`), so that a seed names a run for good.
#[derive(Debug, Clone)]
pub struct Seeded(u64);

impl Seeded {
    /// The sequence that belongs to `seed`.
    pub fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// The next 64 bits.
    pub fn next_u64(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    /// A number below `bound`; 0 where `bound` is 0.
    pub fn below(&mut self, bound: u64) -> u64 {
        ((u128::from(self.next_u64()) * u128::from(bound)) >> 64) as u64
    }

    /// True `percent` times in a hundred.
    pub fn chance(&mut self, percent: u64) -> bool {
        self.below(100) < percent
    }
}

/// What a fault strikes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Strikes {
    /// A write or a change of length.
    Write,
    /// A sync of a file or of the directory.
    Sync,
    /// Either.
    Any,
}

/// An injected failure.
#[derive(Debug, Clone, Copy)]
pub struct Fault {
    /// Which operations it counts and strikes.
    pub strikes: Strikes,
    /// How many of them succeed first.
    pub after: u64,
    /// How many fail then; `u64::MAX` is for ever.
    pub times: u64,
    /// What the caller is told, such as [`io::ErrorKind::StorageFull`].
    pub error: io::ErrorKind,
}

/// A simulated disk; see the module.
#[derive(Debug, Clone, Default)]
pub struct Disk(Arc<Mutex<State>>);

#[derive(Debug, Default)]
struct State {
    inodes: HashMap<u64, Inode>,
    next_inode: u64,
    /// The directory as the process sees it, and as a cut that loses all would leave it.
    names: BTreeMap<String, u64>,
    synced_names: BTreeMap<String, u64>,
    unsynced_names: Vec<Rename>,
    locked: Vec<u64>,
    operations: u64,
    powered_until: Option<u64>,
    faults: Vec<Fault>,
    capacity: Option<u64>,
    images: BTreeMap<u64, Vec<u64>>,
    taken: Vec<Image>,
    mark: u64,
}

/// A disk after a planned cut, and where the workload was.
#[derive(Debug)]
pub struct Image {
    /// The seed of the cut.
    pub seed: u64,
    /// What [`Disk::mark`] said last before the cut.
    pub mark: u64,
    /// The disk as found afterwards.
    pub disk: Disk,
}

#[derive(Debug, Clone, Default)]
struct Inode {
    live: Vec<u8>,
    synced: Vec<u8>,
    unsynced: Vec<Change>,
}

/// One sector as it was after a write, or a new length.
#[derive(Debug, Clone)]
enum Change {
    Sectors { first: usize, bytes: Vec<u8> },
    Length(usize),
}

#[derive(Debug, Clone)]
enum Rename {
    Link { name: String, inode: u64 },
    Move { from: String, to: String },
    Unlink { name: String },
}

impl Disk {
    /// An empty disk.
    pub fn new() -> Self {
        Self::default()
    }

    /// The file `name` as a backend of redb; created, and its name synced, where it is missing.
    pub fn backend(&self, name: &str) -> Backend {
        let mut state = self.state();
        let inode = if let Some(inode) = state.names.get(name) {
            *inode
        } else {
            let inode = state.new_inode();
            state.names.insert(name.to_owned(), inode);
            state.synced_names.insert(name.to_owned(), inode);
            inode
        };
        Backend { disk: self.clone(), inode }
    }

    /// The disk as it may be found after the power failed now. The cut is the
    /// same for the same history and `seed`; this disk goes on unharmed.
    #[must_use]
    pub fn cut(&self, seed: u64) -> Disk {
        self.state().cut(seed)
    }

    /// Has [`Disk::cut`] taken with `seed` in the middle of the work, just
    /// before operation number `operation` from now takes effect.
    pub fn plan_cut(&self, operation: u64, seed: u64) {
        let mut state = self.state();
        let at = state.operations + operation;
        state.images.entry(at).or_default().push(seed);
    }

    /// The planned cuts that have been taken since the last call.
    pub fn take_images(&self) -> Vec<Image> {
        std::mem::take(&mut self.state().taken)
    }

    /// Notes how far the workload is, for the images of planned cuts; for
    /// instance how much has been acknowledged.
    pub fn mark(&self, mark: u64) {
        self.state().mark = mark;
    }

    /// Writes, syncs and changes of the directory so far.
    pub fn operations(&self) -> u64 {
        self.state().operations
    }

    /// Lets `operations` more succeed; after those every operation fails, also reading.
    pub fn power_off_after(&self, operations: u64) {
        let mut state = self.state();
        state.powered_until = Some(state.operations + operations);
    }

    /// Adds a fault to those that are set.
    pub fn inject(&self, fault: Fault) {
        self.state().faults.push(fault);
    }

    /// Removes every fault and limit.
    pub fn heal(&self) {
        let mut state = self.state();
        state.faults.clear();
        state.powered_until = None;
        state.capacity = None;
    }

    /// Refuses, as a full disk does, what would make the files exceed `bytes` in all.
    pub fn limit(&self, bytes: u64) {
        self.state().capacity = Some(bytes);
    }

    /// Bytes in all files that have a name.
    pub fn used(&self) -> u64 {
        self.state().used()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // A panicking test thread must not hide its own message behind this lock.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn new_inode(&mut self) -> u64 {
        let inode = self.next_inode;
        self.next_inode += 1;
        self.inodes.insert(inode, Inode::default());
        inode
    }

    fn used(&self) -> u64 {
        self.names.values().filter_map(|inode| self.inodes.get(inode)).map(|i| i.live.len() as u64).sum()
    }

    /// Counts an operation, takes the cuts planned before it, and lets the faults strike.
    fn step(&mut self, kind: Strikes) -> io::Result<()> {
        if let Some(seeds) = self.images.remove(&self.operations) {
            for seed in seeds {
                let image = Image { seed, mark: self.mark, disk: self.cut(seed) };
                self.taken.push(image);
            }
        }
        self.operations += 1;
        if self.powered_until.is_some_and(|until| self.operations > until) {
            return Err(io::Error::other("the simulated disk has no power"));
        }
        for fault in &mut self.faults {
            if fault.strikes != Strikes::Any && fault.strikes != kind {
                continue;
            }
            if fault.after > 0 {
                fault.after -= 1;
            } else if fault.times > 0 {
                fault.times = if fault.times == u64::MAX { u64::MAX } else { fault.times - 1 };
                return Err(io::Error::new(fault.error, "a fault of the simulated disk"));
            }
        }
        Ok(())
    }

    fn powered(&self) -> io::Result<()> {
        match self.powered_until {
            Some(until) if self.operations >= until => {
                Err(io::Error::other("the simulated disk has no power"))
            }
            _ => Ok(()),
        }
    }

    fn inode(&mut self, inode: u64) -> io::Result<&mut Inode> {
        self.inodes.get_mut(&inode).ok_or_else(|| io::Error::from(io::ErrorKind::NotFound))
    }

    fn read(&mut self, inode: u64, out: &mut [u8], offset: u64) -> io::Result<()> {
        self.powered()?;
        let live = &self.inode(inode)?.live;
        let start = offset as usize;
        let bytes = live
            .get(start..start + out.len())
            .ok_or_else(|| io::Error::from(io::ErrorKind::UnexpectedEof))?;
        out.copy_from_slice(bytes);
        Ok(())
    }

    fn write(&mut self, inode: u64, data: &[u8], offset: u64) -> io::Result<()> {
        self.step(Strikes::Write)?;
        let end = offset as usize + data.len();
        let grows = end.saturating_sub(self.inode(inode)?.live.len()) as u64;
        self.room(grows)?;
        self.inode(inode)?.write(data, offset as usize);
        Ok(())
    }

    fn set_len(&mut self, inode: u64, len: u64) -> io::Result<()> {
        self.step(Strikes::Write)?;
        let grows = len.saturating_sub(self.inode(inode)?.live.len() as u64);
        self.room(grows)?;
        let file = self.inode(inode)?;
        file.live.resize(len as usize, 0);
        file.unsynced.push(Change::Length(len as usize));
        Ok(())
    }

    fn room(&self, grows: u64) -> io::Result<()> {
        match self.capacity {
            Some(capacity) if grows > 0 && self.used() + grows > capacity => {
                Err(io::Error::new(io::ErrorKind::StorageFull, "the simulated disk is full"))
            }
            _ => Ok(()),
        }
    }

    fn sync(&mut self, inode: u64) -> io::Result<()> {
        self.step(Strikes::Sync)?;
        self.inode(inode)?.sync();
        Ok(())
    }

    fn cut(&self, seed: u64) -> Disk {
        let mut seeded = Seeded::new(seed);
        let mut names = self.synced_names.clone();
        let keep = survival(&mut seeded);
        for change in &self.unsynced_names {
            if seeded.chance(keep) {
                change.apply(&mut names);
            }
        }
        let mut state = State { next_inode: self.next_inode, ..State::default() };
        for inode in names.values() {
            if let Some(file) = self.inodes.get(inode) {
                let found = file.cut(&mut seeded);
                state.inodes.insert(*inode, Inode { live: found.clone(), synced: found, unsynced: vec![] });
            }
        }
        state.synced_names.clone_from(&names);
        state.names = names;
        Disk(Arc::new(Mutex::new(state)))
    }
}

/// How likely a change survives this cut, in percent. None and all are the cuts
/// that happen most, so they are drawn often.
fn survival(seeded: &mut Seeded) -> u64 {
    [0, 10, 50, 90, 100][seeded.below(5) as usize]
}

impl Rename {
    fn apply(&self, names: &mut BTreeMap<String, u64>) {
        match self {
            Rename::Link { name, inode } => {
                names.insert(name.clone(), *inode);
            }
            Rename::Move { from, to } => {
                // Without its creation there is nothing to rename.
                if let Some(inode) = names.remove(from) {
                    names.insert(to.clone(), inode);
                }
            }
            Rename::Unlink { name } => {
                names.remove(name);
            }
        }
    }
}

impl Inode {
    fn write(&mut self, data: &[u8], offset: usize) {
        let end = offset + data.len();
        if self.live.len() < end {
            self.live.resize(end, 0);
            self.unsynced.push(Change::Length(end));
        }
        self.live[offset..end].copy_from_slice(data);
        let first = offset / SECTOR;
        let last = end.div_ceil(SECTOR) * SECTOR;
        let have = last.min(self.live.len());
        let mut bytes = Vec::with_capacity(last - first * SECTOR);
        bytes.extend_from_slice(&self.live[first * SECTOR..have]);
        bytes.resize(last - first * SECTOR, 0);
        self.unsynced.push(Change::Sectors { first, bytes });
    }

    fn sync(&mut self) {
        for change in self.unsynced.drain(..) {
            match change {
                Change::Length(len) => self.synced.resize(len, 0),
                Change::Sectors { first, bytes } => put(&mut self.synced, first, &bytes),
            }
        }
    }

    fn cut(&self, seeded: &mut Seeded) -> Vec<u8> {
        let mut found = self.synced.clone();
        if self.unsynced.is_empty() {
            return found;
        }
        let keep = survival(seeded);
        // A cut in the middle of a write-back: nothing after this change reached the disk.
        let until = if seeded.chance(30) {
            seeded.below(self.unsynced.len() as u64 + 1) as usize
        } else {
            self.unsynced.len()
        };
        for change in &self.unsynced[..until] {
            match change {
                Change::Length(len) => {
                    if seeded.chance(keep) {
                        found.resize(*len, 0);
                    }
                }
                Change::Sectors { first, bytes } => {
                    for (at, sector) in bytes.chunks(SECTOR).enumerate() {
                        if seeded.chance(keep) {
                            put(&mut found, first + at, sector);
                        }
                    }
                }
            }
        }
        found
    }
}

/// Puts whole sectors into `file`, as far as it reaches.
fn put(file: &mut [u8], first: usize, bytes: &[u8]) {
    let start = first * SECTOR;
    if start < file.len() {
        let end = file.len().min(start + bytes.len());
        file[start..end].copy_from_slice(&bytes[..end - start]);
    }
}

impl Files for Disk {
    fn create(&self, name: &str) -> io::Result<Arc<dyn File>> {
        let mut state = self.state();
        state.step(Strikes::Write)?;
        let inode = state.new_inode();
        state.names.insert(name.to_owned(), inode);
        state.unsynced_names.push(Rename::Link { name: name.to_owned(), inode });
        Ok(Arc::new(SimFile { disk: self.clone(), inode }))
    }

    fn open(&self, name: &str) -> io::Result<Arc<dyn File>> {
        let state = self.state();
        state.powered()?;
        let inode = *state.names.get(name).ok_or_else(|| io::Error::from(io::ErrorKind::NotFound))?;
        Ok(Arc::new(SimFile { disk: self.clone(), inode }))
    }

    fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        self.change_names(Rename::Move { from: from.to_owned(), to: to.to_owned() }, from)
    }

    fn unlink(&self, name: &str) -> io::Result<()> {
        self.change_names(Rename::Unlink { name: name.to_owned() }, name)
    }

    fn list(&self) -> io::Result<Vec<String>> {
        let state = self.state();
        state.powered()?;
        Ok(state.names.keys().cloned().collect())
    }

    fn sync_dir(&self) -> io::Result<()> {
        let mut state = self.state();
        state.step(Strikes::Sync)?;
        state.unsynced_names.clear();
        state.synced_names = state.names.clone();
        Ok(())
    }
}

impl Disk {
    fn change_names(&self, change: Rename, needs: &str) -> io::Result<()> {
        let mut state = self.state();
        state.step(Strikes::Write)?;
        if !state.names.contains_key(needs) {
            return Err(io::ErrorKind::NotFound.into());
        }
        change.apply(&mut state.names);
        state.unsynced_names.push(change);
        Ok(())
    }
}

#[derive(Debug)]
struct SimFile {
    disk: Disk,
    inode: u64,
}

impl File for SimFile {
    fn read_at(&self, out: &mut [u8], offset: u64) -> io::Result<()> {
        self.disk.state().read(self.inode, out, offset)
    }

    fn write_at(&self, data: &[u8], offset: u64) -> io::Result<()> {
        self.disk.state().write(self.inode, data, offset)
    }

    fn sync(&self) -> io::Result<()> {
        self.disk.state().sync(self.inode)
    }

    fn len(&self) -> io::Result<u64> {
        Ok(self.disk.state().inode(self.inode)?.live.len() as u64)
    }
}

/// A file of a [`Disk`] under a redb database.
#[derive(Debug)]
pub struct Backend {
    disk: Disk,
    inode: u64,
}

impl StorageBackend for Backend {
    fn len(&self) -> io::Result<u64> {
        let mut state = self.disk.state();
        state.powered()?;
        Ok(state.inode(self.inode)?.live.len() as u64)
    }

    fn read(&self, offset: u64, out: &mut [u8]) -> io::Result<()> {
        self.disk.state().read(self.inode, out, offset)
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        self.disk.state().set_len(self.inode, len)
    }

    fn sync_data(&self) -> io::Result<()> {
        self.disk.state().sync(self.inode)
    }

    fn write(&self, offset: u64, data: &[u8]) -> io::Result<()> {
        self.disk.state().write(self.inode, data, offset)
    }

    fn close(&self) -> io::Result<()> {
        self.disk.state().locked.retain(|inode| *inode != self.inode);
        Ok(())
    }

    // Only the whole file can be locked, which is all that redb asks of a file.
    fn try_lock_range(&self, start: Bound<u64>, end: Bound<u64>) -> Result<bool, BackendError> {
        if !matches!(start, Bound::Unbounded | Bound::Included(0)) || end != Bound::Unbounded {
            return Err(BackendError::Unsupported);
        }
        let mut state = self.disk.state();
        if state.locked.contains(&self.inode) {
            return Ok(false);
        }
        state.locked.push(self.inode);
        Ok(true)
    }

    fn unlock_range(&self, _start: Bound<u64>, _end: Bound<u64>) -> Result<(), BackendError> {
        self.disk.state().locked.retain(|inode| *inode != self.inode);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bytes_of(disk: &Disk, name: &str) -> Vec<u8> {
        let file = disk.open(name).unwrap();
        let mut out = vec![0; file.len().unwrap() as usize];
        file.read_at(&mut out, 0).unwrap();
        out
    }

    #[test]
    fn what_was_synced_survives_every_cut_and_the_rest_only_some() {
        let disk = Disk::new();
        let file = disk.create("a").unwrap();
        file.write_at(&[1; 1024], 0).unwrap();
        file.sync().unwrap();
        disk.sync_dir().unwrap();
        file.write_at(&[2; 1024], 512).unwrap();
        let (mut lengths, mut torn) = (Vec::new(), false);
        for seed in 0..200 {
            let found = bytes_of(&disk.cut(seed), "a");
            assert!(found[..512].iter().all(|b| *b == 1), "a sector that nobody wrote changed");
            for sector in found[512..].chunks(SECTOR) {
                assert!(sector.iter().all(|b| *b == sector[0]), "a sector is atomic");
            }
            torn |= found.len() > 1024 && found[600] != found[1100];
            lengths.push(found.len());
        }
        assert!(lengths.contains(&1024) && lengths.contains(&1536) && torn);
    }

    #[test]
    fn a_name_needs_the_directory_synced() {
        let disk = Disk::new();
        let file = disk.create("a.tmp").unwrap();
        file.write_at(b"x", 0).unwrap();
        file.sync().unwrap();
        disk.rename("a.tmp", "a").unwrap();
        let found: Vec<_> = (0..100).map(|seed| disk.cut(seed).list().unwrap()).collect();
        for names in [vec![], vec!["a.tmp".to_owned()], vec!["a".to_owned()]] {
            assert!(found.contains(&names), "{names:?} never happened");
        }
        disk.sync_dir().unwrap();
        assert!((0..100).all(|seed| bytes_of(&disk.cut(seed), "a") == b"x"));
    }

    #[test]
    fn faults_strike_where_they_are_set_and_heal() {
        let disk = Disk::new();
        let file = disk.create("a").unwrap();
        let error = io::ErrorKind::StorageFull;
        disk.inject(Fault { strikes: Strikes::Write, after: 1, times: 1, error });
        file.write_at(b"x", 0).unwrap();
        assert_eq!(file.write_at(b"x", 1).unwrap_err().kind(), error);
        file.write_at(b"x", 1).unwrap();
        disk.limit(2);
        assert_eq!(file.write_at(b"x", 2).unwrap_err().kind(), error);
        disk.power_off_after(1);
        file.sync().unwrap();
        assert!(file.sync().is_err());
        assert!(file.read_at(&mut [0], 0).is_err());
        disk.heal();
        file.write_at(b"x", 2).unwrap();
    }

    #[test]
    fn planned_cuts_are_taken_in_the_middle() {
        let disk = Disk::new();
        let file = disk.create("a").unwrap();
        disk.sync_dir().unwrap();
        disk.plan_cut(1, 7);
        disk.mark(3);
        file.write_at(b"x", 0).unwrap();
        disk.mark(4);
        file.sync().unwrap();
        file.write_at(b"y", 1).unwrap();
        let images = disk.take_images();
        assert_eq!((images.len(), images[0].seed, images[0].mark), (1, 7, 4));
        assert!(bytes_of(&images[0].disk, "a").len() <= 1);
        assert_eq!(bytes_of(&disk.cut(0), "a")[0], b'x');
    }
}
