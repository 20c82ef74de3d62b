// The page at /docs, in a real browser: it needs nobody but its own server, fits a phone, and its calls work.
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { found, launch } from "./chromium.mjs";
import { start } from "./server.mjs";

const DOCS = "http://localhost:8080/docs";
const SCREENS = { phone: { width: 360, height: 740 }, desktop: { width: 1280, height: 900 } };

const skip = found() ? false : "there is no chromium: set CHROMIUM to one, or install Debian's package";

describe("/docs", { skip }, () => {
  let server;
  let browser;
  before(async () => {
    server = await start();
    browser = await launch(server.port);
  });
  after(async () => {
    await browser?.close();
    await server?.stop();
  });

  for (const [screen, viewport] of Object.entries(SCREENS)) {
    test(`on a ${screen}`, async () => {
      const page = await browser.newPage({ viewport });
      const complaints = [];
      const foreign = [];
      page.on("console", (message) => message.type() === "error" && complaints.push(message.text()));
      page.on("pageerror", (error) => complaints.push(error.message));
      page.on("request", (request) => new URL(request.url()).host === "localhost:8080" || foreign.push(request.url()));
      await page.goto(DOCS);

      // Every operation of the description is there.
      const described = await page.evaluate(async () => (await fetch("/openapi.json")).json());
      const methods = ["get", "put", "post", "patch", "delete"];
      const operations = Object.values(described.paths).flatMap((path) => methods.filter((method) => path[method]));
      const shown = page.locator(".opblock");
      await shown.nth(operations.length - 1).waitFor();
      assert.equal(await shown.count(), operations.length);
      assert.ok(
        await page.evaluate("document.documentElement.scrollWidth <= innerWidth"),
        "it is wider than the screen",
      );

      const limits = shown.filter({ has: page.locator('[data-path="/api/limits"]') });
      await limits.locator(".opblock-summary-control").click();
      await limits.getByRole("button", { name: "Try it out" }).click();
      await limits.getByRole("button", { name: "Execute" }).click();
      await limits.locator(".live-responses-table .response-col_status", { hasText: "200" }).waitFor();
      assert.match(await limits.locator(".live-responses-table").innerText(), /limits\.content_chars/);
      assert.deepEqual(complaints, []);
      assert.deepEqual(foreign, []);
      await page.close();
    });
  }
});
