// A chatd of its own for a test file: free ports, an empty data folder, ended by pid. Or, for all of them, the one that
// GATEWAY names: several processes that somebody else started, with SETTINGS. ADMIN is then the admin API of the process
// that holds the accounts, DATA its data folder; GATEWAYS, if there are several, all gateways, and then two who talk come
// by different ones. Files run one at a time, because they share its people:
//   GATEWAY=http://127.0.0.1:8080 ADMIN=http://127.0.0.1:8091 DATA=/var/lib/chatd/auth npm run test:running
import { spawn } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";

// Eight services and the admin listener count on from the gateway's port.
const PORTS = 11;
const START_MS = 30_000;
const PASSWORD = "correct horse battery";

const { ADMIN, BIN, DATA, GATEWAY, GATEWAYS } = process.env;

// Which gateway the next sockets go to.
const doors = GATEWAYS?.split(",") ?? [];
let turn = 0;
export const turnTo = (number) => {
  turn = number;
};

// Why a test that needs a server with other settings is skipped, or false.
export const elsewhere = GATEWAY ? "it needs a server with settings of its own, and GATEWAY names one that runs" : false;

// The tests make more calls and longer messages than the defaults allow; what bounds them has tests of its own.
const SETTINGS = {
  "auth.bcrypt_cost": 10,
  "limits.content_chars": 49_000,
  "limits.messages_per_second": 0,
  "limits.registrations_per_minute": 0,
  "limits.requests_per_minute": 0,
};

function free(port) {
  return new Promise((resolve) => {
    const probe = createServer();
    probe.once("error", () => resolve(false));
    probe.listen(port, "127.0.0.1", () => probe.close(() => resolve(true)));
  });
}

async function freePorts() {
  for (;;) {
    const base = 20000 + Math.floor(Math.random() * 10000);
    const all = await Promise.all(Array.from({ length: PORTS }, (_, n) => free(base + n)));
    if (all.every(Boolean)) return base;
  }
}

// Whatever ends this process ends its servers.
const children = new Set();
process.once("exit", () => children.forEach((child) => child.kill("SIGKILL")));
["SIGHUP", "SIGINT", "SIGTERM"].forEach((signal) => process.once(signal, () => process.exit(1)));

async function spawned(data, port, settings) {
  const set = Object.entries({ ...SETTINGS, ...settings }).flatMap(([key, value]) => ["--set", `${key}=${value}`]);
  if (!BIN) throw new Error("set BIN to the chatd that is to be tested, or GATEWAY to one that runs");
  const child = spawn(BIN, ["--data", data, "--port", String(port), ...set], {
    stdio: ["ignore", "pipe", "inherit"],
    env: { ...process.env, RUST_LOG: "warn" },
  });
  children.add(child);
  child.once("exit", () => children.delete(child));
  const lines = createInterface({ input: child.stdout });
  await new Promise((resolve, reject) => {
    const late = setTimeout(() => reject(new Error(`chatd was not ready within ${START_MS} ms`)), START_MS);
    lines.on("line", (line) => {
      if (!line.startsWith("chatd ready")) return;
      clearTimeout(late);
      resolve();
    });
    child.once("exit", (code) => reject(new Error(`chatd ended with ${code} before it was ready`)));
  });
  return child;
}

async function answer(response) {
  const text = await response.text();
  if (!response.ok) throw new Error(`${response.url}: ${response.status} ${text}`);
  return text && JSON.parse(text);
}

async function call(method, url, bearer, body) {
  const headers = { ...(bearer && { authorization: `Bearer ${bearer}` }), "content-type": "application/json" };
  return fetch(url, { method, headers, body: body && JSON.stringify(body) });
}

// A chatd of this file's own.
async function ours(settings) {
  const data = mkdtempSync(join(tmpdir(), "chatd-clients-"));
  const port = await freePorts();
  const child = await spawned(data, port, settings);
  return {
    port,
    admin: `http://127.0.0.1:${port + 10}`,
    data,
    async stop() {
      if (children.has(child)) {
        const ended = new Promise((resolve) => child.once("exit", resolve));
        child.kill("SIGTERM");
        await ended;
      }
      rmSync(data, { recursive: true, force: true });
    },
  };
}

