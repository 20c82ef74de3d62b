// The seed's snippet in node: sockjs-client and stompjs 2 over each transport, with every kind of identity.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { after, before, describe, test } from "node:test";
import Stomp from "stompjs";
import { signIn, signOut } from "./jar.mjs";
import { CHARACTERS, Inbox, LARGE, apart, assertMessage, carries, sendAll, talk, within } from "./pair.mjs";
import { start } from "./server.mjs";
import { TRANSPORTS, sockjs, speak } from "./stompjs2.mjs";
import * as stompjs7 from "./stompjs7.mjs";

const SNIPPET = readFileSync(new URL("fixtures/seed.js", import.meta.url), "utf8");
const BURST = 300;
// The period that chatd announces, and its timer's coarseness.
const HEARTBEAT_MS = 25_000;

let server;
const idle = [];
before(async () => {
  server = await start();
  // These say nothing until the last test of this file; both sides promised a sign of life every 20 s.
  for (const transport of TRANSPORTS) {
    const [person] = await server.people(`${slug(transport)}.idle`);
    const socket = sockjs(server.sockjs, transport);
    const beats = new Inbox();
    socket.addEventListener("message", ({ data }) => data === "\n" && beats.put(data));
    idle.push({ beats, client: await speak(person, { socket, headers: bearer(person) }) });
  }
});
after(() => server?.stop());

// Two people whose names tell which test they belong to.
const pair = (test) => server.people(`${test}.ann`, `${test}.bob`);
const slug = (transport) => transport.replace("-", "_");
const bearer = ({ token }) => ({ Authorization: `Bearer ${token}` });
const byHeader = (person, transport, more) =>
  speak(person, { socket: sockjs(server.sockjs, transport), headers: bearer(person), more });

// The seed's two people, the same for every transport.
let people;
function user1AndUser2() {
  people ??= Promise.all(["user1", "user2"].map(async (name) => server.login(await server.register(name))));
  return people;
}

// How somebody says who they are, from the most to the least explicit.
const IDENTITIES = {
  "a token in CONNECT": { people: pair, connect: byHeader },
  "?token= and connect({})": {
    people: pair,
    connect: (person, transport) =>
      speak(person, { socket: sockjs(`${server.sockjs}?token=${person.token}`, transport) }),
  },
  "a ticket on the URL and connect({})": {
    people: pair,
    connect: async (person, transport) =>
      speak(person, { socket: sockjs(`${server.sockjs}?ticket=${await server.ticket(person)}`, transport) }),
  },
  "a ticket in CONNECT": {
    people: pair,
    connect: async (person, transport) =>
      speak(person, { socket: sockjs(server.sockjs, transport), headers: { ticket: await server.ticket(person) } }),
  },
};

