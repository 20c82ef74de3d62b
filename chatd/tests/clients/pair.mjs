// What any two clients must get through with each other, whatever library and transport they speak with.
//
// A client here is { person: { name, id }, inbox, send(recipient, content), close() }; send resolves with its receipt.
import assert from "node:assert/strict";
import { turnTo } from "./server.mjs";

const PATIENCE_MS = 15_000;
const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;
const TIME = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/;

// A promise that does not wait forever.
export function within(promise, what, ms = PATIENCE_MS) {
  let late;
  const bound = new Promise((_, reject) => {
    late = setTimeout(() => reject(new Error(`${what}: nothing within ${ms} ms`)), ms);
  });
  return Promise.race([promise, bound]).finally(() => clearTimeout(late));
}

// Things that come, kept in order until somebody asks for them.
export class Inbox {
  #items = [];
  #waiting = [];
  #failure;

  put(item) {
    const waiting = this.#waiting.shift();
    if (waiting) waiting.resolve(item);
    else this.#items.push(item);
  }

  // Nothing will come any more: whoever waits is told why.
  fail(error) {
    this.#failure ??= error;
    this.#waiting.splice(0).forEach(({ reject }) => reject(error));
  }

  next(what = "a message", ms = PATIENCE_MS) {
    if (this.#items.length > 0) return Promise.resolve(this.#items.shift());
    if (this.#failure) return Promise.reject(this.#failure);
    return within(new Promise((resolve, reject) => this.#waiting.push({ resolve, reject })), what, ms);
  }

  async take(count) {
    const taken = [];
    while (taken.length < count) taken.push(await this.next(`message ${taken.length + 1} of ${count}`));
    return taken;
  }

  get size() {
    return this.#items.length;
  }
}

// The fields of the seed's Message, from one person to another.
export function assertMessage(message, from, to, content) {
  assert.equal(message.content, content);
  assert.equal(message.senderId, from.person.id);
  assert.equal(message.recipientId, to.person.id);
  assert.equal(message.messageType, "TEXT");
  assert.equal(message.status, "SENT");
  assert.match(message.messageId, UUID);
  assert.match(message.timestamp, TIME);
}

// Sends all at once, without waiting for one receipt before the next send; resolves with the last receipt.
export const sendAll = (from, to, contents) =>
  Promise.all(contents.map((content) => within(from.send(to.person.name, content), "a receipt")));

// Clients of some people, each by another gateway than the one before, where there are several.
export async function apart(people, open) {
  const clients = [];
  for (const [n, person] of people.entries()) {
    turnTo(n);
    clients.push(await open(person, n));
  }
  turnTo(0);
  return clients;
}

// All contents, in order, once each: what comes after them is the message sent after them.
export async function carries(from, to, contents) {
  await sendAll(from, to, contents);
  await sendAll(from, to, ["and then"]);
  const got = await to.inbox.take(contents.length + 1);
  [...contents, "and then"].forEach((content, n) => assertMessage(got[n], from, to, content));
  assert.equal(to.inbox.size, 0);
  const sequences = got.map((message) => message.sequence);
  assert.deepEqual(
    sequences,
    [...sequences].sort((a, b) => a - b),
  );
  assert.equal(new Set(sequences).size, sequences.length);
  return got;
}

// Both talk at the same time.
export async function talk(one, two, count = 10) {
  const lines = (name) => Array.from({ length: count }, (_, n) => `${n} from ${name}`);
  await Promise.all([carries(one, two, lines(one.person.name)), carries(two, one, lines(two.person.name))]);
}

// Characters that some layer between two programs is known to change, drop or trip over.
export const CHARACTERS = [
  "Zwölf Boxkämpfer jagen Viktor quer über den großen Sylter Deich",
  "😀 👩‍👩‍👧‍👦 🏳️‍🌈 𝄞 🇩🇪",
  "line\u2028paragraph\u2029nel\u0085bom\ufeffend",
  "zero\u200bwidth\u200djoiner\u200ftoward\u202eleft\u2060word\ufff0\uffff",
  "combining e\u0301 \u0300\u0333 \u0610 and hangul \u1100\u1161",
  "100 % sure, %41 %zz %E2%82%AC %25",
  "tab\tline\nfeed\r\nreturn, \"quotes\" 'single' \\back\\slash \\u0041 \\n",
  "</script><script>alert(1)</script> <!-- --> ]]>",
  "MESSAGE\ndestination:/user/queue/messages\n\nnot a frame",
  'a["o"] c[3000,"Go away!"] h\n',
  "\ufffd\ufffe\ufdd0 \u{10ffff} \u{1f600}",
  " leading and trailing ",
];

// Near the bound of a frame; the emoji meet a client's cut with either half of their pair, and at several bytes each.
export const LARGE = [
  "x".repeat(16_384),
  "x".repeat(49_000),
  "ä".repeat(30_000),
  "😀".repeat(14_000),
  `x${"😀".repeat(14_000)}`,
];
