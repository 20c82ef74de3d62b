// @stomp/stompjs 7, plain and over SockJS: every version, text and binary, whole and split.
import { Versions } from "@stomp/stompjs";
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { CHARACTERS, LARGE, apart, carries, sendAll, talk } from "./pair.mjs";
import { Plain } from "./plain.mjs";
import { start } from "./server.mjs";
import { TRANSPORTS, sockjs } from "./stompjs2.mjs";
import { plain, speak } from "./stompjs7.mjs";

const AWAY = 1000;
const RECONNECT_MS = 50;

let server;
before(async () => {
  server = await start();
});
after(() => server?.stop());

// A fresh pair of people who speak over these sockets.
let pairs = 0;
async function pair(sockets, options) {
  pairs += 1;
  const people = await server.people(`ann.${pairs}`, `bob.${pairs}`);
  return apart(people, (person, n) => speak(person, { socket: sockets[n % sockets.length](), options }));
}

const SOCKETS = {
  "a plain WebSocket": () => plain(server.websocket),
  ...Object.fromEntries(
    TRANSPORTS.map((transport) => [`SockJS ${transport}`, () => () => sockjs(server.sockjs, transport)]),
  ),
};

for (const [name, socket] of Object.entries(SOCKETS)) {
  describe(`@stomp/stompjs 7 over ${name}`, () => {
    for (const version of [Versions.V1_2, Versions.V1_1, Versions.V1_0]) {
      test(`STOMP ${version}, both directions`, async () => {
        const [ann, bob] = await pair([socket], { stompVersions: new Versions([version]) });
        assert.equal(ann.connected.headers.version, version);
        await talk(ann, bob);
        await Promise.all([ann.close(), bob.close()]);
      });
    }

    test("every character, and messages of up to 60 KiB in one frame", async () => {
      const [ann, bob] = await pair([socket]);
      await carries(ann, bob, CHARACTERS);
      for (const content of LARGE) await carries(bob, ann, [content]);
      await Promise.all([ann.close(), bob.close()]);
    });

    test("comes back by itself after the socket broke, and misses nothing", async () => {
      const [ann, bob] = await pair([socket], { reconnectDelay: RECONNECT_MS });
      await carries(ann, bob, ["before"]);
      bob.client.forceDisconnect();
      await sendAll(ann, bob, ["one", "two", "three"]);
      await bob.reconnected();
      const contents = new Set();
      while (!contents.has("three")) contents.add((await bob.inbox.next()).content);
      const expected = ["before", "and then", "one", "two", "three"];
      assert.deepEqual(expected.slice(-contents.size), [...contents]);
      await talk(ann, bob, 2);
      await Promise.all([ann.close(), bob.close()]);
    });
  });
}

test("frames that are split, over a plain WebSocket", async () => {
  // The library cuts between UTF-16 units, and a text frame can't carry half a pair; so no emoji at a cut.
  const [ann, bob] = await pair([() => plain(server.websocket)], { splitLargeFrames: true, maxWebSocketChunkSize: 1024 });
  await carries(ann, bob, LARGE.slice(0, 3));
  await Promise.all([ann.close(), bob.close()]);
});

test("frames that are split, over SockJS, also within a character", async () => {
  const sockets = ["websocket", "xhr-polling"].map((transport) => () => () => sockjs(server.sockjs, transport));
  const [ann, bob] = await pair(sockets, { splitLargeFrames: true, maxWebSocketChunkSize: 8191 });
  for (const content of LARGE) await carries(ann, bob, [content]);
  for (const content of LARGE) await carries(bob, ann, [content]);
  await Promise.all([ann.close(), bob.close()]);
});

test("binary frames, as React Native needs them", async () => {
  const options = { forceBinaryWSFrames: true, appendMissingNULLonIncoming: true };
  const [ann, bob] = await pair([() => plain(server.websocket)], options);
  await carries(ann, bob, CHARACTERS);
  for (const content of LARGE) await carries(bob, ann, [content]);
  await Promise.all([ann.close(), bob.close()]);
});

test("an old client on a long poll and a new one on a socket understand each other", async () => {
  const people = await server.people("old", "new");
  const sockets = [() => () => sockjs(server.sockjs, "xhr-polling"), () => plain(server.websocket)];
  const versions = [Versions.V1_0, Versions.V1_2].map((version) => new Versions([version]));
  const [old, young] = await apart(people, (person, n) =>
    speak(person, { socket: sockets[n](), options: { stompVersions: versions[n] } }),
  );
  await talk(old, young, 50);
  await Promise.all([old.close(), young.close()]);
});

test("who was away misses nothing, with a cursor and without", async () => {
  const [ann, bob] = await server.people("ann", "bob");
  const library = await speak(ann, { socket: plain(server.websocket) });
  let away = await Plain.connect(server.websocket, bob.token);
  away.subscribe("/user/queue/messages", "m");
  await library.send("bob", "hello");
  const hello = await away.message();
  assert.equal(hello.content, "hello");
  assert.equal(hello.senderId, ann.id);
  away.send("ann", "hello yourself", "r-back");
  const back = await library.inbox.next();
  assert.equal(back.content, "hello yourself");
  assert.equal(back.sequence, 2);

  // Says that it has what came so far, then goes away.
  away.put("SEND", { destination: "/app/chat.seen", receipt: "r-seen" }, JSON.stringify({ peerId: "ann", upTo: 2 }));
  for (let frame; frame?.headers["receipt-id"] !== "r-seen";) frame = await away.next();
  await away.close();
  const expected = Array.from({ length: AWAY }, (_, n) => `while you were away ${n}`);
  await sendAll(library, { person: bob }, expected);

  away = await Plain.connect(server.websocket, bob.token);
  away.subscribe("/user/queue/messages", "m");
  const got = [];
  while (got.length < AWAY) got.push(await away.message());
  // Whatever comes next is new: nothing came twice.
  await library.send("bob", "still there?");
  assert.equal((await away.message()).content, "still there?");
  assert.deepEqual(
    got.map((message) => message.content),
    expected,
  );
  assert.deepEqual(
    got.map((message) => message.sequence),
    expected.map((_, n) => n + 3),
  );
  assert.ok(got.every((message) => message.cursor));
  await away.close();

  // With a cursor: exactly what lies behind it, whatever was DELIVERED meanwhile.
  away = await Plain.connect(server.websocket, bob.token);
  away.subscribe("/user/queue/messages", "m", { cursor: hello.cursor });
  const behind = [];
  while (behind.length < AWAY + 2) behind.push((await away.message()).content);
  assert.deepEqual(behind, ["hello yourself", ...expected, "still there?"]);
  await away.close();
  await library.close();
});
