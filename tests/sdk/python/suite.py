"""Every method of the SDK that Herald serves, against a running Herald: what a program calls, and the
errors that it would handle. Run by `tests/sdk/run` with the Python of one installed version."""

import json
import os
import re
import sys
import time
import traceback
import urllib.request

from appwrite.client import Client
from appwrite.exception import AppwriteException
from appwrite.id import ID
from appwrite.input_file import InputFile
from appwrite.query import Query
from appwrite.services.messaging import Messaging
from appwrite.services.storage import Storage
from appwrite.services.users import Users

ENDPOINT, KEY = os.environ["HERALD_ENDPOINT"], os.environ["HERALD_KEY"]
DATE = re.compile(r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}\+00:00$")
LATER = "2999-01-01T00:00:00.000+00:00"


def connect(key):
    return Client().set_endpoint(ENDPOINT).set_project("p1").set_key(key)


client = connect(KEY)
messaging, users, storage = Messaging(client), Users(client), Storage(client)


def plain(answer):
    """An answer as JSON has it: newer SDKs give models."""
    return answer if isinstance(answer, (dict, list, str, bytes)) else answer.to_dict()


def same(got, wanted):
    assert got == wanted, f"{got!r} is not {wanted!r}"


def refused(kind, code, call, *args, **kwargs):
    try:
        call(*args, **kwargs)
    except AppwriteException as error:
        same((error.type, error.code), (kind, code))
        return
    raise AssertionError(f"expected {kind}")


def over(message_id):
    end = time.monotonic() + 30
    while time.monotonic() < end:
        message = plain(messaging.get_message(message_id))
        if message["status"] in ("sent", "failed"):
            return message
        time.sleep(0.05)
    raise AssertionError(f"{message_id} did not end within 30 s")


def users_and_targets():
    user = plain(users.create("ana", email="Ana@Example.com", phone="+4915112345678", name="Ana"))
    same([target["providerType"] for target in user["targets"]], ["email", "sms"])
    assert DATE.match(user["$createdAt"]), user["$createdAt"]
    refused("user_already_exists", 409, users.create, "ana")
    refused("user_email_already_exists", 409, users.create, "b", email="ana@example.com")
    refused("user_phone_already_exists", 409, users.create, "b", phone="+4915112345678")
    refused("general_argument_invalid", 400, users.create, "_b")
    users.create(ID.unique(), name="Made up")
    same(plain(users.list([Query.equal("name", "Ana")]))["total"], 1)
    same(plain(users.list(search="made"))["users"][0]["name"], "Made up")
    same(plain(users.get("ana"))["email"], "ana@example.com")
    refused("user_not_found", 404, users.get, "nobody")
    same(plain(users.update_name("ana", "Ana B."))["name"], "Ana B.")
    same(plain(users.update_email("ana", "ana@example.org"))["email"], "ana@example.org")
    same(plain(users.update_phone("ana", "+14155550100"))["phone"], "+14155550100")
    same(plain(users.update_status("ana", False))["status"], False)
    same(plain(users.update_status("ana", True))["status"], True)
    same(plain(users.update_labels("ana", ["vip"]))["labels"], ["vip"])
    users.update_prefs("ana", {"lang": "de"})
    prefs = users.get_prefs("ana")
    same(prefs if isinstance(prefs, dict) else prefs.data or prefs.to_dict(), {"lang": "de"})

    target = plain(users.create_target("ana", "ana-work", "email", "work@example.com", name="Work"))
    same((target["userId"], target["providerId"], target["expired"]), ("ana", None, False))
    create = users.create_target
    refused("user_target_already_exists", 409, create, "ana", "ana-work", "email", "x@example.com")
    refused("user_target_already_exists", 409, create, "ana", "ana-two", "email", "work@example.com")
    refused("general_invalid_email", 400, create, "ana", "ana-two", "email", "nowhere")
    refused("general_invalid_phone", 400, create, "ana", "ana-two", "sms", "0151")
    refused("user_not_found", 404, create, "nobody", "t", "sms", "+14155550199")
    changed = plain(users.update_target("ana", "ana-work", identifier="w@example.com", name="W"))
    same((changed["identifier"], changed["name"]), ("w@example.com", "W"))
    refused("provider_not_found", 404, users.update_target, "ana", "ana-work", provider_id="nothing")
    same(plain(users.get_target("ana", "ana-work"))["$id"], "ana-work")
    three = plain(users.list_targets("ana", [Query.order_desc(""), Query.limit(1)]))
    same((three["total"], [found["$id"] for found in three["targets"]]), (3, ["ana-work"]))
    users.delete_target("ana", "ana-work")
    refused("user_target_not_found", 404, users.get_target, "ana", "ana-work")


