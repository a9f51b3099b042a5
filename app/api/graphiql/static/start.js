"use strict";

/* Starts GraphiQL on the address of this page, with the token of the box above it. */
document.addEventListener("DOMContentLoaded", () => {
  const { token: given, queries } = JSON.parse(document.getElementById("configuration").textContent);
  const box = document.getElementById("token");
  const hint = document.getElementById("hint");
  const reveal = document.getElementById("reveal");
  const address = new URL(location.pathname, location.href);
  const socket = new URL(address);
  socket.protocol = address.protocol === "https:" ? "wss:" : "ws:";

  // Kept for this tab alone: a token must not outlive the window that it was typed into. A server that gives another
  // token than it did then has been started anew, and what was typed for the old one is of no use.
  const kept = JSON.parse(sessionStorage.getItem("tollgate:token") ?? "{}");
  box.value = (kept.given === given && kept.typed) || given || "";

  /* A header of that name in the headers editor wins over the box. */
  function authorization(headers) {
    const name = Object.keys(headers).find((key) => key.toLowerCase() === "authorization");
    if (name) return headers[name];
    return box.value ? `Bearer ${box.value.trim()}` : undefined;
  }

  let current;
  const client = graphqlWs.createClient({
    url: socket.href,
    connectionParams: () => (current ? { Authorization: current } : {}),
  });
  const send = GraphiQL.createFetcher({ url: address.href, wsClient: client, fetch: authorizedFetch });

  async function authorizedFetch(url, options) {
    const response = await fetch(url, options);
    hint.textContent = response.status === 401 ? "This token is not accepted. Give one to use the API." : "";
    return response;
  }

  function fetcher(operation, options = {}) {
    const headers = { ...options.headers };
    current = authorization(headers);
    if (current) headers.Authorization = current;
    return send(operation, { ...options, headers });
  }

  const explorer = GraphiQLPluginExplorer.explorerPlugin({ showAttribution: false });
  const root = ReactDOM.createRoot(document.getElementById("graphiql"));

  function show() {
    // A new token is a new key: GraphiQL reads the schema again.
    root.render(
      React.createElement(GraphiQL, {
        key: box.value,
        fetcher,
        defaultTabs: queries.map((query) => ({ query })),
        defaultQuery: queries[0],
        defaultEditorToolsVisibility: "variables",
        isHeadersEditorEnabled: true,
        shouldPersistHeaders: false,
        inputValueDeprecation: true,
        plugins: [explorer],
      }),
    );
  }

  box.addEventListener("change", () => {
    sessionStorage.setItem("tollgate:token", JSON.stringify({ given, typed: box.value }));
    show();
  });
  document.getElementById("credentials").addEventListener("submit", (event) => {
    event.preventDefault();
    box.blur();
  });
  reveal.addEventListener("click", () => {
    const hidden = box.type === "password";
    box.type = hidden ? "text" : "password";
    reveal.textContent = hidden ? "Hide" : "Show";
  });

  if (!box.value) hint.textContent = "Give a token to use the API.";
  show();
});
