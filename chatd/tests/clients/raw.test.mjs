// Clients that are no library of ours: what phones, scripts and old code put on the wire.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import Stomp from "stompjs";
import websocket from "websocket";
import WebSocket from "ws";
import { Inbox, within } from "./pair.mjs";
import { start } from "./server.mjs";

let server;
before(async () => {
  server = await start();
});
after(() => server?.stop());

// A socket that collects texts as they come.
async function open(url, protocols, options) {
  const socket = new WebSocket(url, protocols, options);
  const texts = new Inbox();
  const closed = new Promise((resolve) =>
    socket.once("close", (code, reason) => resolve({ code, reason: `${reason}` })),
  );
  socket.on("message", (data) => texts.put(data.toString("utf8")));
  await within(new Promise((resolve, reject) => socket.once("open", resolve).once("error", reject)), "a socket");
  return { socket, texts, closed };
}

const chat = (recipientId, content) => JSON.stringify({ recipientId, content, messageType: "TEXT" });

test("a script with hand-made frames, padded with newlines", async () => {
  const [ann, bob] = await server.people("script.ann", "script.bob");
  // Python's websocket-client sends an Origin of its own making, and stomper writes frames of 1.0.
  const { socket, texts } = await open(server.websocket, [], { origin: server.url });
  socket.send(`CONNECT\nAuthorization: Bearer ${ann.token}\n\n\x00\n`);
  const connected = await texts.next("CONNECTED");
  assert.ok(connected.startsWith("CONNECTED\n"), connected);
  assert.match(connected, /\nversion:1\.0\n/);
  socket.send("SUBSCRIBE\ndestination: /user/queue/messages\nack: auto\n\n\x00\n");
  socket.send(`SEND\ndestination:/app/chat.sendMessage\nreceipt:r\n\n${chat(bob.name, "by hand")}\x00\n`);
  assert.match(await texts.next("RECEIPT"), /^RECEIPT\nreceipt-id:r\n/);
  socket.send(`\n\n\nSEND\ndestination:/app/chat.sendMessage\n\n${chat(ann.name, "to myself")}\n\x00\n`);
  const message = await texts.next("MESSAGE");
  assert.match(message, /^MESSAGE\n/);
  assert.match(message, /"content":"to myself"/);
  socket.send("DISCONNECT\nreceipt:bye\n\n\x00\n");
  assert.match(await texts.next("RECEIPT"), /^RECEIPT\nreceipt-id:bye\n/);
  socket.close();
});

test("an Android library: 1.1 and 1.2, beats 0,0, on /ws/websocket", async () => {
  const [ann] = await server.people("android.ann");
  const { socket, texts } = await open(server.websocket, ["v10.stomp", "v11.stomp", "v12.stomp"]);
  assert.match(socket.protocol, /^v1[012]\.stomp$/);
  socket.send(`CONNECT\naccept-version:1.1,1.2\nheart-beat:0,0\nAuthorization:Bearer ${ann.token}\n\n\x00`);
  const connected = await texts.next("CONNECTED");
  assert.match(connected, /\nversion:1\.2\n/);
  // Wanted by stompjs 2, which fails without it, even where nobody beats.
  assert.match(connected, /\nheart-beat:\d+,\d+\n/);
  socket.send("SUBSCRIBE\nid:a3b0\ndestination:/user/queue/messages\nack:auto\nreceipt:s\n\n\x00");
  assert.match(await texts.next("RECEIPT"), /receipt-id:s/);
  socket.send(`SEND\ndestination:/app/chat.sendMessage\n\n${chat(ann.name, "note")}\x00\n`);
  assert.match(await texts.next("MESSAGE"), /\nsubscription:a3b0\n/);
  socket.close();
});

test("the seed's base path takes a plain WebSocket too", async () => {
  const [ann] = await server.people("base.ann");
  const { socket, texts } = await open(`ws://127.0.0.1:${server.port}/ws`, ["v12.stomp"]);
  socket.send(`CONNECT\naccept-version:1.2\nAuthorization:Bearer ${ann.token}\n\n\x00`);
  assert.match(await texts.next("CONNECTED"), /^CONNECTED\n/);
  socket.close();
});

test("a frame in pieces, cut anywhere, and several in one message", async () => {
  const [ann] = await server.people("pieces.ann");
  const { socket, texts } = await open(server.websocket, []);
  const bytes = Buffer.from(
    `CONNECT\naccept-version:1.2\nAuthorization:Bearer ${ann.token}\n\n\x00` +
      "SUBSCRIBE\nid:1\ndestination:/user/queue/messages\n\n\x00" +
      `SEND\ndestination:/app/chat.sendMessage\n\n${chat(ann.name, "in pieces")}\x00`,
  );
  for (let at = 0; at < bytes.length; at += 7) socket.send(bytes.subarray(at, at + 7));
  assert.match(await texts.next("CONNECTED"), /^CONNECTED\n/);
  assert.match(await texts.next("MESSAGE"), /"content":"in pieces"/);
  const send = (content) => `SEND\ndestination:/app/chat.sendMessage\n\n${chat(ann.name, content)}\x00\n`;
  socket.send(send("first") + send("second"));
  assert.match(await texts.next("MESSAGE"), /"content":"first"/);
  assert.match(await texts.next("MESSAGE"), /"content":"second"/);
  socket.close();
});

