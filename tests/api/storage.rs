//! Buckets and files: uploads in one and in parts, contents, attachments, images, the sweep.

use crate::sending::{ready, until};
use crate::world::World;
use bytes::Bytes;
use herald::client::body_from;
use http::{Method, Request, Response};
use http_body_util::BodyExt;
use serde_json::{Value, json};
use std::fmt::Write as _;
use tower::ServiceExt;

const BUCKETS: &str = "/v1/storage/buckets";
const PNG: &[u8] = b"\x89PNG\r\n\x1a\nnot much of an image";
const MIB: usize = 1 << 20;

/// A form as the SDKs send it.
fn form(fields: &[(&str, &str)], name: &str, content: &[u8]) -> Vec<u8> {
    let mut text = String::new();
    for (field, value) in fields {
        write!(text, "--cut\r\ncontent-disposition: form-data; name=\"{field}\"\r\n\r\n{value}\r\n").unwrap();
    }
    write!(
        text,
        "--cut\r\ncontent-disposition: form-data; name=\"file\"; filename=\"{name}\"\r\ncontent-type: application/octet-stream\r\n\r\n"
    )
    .unwrap();
    let mut bytes = text.into_bytes();
    bytes.extend_from_slice(content);
    bytes.extend_from_slice(b"\r\n--cut--\r\n");
    bytes
}

async fn send(world: &World, bucket: &str, headers: &[(&str, &str)], body: Vec<u8>) -> (u16, Value) {
    let mut request = Request::post(format!("{BUCKETS}/{bucket}/files"))
        .header("content-type", "multipart/form-data; boundary=cut");
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let response = world.api.in_process().oneshot(request.body(body_from(body)).unwrap()).await.unwrap();
    let status = response.status().as_u16();
    let body = response.into_body().collect().await.unwrap().to_bytes();
    (status, serde_json::from_slice(&body).unwrap())
}

async fn upload(world: &World, id: &str, name: &str, content: &[u8]) -> Value {
    let (status, file) = send(world, "docs", &[], form(&[("fileId", id)], name, content)).await;
    assert_eq!(status, 201, "{file}");
    file
}

/// A world with a bucket.
async fn stocked() -> World {
    let world = World::new().await;
    let (status, bucket) = world.post(BUCKETS, json!({"bucketId": "docs", "name": "Documents"})).await;
    assert_eq!(status, 201, "{bucket}");
    world
}

async fn bytes(response: Response<axum::body::Body>) -> Bytes {
    response.into_body().collect().await.unwrap().to_bytes()
}

fn contents(world: &World) -> usize {
    let entries = std::fs::read_dir(world.files.path()).unwrap();
    entries.filter(|entry| entry.as_ref().unwrap().file_type().unwrap().is_file()).count()
}

