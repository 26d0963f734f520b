// A Provider on CROO's published client, unmodified: only the three addresses are ours.
//
//   CROO_API_URL=http://127.0.0.1:8080 CROO_WS_URL=ws://127.0.0.1:8080/ws BASE_RPC_URL=http://127.0.0.1:8545 CROO_SDK_KEY=croo_sk_… \
//     node tests/compat/provider.mjs
//
// It accepts what says what it wants, and delivers a file that holds the same in capitals.
import { AgentClient, DeliverableType, EventType } from '@croo-network/sdk';

const quiet = { info() {}, debug() {}, warn: console.error, error: console.error };
const client = new AgentClient(
  { baseURL: process.env.CROO_API_URL, wsURL: process.env.CROO_WS_URL, rpcURL: process.env.BASE_RPC_URL, logger: quiet },
  process.env.CROO_SDK_KEY,
);

// An exception must not end the process: the next order is somebody else's.
const safely = (handler) => (event) => handler(event).catch((error) => console.error(error.message));

const stream = await client.connectWebSocket();

stream.on(EventType.NegotiationCreated, safely(async (event) => {
  const { requirements } = await client.getNegotiation(event.negotiation_id);
  if (requirements === '') {
    await client.rejectNegotiation(event.negotiation_id, 'Say what you want.');
    console.log(`rejected ${event.negotiation_id}`);
    return;
  }

  const { order } = await client.acceptNegotiation(event.negotiation_id);
  console.log(`accepted ${order.orderId} ${order.createTxHash}`);
}));

stream.on(EventType.OrderPaid, safely(async (event) => {
  const order = await client.getOrder(event.order_id);
  const { requirements } = await client.getNegotiation(order.negotiationId);
  const file = await client.uploadFile('answer.txt', Buffer.from(requirements.toUpperCase()));
  const { txHash } = await client.deliverOrder(event.order_id, {
    deliverableType: DeliverableType.Schema,
    deliverableSchema: JSON.stringify({ file }),
  });
  console.log(`delivered ${event.order_id} ${txHash}`);
}));

process.on('SIGTERM', () => {
  stream.close();
  process.exit(0);
});
console.log('listening');
