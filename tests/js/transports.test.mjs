// Each transport by itself: SSE and long poll against a real HTTP server, acknowledgements on a WebSocket.
import assert from "node:assert/strict";
import { createServer } from "node:http";
import { afterEach, beforeEach, test } from "node:test";

import { refusal } from "../../realtime/static/realtime/http.js";
import { openPolling } from "../../realtime/static/realtime/poll.js";
import { EventParser, openEvents } from "../../realtime/static/realtime/sse.js";
import { openWebSocket } from "../../realtime/static/realtime/websocket.js";

let server;
/** what the server does with a request @type {(request: any, response: any) => void} */
let answer;
let asked = [];
/** what the transport said */
let said = [];
let connection;
let woken = () => {};

beforeEach(async () => {
  [asked, said] = [[], []];
  server = createServer((request, response) => {
    asked.push(request.url);
    answer(request, response);
  });
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  globalThis.location = { href: `http://127.0.0.1:${server.address().port}/orders/` };
});
afterEach(async () => {
  connection?.close();
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
});

function note(entry) {
  said.push(entry);
  woken();
}
const handlers = {
  frame: (frame) => note(frame),
  alive: () => {},
  end: (code, reason) => note([code, reason]),
};

/** Opens and returns what was said once there is so much of it. */
async function open(transport, count, query = {}) {
  connection = transport("logs", new URLSearchParams(query), handlers);
  await until(() => said.length >= count);
  return said;
}
async function until(condition) {
  const deadline = setTimeout(() => assert.fail(`not in time: ${JSON.stringify(said)}`), 5_000);
  while (!condition()) await new Promise((resolve) => (woken = resolve));
  clearTimeout(deadline);
}

const json = (response, status, body, headers = {}) => {
  response.writeHead(status, { "content-type": "application/json", ...headers }).end(JSON.stringify(body));
};
const events = (response) => response.writeHead(200, { "content-type": "text/event-stream; charset=utf-8" });

test("an event stream is read wherever it was cut into pieces", () => {
  const text = ': hello\nretry: 700\r\n\r\nid: e.1.0\ndata: {"a":\ndata: 1}\n\nevent: close\ndata:{}\n\nevent: lost\n\ndata: é\n\n';
  const whole = new EventParser();
  const messages = whole.take(text);
  assert.deepEqual(messages, [
    { event: "message", data: '{"a":\n1}' },
    { event: "close", data: "{}" },
    { event: "message", data: "é" },
  ]);
  assert.equal(whole.retry, 700);
  const pieces = new EventParser();
  assert.deepEqual([...text].flatMap((character) => pieces.take(character)), messages);
});

test("SSE gives each frame as it comes, of characters that the network split", async () => {
  const line = Buffer.from('id: e.2.0\ndata: {"type":"delta","text":"Zürich"}\n\n');
  answer = (_, response) => {
    events(response).write('retry: 700\n\ndata: {"type":"snapshot"}\n\n');
    response.write(line.subarray(0, 41)); // amid the ü
    setImmediate(() => response.write(line.subarray(41)));
  };
  const frames = await open(openEvents, 2, { cursor: "e.1.0", levels: "ERROR" });
  assert.deepEqual(frames, [{ type: "snapshot" }, { type: "delta", text: "Zürich" }]);
  assert.deepEqual(asked, ["/sse/logs/?cursor=e.1.0&levels=ERROR"]);
});

test("SSE tells a server that ended the answer from something that cut it", async () => {
  const frame = 'retry: 700\n\ndata: {"type":"snapshot"}\n\n';
  answer = (_, response) => events(response).end(frame);
  assert.deepEqual((await open(openEvents, 2)).at(-1), [1012, "retry=700"]);
  said = [];
  answer = (_, response) => events(response).write(frame, () => response.destroy());
  assert.deepEqual((await open(openEvents, 2)).at(-1), [1006, ""]);
  said = [];
  answer = (_, response) => events(response).end(); // brought nothing
  assert.deepEqual(await open(openEvents, 1), [[1006, ""]]);
});

test("SSE hears why the server ends an answer", async () => {
  answer = (_, response) => events(response).end('data: {"type":"snapshot"}\n\nevent: close\ndata: {"code":4401,"reason":"signed out"}\n\n');
  assert.deepEqual((await open(openEvents, 2)).at(-1), [4401, "signed out"]);
});

