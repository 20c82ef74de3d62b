// Who is there and who is typing, as @stomp/stompjs sees it.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { start } from "./server.mjs";
import { sockjs } from "./stompjs2.mjs";
import { plain, speak } from "./stompjs7.mjs";

const QUEUES = ["/user/queue/presence", "/user/queue/typing"];

let server;
before(async () => {
  server = await start();
});
after(() => server?.stop());

const TIME = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/;

// The next body that fits; what it is not about is let go.
async function until(inbox, fits, what) {
  for (;;) {
    const body = await inbox.next(what);
    if (fits(body)) return body;
  }
}
const status = (client, person, wanted) =>
  until(client.inbox, (body) => body.userId === person.id && body.status === wanted, `${person.name} ${wanted}`);
const typing = (client, person, wanted) =>
  until(
    client.inbox,
    (body) => body.userId === person.id && body.typing === wanted,
    `${person.name} typing: ${wanted}`,
  );

test("a contact is seen to come, change, hide and go, and to type", async () => {
  const [ann, bob] = await server.people("ann", "bob");
  await server.rest(ann, "POST", "/api/users/me/contacts", { username: "bob" });
  const watching = await speak(ann, { socket: plain(server.websocket), destinations: QUEUES });
  const there = await speak(bob, { socket: () => sockjs(server.sockjs, "xhr-streaming") });
  const seen = await status(watching, bob, "ONLINE");
  assert.equal(seen.destination, "/user/queue/presence");
  assert.equal(seen.lastSeen, undefined);

  for (const wanted of ["AWAY", "BUSY", "ONLINE"]) {
    await there.publish("/app/presence.update", { status: wanted });
    await status(watching, bob, wanted);
  }

  await there.publish("/app/chat.typing", { peerId: "ann", typing: true });
  const begun = await typing(watching, bob, true);
  assert.equal(begun.destination, "/user/queue/typing");
  assert.match(begun.timestamp, TIME);
  await there.publish("/app/chat.typing", { targetUserId: ann.id, typing: false });
  await typing(watching, bob, false);
  // Who forgets to say that they stopped has stopped after a while, or when their message is there.
  await there.publish("/app/chat.typing", { peerId: "ann", typing: true });
  await typing(watching, bob, true);
  await typing(watching, bob, false);

  await there.publish("/app/presence.update", { status: "INVISIBLE" });
  await status(watching, bob, "OFFLINE");
  await there.publish("/app/presence.update", { status: "ONLINE" });
  await status(watching, bob, "ONLINE");
  await there.close();
  assert.match((await status(watching, bob, "OFFLINE")).lastSeen, TIME);
  await watching.close();
});

test("a person's topic tells whoever may see them, and nothing behind a block", async () => {
  const [cat, dan, eve] = await server.people("cat", "dan", "eve");
  const destinations = ["/topic/presence.dan", "/user/queue/typing", "/user/queue/messages"];
  const watching = await speak(cat, { socket: plain(server.websocket), destinations });
  let there = await speak(dan, { socket: plain(server.websocket) });
  assert.equal((await status(watching, dan, "ONLINE")).destination, "/topic/presence.dan");
  await there.close();
  await status(watching, dan, "OFFLINE");

  await server.rest(dan, "PUT", `/api/users/me/blocks/${cat.id}`);
  there = await speak(dan, { socket: plain(server.websocket) });
  await there.publish("/app/presence.update", { status: "BUSY" });
  await there.publish("/app/chat.typing", { peerId: "cat", typing: true });
  assert.deepEqual(await server.rest(cat, "GET", "/api/presence/dan"), { userId: dan.id, status: "OFFLINE" });
  // All of that has had its time when this is here.
  const body = { recipientId: "cat", content: "anything of dan?", messageType: "TEXT" };
  await server.rest(eve, "POST", "/api/chat/messages", body);
  const told = [];
  await until(watching.inbox, (body) => told.push(body) && body.senderId === eve.id, "a message");
  assert.deepEqual(
    told.slice(0, -1).filter((body) => body.status !== "OFFLINE" || body.lastSeen),
    [],
  );

  await server.rest(dan, "DELETE", `/api/users/me/blocks/${cat.id}`);
  await there.publish("/app/presence.update", { status: "AWAY" });
  await status(watching, dan, "AWAY");
  await Promise.all([there.close(), watching.close()]);
});
