//! Files from the console's machine into a message.

use std::time::Duration;

use http::Method;

use super::seat::{Seat, paused};
use super::service::Api;
use super::world::World;

/// A console with a new message in its form.
async fn composing(api: &Api) -> Seat {
    let mut seat = Seat::at(api, 120, 40);
    seat.shows("Needs you").await;
    seat.press("c").await;
    seat.shows("The news").await;
    seat
}

#[test]
fn a_file_is_found_by_its_path_brought_to_the_store_and_attached() {
    let dir = tempfile::tempdir().unwrap();
    std::fs::create_dir(dir.path().join("press")).unwrap();
    std::fs::write(dir.path().join("press").join("prices.pdf"), vec![7u8; 3000]).unwrap();
    let typed = format!("{}/pr", dir.path().display());
    paused(async move {
        let api = Api::new(World::busy());
        let mut seat = composing(&api).await;
        seat.press("enter tab").await;
        seat.type_text("Prices").await;
        seat.press("alt-a").await;
        seat.shows("A path on this machine").await;
        seat.type_text(&typed).await;
        seat.shows("press/").await;
        seat.press("enter").await;
        seat.shows("prices.pdf").await;
        seat.press("enter").await;
        seat.shows("2.9 KiB of 25.0 MiB").await;
        seat.press("tab").await;
        seat.type_text("As of today").await;
        seat.shows("draft saved").await;
        // The bucket is made when it is first needed; the file is sent as it is.
        assert_eq!(api.count(&Method::POST, "/v1/storage/buckets"), 3);
        let saved = api.bodies(&Method::POST, "/v1/messaging/messages/email");
        let changed = api.bodies(&Method::PATCH, "/v1/messaging/messages/email");
        let last = changed.last().or(saved.last()).unwrap();
        let named = last["attachments"][0].as_str().unwrap().to_owned();
        assert!(named.starts_with("attachments:brought-"), "{named}");
        seat.press("alt-r").await;
        seat.shows("Send “Prices”").await;
    });
}

#[test]
fn a_file_that_is_too_large_is_said_before_anything_is_sent() {
    let dir = tempfile::tempdir().unwrap();
    let file = std::fs::File::create(dir.path().join("film.mp4")).unwrap();
    // Sparse: it takes no room on the disk.
    file.set_len(26 << 20).unwrap();
    let typed = format!("{}/fi", dir.path().display());
    paused(async move {
        let api = Api::new(World::busy());
        let mut seat = composing(&api).await;
        seat.press("alt-a").await;
        // What the limit is has been asked by now.
        seat.frame(Duration::from_secs(1)).await;
        seat.type_text(&typed).await;
        seat.shows("film.mp4").await;
        seat.press("enter").await;
        seat.shows("film.mp4 ▲").await;
        seat.shows("larger than all attachments of a mail may be").await;
        assert_eq!(api.count(&Method::POST, "/v1/storage"), 0);
    });
}

#[test]
fn a_file_that_is_taken_off_goes_from_the_store_once_the_draft_is_saved_without_it() {
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("prices.pdf"), vec![7u8; 3000]).unwrap();
    let typed = format!("{}/pr", dir.path().display());
    paused(async move {
        let api = Api::new(World::busy());
        let mut seat = composing(&api).await;
        seat.press("enter tab").await;
        seat.type_text("Prices").await;
        seat.press("tab").await;
        seat.type_text("As of today").await;
        seat.press("alt-a").await;
        seat.type_text(&typed).await;
        seat.shows("prices.pdf").await;
        seat.press("enter").await;
        seat.shows("2.9 KiB of 25.0 MiB").await;
        while seat.frame(Duration::from_secs(3)).await {}
        seat.press("backspace").await;
        while seat.frame(Duration::from_secs(3)).await {}
        let saved = api.bodies(&Method::PATCH, "/v1/messaging/messages/email");
        assert_eq!(saved.last().unwrap()["attachments"], serde_json::json!([]));
        assert_eq!(api.count(&Method::POST, "/v1/herald/storage/attachments/brought-"), 1);
        // What others put into the bucket is never taken from it.
        assert_eq!(api.count(&Method::POST, "/v1/herald/storage/"), 1);
        assert_eq!(api.count(&Method::DELETE, "/v1/storage"), 0);
    });
}