#[tokio::test]
async fn buckets() {
    let world = stocked().await;
    let (_, bucket) = world.get(&format!("{BUCKETS}/docs")).await;
    assert_eq!(
        (&bucket["enabled"], &bucket["maximumFileSize"], &bucket["compression"], &bucket["encryption"]),
        (&json!(true), &json!(30 * MIB), &json!("none"), &json!(false))
    );
    for (body, status, kind) in [
        (json!({"bucketId": "docs", "name": "x"}), 409, "storage_bucket_already_exists"),
        (json!({"bucketId": "b"}), 400, "general_argument_invalid"),
        (json!({"bucketId": "_b", "name": "x"}), 400, "general_argument_invalid"),
        (json!({"bucketId": "b", "name": "x", "maximumFileSize": 0}), 400, "general_argument_invalid"),
        (json!({"bucketId": "b", "name": "x", "compression": "rar"}), 400, "general_argument_invalid"),
        (
            json!({"bucketId": "b", "name": "x", "permissions": ["read(all)"]}),
            400,
            "general_argument_invalid",
        ),
        (json!({"bucketId": "b", "name": "x", "unheard": 1}), 400, "general_argument_invalid"),
    ] {
        let (got, error) = world.post(BUCKETS, body.clone()).await;
        assert_eq!((got, error["type"].as_str()), (status, Some(kind)), "{body}");
    }
    let changed = json!({
        "name": "Papers", "permissions": ["read(\"any\")"], "fileSecurity": true, "enabled": false,
        "maximumFileSize": 100, "allowedFileExtensions": ["pdf"], "compression": "gzip", "encryption": true,
        "antivirus": true, "transformations": false
    });
    let (status, bucket) = world.raw(Method::PUT, &format!("{BUCKETS}/docs"), changed.to_string()).await;
    assert_eq!((status, &bucket["name"], &bucket["enabled"]), (200, &json!("Papers"), &json!(false)));
    let (_, error) = send(&world, "docs", &[], form(&[("fileId", "f")], "a.txt", b"x")).await;
    assert_eq!(error["type"], "storage_file_type_unsupported");
    let (_, error) = send(&world, "docs", &[], form(&[("fileId", "f")], "a.pdf", &[b'x'; 101])).await;
    assert_eq!(error["type"], "storage_invalid_file_size");
    let (status, _) = send(&world, "docs", &[], form(&[("fileId", "f")], "a.PDF", &[b'x'; 100])).await;
    assert_eq!(status, 201);
    let (_, list) = world.get(&format!("{BUCKETS}?search=pap")).await;
    assert_eq!((&list["total"], &list["buckets"][0]["totalSize"]), (&json!(1), &json!(100)));

    assert_eq!(world.raw(Method::DELETE, &format!("{BUCKETS}/docs"), "{}").await.0, 204);
    assert_eq!(world.get(&format!("{BUCKETS}/docs")).await.1["type"], "storage_bucket_not_found");
    assert_eq!(world.get(&format!("{BUCKETS}/docs/files/f")).await.1["type"], "storage_bucket_not_found");
    world.post(BUCKETS, json!({"bucketId": "docs", "name": "New"})).await;
    assert_eq!(world.get(&format!("{BUCKETS}/docs/files")).await.1["total"], 0, "the new one is empty");
}

#[tokio::test]
async fn a_file_in_one() {
    let world = stocked().await;
    let file = upload(&world, "f", "Hello World.txt", b"hello").await;
    assert_eq!(
        (&file["$id"], &file["bucketId"], &file["name"], &file["mimeType"]),
        (&json!("f"), &json!("docs"), &json!("Hello World.txt"), &json!("text/plain"))
    );
    assert_eq!(file["signature"], "5d41402abc4b2a76b9719d911017c592", "its MD5");
    assert_eq!(
        (&file["sizeOriginal"], &file["chunksTotal"], &file["chunksUploaded"]),
        (&json!(5), &json!(1), &json!(1))
    );
    let path = format!("{BUCKETS}/docs/files/f");
    let response = world.call(Method::GET, &format!("{path}/download"), "").await;
    assert_eq!(response.headers()["content-type"], "text/plain");
    assert_eq!(
        response.headers()["content-disposition"],
        "attachment; filename=\"Hello World.txt\"; filename*=UTF-8''Hello%20World.txt"
    );
    assert_eq!(bytes(response).await, "hello");
    let part = Request::get(format!("{path}/view")).header("range", "bytes=1-3");
    let response = world.api.in_process().oneshot(part.body(body_from("")).unwrap()).await.unwrap();
    assert_eq!(
        (response.status().as_u16(), response.headers()["content-range"].to_str().unwrap()),
        (206, "bytes 1-3/5")
    );
    assert_eq!(bytes(response).await, "ell");
    let beyond = Request::get(format!("{path}/view")).header("range", "bytes=9-");
    let response = world.api.in_process().oneshot(beyond.body(body_from("")).unwrap()).await.unwrap();
    assert_eq!(response.status(), 416);

    let change = json!({"name": "b.txt", "permissions": ["read(\"users\")"]});
    let (status, file) = world.raw(Method::PUT, &path, change.to_string()).await;
    assert_eq!(
        (status, &file["name"], &file["$permissions"][0]),
        (200, &json!("b.txt"), &json!("read(\"users\")"))
    );
    let again = send(&world, "docs", &[], form(&[("fileId", "f")], "c.txt", b"x")).await;
    assert_eq!((again.0, again.1["type"].as_str()), (409, Some("storage_file_already_exists")));
    assert_eq!(world.raw(Method::DELETE, &path, "{}").await.0, 204);
    for gone in [path.clone(), format!("{path}/download")] {
        let (status, error) = world.get(&gone).await;
        assert_eq!((status, error["type"].as_str()), (404, Some("storage_file_not_found")));
    }
    assert_eq!(contents(&world), 0, "its content is gone, too");
    let logs = world.get("/v1/herald/audit").await.1.to_string();
    assert!(logs.contains("file.create") && logs.contains("file.delete"), "{logs}");
}

