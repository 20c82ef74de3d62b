// @stomp/rx-stomp 2.4, plain and over SockJS: streams that go on through a reconnect.
import { RxStomp, RxStompState } from "@stomp/rx-stomp";
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { filter, firstValueFrom, skip } from "rxjs";
import { CHARACTERS, Inbox, apart, carries, sendAll, talk, within } from "./pair.mjs";
import { start } from "./server.mjs";
import { TRANSPORTS, sockjs } from "./stompjs2.mjs";
import { plain } from "./stompjs7.mjs";

const RECONNECT_MS = 50;

let server;
before(async () => {
  server = await start();
});
after(() => server?.stop());

async function speak(person, webSocketFactory) {
  const rx = new RxStomp();
  const inbox = new Inbox();
  let count = 0;
  rx.configure({
    webSocketFactory,
    connectHeaders: { Authorization: `Bearer ${person.token}` },
    reconnectDelay: RECONNECT_MS,
  });
  rx.stompErrors$.subscribe((frame) => inbox.fail(new Error(frame.body)));
  const ready = rx.asyncReceipt("subscribed");
  rx.watch({ destination: "/user/queue/messages", subHeaders: { receipt: "subscribed" } }).subscribe(({ body }) =>
    inbox.put(JSON.parse(body)),
  );
  rx.activate();
  await within(ready, "the receipt of a subscription");
  return {
    person,
    inbox,
    rx,
    async send(recipientId, content) {
      const receipt = `r-${++count}`;
      const done = rx.asyncReceipt(receipt);
      const body = JSON.stringify({ senderId: person.name, recipientId, content, messageType: "TEXT" });
      rx.publish({ destination: "/app/chat.sendMessage", headers: { receipt }, body });
      await done;
    },
    close: () => within(rx.deactivate(), "the end of a client"),
  };
}

const SOCKETS = {
  "a plain WebSocket": () => plain(server.websocket),
  ...Object.fromEntries(
    TRANSPORTS.map((transport) => [`SockJS ${transport}`, () => () => sockjs(server.sockjs, transport)]),
  ),
};

for (const [n, [name, socket]] of Object.entries(SOCKETS).entries()) {
  test(`rx-stomp over ${name}: both directions, receipts, and a reconnect`, async () => {
    const people = await server.people(`ann.${n}`, `bob.${n}`);
    const [ann, bob] = await apart(people, (person) => speak(person, socket()));
    await talk(ann, bob);
    await carries(ann, bob, CHARACTERS);

    const again = firstValueFrom(bob.rx.connected$.pipe(skip(1)));
    const gone = firstValueFrom(bob.rx.connectionState$.pipe(filter((state) => state === RxStompState.CLOSED)));
    bob.rx.stompClient.forceDisconnect();
    await within(gone, "the end of a connection");
    // Sent by a client that is away: the library keeps it until it is back.
    const kept = bob.send(ann.person.name, "kept until now");
    await sendAll(ann, bob, ["one", "two", "three"]);
    await within(Promise.all([again, kept]), "the connection, again");
    assert.equal((await ann.inbox.next()).content, "kept until now");
    const contents = new Set();
    while (!contents.has("three")) contents.add((await bob.inbox.next()).content);
    assert.deepEqual([...contents].slice(-3), ["one", "two", "three"]);
    await Promise.all([ann.close(), bob.close()]);
  });
}