def providers_of_every_kind():
    mail = {"from_name": "News", "from_email": "news@example.com", "reply_to_name": "Help", "reply_to_email": "help@example.com"}
    account = {"type": "service_account", "project_id": "p", "private_key": "none", "client_email": "a@p.example.com", "token_uri": "https://oauth2.example.com/token"}
    p8 = "-----BEGIN PRIVATE KEY-----\nMIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQg\n-----END PRIVATE KEY-----\n"
    number = {"xfrom": "+14155550100"}
    kinds = {
        "mailgun": {"api_key": "a-long-key-1234", "domain": "mg.example.com", "is_eu_region": False, **mail},
        "sendgrid": {"api_key": "a-long-key-1234", **mail},
        "resend": {"api_key": "a-long-key-1234", **mail},
        "ses": {"access_key": "AKIAEXAMPLE", "secret_key": "a-long-secret-1234", "region": "eu-central-1", **mail},
        "smtp": {"host": "mx.example.com", "port": 2525, "username": "u", "password": "a-long-password", "auto_tls": True, "mailer": "Herald", **mail},
        "msg91": {"template_id": "tmpl", "sender_id": "HERALD", "auth_key": "a-long-key-1234"},
        "telesign": {"customer_id": "customer", "api_key": "a-long-key-1234", **number},
        "textmagic": {"username": "u", "api_key": "a-long-key-1234", **number},
        "twilio": {"account_sid": "AC0123456789abcdef0123456789abcdef", "auth_token": "a-long-token-1234", **number},
        "vonage": {"api_key": "abcd1234", "api_secret": "a-long-secret-1234", **number},
        "fcm": {"service_account_json": account},
        "apns": {"auth_key": p8, "auth_key_id": "ABC123DEFG", "team_id": "DEF123GHIJ", "bundle_id": "com.example.app", "sandbox": True},
    }
    for kind, fields in kinds.items():
        create = getattr(messaging, f"create_{kind}_provider")
        update = getattr(messaging, f"update_{kind}_provider")
        made = plain(create(f"all-{kind}", f"All {kind}", enabled=True, **fields))
        same((made["provider"], made["enabled"]), (kind, True))
        assert "-1234" not in re.sub(r"••••\S*", "", json.dumps(made["credentials"], ensure_ascii=False)), made
        changed = plain(update(f"all-{kind}", name=f"Other {kind}", enabled=False))
        same((changed["name"], changed["enabled"], changed["credentials"]), (f"Other {kind}", False, made["credentials"]))
        same(plain(update(f"all-{kind}", enabled=True))["enabled"], True)
        needed = {"host": "mx.example.com"} if kind == "smtp" else {}
        same(plain(create(f"bare-{kind}", "Bare", enabled=True, **needed))["enabled"], False)
        refused("provider_missing_credentials", 400, update, f"bare-{kind}", enabled=True)
        refused("provider_already_exists", 409, create, f"bare-{kind}", "x", **needed)
    same(plain(messaging.update_apns_provider("all-apns", bundle_id="com.example.other"))["credentials"]["bundleId"], "com.example.other")
    refused("provider_incorrect_type", 400, messaging.update_smtp_provider, "all-resend", name="x")
    same(plain(messaging.list_providers([Query.equal("type", "push"), Query.equal("enabled", True)]))["total"], 2)
    same(plain(messaging.get_provider("all-smtp"))["options"]["fromEmail"], "news@example.com")
    if hasattr(messaging, "list_provider_logs"):
        logs = plain(messaging.list_provider_logs("all-smtp", [Query.limit(1)]))["logs"]
        same([entry["event"] for entry in logs], ["provider.update"])
    for provider in plain(messaging.list_providers([Query.limit(100)]))["providers"]:
        messaging.delete_provider(provider["$id"])
    refused("provider_not_found", 404, messaging.get_provider, "all-smtp")


