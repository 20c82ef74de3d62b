// The smallest STOMP 1.2 client over a bare WebSocket: what an app without a library would write.
import WebSocket from "ws";

export class Plain {
  #socket;
  #waiting = [];
  #frames = [];

  static async connect(url, token) {
    const client = new Plain();
    client.#socket = new WebSocket(url, ["v12.stomp"]);
    client.#socket.on("message", (data) => client.#take(data.toString("utf8")));
    await new Promise((resolve, reject) => {
      client.#socket.once("open", resolve);
      client.#socket.once("error", reject);
    });
    client.put("CONNECT", { "accept-version": "1.2", "heart-beat": "0,0", Authorization: `Bearer ${token}` });
    const connected = await client.next();
    if (connected.command !== "CONNECTED") throw new Error(connected.body);
    return client;
  }

  put(command, headers, body = "") {
    const lines = Object.entries(headers).map(([name, value]) => `${name}:${value}\n`);
    this.#socket.send(`${command}\n${lines.join("")}\n${body}\0`);
  }

  subscribe(destination, id, more = {}) {
    this.put("SUBSCRIBE", { destination, id, ...more });
  }

  send(recipientId, content, receipt) {
    const headers = { destination: "/app/chat.sendMessage", "content-type": "application/json", receipt };
    this.put("SEND", headers, JSON.stringify({ recipientId, content, messageType: "TEXT" }));
  }

  next() {
    const frame = this.#frames.shift();
    return frame ? Promise.resolve(frame) : new Promise((resolve) => this.#waiting.push(resolve));
  }

  // The next MESSAGE's body, with the cursor that came with it.
  async message() {
    for (;;) {
      const frame = await this.next();
      if (frame.command === "MESSAGE") return { ...JSON.parse(frame.body), cursor: frame.headers.cursor };
      if (frame.command === "ERROR") throw new Error(frame.body);
    }
  }

  async close() {
    this.#socket.close();
    await new Promise((resolve) => this.#socket.once("close", resolve));
  }

  #take(text) {
    for (const part of text.split("\0")) {
      const trimmed = part.replace(/^\n+/, "");
      if (!trimmed) continue;
      const [head, ...rest] = trimmed.split("\n\n");
      const [command, ...lines] = head.split("\n");
      const headers = Object.fromEntries(
        lines.map((line) => [line.slice(0, line.indexOf(":")), line.slice(line.indexOf(":") + 1)]),
      );
      const frame = { command, headers, body: rest.join("\n\n") };
      const waiting = this.#waiting.shift();
      if (waiting) waiting(frame);
      else this.#frames.push(frame);
    }
  }
}