#[test]
fn the_file_of_an_import_is_found_as_the_files_of_a_message_are() {
    let dir = tempfile::tempdir().unwrap();
    std::fs::create_dir(dir.path().join("press")).unwrap();
    std::fs::write(dir.path().join("press").join("people.csv"), "email\nana@example.com\n").unwrap();
    std::fs::write(dir.path().join("press").join(".people.swp"), "x").unwrap();
    std::fs::write(dir.path().join("prices.pdf"), "x").unwrap();
    let nowhere = format!("{}/nowhere/x", dir.path().display());
    let typed = format!("{}/pr", dir.path().display());
    paused(async move {
        let api = Api::new(World::busy());
        let mut seat = Seat::at(&api, 120, 40);
        seat.press("2").await;
        seat.shows("The customers").await;
        seat.press("i").await;
        seat.shows("down shows this folder").await;
        seat.type_text(&nowhere).await;
        seat.shows("No such file").await;
        // It is not taken, and nothing is read.
        seat.press("enter ctrl-u").await;
        seat.type_text(&typed).await;
        seat.shows("prices.pdf").await;
        assert!(seat.text().contains("press/"), "{}", seat.text());
        seat.press("enter").await;
        seat.shows("▸ people.csv").await;
        assert!(!seat.text().contains("prices.pdf") && !seat.text().contains(".people.swp"));
        // What is shown goes first, what is typed stays.
        seat.press("esc").await;
        seat.hides("▸ people.csv").await;
        seat.type_text("p").await;
        seat.shows("▸ people.csv").await;
        seat.press("enter").await;
        seat.hides("▸ people.csv").await;
        seat.shows("press/people.csv").await;
        assert_eq!(api.count(&Method::POST, "/v1/herald/imports"), 0);
        seat.press("enter enter enter").await;
        seat.shows("only looked").await;
        assert_eq!(api.count(&Method::POST, "/v1/herald/imports"), 1);
        // Leaving the report leads back to the form, and one key imports what was looked at.
        seat.press("esc").await;
        seat.shows("press/people.csv").await;
        seat.press("enter").await;
        seat.shows("import: ").await;
        assert_eq!(api.count(&Method::POST, "/v1/herald/imports"), 2);
    });
}

#[test]
fn an_import_that_is_stopped_says_what_is_in_and_what_is_left() {
    let dir = tempfile::tempdir().unwrap();
    let rows: Vec<String> = (0..20_000).map(|n| format!("reader{n}@example.com\n")).collect();
    let file = dir.path().join("people.csv");
    std::fs::write(&file, format!("email\n{}", rows.concat())).unwrap();
    paused(async move {
        let api = Api::new(World::busy());
        let mut seat = Seat::at(&api, 120, 40);
        seat.press("2").await;
        seat.shows("The customers").await;
        seat.press("i").await;
        seat.shows("Import people").await;
        seat.type_text(&file.display().to_string()).await;
        seat.press("tab tab tab").await;
        // Only look: no.
        seat.press("backspace").await;
        seat.press("enter").await;
        seat.shows("imported:").await;
        seat.press("X").await;
        seat.shows("it ended early").await;
        seat.shows("stopped by you").await;
        seat.shows("lines of it are left").await;
        let text = seat.text();
        let said = text.lines().find(|line| line.contains("stopped by you")).unwrap();
        let numbers: Vec<u64> = said
            .split(|c: char| !c.is_ascii_digit() && c != ',')
            .filter_map(|word| word.replace(',', "").parse().ok())
            .collect();
        assert_eq!(numbers.iter().take(2).sum::<u64>(), 20_001, "{said}");
        // The same again goes on: nothing stands in its way.
        seat.press("esc").await;
        seat.press("i").await;
        seat.shows("Import people").await;
        assert_eq!(api.count(&Method::POST, "/v1/herald/imports"), 1);
    });
}
