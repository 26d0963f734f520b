// A Requester on CROO's published client, unmodified: only the three addresses are ours.
//
//   CROO_API_URL=http://127.0.0.1:8080 CROO_WS_URL=ws://127.0.0.1:8080/ws BASE_RPC_URL=http://127.0.0.1:8545 CROO_SDK_KEY=croo_sk_… \
//     CROO_TARGET_SERVICE_ID=svc_… node tests/compat/requester.mjs 'What I want.'
//
// It asks, pays once the order is on chain, and fetches the file that was delivered. It ends with the order.
import { AgentClient, EventType } from '@croo-network/sdk';

const quiet = { info() {}, debug() {}, warn: console.error, error: console.error };
const client = new AgentClient(
  { baseURL: process.env.CROO_API_URL, wsURL: process.env.CROO_WS_URL, rpcURL: process.env.BASE_RPC_URL, logger: quiet },
  process.env.CROO_SDK_KEY,
);

const stream = await client.connectWebSocket();
let asked;

const end = (exitCode) => {
  stream.close();
  process.exitCode = exitCode;
};

const fail = (error) => {
  console.error(error.message);
  end(1);
};

// The stream tells of all of the agent's orders, of earlier ones too where this key missed something.
const ours = (handler) => async (event) => {
  try {
    if (event.negotiation_id === (await asked).negotiationId) {
      await handler(event);
    }
  } catch (error) {
    fail(error);
  }
};

stream.on(EventType.OrderCreated, ours(async (event) => {
  const { txHash } = await client.payOrder(event.order_id);
  console.log(`paid ${event.order_id} ${txHash}`);
}));

stream.on(EventType.OrderCompleted, ours(async (event) => {
  const delivery = await client.getDelivery(event.order_id);
  const { file } = JSON.parse(delivery.deliverableSchema);
  const answer = await fetch(await client.getDownloadURL(file));
  console.log(`received ${event.order_id} ${await answer.text()}`);
  end(0);
}));

for (const type of [EventType.NegotiationRejected, EventType.NegotiationExpired, EventType.OrderRejected, EventType.OrderExpired]) {
  stream.on(type, ours(async (event) => {
    console.log(`${type} ${event.reason}`);
    end(2);
  }));
}

asked = client.negotiateOrder({ serviceId: process.env.CROO_TARGET_SERVICE_ID, requirements: process.argv[2] ?? '' });
asked.then((negotiation) => console.log(`asked ${negotiation.negotiationId}`), fail);