test("an app's token on the upgrade, and CONNECT without one", async () => {
  const [ann] = await server.people("upgrade.ann");
  const inHeader = { headers: { Authorization: `Bearer ${ann.token}` } };
  const ways = [
    [server.websocket, inHeader],
    [`${server.websocket}?token=${ann.token}`],
    [`${server.websocket}?access_token=${ann.token}`],
  ];
  for (const [url, options] of ways) {
    const { socket, texts } = await open(url, [], options);
    socket.send("STOMP\naccept-version:1.2\nhost:chat.example\n\n\x00");
    assert.match(await texts.next("CONNECTED"), /^CONNECTED\n/);
    socket.close();
  }
});

test("the cookie opens a session for its own pages and for programs, and for no other page", async () => {
  const { cookie } = await server.login(await server.register("cookie.ann"));
  const paths = ["/ws", "/ws/websocket", "/ws/000/abcd/websocket"];
  for (const origin of [undefined, server.url]) {
    const { socket, texts } = await open(server.websocket, [], { origin, headers: { cookie } });
    socket.send("CONNECT\naccept-version:1.2\n\n\x00");
    assert.match(await texts.next("CONNECTED"), /^CONNECTED\n/);
    socket.close();
  }
  const foreign = [`http://127.0.0.1:${server.port + 1}`, "http://evil.example", "null"];
  for (const origin of foreign) {
    for (const path of paths) {
      const opened = open(`ws://127.0.0.1:${server.port}${path}`, [], { origin, headers: { cookie } });
      await assert.rejects(opened, /403/, `${origin} ${path}`);
    }
    const polled = await fetch(`${server.sockjs}/000/efgh/xhr`, { method: "POST", headers: { origin, cookie } });
    assert.equal(polled.status, 403);
    assert.equal(polled.headers.get("access-control-allow-origin"), null);
    const info = await fetch(`${server.sockjs}/info`, { headers: { origin } });
    assert.equal(info.headers.get("access-control-allow-origin"), null);
  }
});

test("what is no STOMP gets ERROR and a close, and no version in common a list", async () => {
  const frames = {
    "SEND\ndestination:/app/chat.sendMessage\n\n{}\x00": /^ERROR\n/,
    "HELO\n\n\x00": /^ERROR\n/,
    "CONNECT\naccept-version:3.0\n\n\x00": /\nversion:[\d.,]*1\.2/,
    "CONNECT\naccept-version:1.2\nAuthorization:Bearer nonsense\n\n\x00": /Unauthorized/,
  };
  for (const [frame, expected] of Object.entries(frames)) {
    const { socket, texts, closed } = await open(server.websocket, []);
    socket.send(frame);
    const error = await texts.next("ERROR");
    assert.match(error, /^ERROR\n/);
    assert.match(error, expected);
    const { code } = await within(closed, "the close");
    assert.ok([1002, 1008].includes(code), `${code}`);
  }
});

test("npm's websocket talks through stompjs 2's overWS", async () => {
  const [ann, bob] = await server.people("overws.ann", "overws.bob");
  const stomp = Stomp.overWS(server.websocket);
  const inbox = new Inbox();
  const headers = { Authorization: `Bearer ${ann.token}` };
  await within(new Promise((resolve, reject) => stomp.connect(headers, resolve, reject)), "CONNECTED");
  stomp.subscribe("/user/queue/messages", ({ body }) => inbox.put(JSON.parse(body)));
  stomp.send("/app/chat.sendMessage", {}, chat(ann.name, "x".repeat(40_000)));
  assert.equal((await inbox.next()).content.length, 40_000);
  await server.rest(bob, "POST", "/api/chat/messages", { recipientId: ann.id, content: "hi", messageType: "TEXT" });
  assert.equal((await inbox.next()).senderId, bob.id);
  stomp.disconnect();
});

test("stompjs 2 on a WebSocket of its own offers its protocols and gets one", async () => {
  const [ann] = await server.people("client.ann");
  for (const socketClass of [WebSocket, websocket.w3cwebsocket]) {
    Stomp.WebSocketClass = socketClass;
    const stomp = Stomp.client(server.websocket);
    const inbox = new Inbox();
    const headers = { Authorization: `Bearer ${ann.token}` };
    await within(new Promise((resolve, reject) => stomp.connect(headers, resolve, reject)), "CONNECTED");
    assert.match(stomp.ws.protocol, /^v1[01]\.stomp$/);
    stomp.subscribe("/user/queue/messages", ({ body }) => inbox.put(JSON.parse(body)));
    stomp.send("/app/chat.sendMessage", {}, chat(ann.name, "note"));
    while ((await inbox.next()).content !== "note");
    stomp.disconnect();
  }
});
