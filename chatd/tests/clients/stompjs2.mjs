// stompjs 2.3.3 over sockjs-client 1.6.1, as the seed uses them.
import assert from "node:assert/strict";
import SockJS from "sockjs-client";
import Stomp from "stompjs";
import { headersOf } from "./jar.mjs";
import { Inbox, within } from "./pair.mjs";

export const TRANSPORTS = ["websocket", "xhr-streaming", "eventsource", "xhr-polling"];

// Longer than the client's own patience with a transport, which a busy machine may exceed.
const TRANSPORT_MS = 10_000;

export function sockjs(url, transport) {
  const headers = headersOf(new URL(url).origin);
  return new SockJS(url, null, {
    transports: transport,
    timeout: TRANSPORT_MS,
    transportOptions: { websocket: { headers } },
  });
}

// Connects and subscribes; `headers` are those of CONNECT, `more` those of SUBSCRIBE.
export async function speak(person, { socket, headers = {}, more = {} }) {
  const stomp = Stomp.over(socket);
  const inbox = new Inbox();
  const errors = new Inbox();
  const receipts = new Map();
  const closed = new Promise((resolve) => socket.addEventListener("close", resolve));
  closed.then(() => inbox.fail(new Error("the socket is closed")));
  stomp.onreceipt = (frame) => receipts.get(frame.headers["receipt-id"])?.();
  let count = 0;
  const received = (frame) => {
    assert.equal(frame.headers.destination, "/user/queue/messages");
    assert.equal(frame.headers["content-type"], "application/json");
    inbox.put({ ...JSON.parse(frame.body), cursor: frame.headers.cursor });
  };
  // The receipt tells that the subscription stands.
  const receipt = (id) => within(new Promise((resolve) => receipts.set(id, resolve)), `receipt ${id}`);
  await within(new Promise((resolve, reject) => stomp.connect(headers, resolve, reject)), "CONNECTED");
  stomp.subscribe("/user/queue/errors", (frame) => errors.put(JSON.parse(frame.body)));
  const subscribed = receipt("subscribed");
  stomp.subscribe("/user/queue/messages", received, { ...more, receipt: "subscribed" });
  await subscribed;
  return {
    person,
    inbox,
    errors,
    stomp,
    closed,
    transport: socket.transport,
    send(recipientId, content) {
      const id = `r-${++count}`;
      const done = new Promise((resolve) => receipts.set(id, resolve));
      const body = { senderId: person.name, recipientId, content, messageType: "TEXT" };
      stomp.send("/app/chat.sendMessage", { receipt: id }, JSON.stringify(body));
      return done;
    },
    async close() {
      stomp.disconnect();
      await within(closed, "the close of a socket");
    },
    // Goes away as a phone in a tunnel does: without a word.
    async vanish() {
      socket.close();
      await within(closed, "the close of a socket");
    },
  };
}
