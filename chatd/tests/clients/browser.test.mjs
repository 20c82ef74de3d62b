// The seed's snippet to the letter, in a real browser: on a page of the same origin, signed in by a cookie.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { createServer } from "node:http";
import { createRequire } from "node:module";
import { after, afterEach, before, describe, test } from "node:test";
import { found, launch } from "./chromium.mjs";
import { Inbox, assertMessage, carries } from "./pair.mjs";
import { elsewhere, start } from "./server.mjs";
import { plain, speak } from "./stompjs7.mjs";

const HOME = "http://localhost:8080/";
const SNIPPET = readFileSync(new URL("fixtures/seed.js", import.meta.url), "utf8");
const { resolve } = createRequire(import.meta.url);
const LIBRARIES = ["sockjs-client/dist/sockjs.min.js", "stompjs/lib/stomp.min.js"].map((name) => resolve(name));

// What a page's console said.
class Console {
  #inbox = new Inbox();

  constructor(page) {
    page.on("console", (message) => this.#inbox.put(message.text()));
    page.on("pageerror", (error) => this.#inbox.put(`uncaught: ${error.message}`));
  }

  // The next line that begins like this; stompjs tells the console everything, so other lines are let go.
  async line(beginning) {
    for (;;) {
      const text = await this.#inbox.next(beginning);
      if (text.startsWith(beginning)) return text;
      if (/^(Connected: |Whoops! |uncaught: )/.test(text)) assert.fail(`${beginning}was expected, not ${text}`);
    }
  }
}

// A browser of its own with one page, which can run the snippet. What chatd itself serves there lets no script run; the
// page of an app would.
async function open(browser, address, prepare = () => {}) {
  const context = await browser.newContext({ bypassCSP: true });
  await context.addInitScript(prepare);
  const page = await context.newPage();
  const visit = async (address) => {
    await page.goto(address);
    for (const path of LIBRARIES) await page.addScriptTag({ path });
  };
  await visit(address);
  const run = (content) => page.addScriptTag({ content });
  return { page, visit, run, log: new Console(page), close: () => context.close() };
}

// The page signs somebody in with a fetch; it is the server that sets the cookie.
async function signIn({ page }, person, password) {
  const status = await page.evaluate(
    async ([url, body]) => {
      const headers = { "content-type": "application/json" };
      const answer = await fetch(url, { method: "POST", headers, body: JSON.stringify(body), credentials: "include" });
      return answer.status;
    },
    [`${HOME}api/auth/login`, { username: person.name, password }],
  );
  assert.equal(status, 200);
}

async function atHome(browser, person, password) {
  const one = await open(browser, HOME);
  await signIn(one, person, password);
  return one;
}

// Somebody else's site: the same host, so that the cookie is even sent along, but another origin.
async function foreignSite() {
  const site = createServer((_, answer) => answer.setHeader("content-type", "text/html").end("<!doctype html>"));
  await new Promise((listening) => site.listen(0, "127.0.0.1", listening));
  return { origin: `http://localhost:${site.address().port}`, stop: () => site.closeAllConnections() ?? site.close() };
}

const parsed = (line) => JSON.parse(line.slice("Received: ".length));

const skip = found() ? false : "there is no chromium: set CHROMIUM to one, or install Debian's package";
if (skip) console.log(`browser.test.mjs is skipped: ${skip}`);

describe("chromium", { skip }, () => {
  let server;
  let browser;
  let user1;
  let user2;
  before(async () => {
    server = await start();
    browser = await launch(server.port);
    [user1, user2] = [await server.register("user1"), await server.register("user2")];
  });
  after(async () => {
    await browser?.close();
    await server?.stop();
  });

  test("the seed's snippet, to the letter, from user1 to user2 and back", async () => {
    const [one, two] = await Promise.all([user1, user2].map((person) => atHome(browser, person, server.password)));
    // user2's page has the same snippet, with the two people changed over; its message comes when user1 is there.
    await one.run(SNIPPET);
    assert.match(await one.log.line("Connected: "), /^Connected: CONNECTED\n/);
    await two.run(SNIPPET.replace(/user[12]/g, (name) => (name === "user1" ? "user2" : "user1")));
    assert.match(await two.log.line("Connected: "), /^Connected: CONNECTED\n/);
    const hello = "Hello via WebSocket!";
    assertMessage(parsed(await two.log.line("Received: ")), { person: user1 }, { person: user2 }, hello);
    assertMessage(parsed(await one.log.line("Received: ")), { person: user2 }, { person: user1 }, hello);
    assert.equal(await one.page.evaluate("socket.transport"), "websocket");
    await Promise.all([one.close(), two.close()]);
  });

  for (const transport of ["xhr-streaming", "eventsource", "xhr-polling"]) {
    test(`the same over ${transport}, and on behind a refresh`, async () => {
      const client = await speak(await server.login(user2), { socket: plain(server.websocket) });
      const one = await atHome(browser, user1, server.password);
      await one.run(SNIPPET.replace('/ws")', `/ws", null, { transports: "${transport}" })`));
      await one.log.line("Connected: ");
      assert.equal(await one.page.evaluate("socket.transport"), transport);
      // A new token, by the cookie; whatever becomes of the cookie, the session goes on.
      const refreshed = await one.page.evaluate(async () => {
        const headers = { "content-type": "application/json" };
        return (await fetch("/api/auth/refresh", { method: "POST", headers, body: "{}" })).status;
      });
      assert.equal(refreshed, 200);
      const content = `over ${transport} 😀 100 %\u2028`;
      await one.page.evaluate((content) => {
        const body = { recipientId: "user2", content, messageType: "TEXT" };
        stompClient.send("/app/chat.sendMessage", {}, JSON.stringify(body));
      }, content);
      for (let message; message?.content !== content;) message = await client.inbox.next();
      await client.send("user1", content);
      for (let message; message?.content !== content;) message = parsed(await one.log.line("Received: "));
      await one.close();
      await client.close();
    });
  }

  test("the snippet, to the letter, where a browser has no WebSocket", async () => {
    const one = await open(browser, HOME, () => delete globalThis.WebSocket);
    await signIn(one, user1, server.password);
    await one.run(SNIPPET);
    await one.log.line("Connected: ");
    assert.equal(await one.page.evaluate("socket.transport"), "xhr-streaming");
    await one.close();
  });

  test("logout closes the page's socket", async (t) => {
    const one = await atHome(browser, user1, server.password);
    await one.run(SNIPPET);
    await one.log.line("Connected: ");
    const spent = await one.page.evaluate(async () => {
      const post = (path, more) => fetch(path, { method: "POST", ...more });
      const headers = { "content-type": "application/json" };
      // The cookie's own session: a refresh by cookie answers with a token of it.
      const { accessToken } = await (await post("/api/auth/refresh", { headers, body: "{}" })).json();
      const started = performance.now();
      const closed = new Promise((resolve) => socket.addEventListener("close", resolve));
      await post("/api/auth/logout", { headers: { authorization: `Bearer ${accessToken}` } });
      await closed;
      return performance.now() - started;
    });
    t.diagnostic(`logout to closed, in chromium: ${spent.toFixed(1)} ms`);
    await one.close();
  });
});

// What a page can send without being allowed to read an answer: posts, with the visitor's cookie.
async function postBlindly(url, recipientId, content) {
  const session = `${url}ws/000/${Math.random().toString(36).slice(2)}`;
  const init = { method: "POST", mode: "no-cors", credentials: "include" };
  const post = (path, body) => fetch(`${session}/${path}`, { ...init, body }).catch(() => {});
  const message = JSON.stringify({ recipientId, content, messageType: "TEXT" });
  await post("xhr");
  await post("xhr_send", JSON.stringify(["CONNECT\naccept-version:1.2\n\n\0"]));
  await post("xhr");
  await post("xhr_send", JSON.stringify([`SEND\ndestination:/app/chat.sendMessage\n\n${message}\0`]));
}

describe("chromium, on a page of another origin", { skip }, () => {
  let site;
  let server;
  let browser;
  before(async () => {
    site = await foreignSite();
  });
  after(() => site?.stop());
  afterEach(async () => {
    await browser?.close();
    await server?.stop();
  });

  test("the cookie opens nothing, neither by the snippet nor by hand", async () => {
    server = await start();
    browser = await launch(server.port);
    const [user1, user2] = [await server.register("user1"), await server.register("user2")];
    const clients = await Promise.all(
      [user1, user2].map(async (user) => speak(await server.login(user), { socket: plain(server.websocket) })),
    );
    const one = await atHome(browser, user1, server.password);
    const forge = (content) => one.page.evaluate(`(${postBlindly})("${HOME}", "user2", "${content}")`);
    // At home it works, so that below it is the origin that makes the difference.
    await forge("by hand");
    assert.equal((await clients[1].inbox.next()).content, "by hand");
    assert.equal((await clients[0].inbox.next()).content, "by hand");
    await one.visit(site.origin);
    await one.run(SNIPPET);
    assert.match(await one.log.line("Whoops! "), /^Whoops! /);

    const outcome = await one.page.evaluate(
      (url) =>
        new Promise((resolve) => {
          const socket = new WebSocket(url);
          socket.onopen = () => resolve("open");
          socket.onerror = () => resolve("refused");
        }),
      `${HOME.replace("http", "ws")}ws/websocket`,
    );
    assert.equal(outcome, "refused");
    await forge("forged");
    // The next that user2 gets is what user1 really wrote.
    await carries(...clients, ["genuine"]);
    await Promise.all(clients.map((client) => client.close()));
  });

  test("the snippet works from an origin that is listed", { skip: elsewhere }, async () => {
    server = await start({ "cors.allowed_origins": `["${site.origin}"]` });
    browser = await launch(server.port);
    const [user1, user2] = [await server.register("user1"), await server.register("user2")];
    const client = await speak(await server.login(user2), { socket: plain(server.websocket) });
    const one = await open(browser, site.origin);
    await signIn(one, user1, server.password);
    await one.run(SNIPPET);
    await one.log.line("Connected: ");
    assertMessage(await client.inbox.next(), { person: user1 }, client, "Hello via WebSocket!");
    await client.send("user1", "Hello, whoever you are");
    assertMessage(parsed(await one.log.line("Received: ")), client, { person: user1 }, "Hello, whoever you are");
    await client.close();
  });
});
