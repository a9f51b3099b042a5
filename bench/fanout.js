// The npm server graphql-ws on ws: one alert to every open subscription, published by POST /publish.
const { createServer } = require("http");
const { WebSocketServer } = require("ws");
const { useServer } = require("graphql-ws/use/ws");
const { buildSchema } = require("graphql");

const schema = buildSchema(`
  type Query { ok: Boolean }
  type Alert { id: ID! message: String! raisedAt: String! }
  type Edge { cursor: String! node: Alert! }
  type Subscription { limitAlerts: Edge! }
`);
const waiting = new Set();
let number = 0;
schema.getSubscriptionType().getFields().limitAlerts.subscribe = () => {
  const queue = [];
  let wake = null;
  const take = { push(value) { queue.push(value); if (wake) { wake(); wake = null; } } };
  waiting.add(take);
  return {
    async next() {
      while (!queue.length) await new Promise((resolve) => { wake = resolve; });
      return { value: { limitAlerts: queue.shift() }, done: false };
    },
    async return() { waiting.delete(take); return { value: undefined, done: true }; },
    [Symbol.asyncIterator]() { return this; },
  };
};
const server = createServer((request, response) => {
  if (request.url === "/publish") {
    number += 1;
    const edge = { cursor: `k${number}`, node: { id: `alert_${number}`, message: "one alert", raisedAt: new Date().toISOString() } };
    for (const each of waiting) each.push(edge);
  }
  response.end(String(waiting.size));
});
useServer({ schema }, new WebSocketServer({ server, path: "/graphql", perMessageDeflate: false }));
server.listen(Number(process.argv[2]), "127.0.0.1");
