import { Client } from "@stomp/stompjs";
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import WebSocket from "ws";
import { Plain } from "./plain.mjs";
import { start } from "./server.mjs";

const AWAY = 1000;
let server;
before(async () => {
  server = await start();
});
after(() => server.stop());

// A connected @stomp/stompjs 7 client that collects what it gets.
function stompjs({ token }) {
  const received = [];
  const waiting = [];
  return new Promise((resolve, reject) => {
    const client = new Client({
      webSocketFactory: () => new WebSocket(server.websocket, ["v12.stomp", "v11.stomp", "v10.stomp"]),
      connectHeaders: { Authorization: `Bearer ${token}` },
      reconnectDelay: 0,
      onStompError: (frame) => reject(new Error(frame.body)),
      onConnect: () => {
        client.subscribe("/user/queue/messages", (frame) => {
          received.push(JSON.parse(frame.body));
          waiting.splice(0).forEach((wake) => wake());
        });
        resolve({
          client,
          received,
          until: async (count) => {
            while (received.length < count) await new Promise((wake) => waiting.push(wake));
          },
          send: (recipientId, content, receipt) =>
            new Promise((done) => {
              client.watchForReceipt(receipt, done);
              client.publish({
                destination: "/app/chat.sendMessage",
                headers: { receipt },
                body: JSON.stringify({ recipientId, content, messageType: "TEXT" }),
              });
            }),
        });
      },
    });
    client.activate();
  });
}

test("two clients talk both ways, and the one who was away misses nothing", async () => {
  const [ann, bob] = await server.people("ann", "bob");
  const library = await stompjs(ann);
  let plain = await Plain.connect(server.websocket, bob.token);
  plain.subscribe("/user/queue/messages", "m");

  await library.send("bob", "hello", "r-hello");
  const hello = await plain.message();
  assert.equal(hello.content, "hello");
  assert.equal(hello.senderId, ann.id);

  plain.send("ann", "hello yourself", "r-back");
  await library.until(1);
  assert.equal(library.received[0].content, "hello yourself");
  assert.equal(library.received[0].sequence, 2);

  // Says that it has what came so far, then goes away.
  plain.put("SEND", { destination: "/app/chat.seen", receipt: "r-seen" }, JSON.stringify({ peerId: "ann", upTo: 2 }));
  for (let frame; frame?.headers["receipt-id"] !== "r-seen"; ) frame = await plain.next();
  await plain.close();
  const sends = [];
  for (let n = 0; n < AWAY; n++) sends.push(library.send("bob", `while you were away ${n}`, `r-${n}`));
  await Promise.all(sends);

  const expected = Array.from({ length: AWAY }, (_, n) => `while you were away ${n}`);
  const caughtUp = async (more) => {
    plain = await Plain.connect(server.websocket, bob.token);
    plain.subscribe("/user/queue/messages", "m", more);
    const got = [];
    while (got.length < AWAY) got.push(await plain.message());
    // Whatever comes next is new: nothing came twice.
    await library.send("bob", "still there?", `r-still-${JSON.stringify(more).length}`);
    const next = await plain.message();
    assert.equal(next.content, "still there?");
    assert.deepEqual(got.map((message) => message.content), expected);
    const sequences = got.map((message) => message.sequence);
    assert.deepEqual(sequences, Array.from({ length: AWAY }, (_, n) => n + 3));
    await plain.close();
    return got;
  };
  const first = await caughtUp({});
  assert.ok(first.every((message) => message.cursor));

  // With a cursor: exactly what lies behind it, whatever was DELIVERED meanwhile.
  plain = await Plain.connect(server.websocket, bob.token);
  plain.subscribe("/user/queue/messages", "m", { cursor: hello.cursor });
  const behind = [];
  while (behind.length < AWAY + 2) behind.push((await plain.message()).content);
  assert.deepEqual(behind, ["hello yourself", ...expected, "still there?"]);
  await plain.close();
  await library.client.deactivate();
});