#[tokio::test]
async fn the_same_content_is_kept_once_and_as_long_as_somebody_has_it() {
    let world = stocked().await;
    upload(&world, "a", "a.txt", b"same").await;
    upload(&world, "b", "b.txt", b"same").await;
    assert_eq!(contents(&world), 1);
    world.raw(Method::DELETE, &format!("{BUCKETS}/docs/files/a"), "").await;
    assert_eq!(
        bytes(world.call(Method::GET, &format!("{BUCKETS}/docs/files/b/view"), "").await).await,
        "same"
    );
    world.raw(Method::DELETE, &format!("{BUCKETS}/docs/files/b"), "").await;
    assert_eq!(contents(&world), 0);
}

#[tokio::test]
async fn a_file_in_parts_in_any_order() {
    let world = stocked().await;
    let whole: Vec<u8> = (0..12 * MIB as u32).map(|n| (n % 251) as u8).collect();
    let parts: Vec<_> = whole.chunks(5 * MIB).collect();
    let range = |n: usize| {
        let from = n * 5 * MIB;
        format!("bytes {from}-{}/{}", from + parts[n].len() - 1, whole.len())
    };
    let first = form(&[("fileId", "unique()")], "a.bin", parts[0]);
    let (status, file) = send(&world, "docs", &[("content-range", &range(0))], first).await;
    assert_eq!((status, &file["chunksUploaded"], &file["chunksTotal"]), (201, &json!(1), &json!(3)));
    let id = file["$id"].as_str().unwrap().to_owned();
    assert_eq!(world.get(&format!("{BUCKETS}/docs/files")).await.1["total"], 0, "it is not whole");
    assert_eq!(world.get(&format!("{BUCKETS}/docs/files/{id}")).await.1["chunksUploaded"], 1);
    assert_eq!(world.get(&format!("{BUCKETS}/docs/files/{id}/view")).await.0, 404);
    let attached = json!({"messageId": "m", "subject": "s", "content": "c", "draft": true, "attachments": [format!("docs:{id}")]});
    assert_eq!(
        world.post("/v1/messaging/messages/email", attached).await.1["type"],
        "storage_file_not_found"
    );
    // The last before the second, and the first once more, as after a lost answer.
    for (n, uploaded) in [(2, 2), (0, 2), (1, 3)] {
        let body = form(&[("fileId", "unique()")], "a.bin", parts[n]);
        let (range, id) = (range(n), id.clone());
        let headers = [("content-range", range.as_str()), ("x-appwrite-id", id.as_str())];
        let (status, file) = send(&world, "docs", &headers, body).await;
        assert_eq!(
            (status, &file["$id"], &file["chunksUploaded"]),
            (201, &json!(id), &json!(uploaded)),
            "{file}"
        );
    }
    let got = bytes(world.call(Method::GET, &format!("{BUCKETS}/docs/files/{id}/download"), "").await).await;
    assert!(got == whole, "the content is what was sent");
    assert_eq!(world.get(&format!("{BUCKETS}/docs/files")).await.1["total"], 1);
}

