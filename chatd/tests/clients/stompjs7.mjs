// @stomp/stompjs 7 over a plain WebSocket or SockJS.
import { Client } from "@stomp/stompjs";
import WebSocket from "ws";
import { Inbox, within } from "./pair.mjs";

const PROTOCOLS = ["v12.stomp", "v11.stomp", "v10.stomp"];

export const plain = (url) => () => new WebSocket(url, PROTOCOLS);

// Connects and subscribes; `options` are the Client's own, `more` the headers of SUBSCRIBE.
export async function speak(person, { socket, options = {}, more = {}, destinations = ["/user/queue/messages"] }) {
  const inbox = new Inbox();
  const errors = new Inbox();
  const connections = new Inbox();
  const client = new Client({
    webSocketFactory: socket,
    connectHeaders: { Authorization: `Bearer ${person.token}` },
    reconnectDelay: 0,
    onStompError: (frame) => inbox.fail(new Error(`${frame.headers.message} ${frame.body}`)),
    onConnect: (frame) => {
      client.subscribe("/user/queue/errors", ({ body }) => errors.put(JSON.parse(body)));
      const received = ({ body, headers }) =>
        inbox.put({ ...JSON.parse(body), cursor: headers.cursor, destination: headers.destination });
      destinations.forEach((destination, n) => {
        const receipt = `subscribed-${n}`;
        const last = n === destinations.length - 1;
        if (last) client.watchForReceipt(receipt, () => connections.put(frame));
        client.subscribe(destination, received, { ...more, ...(last && { receipt }) });
      });
    },
    ...options,
  });
  client.activate();
  const connected = await connections.next("CONNECTED");
  let count = 0;
  const publish = (destination, body) =>
    new Promise((resolve) => {
      const receipt = `r-${++count}`;
      client.watchForReceipt(receipt, resolve);
      client.publish({ destination, headers: { receipt }, body: JSON.stringify(body) });
    });
  return {
    person,
    inbox,
    errors,
    client,
    connected,
    // The next CONNECTED, after the library came back by itself.
    reconnected: () => connections.next("CONNECTED again"),
    publish,
    send: (recipientId, content) =>
      publish("/app/chat.sendMessage", { senderId: person.name, recipientId, content, messageType: "TEXT" }),
    // Waits for the receipt of its DISCONNECT, as the library does.
    close: () => within(client.deactivate(), "the end of a client"),
  };
}