for (const [name, transport] of [["SSE", openEvents], ["a long poll", openPolling]]) {
  test(`${name} that is refused knows why`, async () => {
    answer = (_, response) => json(response, 429, { code: 4429, reason: "Too many." }, { "retry-after": "7" });
    assert.deepEqual(await open(transport, 1), [[4429, "Too many. retry=7000"]]);
  });

  test(`${name} does not take a portal's page for a view, nor its refusal for ours`, async () => {
    answer = (_, response) => response.writeHead(200, { "content-type": "text/html" }).end("<h1>Welcome</h1>");
    assert.deepEqual(await open(transport, 1), [[1006, ""]]);
    said = [];
    answer = (_, response) => response.writeHead(403, { "content-type": "text/html" }).end("<h1>Blocked</h1>");
    assert.deepEqual(await open(transport, 1), [[1006, ""]]);
  });

  test(`${name} that is closed asks no more and says no more`, async () => {
    let gone = false;
    answer = (request, response) => {
      response.on("close", () => {
        gone = true;
        woken();
      });
      woken();
    };
    connection = transport("logs", new URLSearchParams(), handlers);
    await until(() => asked.length === 1);
    connection.close();
    await until(() => gone);
    assert.deepEqual([said, asked.length], [[], 1]);
  });
}

test("a long poll asks again with the cursor of the last answer", async () => {
  const answers = [
    { cursor: "e.1.0", frames: [{ type: "snapshot", cursor: "e.1.0" }] },
    { cursor: "e.2.0", frames: [] },
    { cursor: "e.3.0", frames: [{ type: "delta" }, { type: "heartbeat" }] },
  ];
  answer = (_, response) => {
    if (answers.length) json(response, 200, answers.shift());
    else json(response, 503, { code: 1012, reason: "restarting; retry=20" });
  };
  const heard = await open(openPolling, 4, { levels: "ERROR" });
  assert.deepEqual(heard.at(-1), [1012, "restarting; retry=20"]);
  assert.deepEqual(asked.map((url) => new URL(url, location.href).searchParams.get("cursor")), [null, "e.1.0", "e.2.0", "e.3.0"]);
  assert.ok(asked.every((url) => url.includes("levels=ERROR")));
});

test("the polls of one connection are told from those of another, and hear when the server goes", async () => {
  const answers = [{ cursor: "e.1.0", frames: [{ type: "heartbeat" }] }, { cursor: "e.2.0", frames: [{ type: "delta" }], retry: 300 }];
  answer = (_, response) => json(response, 200, answers.shift());
  const heard = await open(openPolling, 3, { cursor: "e.1.0" });
  assert.deepEqual(heard.at(-1), [1012, "retry=300"]);
  answers.push({ cursor: "e.2.0", frames: [], retry: 300 });
  said = [];
  await open(openPolling, 1, { cursor: "e.1.0" });
  const visits = asked.map((url) => new URL(url, location.href).searchParams.get("visit"));
  assert.equal(visits[0], visits[1]);
  assert.notEqual(visits[0], visits[2]);
});

test("of a refusal that is not ours only its haste is believed", () => {
  assert.deepEqual(refusal(401, { code: 4401, reason: "x" }, null), { code: 4401, reason: "x" });
  assert.deepEqual(refusal(401, { detail: "no" }, null), { code: 1006, reason: "" });
  assert.deepEqual(refusal(404, null, null), { code: 1006, reason: "" });
  assert.deepEqual(refusal(429, null, "3"), { code: 4429, reason: "retry=3000" });
  assert.deepEqual(refusal(503, null, "3"), { code: 1012, reason: "retry=3000" });
  assert.deepEqual(refusal(503, null, "Wed, 21 Oct 2026 07:28:00 GMT"), { code: 1006, reason: "" });
  assert.deepEqual(refusal(503, { code: 1012, reason: "retry=20" }, "1"), { code: 1012, reason: "retry=20" });
});

/** The browser's class, as far as websocket.js needs it. */
class Socket extends EventTarget {
  static OPEN = 1;
  readyState = 1;
  sent = [];
  constructor(url) {
    super();
    Socket.last = this;
    this.url = String(url);
  }
  send(text) {
    this.sent.push(JSON.parse(text));
  }
  close() {
    this.readyState = 3;
  }
  receive(frame) {
    this.dispatchEvent(Object.assign(new Event("message"), { data: JSON.stringify(frame) }));
  }
}

test("a WebSocket acknowledges its first frame, then every 16, or 64 KB of bytes, not of characters", () => {
  globalThis.WebSocket = Socket;
  connection = openWebSocket("logs", new URLSearchParams({ cursor: "e.1.0" }), handlers);
  const socket = Socket.last;
  const acks = () => socket.sent.map(({ frames }) => frames);
  assert.match(socket.url, /^ws:.*\/ws\/logs\/\?cursor=e\.1\.0$/);
  for (let n = 1; n <= 16; n += 1) socket.receive({ n });
  assert.deepEqual(acks(), [1]);
  socket.receive({});
  assert.deepEqual(acks(), [1, 17]);
  let since = 0;
  let most = 0;
  for (let n = 0; n < 12; n += 1) {
    const text = "字".repeat(4_000);
    since += Buffer.byteLength(text);
    const before = acks().length;
    socket.receive({ text });
    if (acks().length > before) since = 0;
    most = Math.max(most, since);
  }
  assert.ok(most < 64 * 1024, `${most} bytes were not acknowledged`);
  assert.ok(acks().length < 2 + 12, "not each by itself");
  connection.close();
  assert.equal(connection.say({}), false);
});