// The one that runs; the tests are not blamed for limits that it was not started with.
async function running(settings) {
  if (Object.keys(settings).length > 0) throw new Error("a server that runs cannot be given settings");
  const { hostname, port } = new URL(GATEWAY);
  if (hostname !== "127.0.0.1") throw new Error(`GATEWAY is ${GATEWAY}, and cookies need http://127.0.0.1:PORT`);
  const { limits } = await answer(await call("GET", `${GATEWAY}/api/limits`));
  for (const { key, value } of limits) {
    const needed = SETTINGS[key];
    if (needed !== undefined && value !== needed) throw new Error(`start the server with --set ${key}=${needed}`);
  }
  if (!DATA) throw new Error("set DATA to the data folder of the process whose admin API ADMIN names");
  return { port: Number(port), admin: ADMIN ?? `http://127.0.0.1:${Number(port) + 10}`, data: DATA, stop() {} };
}

// Settings are keys of chatd's configuration, such as { "limits.content_chars": 100 }.
export async function start(settings = {}) {
  const { port, admin, data, stop } = await (GATEWAY ? running : ours)(settings);
  const token = readFileSync(join(data, "admin.token"), "utf8").trim();
  const operate = async (path, body) => answer(await call("POST", `${admin}${path}`, token, body));
  // Somebody of an earlier file, or of an earlier run, may have the name.
  const forget = async (name) => {
    if (!GATEWAY) return;
    const response = await call("DELETE", `${admin}/admin/users/${name}`, token);
    if (response.status !== 404) await answer(response);
  };
  const door = () => (doors.length > 1 ? new URL(doors[turn % doors.length]).port : port);
  let phones = GATEWAY ? Math.floor(Math.random() * 9_000_000) : 0;
  return {
    port,
    password: PASSWORD,
    // Cookies go by host: one person can be at home at each of the two names of this machine.
    at: (host, scheme = "http") => `${scheme}://${host}:${door()}`,
    url: `http://127.0.0.1:${port}`,
    get sockjs() {
      return `http://127.0.0.1:${door()}/ws`;
    },
    get websocket() {
      return `ws://127.0.0.1:${door()}/ws/websocket`;
    },

    // Any call of the REST API, as a person who has a token; the body of its answer.
    rest: async (person, method, path, body) =>
      answer(await call(method, `http://127.0.0.1:${port}${path}`, person?.token, body)),

    // People without a password, each with a token.
    async people(...names) {
      await Promise.all(names.map(forget));
      await operate("/admin/users/import", { users: names.map((username) => ({ username })) });
      const { tokens } = await operate("/admin/tokens", { users: names });
      return tokens.map((minted, n) => ({ name: names[n], id: minted.userId, token: minted.accessToken }));
    },

    // Somebody with a password, who may sign in.
    async register(name) {
      await forget(name);
      const phoneNumber = `+4930${String(++phones).padStart(7, "0")}`;
      const body = { phoneNumber, password: PASSWORD, displayName: name, username: name };
      const session = await this.rest(undefined, "POST", "/api/auth/register", body);
      return { name, id: session.userId };
    },

    // Signs in: a session's token, and its cookie as a browser would send it back.
    async login(person) {
      const body = { username: person.name, password: PASSWORD };
      const response = await call("POST", `http://127.0.0.1:${port}/api/auth/login`, undefined, body);
      const cookie = response.headers.get("set-cookie")?.split(";")[0];
      const { accessToken, refreshToken } = await answer(response);
      return { ...person, token: accessToken, refreshToken, cookie };
    },

    async ticket(person) {
      return (await this.rest(person, "POST", "/api/auth/ticket")).ticket;
    },

    stop,
  };
}
