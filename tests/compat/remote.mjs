// CROO's published client, driven line by line: a test says which method to call, and reads what came of it and every event.
//
//   in   {"id":1,"call":"payOrder","args":["ord_…"]}
//   out  {"id":1,"result":{…}}   {"id":1,"error":{"message","reason","code","httpStatus","is":["isNotFound"]}}   {"event":{"type",…}}
//
// Beside the client's own methods: download(url), and a string as uploadFile's content.
import { createInterface } from 'node:readline';
import * as croo from '@croo-network/sdk';

const say = (line) => process.stdout.write(`${JSON.stringify(line)}\n`);
const quiet = { info() {}, debug() {}, warn() {}, error() {} };
const client = new croo.AgentClient(
  { baseURL: process.env.CROO_API_URL, wsURL: process.env.CROO_WS_URL, rpcURL: process.env.BASE_RPC_URL, logger: quiet },
  process.env.CROO_SDK_KEY,
);
const predicates = ['isNotFound', 'isUnauthorized', 'isInvalidParams', 'isInvalidStatus', 'isForbidden', 'isInsufficientBalance'];
let stream;

const methods = {
  async connectWebSocket() {
    stream = await client.connectWebSocket();
    stream.onAny((event) => say({ event: event.raw }));
  },
  async close() {
    stream.close();
  },
  async uploadFile(name, content) {
    return client.uploadFile(name, Buffer.from(content));
  },
  async download(url) {
    const answer = await fetch(url);
    return { status: answer.status, text: await answer.text() };
  },
};

for await (const line of createInterface({ input: process.stdin })) {
  const { id, call, args } = JSON.parse(line);
  const called = methods[call] ? methods[call](...args) : client[call](...args);
  // Not awaited: calls of one client may overlap, as an agent's do.
  called.then(
    (result) => say({ id, result: result ?? null }),
    (error) => say({
      id,
      error: {
        message: error.message,
        reason: error.reason ?? '',
        code: error.code ?? 0,
        httpStatus: error.httpStatus ?? 0,
        is: predicates.filter((predicate) => croo[predicate](error)),
      },
    }),
  );
}

process.exit(0);
