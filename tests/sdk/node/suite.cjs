// Every method of the SDK that Herald serves, against a running Herald: what a program calls, and the
// errors that it would handle. Run by `tests/sdk/run` in the directory of one installed version.

'use strict';

const assert = require('node:assert/strict');
const { createRequire } = require('node:module');
const path = require('node:path');

const sdk = createRequire(path.join(process.cwd(), 'package.json'))('node-appwrite');
const { InputFile } = createRequire(path.join(process.cwd(), 'package.json'))('node-appwrite/file');
const { Query, ID } = sdk;

const { HERALD_ENDPOINT, HERALD_KEY, SMTP_PORT, SANDBOX_URL, SANDBOX_TOKEN } = process.env;

const connect = (key) => new sdk.Client().setEndpoint(HERALD_ENDPOINT).setProject('p1').setKey(key);
const client = connect(HERALD_KEY);
const messaging = new sdk.Messaging(client);
const users = new sdk.Users(client);
const storage = new sdk.Storage(client);

const DATE = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}\+00:00$/;
const LATER = '2999-01-01T00:00:00.000+00:00';

// The SDKs' objects have no prototype, which strict equality minds.
const plain = (value) => JSON.parse(JSON.stringify(value));
const same = (got, wanted, text) => assert.deepEqual(plain(got), plain(wanted), text);

async function refused(type, code, call) {
  try {
    await call();
  } catch (error) {
    assert.equal(error.constructor.name, 'AppwriteException', String(error));
    same([error.type, error.code], [type, code], error.message);
    assert.equal(JSON.parse(error.response).type, type);
    return;
  }
  assert.fail(`expected ${type}`);
}

async function until(what, look) {
  const end = Date.now() + 30_000;
  for (;;) {
    const found = await look();
    if (found) return found;
    assert.ok(Date.now() < end, `${what} did not happen within 30 s`);
    await new Promise((done) => setTimeout(done, 50));
  }
}

const over = (messageId) =>
  until(`the end of ${messageId}`, async () => {
    const message = await messaging.getMessage({ messageId });
    return ['sent', 'failed'].includes(message.status) && message;
  });