#[tokio::test]
async fn uploads_that_are_refused_leave_nothing() {
    let world = stocked().await;
    let fine = || form(&[("fileId", "f")], "a.txt", b"hello");
    let long = "bytes 0-4/99999999999";
    for (headers, body, status, kind) in [
        (vec![], form(&[], "a.txt", b"x"), 400, "general_argument_invalid"),
        (vec![], form(&[("fileId", "../f")], "a.txt", b"x"), 400, "general_argument_invalid"),
        (vec![], form(&[("fileId", "f"), ("unheard", "x")], "a.txt", b"x"), 400, "general_argument_invalid"),
        (
            vec![],
            form(&[("fileId", "f"), ("permissions[]", "x")], "a.txt", b"x"),
            400,
            "general_argument_invalid",
        ),
        (vec![], form(&[("fileId", "f")], "a.txt", b""), 400, "storage_file_empty"),
        (
            vec![],
            b"--cut\r\ncontent-disposition: form-data; name=\"fileId\"\r\n\r\nf\r\n--cut--\r\n".to_vec(),
            400,
            "general_argument_invalid",
        ),
        (vec![], b"no form at all".to_vec(), 400, "general_argument_invalid"),
        (vec![], form(&[("fileId", "f")], "a.txt", &vec![b'x'; 31 * MIB]), 400, "storage_invalid_file_size"),
        (vec![("content-range", "bytes 0-9/10")], fine(), 400, "storage_invalid_content_range"),
        (vec![("content-range", "rows 1-2")], fine(), 400, "storage_invalid_content_range"),
        (vec![("content-range", long)], fine(), 400, "storage_invalid_file_size"),
        (
            vec![("content-range", "bytes 0-4/10"), ("x-appwrite-id", "g")],
            fine(),
            400,
            "storage_invalid_appwrite_id",
        ),
    ] {
        let (got, error) = send(&world, "docs", &headers, body).await;
        assert_eq!((got, error["type"].as_str()), (status, Some(kind)), "{headers:?} {error}");
    }
    let missing = send(&world, "nothing", &[], fine()).await;
    assert_eq!((missing.0, missing.1["type"].as_str()), (404, Some("storage_bucket_not_found")));
    assert_eq!(world.get(&format!("{BUCKETS}/docs/files")).await.1["total"], 0);
    let left = walk(world.files.path());
    assert!(left.is_empty(), "{left:?}");
}

fn walk(dir: &std::path::Path) -> Vec<std::path::PathBuf> {
    let entries = std::fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().path());
    entries.flat_map(|path| if path.is_dir() { walk(&path) } else { vec![path] }).collect()
}

#[tokio::test]
async fn files_that_messages_name_must_be_there() {
    let world = stocked().await;
    upload(&world, "text", "a.txt", b"x").await;
    upload(&world, "image", "a.png", PNG).await;
    let mail = |files: Value| json!({"messageId": "unique()", "subject": "s", "content": "c", "draft": true, "attachments": files});
    for (files, status, kind) in [
        (json!(["docs:text", "docs:text"]), 201, None),
        (json!(["docs:nothing"]), 404, Some("storage_file_not_found")),
        (json!(["nothing:text"]), 404, Some("storage_bucket_not_found")),
        (json!(["text"]), 400, Some("general_argument_invalid")),
        (json!("docs:text"), 400, Some("general_argument_invalid")),
    ] {
        let (got, answer) = world.post("/v1/messaging/messages/email", mail(files.clone())).await;
        assert_eq!((got, answer["type"].as_str()), (status, kind), "{files}");
        if status == 201 {
            assert_eq!(answer["data"]["attachments"], json!([{"bucketId": "docs", "fileId": "text"}]));
        }
    }
    let push = |image: &str| json!({"messageId": "unique()", "title": "t", "draft": true, "image": image});
    for (image, status, kind) in [
        ("docs:text", 400, Some("storage_file_type_unsupported")),
        ("docs:nothing", 404, Some("storage_bucket_not_found")),
        ("nothing:image", 404, Some("storage_bucket_not_found")),
        ("image", 400, Some("general_argument_invalid")),
        ("docs:image", 201, None),
    ] {
        let (got, answer) = world.post("/v1/messaging/messages/push", push(image)).await;
        assert_eq!((got, answer["type"].as_str()), (status, kind), "{image}");
        if status == 201 {
            let link = answer["data"]["image"]["url"].as_str().unwrap();
            let path = link.strip_prefix("https://push.example.com").unwrap();
            let response = world.call(Method::GET, path, "").await;
            assert_eq!(
                (response.status().as_u16(), response.headers()["content-type"].to_str().unwrap()),
                (200, "image/png")
            );
            assert_eq!(bytes(response).await, PNG);
            let other = path.replace("/image/", "/text/");
            assert_eq!(world.get(&other).await.0, 404, "a link opens one file");
            assert_eq!(world.get(path.split('?').next().unwrap()).await.0, 404);
            let id = answer["$id"].as_str().unwrap();
            let none =
                world.patch(&format!("/v1/messaging/messages/push/{id}"), json!({"image": ""})).await.1;
            assert_eq!(none["data"].get("image"), None);
        }
    }
}