def topics_and_subscribers():
    topic = plain(messaging.create_topic("news", "News"))
    same((topic["subscribe"], topic["emailTotal"]), (["users"], 0))
    refused("topic_already_exists", 409, messaging.create_topic, "news", "x")
    refused("general_argument_invalid", 400, messaging.create_topic, "x", "x", subscribe=["*"])
    same(plain(messaging.update_topic("news", name="Newsletter"))["name"], "Newsletter")
    targets = plain(users.list_targets("ana"))["targets"]
    for target in targets:
        subscriber = plain(messaging.create_subscriber("news", f"s-{target['providerType']}", target["$id"]))
        same((subscriber["target"]["$id"], subscriber["userName"]), (target["$id"], "Ana B."))
    refused("subscriber_already_exists", 409, messaging.create_subscriber, "news", "other", targets[0]["$id"])
    refused("topic_not_found", 404, messaging.create_subscriber, "nothing", "s", targets[0]["$id"])
    refused("user_target_not_found", 404, messaging.create_subscriber, "news", "s", "nothing")
    counted = plain(messaging.get_topic("news"))
    same((counted["emailTotal"], counted["smsTotal"], counted["pushTotal"]), (1, 1, 0))
    same(plain(messaging.list_subscribers("news", [Query.equal("providerType", ["sms"])]))["total"], 1)
    same(plain(messaging.get_subscriber("news", "s-sms"))["topicId"], "news")
    same(plain(messaging.list_topics(search="newsl"))["topics"][0]["$id"], "news")
    if hasattr(messaging, "list_topic_logs"):
        same(plain(messaging.list_topic_logs("news"))["logs"][-1]["event"], "topic.create")
        same(plain(messaging.list_subscriber_logs("s-sms"))["logs"][0]["event"], "subscriber.create")
    messaging.delete_subscriber("news", "s-email")
    refused("subscriber_not_found", 404, messaging.get_subscriber, "news", "s-email")
    same(plain(messaging.get_topic("news"))["emailTotal"], 0)
    email = next(target["$id"] for target in targets if target["providerType"] == "email")
    messaging.create_subscriber("news", "s-email", email)
    messaging.create_topic("gone", "Gone")
    messaging.delete_topic("gone")
    refused("topic_not_found", 404, messaging.get_topic, "gone")


def buckets_and_files():
    bucket = plain(storage.create_bucket("docs", "Documents", permissions=['read("any")']))
    same((bucket["enabled"], bucket["$permissions"]), (True, ['read("any")']))
    refused("storage_bucket_already_exists", 409, storage.create_bucket, "docs", "x")
    same(plain(storage.update_bucket("docs", "Papers"))["name"], "Papers")
    same(plain(storage.get_bucket("docs"))["name"], "Papers")
    same(plain(storage.list_buckets(search="pap"))["total"], 1)
    small = plain(storage.create_file("docs", "small", InputFile.from_bytes(b"hello", "hello.txt"), permissions=['read("users")']))
    same((small["name"], small["mimeType"], small["sizeOriginal"]), ("hello.txt", "text/plain", 5))
    refused("storage_file_already_exists", 409, storage.create_file, "docs", "small", InputFile.from_bytes(b"x", "x.txt"))
    large = b"abcdefg" * 1_800_000
    made = plain(storage.create_file("docs", ID.unique(), InputFile.from_bytes(large, "large.bin")))
    same((made["sizeOriginal"], made["chunksTotal"], made["chunksUploaded"]), (len(large), 3, 3))
    assert storage.get_file_download("docs", made["$id"]) == large, "the parts are the whole"
    same(storage.get_file_view("docs", "small"), b"hello")
    same(plain(storage.list_files("docs", [Query.greater_than("sizeOriginal", 100)]))["total"], 1)
    same(plain(storage.update_file("docs", "small", name="b.txt"))["name"], "b.txt")
    same(plain(storage.get_file("docs", "small"))["name"], "b.txt")
    storage.delete_file("docs", made["$id"])
    refused("storage_file_not_found", 404, storage.get_file, "docs", made["$id"])


