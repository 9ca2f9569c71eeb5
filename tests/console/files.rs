//! Files from the console's machine into a message.

use std::time::Duration;

use http::Method;

use super::seat::{Seat, paused};
use super::service::Api;
use super::world::World;

#[test]
fn a_file_is_found_by_its_path_brought_to_the_store_and_attached() {
    let dir = tempfile::tempdir().unwrap();
    std::fs::create_dir(dir.path().join("press")).unwrap();
    std::fs::write(dir.path().join("press").join("prices.pdf"), vec![7u8; 3000]).unwrap();
    let typed = format!("{}/pr", dir.path().display());
    paused(async move {
        let api = Api::new(World::busy());
        let mut seat = Seat::at(&api, 120, 40);
        seat.shows("Needs you").await;
        seat.press("c").await;
        seat.shows("The news").await;
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
        assert_eq!(last["attachments"], serde_json::json!(["attachments:file1"]));
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
        let mut seat = Seat::at(&api, 120, 40);
        seat.shows("Needs you").await;
        seat.press("c").await;
        seat.shows("The news").await;
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
