// The end of a session closes its sockets, whatever they are made of; its refresh does not.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { carries, within } from "./pair.mjs";
import { start } from "./server.mjs";
import * as stompjs2 from "./stompjs2.mjs";
import { TRANSPORTS, sockjs } from "./stompjs2.mjs";
import * as stompjs7 from "./stompjs7.mjs";
import { plain } from "./stompjs7.mjs";

// What API.md promises.
const AT_ONCE_MS = 1000;

let server;
before(async () => {
  server = await start();
});
after(() => server?.stop());

async function overSockjs(person, transport) {
  const headers = { Authorization: `Bearer ${person.token}` };
  const client = await stompjs2.speak(person, { socket: sockjs(server.sockjs, transport), headers });
  assert.equal(client.transport, transport);
  return client;
}

async function overWebsocket(person) {
  let closed;
  const gone = new Promise((resolve) => (closed = resolve));
  const client = await stompjs7.speak(person, {
    socket: plain(server.websocket),
    options: { onWebSocketClose: closed, onStompError: () => {} },
  });
  return { ...client, closed: gone };
}

const SOCKETS = {
  "a plain WebSocket": overWebsocket,
  ...Object.fromEntries(
    TRANSPORTS.map((transport) => [`SockJS ${transport}`, (person) => overSockjs(person, transport)]),
  ),
};

for (const [n, [name, connect]] of Object.entries(SOCKETS).entries()) {
  test(`logout closes ${name}, and no other session's`, async (t) => {
    const person = await server.register(`leaver.${n}`);
    const [leaving, staying] = [await server.login(person), await server.login(person)];
    const client = await connect(leaving);
    const other = await connect(staying);
    const started = performance.now();
    await server.rest(leaving, "POST", "/api/auth/logout");
    await within(client.closed, "the close of a socket whose session ended", AT_ONCE_MS);
    t.diagnostic(`logout to closed, ${name}: ${(performance.now() - started).toFixed(1)} ms`);
    await carries(other, other, ["still here"]);
    await other.close();
  });
}

test("a new password ends the other sessions, and their sockets close", async (t) => {
  const person = await server.register("changer");
  const [here, there] = [await server.login(person), await server.login(person)];
  const kept = await overWebsocket(here);
  const client = await overSockjs(there, "xhr-streaming");
  const started = performance.now();
  const body = { currentPassword: server.password, newPassword: "another correct horse" };
  await server.rest(here, "POST", "/api/auth/password", body);
  const hashed = performance.now();
  await within(client.closed, "the close of a socket", AT_ONCE_MS);
  const spent = `${(performance.now() - started).toFixed(1)} ms, hashing included: ${(hashed - started).toFixed(1)} ms`;
  t.diagnostic(`new password to closed: ${spent}`);
  await carries(kept, kept, ["still here"]);
  await kept.close();
});

test("a refresh closes nothing", async () => {
  const person = await server.login(await server.register("refresher"));
  const clients = [await overWebsocket(person), await overSockjs(person, "xhr-polling")];
  await server.rest(undefined, "POST", "/api/auth/refresh", { refreshToken: person.refreshToken });
  await clients[0].send(person.name, "still here");
  for (const client of clients) {
    assert.equal((await client.inbox.next()).content, "still here");
    await client.close();
  }
});