def messages_that_are_not_sent_yet():
    email, sms = plain(users.list_targets("ana"))["targets"]
    draft = plain(messaging.create_email("draft", "Hi", "<b>x</b>", topics=["news"], html=True, draft=True, scheduled_at=LATER, attachments=["docs:small"]))
    same((draft["status"], draft["scheduledAt"], draft["data"]["attachments"]), ("draft", LATER, [{"bucketId": "docs", "fileId": "small"}]))
    same(plain(messaging.update_email("draft", subject="Hello"))["data"]["subject"], "Hello")
    same(plain(messaging.update_email("draft", draft=False, scheduled_at=LATER))["status"], "scheduled")
    same(plain(messaging.update_email("draft", draft=True))["status"], "draft")
    scheduled = plain(messaging.create_sms("later", "Soon", targets=[sms["$id"]], scheduled_at=LATER))
    same((scheduled["status"], scheduled["scheduledAt"]), ("scheduled", LATER))
    same(plain(messaging.update_sms("later", content="Later"))["data"]["content"], "Later")
    push = plain(messaging.create_push("push", title="T", body="B", data={"k": "v"}, badge=3, topics=["news"], draft=True))
    same((push["data"]["badge"], push["data"]["data"]), (3, {"k": "v"}))
    same(plain(messaging.update_push("push", title="U"))["data"]["title"], "U")
    refused("message_already_exists", 409, messaging.create_email, "draft", "s", "c", topics=["news"])
    refused("message_missing_target", 400, messaging.create_email, ID.unique(), "s", "c")
    refused("message_target_not_email", 400, messaging.create_email, ID.unique(), "s", "c", targets=[sms["$id"]])
    refused("message_target_not_sms", 400, messaging.create_sms, ID.unique(), "c", targets=[email["$id"]])
    refused("message_target_not_push", 400, messaging.create_push, ID.unique(), title="c", targets=[email["$id"]])
    refused("storage_file_not_found", 404, messaging.create_email, ID.unique(), "s", "c", topics=["news"], attachments=["docs:nothing"])
    refused("general_argument_invalid", 400, messaging.create_email, ID.unique(), "s", "c", topics=["news"], scheduled_at="2001-01-01T00:00:00Z")
    refused("message_not_found", 404, messaging.get_message, "nothing")
    page = plain(messaging.list_messages([Query.or_queries([Query.equal("status", "draft"), Query.equal("providerType", "sms")]), Query.order_desc(""), Query.limit(2)]))
    same((page["total"], [message["$id"] for message in page["messages"]]), (3, ["push", "later"]))
    after = plain(messaging.list_messages([Query.order_desc(""), Query.cursor_after("later")]))
    same([message["$id"] for message in after["messages"]], ["draft"])
    same(plain(messaging.list_messages(search="hello", total=False))["total"], 0)
    refused("general_cursor_not_found", 400, messaging.list_messages, [Query.cursor_after("nothing")])
    named = plain(messaging.list_targets("later"))
    same([target["$id"] for target in named["targets"]], [sms["$id"]])
    if hasattr(messaging, "list_message_logs"):
        logs = plain(messaging.list_message_logs("draft"))["logs"]
        same((logs[0]["event"], logs[-1]["event"]), ("message.update", "message.create"))
    for message_id in ("draft", "later", "push"):
        messaging.delete(message_id)
    refused("message_not_found", 404, messaging.delete, "draft")


def a_mail_with_an_attachment_arrives():
    from appwrite.enums.smtp_encryption import SmtpEncryption

    messaging.create_smtp_provider("mail", "Mail", "127.0.0.1", port=int(os.environ["SMTP_PORT"]), encryption=SmtpEncryption.NONE, auto_tls=False, from_email="news@example.com", enabled=True)
    messaging.create_email("mail", "Hello", "Hello", topics=["news"], users=["ana"], attachments=["docs:small"])
    message = over("mail")
    same((message["status"], message["deliveredTotal"]), ("sent", 1))
    refused("message_already_sent", 400, messaging.update_email, "mail", subject="x")


def an_sms_is_sent():
    body = {"providerId": "sms", "name": "SMS", "type": "sms", "endpoint": os.environ["SANDBOX_URL"], "token": os.environ["SANDBOX_TOKEN"], "enabled": True}
    headers = {"content-type": "application/json", "x-appwrite-key": KEY, "x-appwrite-project": "p1"}
    request = urllib.request.Request(f"{ENDPOINT}/messaging/providers/sandbox", json.dumps(body).encode(), headers)
    same(urllib.request.urlopen(request).status, 201)
    message = plain(messaging.create_sms(ID.unique(), "Hello from Herald", topics=["news"]))
    same(over(message["$id"])["deliveredTotal"], 1)


def a_key_does_what_its_scopes_say():
    refused("general_unauthorized_scope", 401, Messaging(connect("standard_wrong")).list_messages)
    refused("general_route_not_found", 404, users.list_sessions, "ana")


def a_user_goes_with_everything():
    users.delete("ana")
    topic = plain(messaging.get_topic("news"))
    same((topic["emailTotal"], topic["smsTotal"]), (0, 0))
    messaging.delete_topic("news")
    storage.delete_bucket("docs")
    refused("storage_bucket_not_found", 404, storage.get_bucket, "docs")


CHECKS = [
    users_and_targets,
    providers_of_every_kind,
    topics_and_subscribers,
    buckets_and_files,
    messages_that_are_not_sent_yet,
    a_mail_with_an_attachment_arrives,
    an_sms_is_sent,
    a_key_does_what_its_scopes_say,
    a_user_goes_with_everything,
]

for check in CHECKS:
    try:
        check()
        print(f"  ok  {check.__name__.replace('_', ' ')}")
    except Exception:
        print(f"  FAILED  {check.__name__.replace('_', ' ')}", file=sys.stderr)
        traceback.print_exc()
        sys.exit(1)