for (const transport of TRANSPORTS) {
  describe(`stompjs 2 over ${transport}`, () => {
    for (const [n, [name, identity]] of Object.entries(IDENTITIES).entries()) {
      test(`both directions with ${name}`, async () => {
        const [ann, bob] = await identity.people(`${slug(transport)}.id${n}`);
        const clients = await apart([ann, bob], (person) => identity.connect(person, transport));
        clients.forEach((client) => assert.equal(client.transport, transport));
        await talk(...clients);
        await Promise.all(clients.map((client) => client.close()));
      });
    }

    test("both directions with the cookie and connect({})", async () => {
      const hosts = ["127.0.0.1", "localhost"];
      const names = ["ann", "bob"].map((name) => `${slug(transport)}.jar.${name}`);
      const people = await Promise.all(names.map(async (name) => server.login(await server.register(name))));
      const clients = await apart(people, (person, n) => {
        signIn(server.at(hosts[n]), person.cookie);
        return speak(person, { socket: sockjs(`${server.at(hosts[n])}/ws`, transport) });
      });
      clients.forEach((client) => assert.equal(client.transport, transport));
      await talk(...clients);
      await Promise.all(clients.map((client) => client.close()));
      hosts.forEach((host) => signOut(server.at(host)));
    });

    test("nobody gets in without saying who", async () => {
      const refused = new Inbox();
      const socket = sockjs(server.sockjs, transport);
      const closed = new Promise((resolve) => socket.addEventListener("close", resolve));
      Stomp.over(socket).connect(
        {},
        () => refused.fail(new Error("connected")),
        (error) => refused.put(error),
      );
      const error = await refused.next("ERROR");
      assert.equal(error.command, "ERROR");
      assert.match(error.headers.message, /Unauthorized/);
      const { code } = await within(closed, "the close");
      assert.ok(code >= 1000, `${code}`);
    });

    test("every character, and messages of up to 60 KiB", async () => {
      const people = await pair(`${slug(transport)}.text`);
      const [ann, bob] = await apart(people, (person) => byHeader(person, transport));
      await carries(ann, bob, CHARACTERS);
      for (const content of LARGE) await carries(bob, ann, [content]);
      await Promise.all([ann.close(), bob.close()]);
    });

    test("half a character is refused, and the session lives on", async () => {
      const people = await pair(`${slug(transport)}.half`);
      const [ann, bob] = await apart(people, (person) => byHeader(person, transport));
      const body = { recipientId: bob.person.name, content: "half \ud83d a pair", messageType: "TEXT" };
      ann.stomp.send("/app/chat.sendMessage", { receipt: "half" }, JSON.stringify(body));
      const problem = await ann.errors.next("a problem");
      assert.equal(problem.status, 400);
      assert.equal(problem.receipt, "half");
      await talk(ann, bob, 1);
      await Promise.all([ann.close(), bob.close()]);
    });

    test(`${BURST} messages at once come in order, once each`, async () => {
      const people = await pair(`${slug(transport)}.burst`);
      const [ann, bob] = await apart(people, (person) => byHeader(person, transport));
      await carries(
        ann,
        bob,
        Array.from({ length: BURST }, (_, n) => `burst ${n}`),
      );
      await Promise.all([ann.close(), bob.close()]);
    });

    test("responses that end because they are long lose nothing", async () => {
      const people = await pair(`${slug(transport)}.long`);
      const ann = await stompjs7.speak(people[0], { socket: stompjs7.plain(server.websocket) });
      const bob = await byHeader(people[1], transport);
      // Several responses long, and less than may wait for a client that is between two of them.
      const paragraphs = Array.from({ length: BURST }, (_, n) => `${n} ${"on and on ".repeat(80)}`);
      await carries(ann, bob, paragraphs);
      await Promise.all([ann.close(), bob.close()]);
    });

    test("a reconnect in the middle loses nothing", async () => {
      const people = await pair(`${slug(transport)}.again`);
      const [ann, bob] = await apart(people, (person) => byHeader(person, transport));
      const lines = Array.from({ length: 120 }, (_, n) => `line ${n}`);
      const sent = sendAll(ann, bob, lines);
      const first = await bob.inbox.take(20);
      await bob.vanish();
      await sent;

      // With the last cursor: exactly what lies behind it.
      const exact = await byHeader(people[1], transport, { cursor: first.at(-1).cursor });
      const rest = await exact.inbox.take(100);
      assert.deepEqual(
        [...first, ...rest].map((message) => message.content),
        lines,
      );
      await exact.vanish();

      // Without one: from the first that the server does not know to have arrived. In order, and nothing is left out.
      await sendAll(ann, bob, ["while nobody was there"]);
      const naive = await byHeader(people[1], transport);
      const seen = new Map([...first, ...rest].map((message) => [message.messageId, message.content]));
      for (let last; last !== "while nobody was there";) {
        const message = await naive.inbox.next();
        last = message.content;
        seen.set(message.messageId, last);
      }
      assert.deepEqual([...seen.values()], [...lines, "while nobody was there"]);
      await Promise.all([ann.close(), naive.close()]);
    });

    test("the snippet, to the letter", async () => {
      const [user1, user2] = await user1AndUser2();
      const other = await byHeader(user2, transport);
      signIn(server.at("localhost"), user1.cookie);
      const log = new Inbox();
      let socket;
      // Only where localhost:8080 is, and by which transport, is not the snippet's.
      function Redirected(url) {
        const { port } = server;
        const { pathname } = new URL(url);
        socket = sockjs(`http://localhost:${port}${pathname}`, transport);
        return socket;
      }
      const console = { log: (line) => log.put(line) };
      new Function("SockJS", "Stomp", "console", SNIPPET)(Redirected, Stomp, console);
      assert.match(await log.next("Connected"), /^Connected: CONNECTED\n/);
      assert.equal(socket.transport, transport);
      const message = await other.inbox.next();
      assertMessage(message, { person: user1 }, other, "Hello via WebSocket!");
      await other.send("user1", "Hello yourself!");
      const line = await log.next("Received");
      assert.ok(line.startsWith("Received: "), line);
      assertMessage(JSON.parse(line.slice("Received: ".length)), other, { person: user1 }, "Hello yourself!");
      socket.close();
      await other.close();
      signOut(server.at("localhost"));
    });
  });
}

test("who is silent gets heart-beats, stays, and can still talk", async () => {
  for (const { beats, client } of idle) {
    await beats.next("a heart-beat", HEARTBEAT_MS);
    await carries(client, client, [`still here, over ${client.transport}`]);
    await client.close();
  }
});
