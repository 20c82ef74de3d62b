// Debian's chromium, driven by playwright-core; found, not downloaded.
import { accessSync, constants } from "node:fs";
import { delimiter, join } from "node:path";
import { chromium } from "playwright-core";

const FLAGS = [
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
];

function executable(path) {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

// The browser's path, or undefined: CHROMIUM in the environment, else the PATH.
export function found() {
  const { CHROMIUM, PATH = "" } = process.env;
  if (CHROMIUM) return CHROMIUM;
  const folders = PATH.split(delimiter);
  return ["chromium", "chromium-browser", "google-chrome"]
    .flatMap((name) => folders.map((folder) => join(folder, name)))
    .find(executable);
}

// A browser for which the seed's localhost:8080 is at this port. Its user-data-dir is new, empty and its own.
export const launch = (port) =>
  chromium.launch({
    executablePath: found(),
    chromiumSandbox: false,
    args: [...FLAGS, `--host-resolver-rules=MAP localhost:8080 127.0.0.1:${port}`],
  });