const checks = {
  async ping() {
    assert.match(String(await client.ping()), /Pong/);
    const health = sdk.Health && new sdk.Health(client);
    if (health?.getQueueMessaging) same(await health.getQueueMessaging({ threshold: 100 }), { size: 0 });
  },

  async 'users and targets'() {
    const user = await users.create({ userId: 'ana', email: 'Ana@Example.com', phone: '+4915112345678', name: 'Ana' });
    same(user.targets.map((target) => target.providerType), ['email', 'sms']);
    assert.match(user.$createdAt, DATE);
    await refused('user_already_exists', 409, () => users.create({ userId: 'ana' }));
    await refused('user_email_already_exists', 409, () => users.create({ userId: 'b', email: 'ana@example.com' }));
    await refused('user_phone_already_exists', 409, () => users.create({ userId: 'b', phone: '+4915112345678' }));
    await refused('general_argument_invalid', 400, () => users.create({ userId: '_b' }));
    await users.create({ userId: ID.unique(), name: 'Made up' });
    assert.equal((await users.list({ queries: [Query.equal('name', 'Ana')] })).total, 1);
    assert.equal((await users.list({ search: 'made' })).users[0].name, 'Made up');
    assert.equal((await users.get({ userId: 'ana' })).email, 'ana@example.com');
    await refused('user_not_found', 404, () => users.get({ userId: 'nobody' }));
    assert.equal((await users.updateName({ userId: 'ana', name: 'Ana B.' })).name, 'Ana B.');
    assert.equal((await users.updateEmail({ userId: 'ana', email: 'ana@example.org' })).email, 'ana@example.org');
    assert.equal((await users.updatePhone({ userId: 'ana', number: '+14155550100' })).phone, '+14155550100');
    assert.equal((await users.updateStatus({ userId: 'ana', status: false })).status, false);
    assert.equal((await users.updateStatus({ userId: 'ana', status: true })).status, true);
    same((await users.updateLabels({ userId: 'ana', labels: ['vip'] })).labels, ['vip']);
    same(await users.updatePrefs({ userId: 'ana', prefs: { lang: 'de' } }), { lang: 'de' });
    same(await users.getPrefs({ userId: 'ana' }), { lang: 'de' });

    const target = await users.createTarget({
      userId: 'ana', targetId: 'ana-work', providerType: 'email', identifier: 'work@example.com', name: 'Work',
    });
    same([target.userId, target.providerId, target.expired], ['ana', null, false]);
    const again = (targetId, identifier) => () =>
      users.createTarget({ userId: 'ana', targetId, providerType: 'email', identifier });
    await refused('user_target_already_exists', 409, again('ana-work', 'x@example.com'));
    await refused('user_target_already_exists', 409, again('ana-two', 'work@example.com'));
    await refused('general_invalid_email', 400, again('ana-two', 'nowhere'));
    await refused('user_not_found', 404, () =>
      users.createTarget({ userId: 'nobody', targetId: 't', providerType: 'sms', identifier: '+14155550199' }));
    await refused('general_invalid_phone', 400, () =>
      users.createTarget({ userId: 'ana', targetId: 't', providerType: 'sms', identifier: '0151' }));
    const changed = await users.updateTarget({ userId: 'ana', targetId: 'ana-work', identifier: 'w@example.com', name: 'W' });
    same([changed.identifier, changed.name], ['w@example.com', 'W']);
    await refused('provider_not_found', 404, () =>
      users.updateTarget({ userId: 'ana', targetId: 'ana-work', providerId: 'nothing' }));
    assert.equal((await users.getTarget({ userId: 'ana', targetId: 'ana-work' })).$id, 'ana-work');
    await refused('user_target_not_found', 404, () => users.getTarget({ userId: 'ana', targetId: 'nothing' }));
    const three = await users.listTargets({ userId: 'ana', queries: [Query.orderDesc(''), Query.limit(1)] });
    same([three.total, three.targets.length, three.targets[0].$id], [3, 1, 'ana-work']);
    await users.createTarget({ userId: 'ana', targetId: 'ana-phone', providerType: 'push', identifier: 'device-1' });
    await users.deleteTarget({ userId: 'ana', targetId: 'ana-work' });
    await refused('user_target_not_found', 404, () => users.getTarget({ userId: 'ana', targetId: 'ana-work' }));
  },

  async 'providers of every kind'() {
    const from = { fromName: 'News', fromEmail: 'news@example.com', replyToName: 'Help', replyToEmail: 'help@example.com' };
    const account = JSON.stringify({
      type: 'service_account', project_id: 'p', private_key: 'none', client_email: 'a@p.example.com', token_uri: 'https://oauth2.example.com/token',
    });
    const p8 = '-----BEGIN PRIVATE KEY-----\nMIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQg\n-----END PRIVATE KEY-----\n';
    const kinds = [
      ['Mailgun', 'mailgun', 'email', { apiKey: 'a-long-key-1234', domain: 'mg.example.com', isEuRegion: false, ...from }],
      ['Sendgrid', 'sendgrid', 'email', { apiKey: 'a-long-key-1234', ...from }],
      ['Resend', 'resend', 'email', { apiKey: 'a-long-key-1234', ...from }],
      ['Ses', 'ses', 'email', { accessKey: 'AKIAEXAMPLE', secretKey: 'a-long-secret-1234', region: 'eu-central-1', ...from }],
      ['SMTP', 'smtp', 'email', {
        host: 'mx.example.com', port: 2525, username: 'u', password: 'a-long-password', encryption: 'tls', autoTLS: true, mailer: 'Herald', ...from,
      }],
      ['Msg91', 'msg91', 'sms', { templateId: 'tmpl', senderId: 'HERALD', authKey: 'a-long-key-1234' }],
      ['Telesign', 'telesign', 'sms', { from: '+14155550100', customerId: 'customer', apiKey: 'a-long-key-1234' }],
      ['Textmagic', 'textmagic', 'sms', { from: '+14155550100', username: 'u', apiKey: 'a-long-key-1234' }],
      ['Twilio', 'twilio', 'sms', { from: '+14155550100', accountSid: 'AC0123456789abcdef0123456789abcdef', authToken: 'a-long-token-1234' }],
      ['Vonage', 'vonage', 'sms', { from: '+14155550100', apiKey: 'abcd1234', apiSecret: 'a-long-secret-1234' }],
      ['FCM', 'fcm', 'push', { serviceAccountJSON: account }],
      ['APNS', 'apns', 'push', { authKey: p8, authKeyId: 'ABC123DEFG', teamId: 'DEF123GHIJ', bundleId: 'com.example.app', sandbox: true }],
    ];
    for (const [method, kind, type, fields] of kinds) {
      const create = messaging[`create${method}Provider`];
      if (!create) {
        // Older SDKs do not know every kind.
        assert.ok(kind === 'ses', `the SDK has no create${method}Provider`);
        continue;
      }
      const made = await create.call(messaging, { providerId: `all-${kind}`, name: `All ${kind}`, enabled: true, ...fields });
      same([made.provider, made.type, made.enabled], [kind, type, true], kind);
      for (const secret of ['apiKey', 'secretKey', 'password', 'authToken', 'apiSecret', 'serviceAccountJSON', 'authKey']) {
        // The key of Vonage is no secret, its secret is.
        if (fields[secret] && `${kind} ${secret}` !== 'vonage apiKey') assert.match(String(made.credentials[secret]), /^••••/, `${kind} ${secret}`);
      }
      const update = messaging[`update${method}Provider`].bind(messaging);
      const changed = await update({ providerId: `all-${kind}`, name: `Other ${kind}`, enabled: false });
      same([changed.name, changed.enabled], [`Other ${kind}`, false], kind);
      // What came back can be written back: a mask means unchanged.
      const { name, ...rest } = { ...made.credentials, name: 'back' };
      const back = await update({ providerId: `all-${kind}`, name, enabled: true, ...rest });
      same([back.enabled, back.credentials], [true, made.credentials], kind);
      if (kind === 'apns') {
        const moved = await update({ providerId: 'all-apns', bundleId: 'com.example.other' });
        assert.equal(moved.credentials.bundleId, 'com.example.other', 'the bundle id can be changed');
      }
      const bare = await create.call(messaging, {
        providerId: `bare-${kind}`, name: 'Bare', enabled: true, ...(kind === 'smtp' ? { host: 'mx.example.com' } : {}),
      });
      assert.equal(bare.enabled, false, `${kind} without credentials is stored as disabled`);
      await refused('provider_missing_credentials', 400, () => update({ providerId: `bare-${kind}`, enabled: true }));
      await refused('provider_already_exists', 409, () =>
        create.call(messaging, { providerId: `bare-${kind}`, name: 'x', ...(kind === 'smtp' ? { host: 'mx.example.com' } : {}) }));
      await messaging.deleteProvider({ providerId: `bare-${kind}` });
      await refused('provider_not_found', 404, () => update({ providerId: `bare-${kind}`, name: 'x' }));
    }
    await refused('provider_incorrect_type', 400, () => messaging.updateSMTPProvider({ providerId: 'all-resend', name: 'x' }));
    const emails = await messaging.listProviders({ queries: [Query.equal('type', 'email'), Query.startsWith('name', 'back')] });
    assert.ok(emails.total >= 4 && emails.providers.every((provider) => provider.type === 'email'));
    assert.equal((await messaging.listProviders({ search: 'back', total: false })).total, 0);
    if (messaging.listProviderLogs) {
      const { logs } = await messaging.listProviderLogs({ providerId: 'all-smtp', queries: [Query.limit(1)] });
      assert.equal(logs[0].event, 'provider.update');
    }
    assert.equal((await messaging.getProvider({ providerId: 'all-smtp' })).credentials.host, 'mx.example.com');
    for (const { $id } of (await messaging.listProviders({ queries: [Query.limit(100)] })).providers) {
      await messaging.deleteProvider({ providerId: $id });
    }
    await refused('provider_not_found', 404, () => messaging.getProvider({ providerId: 'all-smtp' }));
  },

  async 'topics and subscribers'() {
    const topic = await messaging.createTopic({ topicId: 'news', name: 'News' });
    same([topic.subscribe, topic.emailTotal], [['users'], 0]);
    await messaging.createTopic({ topicId: 'codes', name: 'Codes', subscribe: ['any', 'user:ana'] });
    await refused('topic_already_exists', 409, () => messaging.createTopic({ topicId: 'news', name: 'x' }));
    await refused('general_argument_invalid', 400, () => messaging.createTopic({ topicId: 'x', name: 'x', subscribe: ['*'] }));
    assert.equal((await messaging.updateTopic({ topicId: 'news', name: 'Newsletter' })).name, 'Newsletter');
    await refused('topic_not_found', 404, () => messaging.getTopic({ topicId: 'nothing' }));
    const targets = (await users.listTargets({ userId: 'ana' })).targets;
    for (const target of targets) {
      const subscriber = await messaging.createSubscriber({ topicId: 'news', subscriberId: `s-${target.providerType}`, targetId: target.$id });
      same([subscriber.target.$id, subscriber.userName, subscriber.topicId], [target.$id, 'Ana B.', 'news']);
    }
    const subscribe = (topicId, subscriberId, targetId) => () => messaging.createSubscriber({ topicId, subscriberId, targetId });
    await refused('subscriber_already_exists', 409, subscribe('news', 'other', targets[0].$id));
    await refused('subscriber_already_exists', 409, subscribe('news', 's-email', targets[0].$id));
    await refused('topic_not_found', 404, subscribe('nothing', 's', targets[0].$id));
    await refused('user_target_not_found', 404, subscribe('news', 's', 'nothing'));
    const counted = await messaging.getTopic({ topicId: 'news' });
    same([counted.emailTotal, counted.smsTotal, counted.pushTotal], [1, 1, 1]);
    const list = await messaging.listSubscribers({ topicId: 'news', queries: [Query.equal('providerType', ['sms', 'push'])] });
    same([list.total, list.subscribers.length], [2, 2]);
    assert.equal((await messaging.getSubscriber({ topicId: 'news', subscriberId: 's-sms' })).providerType, 'sms');
    await messaging.deleteSubscriber({ topicId: 'news', subscriberId: 's-push' });
    await refused('subscriber_not_found', 404, () => messaging.getSubscriber({ topicId: 'news', subscriberId: 's-push' }));
    assert.equal((await messaging.getTopic({ topicId: 'news' })).pushTotal, 0);
    assert.equal((await messaging.listTopics({ search: 'newsl' })).topics[0].$id, 'news');
    if (messaging.listTopicLogs) {
      assert.equal((await messaging.listTopicLogs({ topicId: 'news' })).logs.at(-1).event, 'topic.create');
      assert.equal((await messaging.listSubscriberLogs({ subscriberId: 's-sms' })).logs[0].event, 'subscriber.create');
    }
    await messaging.deleteTopic({ topicId: 'codes' });
    await refused('topic_not_found', 404, () => messaging.deleteTopic({ topicId: 'codes' }));
  },

  async 'buckets and files'() {
    const bucket = await storage.createBucket({ bucketId: 'docs', name: 'Documents', permissions: ['read("any")'] });
    same([bucket.enabled, bucket.$permissions], [true, ['read("any")']]);
    await refused('storage_bucket_already_exists', 409, () => storage.createBucket({ bucketId: 'docs', name: 'x' }));
    assert.equal((await storage.updateBucket({ bucketId: 'docs', name: 'Papers' })).name, 'Papers');
    assert.equal((await storage.getBucket({ bucketId: 'docs' })).name, 'Papers');
    assert.equal((await storage.listBuckets({ search: 'pap' })).total, 1);
    const small = await storage.createFile({
      bucketId: 'docs', fileId: 'small', file: InputFile.fromPlainText('hello', 'hello.txt'), permissions: ['read("users")'],
    });
    same([small.name, small.mimeType, small.sizeOriginal], ['hello.txt', 'text/plain', 5]);
    await refused('storage_file_already_exists', 409, () =>
      storage.createFile({ bucketId: 'docs', fileId: 'small', file: InputFile.fromPlainText('x', 'x.txt') }));
    await refused('storage_bucket_not_found', 404, () =>
      storage.createFile({ bucketId: 'nothing', fileId: 'f', file: InputFile.fromPlainText('x', 'x.txt') }));
    const large = Buffer.alloc(12 * 1024 * 1024, 'abcdefg');
    const progress = [];
    const file = await storage.createFile({
      bucketId: 'docs', fileId: ID.unique(), file: InputFile.fromBuffer(large, 'large.bin'), onProgress: (step) => progress.push(step.progress),
    });
    same([file.sizeOriginal, file.chunksTotal, file.chunksUploaded], [large.length, 3, 3]);
    assert.equal(progress.length, 3);
    const back = Buffer.from(await storage.getFileDownload({ bucketId: 'docs', fileId: file.$id }));
    assert.ok(back.equals(large), 'the parts are the whole');
    assert.equal(Buffer.from(await storage.getFileView({ bucketId: 'docs', fileId: 'small' })).toString(), 'hello');
    const files = await storage.listFiles({ bucketId: 'docs', queries: [Query.greaterThan('sizeOriginal', 100)] });
    same([files.total, files.files[0].$id], [1, file.$id]);
    assert.equal((await storage.updateFile({ bucketId: 'docs', fileId: 'small', name: 'b.txt' })).name, 'b.txt');
    assert.equal((await storage.getFile({ bucketId: 'docs', fileId: 'small' })).name, 'b.txt');
    await storage.deleteFile({ bucketId: 'docs', fileId: file.$id });
    await refused('storage_file_not_found', 404, () => storage.getFile({ bucketId: 'docs', fileId: file.$id }));
    const png = Buffer.concat([Buffer.from('89504e470d0a1a0a', 'hex'), Buffer.from('not much of an image')]);
    await storage.createFile({ bucketId: 'docs', fileId: 'image', file: InputFile.fromBuffer(png, 'a.png') });
  },

  async 'messages that are not sent yet'() {
    const [email, sms] = (await users.listTargets({ userId: 'ana' })).targets;
    const draft = await messaging.createEmail({
      messageId: 'draft', subject: 'Hi', content: '<b>x</b>', topics: ['news'], targets: [email.$id], html: true, draft: true,
      scheduledAt: LATER, attachments: ['docs:small'],
    });
    same([draft.status, draft.scheduledAt, draft.deliveredAt, draft.deliveryErrors], ['draft', LATER, null, []]);
    same(draft.data.attachments, [{ bucketId: 'docs', fileId: 'small' }]);
    // A draft with a time can be edited, and cancelling cancels.
    assert.equal((await messaging.updateEmail({ messageId: 'draft', subject: 'Hello' })).data.subject, 'Hello');
    assert.equal((await messaging.updateEmail({ messageId: 'draft', draft: false, scheduledAt: LATER })).status, 'scheduled');
    assert.equal((await messaging.updateEmail({ messageId: 'draft', draft: true })).status, 'draft');
    // A scheduled SMS keeps its time.
    const scheduled = await messaging.createSMS({ messageId: 'later', content: 'Soon', targets: [sms.$id], scheduledAt: LATER });
    same([scheduled.status, scheduled.scheduledAt], ['scheduled', LATER]);
    assert.equal((await messaging.updateSMS({ messageId: 'later', content: 'Later' })).data.content, 'Later');
    const push = await messaging.createPush({
      messageId: 'push', title: 'T', body: 'B', data: { k: 'v' }, action: 'open', icon: 'i', image: 'docs:image', sound: 's', color: '#ffffff', tag: 't',
      badge: 3, contentAvailable: true, critical: true, priority: 'normal', topics: ['news'], draft: true,
    });
    same([push.data.badge, push.data.priority, push.data.data], [3, 'normal', { k: 'v' }]);
    assert.match(push.data.image.url, /\/storage\/buckets\/docs\/files\/image\/push\?/);
    assert.equal((await messaging.updatePush({ messageId: 'push', title: 'U', critical: false })).data.title, 'U');

    const mail = (more) => () => messaging.createEmail({ messageId: ID.unique(), subject: 's', content: 'c', ...more });
    await refused('message_already_exists', 409, mail({ messageId: 'draft', topics: ['news'] }));
    await refused('message_missing_target', 400, mail({}));
    await refused('message_target_not_email', 400, mail({ targets: [sms.$id] }));
    await refused('message_target_not_email', 400, mail({ targets: ['nothing'] }));
    await refused('storage_bucket_not_found', 404, mail({ topics: ['news'], attachments: ['nothing:x'] }));
    await refused('storage_file_not_found', 404, mail({ topics: ['news'], attachments: ['docs:nothing'] }));
    await refused('general_argument_invalid', 400, mail({ topics: ['news'], scheduledAt: '2001-01-01T00:00:00Z' }));
    await refused('general_argument_invalid', 400, mail({ subject: 'a\r\nBcc: x@example.com', topics: ['news'] }));
    await refused('message_target_not_sms', 400, () =>
      messaging.createSMS({ messageId: ID.unique(), content: 'c', targets: [email.$id] }));
    await refused('message_target_not_push', 400, () =>
      messaging.createPush({ messageId: ID.unique(), title: 'c', targets: [email.$id] }));
    await refused('storage_file_type_unsupported', 400, () =>
      messaging.createPush({ messageId: ID.unique(), title: 'c', topics: ['news'], image: 'docs:small' }));
    await refused('message_not_found', 404, () => messaging.getMessage({ messageId: 'nothing' }));

    const page = await messaging.listMessages({
      queries: [Query.or([Query.equal('status', 'draft'), Query.equal('providerType', 'sms')]), Query.orderDesc(''), Query.limit(2)],
    });
    same([page.total, page.messages.map((message) => message.$id)], [3, ['push', 'later']]);
    const next = await messaging.listMessages({ queries: [Query.orderDesc(''), Query.cursorAfter('later')] });
    same(next.messages.map((message) => message.$id), ['draft']);
    const before = await messaging.listMessages({ queries: [Query.orderDesc(''), Query.cursorBefore('later')] });
    same(before.messages.map((message) => message.$id), ['push']);
    assert.equal((await messaging.listMessages({ search: 'hello' })).total, 1);
    await refused('general_cursor_not_found', 400, () => messaging.listMessages({ queries: [Query.cursorAfter('nothing')] }));
    await refused('general_argument_invalid', 400, () => messaging.listMessages({ queries: [Query.equal('subject', 'x')] }));
    const named = await messaging.listTargets({ messageId: 'draft' });
    same([named.total, named.targets[0].$id], [1, email.$id]);
    if (messaging.listMessageLogs) {
      const { logs } = await messaging.listMessageLogs({ messageId: 'draft' });
      same([logs[0].event, logs.at(-1).event, logs[0].userType], ['message.update', 'message.create', 'keyProject']);
    }
    for (const messageId of ['draft', 'later', 'push']) await messaging.delete({ messageId });
    await refused('message_not_found', 404, () => messaging.delete({ messageId: 'draft' }));
  },

  async 'a mail with an attachment arrives'() {
    await messaging.createSMTPProvider({
      providerId: 'mail', name: 'Mail', host: '127.0.0.1', port: Number(SMTP_PORT), encryption: 'none', autoTLS: false, fromEmail: 'news@example.com', enabled: true,
    });
    const { targets } = await users.listTargets({ userId: 'ana' });
    const sent = await messaging.createEmail({
      // The same target by topic, by user and by name gets one copy.
      messageId: 'mail', subject: 'Hello', content: 'Hello', topics: ['news'], users: ['ana'], targets: [targets[0].$id], attachments: ['docs:small'],
    });
    assert.equal(sent.status, 'processing');
    const message = await over('mail');
    same([message.status, message.deliveredTotal, message.deliveryErrors], ['sent', 1, []]);
    assert.match(message.deliveredAt, DATE);
    await refused('message_already_sent', 400, () => messaging.updateEmail({ messageId: 'mail', subject: 'x' }));
  },

  async "the seed's own example sends an SMS"() {
    const made = await fetch(`${HERALD_ENDPOINT}/messaging/providers/sandbox`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', 'x-appwrite-key': HERALD_KEY, 'x-appwrite-project': 'p1' },
      body: JSON.stringify({ providerId: 'sms', name: 'SMS', type: 'sms', endpoint: SANDBOX_URL, token: SANDBOX_TOKEN, enabled: true }),
    });
    assert.equal(made.status, 201, await made.text());
    const smsTopic = 'news';
    const message = await messaging.createSms(sdk.ID.unique(), 'Hello from Appwrite Messaging!', [smsTopic], [], [], false, '');
    const ended = await over(message.$id);
    same([ended.status, ended.deliveredTotal], ['sent', 1], JSON.stringify(ended));
  },

  async 'a key does what its scopes say'() {
    const refusedKey = new sdk.Messaging(connect('standard_wrong'));
    await refused('general_unauthorized_scope', 401, () => refusedKey.listMessages());
    const both = new sdk.Messaging(connect(HERALD_KEY).setSession('s'));
    await refused('user_api_key_and_session_set', 403, () => both.listMessages());
    await refused('general_route_not_found', 404, () => users.listSessions({ userId: 'ana' }));
  },

  async 'a user goes with everything'() {
    await users.delete({ userId: 'ana' });
    await refused('user_not_found', 404, () => users.get({ userId: 'ana' }));
    const topic = await messaging.getTopic({ topicId: 'news' });
    same([topic.emailTotal, topic.smsTotal, topic.pushTotal], [0, 0, 0]);
    await messaging.deleteTopic({ topicId: 'news' });
    await storage.deleteBucket({ bucketId: 'docs' });
    await refused('storage_bucket_not_found', 404, () => storage.getBucket({ bucketId: 'docs' }));
  },
};

(async () => {
  for (const [name, check] of Object.entries(checks)) {
    try {
      await check();
      console.log(`  ok  ${name}`);
    } catch (error) {
      console.error(`  FAILED  ${name}\n${error.stack}`);
      process.exit(1);
    }
  }
})();