#[tokio::test]
async fn an_attachment_travels_and_a_deleted_one_fails_the_message() {
    let (world, client, sandbox) = ready().await;
    world.post(BUCKETS, json!({"bucketId": "docs", "name": "Documents"})).await;
    upload(&world, "f", "Report ü.pdf", b"%PDF-1.7 a small report").await;
    let mail = |id: &str| json!({"messageId": id, "subject": "s", "content": "c", "targets": ["ana-t"], "attachments": ["docs:f"]});
    world.post("/v1/messaging/messages/email", mail("sent")).await;
    let sent = until(&client, "sent", |message| message.state.is_over()).await;
    assert_eq!(sent.delivered_total, 1, "{:?}", sent.delivery_errors);
    let raw = sandbox.record().last(1)[0].content.clone();
    let parsed = mail_parser::MessageParser::default().parse(&raw).unwrap();
    let part = parsed.attachment(0).unwrap();
    assert_eq!(part.contents(), b"%PDF-1.7 a small report");
    assert_eq!(mail_parser::MimeHeaders::attachment_name(part), Some("Report ü.pdf"));

    let mut later = mail("later");
    later["scheduledAt"] = json!("2999-01-01T00:00:00Z");
    assert_eq!(world.post("/v1/messaging/messages/email", later).await.0, 201);
    assert_eq!(world.raw(Method::DELETE, &format!("{BUCKETS}/docs/files/f"), "").await.0, 204);
    world.patch("/v1/messaging/messages/email/later", json!({"draft": false})).await;
    let failed = until(&client, "later", |message| message.state.is_over()).await;
    assert_eq!(failed.delivered_total, 0);
    assert!(
        failed.delivery_errors.iter().any(|cause| cause.contains("attachment Report ü.pdf has been deleted")),
        "{:?}",
        failed.delivery_errors
    );
}

#[tokio::test]
async fn the_sweep_takes_what_belongs_to_nobody() {
    let world = stocked().await;
    upload(&world, "f", "a.txt", b"kept").await;
    let orphan = "0".repeat(64);
    std::fs::write(world.files.path().join(&orphan), b"x").unwrap();
    world.engine.sweep_files().await.unwrap();
    assert!(!world.files.path().join(&orphan).exists());
    assert_eq!(contents(&world), 1);
    world.raw(Method::DELETE, &format!("{BUCKETS}/docs"), "").await;
    // The bucket's files go in steps, at the next writes.
    tokio::time::timeout(std::time::Duration::from_secs(10), async {
        while contents(&world) > 0 {
            world.engine.sweep_files().await.unwrap();
            world.post(BUCKETS, json!({"bucketId": "unique()", "name": "x"})).await;
        }
    })
    .await
    .unwrap();
}
