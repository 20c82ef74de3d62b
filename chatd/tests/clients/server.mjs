// A chatd of its own for a test: free ports, an empty data folder, ended by pid.
import { spawn } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";

// Eight services and the admin listener count on from the gateway's port.
const PORTS = 11;

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

export async function start() {
  const data = mkdtempSync(join(tmpdir(), "chatd-clients-"));
  const port = await freePorts();
  const child = spawn(
    process.env.BIN,
    ["--data", data, "--port", String(port), "--set", "limits.requests_per_minute=0", "--set", "limits.messages_per_second=0"],
    { stdio: ["ignore", "pipe", "inherit"], env: { ...process.env, RUST_LOG: "warn" } },
  );
  const lines = createInterface({ input: child.stdout });
  await new Promise((resolve, reject) => {
    lines.on("line", (line) => line.startsWith("chatd ready") && resolve());
    child.once("exit", (code) => reject(new Error(`chatd ended with ${code} before it was ready`)));
  });
  const token = readFileSync(join(data, "admin.token"), "utf8").trim();
  const admin = async (path, body) => {
    const answer = await fetch(`http://127.0.0.1:${port + 10}${path}`, {
      method: "POST",
      headers: { authorization: `Bearer ${token}`, "content-type": "application/json" },
      body: JSON.stringify(body),
    });
    if (!answer.ok) throw new Error(`${path}: ${answer.status} ${await answer.text()}`);
    return answer.json();
  };
  return {
    url: `http://127.0.0.1:${port}`,
    websocket: `ws://127.0.0.1:${port}/ws/websocket`,
    // Creates people and gives each a token.
    async people(...names) {
      await admin("/admin/users/import", { users: names.map((username) => ({ username })) });
      const { tokens } = await admin("/admin/tokens", { users: names });
      return tokens.map((minted, n) => ({ name: names[n], id: minted.userId, token: minted.accessToken }));
    },
    async stop() {
      child.kill("SIGTERM");
      await new Promise((resolve) => child.once("exit", resolve));
      rmSync(data, { recursive: true, force: true });
    },
  };
}
